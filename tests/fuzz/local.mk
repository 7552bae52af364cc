# Fuzz targets. In `make check` each replays its corpus (replay.c is the main);
# with --enable-fuzzers (clang) each is a libFuzzer program.
#
# The target fuzz_NAME reads corpus/NAME. To add one: its source, its line in FUZZ_TARGETS, its
# corpus, and
#	tests_fuzz_fuzz_NAME_SOURCES = tests/fuzz/fuzz_NAME.c $(FUZZ_MAIN)
#	tests_fuzz_fuzz_NAME_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
#	tests_fuzz_fuzz_NAME_LDADD = the library it needs

FUZZ_TARGETS =
if FUZZERS
FUZZ_MAIN =
FUZZ_ENGINE = -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay.c
FUZZ_ENGINE =
TESTS += tests/fuzz/replay-all
endif
check_PROGRAMS += $(FUZZ_TARGETS)
EXTRA_DIST += tests/fuzz/replay.c tests/fuzz/replay-all tests/fuzz/corpus

FUZZ_TARGETS += tests/fuzz/fuzz_sender
tests_fuzz_fuzz_sender_SOURCES = tests/fuzz/fuzz_sender.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sender_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_sender_LDADD = libmilterd.a

FUZZ_TARGETS += tests/fuzz/fuzz_packet
tests_fuzz_fuzz_packet_SOURCES = tests/fuzz/fuzz_packet.c $(FUZZ_MAIN)
tests_fuzz_fuzz_packet_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_packet_LDADD = libmilterd.a

FUZZ_TARGETS += tests/fuzz/fuzz_socketmap
tests_fuzz_fuzz_socketmap_SOURCES = tests/fuzz/fuzz_socketmap.c $(FUZZ_MAIN)
tests_fuzz_fuzz_socketmap_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_socketmap_LDADD = libmilterd.a

FUZZ_TARGETS += tests/fuzz/fuzz_import
tests_fuzz_fuzz_import_SOURCES = tests/fuzz/fuzz_import.c $(FUZZ_MAIN)
tests_fuzz_fuzz_import_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_import_LDADD = $(CTL_LIBS)

# The SES client
FUZZ_TARGETS += tests/fuzz/fuzz_ini tests/fuzz/fuzz_keys tests/fuzz/fuzz_ses_json \
	tests/fuzz/fuzz_ses_xml
tests_fuzz_fuzz_ini_SOURCES = tests/fuzz/fuzz_ini.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ini_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_ini_LDADD = $(SES_LIBS)
tests_fuzz_fuzz_keys_SOURCES = tests/fuzz/fuzz_keys.c $(FUZZ_MAIN)
tests_fuzz_fuzz_keys_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_keys_LDADD = $(SES_LIBS)
tests_fuzz_fuzz_ses_json_SOURCES = tests/fuzz/fuzz_ses_json.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ses_json_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_ses_json_LDADD = $(SES_LIBS)
tests_fuzz_fuzz_ses_xml_SOURCES = tests/fuzz/fuzz_ses_xml.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ses_xml_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_ses_xml_LDADD = $(SES_LIBS)

# common/
FUZZ_TARGETS += tests/fuzz/fuzz_identity tests/fuzz/fuzz_record tests/fuzz/fuzz_settings
tests_fuzz_fuzz_identity_SOURCES = tests/fuzz/fuzz_identity.c $(FUZZ_MAIN)
tests_fuzz_fuzz_identity_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_identity_LDADD = $(COMMON_LIBS)
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz_record.c $(FUZZ_MAIN)
tests_fuzz_fuzz_record_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_record_LDADD = $(COMMON_LIBS)
tests_fuzz_fuzz_settings_SOURCES = tests/fuzz/fuzz_settings.c $(FUZZ_MAIN)
tests_fuzz_fuzz_settings_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_settings_LDADD = $(COMMON_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_return_path
tests_fuzz_fuzz_return_path_SOURCES = tests/fuzz/fuzz_return_path.c $(FUZZ_MAIN)
tests_fuzz_fuzz_return_path_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_return_path_LDADD = $(COMMON_LIBS)

# Answers of the DNS
FUZZ_TARGETS += tests/fuzz/fuzz_dns_message
tests_fuzz_fuzz_dns_message_SOURCES = tests/fuzz/fuzz_dns_message.c $(FUZZ_MAIN)
tests_fuzz_fuzz_dns_message_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_dns_message_LDADD = $(DNS_LIBS)

# What mailfromctl check reads from the DNS
FUZZ_TARGETS += tests/fuzz/fuzz_txt
tests_fuzz_fuzz_txt_SOURCES = tests/fuzz/fuzz_txt.c $(FUZZ_MAIN)
tests_fuzz_fuzz_txt_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_txt_LDADD = $(CTL_LIBS)

# With libFuzzer, in a build of its own: make fuzz FUZZ_OPTIONS='--seconds 600 --only sender'
fuzz:
	$(srcdir)/tests/fuzz/run $(FUZZ_OPTIONS)
EXTRA_DIST += tests/fuzz/run

.PHONY: fuzz
EXTRA_DIST += tests/fuzz/.gitignore
