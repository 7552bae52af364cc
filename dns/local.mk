# libdns.a: questions to the DNS. No program, no main; knows neither the store nor the mail path.

EXTRA_DIST += dns/mx.h dns/resolver.h
