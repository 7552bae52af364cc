# libcommon.a: what at least two programs need. No program, no main.

noinst_LIBRARIES += libcommon.a
libcommon_a_CPPFLAGS = $(AM_CPPFLAGS) $(LMDB_CFLAGS) $(CONFUSE_CFLAGS) $(IDN2_CFLAGS) $(CRYPTO_CFLAGS)
libcommon_a_SOURCES = \
	common/checksum.c common/checksum.h \
	common/child.c common/child.h \
	common/command_line.c common/command_line.h \
	common/daemon.c common/daemon.h \
	common/decision.c common/decision.h \
	common/duration.c common/duration.h \
	common/envelope.c common/envelope.h \
	common/failure.c common/failure.h \
	common/fault.c common/fault.h \
	common/help_text.c common/help_text.h \
	common/identity.c common/identity.h \
	common/instance.c common/instance.h \
	common/judgement.c common/judgement.h \
	common/listen_address.c common/listen_address.h \
	common/local_part.c common/local_part.h \
	common/log.c common/log.h \
	common/log_limit.c common/log_limit.h \
	common/lookup.c common/lookup.h \
	common/mail_from.c common/mail_from.h \
	common/moment.c common/moment.h \
	common/monotonic.c common/monotonic.h \
	common/nearest.c common/nearest.h \
	common/network.c common/network.h \
	common/notify.c common/notify.h \
	common/lookup_request.c common/lookup_request.h \
	common/owner.c common/owner.h \
	common/refresh_request.c common/refresh_request.h \
	common/process.c common/process.h \
	common/reply.c common/reply.h \
	common/return_address.c common/return_address.h \
	common/return_pair.c common/return_pair.h \
	common/return_path.c common/return_path.h \
	common/return_secrets.c common/return_secrets.h \
	common/settings.c common/settings.h \
	common/settings_print.c \
	common/settings_schema.c common/settings_schema.h \
	common/settings_text.c common/settings_text.h \
	common/settings_value.c \
	common/spelling.c common/spelling.h \
	common/source_state.c common/source_state.h \
	common/store.c common/store.h common/store_lmdb.h \
	common/store_counts.c \
	common/store_directory.c common/store_directory.h \
	common/store_due.c \
	common/store_files.c \
	common/store_key.c common/store_key.h \
	common/store_layout.c \
	common/store_note.c \
	common/store_page.c \
	common/store_record.c \
	common/store_returns.c \
	common/store_returns_change.c \
	common/store_tally.c common/store_tally.h \
	common/store_transaction.c \
	common/store_turn.c common/store_turn.h \
	common/store_usage.c common/store_usage.h \
	common/store_verify.c \
	common/utf8.c common/utf8.h \
	common/word.c common/word.h

# One of two; the other one is distributed all the same.
if SECCOMP
libcommon_a_SOURCES += common/sandbox.c common/sandbox.h
libcommon_a_CPPFLAGS += $(SECCOMP_CFLAGS)
else
libcommon_a_SOURCES += common/sandbox_none.c common/sandbox.h
endif
EXTRA_DIST += common/sandbox.c common/sandbox_none.c

COMMON_LIBS = libcommon.a $(LMDB_LIBS) $(CONFUSE_LIBS) $(IDN2_LIBS) -lunistring $(CRYPTO_LIBS) $(SECCOMP_LIBS)
