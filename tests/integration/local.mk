# The installed programs behind real MTAs; see tests/integration/run.

TESTS += tests/integration/run
EXTRA_DIST += \
	tests/integration/cases.toml \
	tests/integration/conftest.py \
	tests/integration/demo.py \
	tests/integration/fetch-sendmail \
	tests/integration/lab/__init__.py \
	tests/integration/lab/cases.py \
	tests/integration/lab/client.py \
	tests/integration/lab/laboratory.py \
	tests/integration/lab/postfix.py \
	tests/integration/lab/process.py \
	tests/integration/lab/programs.py \
	tests/integration/lab/sendmail.py \
	tests/integration/lab/sink.py \
	tests/integration/run \
	tests/integration/sample.json \
	tests/integration/send \
	tests/integration/summary.py
