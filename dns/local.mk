# libdns.a: questions to the DNS. No program, no main; knows neither the store nor the mail path.

noinst_LIBRARIES += libdns.a
libdns_a_CPPFLAGS = $(AM_CPPFLAGS) $(CARES_CFLAGS)
libdns_a_SOURCES = \
	dns/allowance.c dns/allowance.h \
	dns/channel.c dns/channel.h \
	dns/message.c dns/message.h \
	dns/mx.c dns/mx.h \
	dns/name.c dns/name.h \
	dns/pool.c dns/pool.h \
	dns/question.c dns/question.h \
	dns/resolv_conf.c dns/resolv_conf.h \
	dns/resolver.c dns/resolver.h \
	dns/server.c dns/server.h

DNS_LIBS = libdns.a libcommon.a $(CARES_LIBS)
