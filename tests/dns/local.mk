# Questions to the DNS: a real NSD, and a stand-in for what NSD never does. Loopback, no root.

check_PROGRAMS += tests/dns/dns_ask
tests_dns_dns_ask_LDADD = $(DNS_LIBS)
TESTS += tests/dns/run
EXTRA_DIST += \
	tests/dns/conftest.py \
	tests/dns/run \
	tests/dns/test_answers.py \
	tests/dns/test_servers.py \
	tests/integration/standin/dns.py
