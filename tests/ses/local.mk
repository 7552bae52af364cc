# The SES client against stand-ins for AWS on the loopback. No MTA, no root.

check_PROGRAMS += tests/ses/ses_call
tests_ses_ses_call_LDADD = $(SES_LIBS)
TESTS += tests/ses/run
EXTRA_DIST += \
	tests/integration/standin/__init__.py \
	tests/integration/standin/credentials.py \
	tests/integration/standin/server.py \
	tests/integration/standin/ses.py \
	tests/integration/standin/signature.py \
	tests/ses/conftest.py \
	tests/ses/run \
	tests/ses/test_botocore.py \
	tests/ses/test_calls.py \
	tests/ses/test_credentials.py \
	tests/ses/test_real_clients.py \
	tests/ses/test_transport.py
