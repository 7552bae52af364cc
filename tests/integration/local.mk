# The installed programs behind real MTAs; see tests/integration/run.

TESTS += tests/integration/daemons
# Little of its time is spent in code of ours; by hand it runs in a build with sanitizers too.
if !SANITIZED
TESTS += tests/integration/commands
endif
EXTRA_DIST += \
	tests/integration/cases.toml \
	tests/integration/commands \
	tests/integration/conftest.py \
	tests/integration/daemons \
	tests/integration/demo.py \
	tests/integration/fetch-sendmail \
	tests/integration/lab/__init__.py \
	tests/integration/lab/cases.py \
	tests/integration/lab/check.py \
	tests/integration/lab/client.py \
	tests/integration/lab/clock.py \
	tests/integration/lab/filter.py \
	tests/integration/lab/http.py \
	tests/integration/lab/laboratory.py \
	tests/integration/lab/life.py \
	tests/integration/lab/load.py \
	tests/integration/lab/milter_client.py \
	tests/integration/lab/nsd.py \
	tests/integration/lab/postfix.py \
	tests/integration/lab/process.py \
	tests/integration/lab/programs.py \
	tests/integration/lab/returns.py \
	tests/integration/lab/sandbox.py \
	tests/integration/lab/sendmail.py \
	tests/integration/lab/set_clock.c \
	tests/integration/lab/signature.py \
	tests/integration/lab/sink.py \
	tests/integration/lab/supervisor.py \
	tests/integration/lab/sync.py \
	tests/integration/lab/systemctl.py \
	tests/integration/lab/way_back.py \
	tests/integration/run \
	tests/integration/sample.json \
	tests/integration/send \
	tests/integration/summary.py \
	tests/integration/test_cases.py \
	tests/integration/test_check.py \
	tests/integration/test_check_filter.py \
	tests/integration/test_check_return_path.py \
	tests/integration/test_completion.py \
	tests/integration/test_ctl.py \
	tests/integration/test_ctl_local.py \
	tests/integration/test_ctl_ses.py \
	tests/integration/test_documented.py \
	tests/integration/test_lifecycle.py \
	tests/integration/test_local.py \
	tests/integration/test_log.py \
	tests/integration/test_metrics.py \
	tests/integration/test_postfix_maps.py \
	tests/integration/test_readers.py \
	tests/integration/test_reinjection.py \
	tests/integration/test_replies.py \
	tests/integration/test_return_path_ctl.py \
	tests/integration/test_return_path.py \
	tests/integration/test_return_path_settings.py \
	tests/integration/test_rewrite.py \
	tests/integration/test_sessions.py \
	tests/integration/test_settings.py \
	tests/integration/test_sockets.py \
	tests/integration/test_store.py \
	tests/integration/test_submission.py \
	tests/integration/test_sync.py \
	tests/integration/test_sync_mail.py \
	tests/integration/test_terminal.py \
	tests/integration/test_units.py \
	tests/integration/test_tutorials.py \
	tests/integration/test_waiting.py

# A library to be loaded before others, which no program of ours is linked with.
check_DATA = tests/integration/lab/set_clock.so
CLEANFILES += $(check_DATA)
tests/integration/lab/set_clock.so: tests/integration/lab/set_clock.c
	@$(MKDIR_P) tests/integration/lab
	$(AM_V_CC)$(CC) -D_GNU_SOURCE -std=c11 -Wall -Wextra -O2 -fPIC -shared -o $@ $(srcdir)/tests/integration/lab/set_clock.c
