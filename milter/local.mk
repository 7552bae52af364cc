# mailfrom-milter: libmilterd.a is all but main and signals, so that tests and fuzzers link it.

noinst_LIBRARIES += libmilterd.a
libmilterd_a_CPPFLAGS = $(AM_CPPFLAGS) $(MILTER_CFLAGS) $(MICROHTTPD_CFLAGS)
libmilterd_a_SOURCES = \
	milter/arrival.c milter/arrival.h \
	milter/counters.c milter/counters.h \
	milter/host_header.c milter/host_header.h \
	milter/listener.c milter/listener.h \
	milter/live_settings.c milter/live_settings.h \
	milter/message.c milter/message.h \
	milter/message_line.c milter/message_line.h \
	milter/metrics.c milter/metrics.h \
	milter/metrics_server.c milter/metrics_server.h \
	milter/milter.c milter/milter.h \
	milter/packet.c milter/packet.h \
	milter/return_map.c milter/return_map.h \
	milter/sender.c milter/sender.h \
	milter/socket.c milter/socket.h \
	milter/socket_file.c milter/socket_file.h \
	milter/socketmap.c milter/socketmap.h \
	milter/socketmap_clients.c milter/socketmap_clients.h \
	milter/socketmap_connection.c milter/socketmap_connection.h \
	milter/socketmap_server.c milter/socketmap_server.h \
	milter/stats.c milter/stats.h \
	milter/store_view.c milter/store_view.h \
	milter/top.c milter/top.h

if WITH_FRONT
FRONT = milter/front.c
else
FRONT = milter/front_none.c
endif
EXTRA_DIST += milter/front.c milter/front_none.c

sbin_PROGRAMS += mailfrom-milter
mailfrom_milter_CPPFLAGS = $(AM_CPPFLAGS) $(MILTER_CFLAGS)
mailfrom_milter_SOURCES = \
	milter/main.c \
	$(FRONT) milter/front.h \
	milter/peers.c milter/peers.h \
	milter/self_test.c milter/self_test.h \
	milter/signals.c milter/signals.h
mailfrom_milter_LDADD = libmilterd.a $(COMMON_LIBS) $(MILTER_LIBS) $(MICROHTTPD_LIBS) -lpthread
