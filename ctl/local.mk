# mailfromctl: main and one file for each command. libctl.a is all but main, so that tests and
# fuzzers link it.

noinst_LIBRARIES += libctl.a
libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(CJSON_CFLAGS)
libctl_a_SOURCES = \
	ctl/attributes.c ctl/attributes.h \
	ctl/attributes_out.c ctl/attributes_out.h \
	ctl/batch.c ctl/batch.h \
	ctl/command.c ctl/command.h \
	ctl/document.c ctl/document.h \
	ctl/explain.c \
	ctl/export.c \
	ctl/get.c \
	ctl/identities.c ctl/identities.h \
	ctl/import.c \
	ctl/list.c \
	ctl/moment.c ctl/moment.h \
	ctl/progress.c ctl/progress.h \
	ctl/remove.c \
	ctl/settings.c \
	ctl/terminal.c ctl/terminal.h

CTL_LIBS = libctl.a $(COMMON_LIBS) $(CJSON_LIBS)

bin_PROGRAMS += mailfromctl
mailfromctl_SOURCES = ctl/main.c
mailfromctl_LDADD = $(CTL_LIBS)
