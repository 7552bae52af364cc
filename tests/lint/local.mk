# The rules of the house as programs. A missing tool skips its test with a line that says so; ./quickstart
# test installs them all.

# These need no tool but Python.
RULE_TESTS = \
	tests/lint/layers \
	tests/lint/listed \
	tests/lint/words \
	tests/lint/settings \
	tests/lint/policies \
	tests/lint/versions \
	tests/lint/monitoring
LINT_TESTS = $(RULE_TESTS) \
	tests/lint/manual \
	tests/lint/format \
	tests/lint/shell \
	tests/lint/units
# Minutes each, and the same in a build with sanitizers.
LONG_LINT_TESTS = \
	tests/lint/clone \
	tests/lint/static
TESTS += $(LINT_TESTS)
if !SANITIZED
TESTS += $(LONG_LINT_TESTS)
endif
EXTRA_DIST += $(LINT_TESTS) $(LONG_LINT_TESTS) tests/lint/alerts_test.yml
