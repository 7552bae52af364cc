# Faults drawn at random while mail flows, and threads under ThreadSanitizer: never part of `make check`, because they
# take minutes and want the machine for themselves. ./quickstart test runs both.

EXTRA_DIST += \
	tests/README.md \
	tests/soak/cast.py \
	tests/soak/faults.py \
	tests/soak/gateway.py \
	tests/soak/gauges.py \
	tests/soak/mail.py \
	tests/soak/run \
	tests/soak/set_clock.c \
	tests/soak/threads \
	tests/soak/timeline.py \
	tests/tsan.supp
CLEANFILES += tests/soak/set_clock.so

SOAK_NEEDS = tests/bench/load mailfrom-milter$(EXEEXT) mailfromctl$(EXEEXT) mailfrom-sync$(EXEEXT)
SOAK_NEEDS += tests/soak/set_clock.so

# A library to be loaded before others, which no program of ours is linked with.
tests/soak/set_clock.so: tests/soak/set_clock.c
	@$(MKDIR_P) tests/soak
	$(AM_V_CC)$(CC) -D_GNU_SOURCE -std=c11 -Wall -Wextra -O2 -fPIC -shared -o $@ $(srcdir)/tests/soak/set_clock.c

# Options of tests/soak/run: make soak SOAK_OPTIONS='--minutes 60 --seed 7'
soak: $(SOAK_NEEDS)
	$(srcdir)/tests/soak/run --build $(builddir) $(SOAK_OPTIONS)

# In a build with --enable-sanitizers=thread: make check-threads THREADS_OPTIONS='--seconds 300'
check-threads: $(SOAK_NEEDS)
	$(srcdir)/tests/soak/threads --build $(builddir) $(THREADS_OPTIONS)

soak-programs: $(SOAK_NEEDS)

.PHONY: soak check-threads soak-programs
