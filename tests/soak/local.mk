# Faults drawn at random while mail flows, and threads under ThreadSanitizer: never part of `make check`, because they
# take minutes and want the machine for themselves. ./quickstart test runs both.

EXTRA_DIST += \
	tests/README.md \
	tests/soak/bounces.py \
	tests/soak/cast.py \
	tests/soak/faults.py \
	tests/soak/gateway.py \
	tests/soak/gauges.py \
	tests/soak/journal.c \
	tests/soak/journal.py \
	tests/soak/mail.py \
	tests/soak/run \
	tests/soak/threads \
	tests/soak/timeline.py \
	tests/tsan.supp

SOAK_NEEDS = tests/bench/load mailfrom-milter$(EXEEXT) mailfromctl$(EXEEXT) mailfrom-sync$(EXEEXT)
SOAK_NEEDS += tests/integration/lab/set_clock.so tests/soak/journal.so

tests/soak/journal.so: tests/soak/journal.c
	$(AM_V_at)$(MKDIR_P) tests/soak
	$(AM_V_CC)$(CC) -D_GNU_SOURCE -std=c11 -Wall -Wextra -O2 -fPIC -shared -o $@ $(srcdir)/tests/soak/journal.c
CLEANFILES += tests/soak/journal.so

# Options of tests/soak/run: make soak SOAK_OPTIONS='--minutes 60 --seed 7'
soak: $(SOAK_NEEDS)
	$(srcdir)/tests/soak/run --build $(builddir) $(SOAK_OPTIONS)

# In a build with --enable-sanitizers=thread: make check-threads THREADS_OPTIONS='--seconds 300'
check-threads: $(SOAK_NEEDS)
	$(srcdir)/tests/soak/threads --build $(builddir) $(THREADS_OPTIONS)

soak-programs: $(SOAK_NEEDS)

.PHONY: soak check-threads soak-programs
