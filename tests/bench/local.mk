# `make bench`: ratios against a floor, and `make bench-local`, never part of `make check`. Plain `make` builds none of
# it.

BENCH_BINARIES = tests/bench/load tests/bench/floor tests/bench/socketmap
EXTRA_PROGRAMS += $(BENCH_BINARIES)
CLEANFILES += $(BENCH_BINARIES)
EXTRA_DIST += \
	tests/bench/README.md \
	tests/bench/bench.py \
	tests/bench/figures.py \
	tests/bench/local \
	tests/bench/neighbour.py \
	tests/bench/program.py \
	tests/bench/return_path \
	tests/bench/run

tests_bench_load_SOURCES = \
	tests/bench/load.c \
	tests/bench/message.c tests/bench/message.h \
	tests/bench/packets.c tests/bench/packets.h
tests_bench_socketmap_SOURCES = tests/bench/socketmap.c
tests_bench_floor_SOURCES = tests/bench/floor.c
tests_bench_floor_CPPFLAGS = $(AM_CPPFLAGS) $(MILTER_CFLAGS)
tests_bench_floor_LDADD = $(COMMON_LIBS) $(MILTER_LIBS) -lpthread

BENCH_NEEDS = $(BENCH_BINARIES) mailfrom-milter$(EXEEXT) mailfromctl$(EXEEXT) mailfrom-sync$(EXEEXT)

# Options of tests/bench/run: make bench BENCH_OPTIONS='--rounds 3'; or of tests/bench/local
bench: $(BENCH_NEEDS)
	$(srcdir)/tests/bench/run --build $(builddir) $(BENCH_OPTIONS)

bench-local: $(BENCH_NEEDS)
	$(srcdir)/tests/bench/local --build $(builddir) $(BENCH_OPTIONS)

bench-return-path: $(BENCH_NEEDS)
	$(srcdir)/tests/bench/return_path --build $(builddir) $(BENCH_OPTIONS)

.PHONY: bench bench-local bench-return-path
