# Each kind of test has its folder; `make check` runs all of them but the bench and the soak.

include tests/unit/local.mk
include tests/dns/local.mk
include tests/ses/local.mk
include tests/fuzz/local.mk
include tests/lint/local.mk
include tests/integration/local.mk
include tests/bench/local.mk
include tests/package/local.mk
include tests/soak/local.mk

AM_TESTS_ENVIRONMENT = \
	LSAN_OPTIONS=suppressions=$(abs_srcdir)/tests/lsan.supp:print_suppressions=0; \
	export LSAN_OPTIONS;
EXTRA_DIST += tests/lsan.supp

# What needs neither root, network nor MTA, and no tool but Python: for those who build packages.
check-offline:
	$(MAKE) $(AM_MAKEFLAGS) check check_PROGRAMS='$(UNIT_TESTS) $(FUZZ_TARGETS)' \
	    TESTS='$(UNIT_TESTS) tests/fuzz/replay-all $(RULE_TESTS)'
.PHONY: check-offline
# What of the code the suites run, by folder, from a build of its own: needs gcovr. Tests that fail do not end it.
coverage:
	@$(MKDIR_P) coverage-build
	cd coverage-build && { test -e Makefile || $(abs_srcdir)/configure CFLAGS='-O0 -g --coverage -fprofile-update=atomic' --disable-hardening; }
	find coverage-build -name '*.gcda' -delete
	-$(MAKE) -k -C coverage-build check
	$(srcdir)/tests/coverage coverage-build

EXTRA_DIST += tests/coverage
.PHONY: coverage
