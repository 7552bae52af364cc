# mailfromctl: main and one file for each command. libctl.a is all but main, so that tests and
# fuzzers link it.

noinst_LIBRARIES += libctl.a
libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS)
libctl_a_SOURCES = \
	ctl/account.c ctl/account.h \
	ctl/adopt.c \
	ctl/advice.c ctl/advice.h \
	ctl/answer.c ctl/answer.h \
	ctl/attributes.c ctl/attributes.h \
	ctl/attributes_out.c ctl/attributes_out.h \
	ctl/batch.c ctl/batch.h \
	ctl/budget.c ctl/budget.h \
	ctl/change.c ctl/change.h \
	ctl/command.c ctl/command.h \
	ctl/document.c ctl/document.h \
	ctl/errand.c ctl/errand.h \
	ctl/explain.c \
	ctl/export.c \
	ctl/fetch.c ctl/fetch.h \
	ctl/get.c \
	ctl/identities.c ctl/identities.h \
	ctl/identity.c \
	ctl/import.c \
	ctl/json_out.c ctl/json_out.h \
	ctl/list.c ctl/list.h \
	ctl/local_dns.c ctl/local_dns.h \
	ctl/local_errand.c ctl/local_errand.h \
	ctl/local_record.c ctl/local_record.h \
	ctl/moment.c ctl/moment.h \
	ctl/progress.c ctl/progress.h \
	ctl/put.c ctl/put.h \
	ctl/put_file.c \
	ctl/put_local.c \
	ctl/put_ses.c \
	ctl/records.c \
	ctl/refresh.c \
	ctl/remove.c \
	ctl/section.c ctl/section.h \
	ctl/selection.c ctl/selection.h \
	ctl/settings.c \
	ctl/source.c ctl/source.h \
	ctl/source_out.c ctl/source_out.h \
	ctl/stats.c \
	ctl/status.c \
	ctl/terminal.c ctl/terminal.h

CTL_LIBS = libctl.a $(SES_LIBS) $(COMMON_LIBS)

bin_PROGRAMS += mailfromctl
mailfromctl_SOURCES = ctl/main.c
mailfromctl_LDADD = $(CTL_LIBS)
