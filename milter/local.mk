# mailfrom-milter: libmilterd.a is all but main, so that tests and fuzzers link it.

noinst_LIBRARIES += libmilterd.a
libmilterd_a_CPPFLAGS = $(AM_CPPFLAGS) $(MILTER_CFLAGS)
libmilterd_a_SOURCES = \
	milter/sender.c milter/sender.h
