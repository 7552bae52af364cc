# One cmocka program for each module: test_NAME.c tests NAME.

if HAVE_CMOCKA
UNIT_TESTS =
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

UNIT_TESTS += tests/unit/test_sender
tests_unit_test_sender_LDADD = libmilterd.a $(CMOCKA_LIBS)
endif
