# Fuzz targets. In `make check` each replays its corpus (replay.c is the main);
# with --enable-fuzzers (clang) each is a libFuzzer program.
