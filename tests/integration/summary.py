#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Counts what `make check` ran, from the logs that automake leaves. Usage: summary.py BUILDDIR...

Tests of cmocka and pytest and inputs of fuzz targets count one by one; any other test program
counts as one. A program that failed counts as a failure even if its log names none, and so does
one that was skipped: ./quickstart provides what it needs. BUILDDIR/check-passed exists if make
itself was content; if it was not, and no test says why, that is a failure too. What
`make check-valgrind` wrote is in BUILDDIR-valgrind.log, if it was run, and what `make check-package` wrote
in BUILDDIR-package.log: a line counts as one.
"""

import re
import sys
from pathlib import Path

CMOCKA_PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)", re.MULTILINE)
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] (\d+) test\(s\), listed below", re.MULTILINE)
FUZZ_PASSED = re.compile(r"(\d+) inputs", re.MULTILINE)
PYTEST = re.compile(r"^=+ (?P<counts>.*) in [\d.]+s.*=+$", re.MULTILINE)
FAILED_NAMES = re.compile(r"^(?:FAILED|ERROR) \S+::.*|^\[  FAILED  \] [^\d\s]\S*$", re.MULTILINE)
TOTAL = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)
FURTHER_FAILED = re.compile(r"^(?:FAIL: .*|WRONG: .*)$", re.MULTILINE)
# BUILDDIR-NAME.log: the target of make that wrote it
FURTHER = {"valgrind": "check-valgrind", "soak": "soak", "threads": "check-threads",
           "package": "check-package"}
COLUMNS = "{:12} {:36} {:>7} {:>7}"


def total(pattern, text):
    return sum(int(number) for number in pattern.findall(text))


def counted(log):
    """(passed, failed) as the log of a test program says."""
    passed = total(CMOCKA_PASSED, log) + total(FUZZ_PASSED, log)
    failed = total(CMOCKA_FAILED, log)
    for found in PYTEST.finditer(log):
        for number, word in re.findall(r"(\d+) (\w+)", found["counts"]):
            if word == "passed":
                passed += int(number)
            elif word in ("failed", "error", "errors", "skipped"):
                failed += int(number)
    return passed, failed


def outcome(trs):
    """(passed, failed) of one test program."""
    passed, failed = counted(trs.with_suffix(".log").read_text(errors="replace"))
    if re.search(r"^:global-test-result: PASS$", trs.read_text(), re.MULTILINE):
        return passed or 1, failed
    return passed, failed or 1


def explain(log):
    print(f"    see {log}")
    for name in sorted(set(FAILED_NAMES.findall(log.read_text(errors="replace")))):
        print(f"    {name}")


def count_build(directory):
    """(passed, failed) of one build, each program shown on a line."""
    passed = failed = 0
    for trs in sorted(directory.glob("tests/**/*.trs")):
        here = outcome(trs)
        program = str(trs.relative_to(directory).with_suffix(""))
        print(COLUMNS.format(directory.name, program, *here))
        if here[1]:
            explain(trs.with_suffix(".log"))
        passed += here[0]
        failed += here[1]
    if not failed and not (directory / "check-passed").exists():
        print(f"{directory.name}: make check failed, see {directory}-check.log")
        failed = 1
    return passed, failed


def count_further(directory, name):
    """(passed, failed) of a run that is not of `make check`; without a total it is a failure."""
    log = Path(f"{directory}-{name}.log")
    if not log.exists():
        return 0, 0
    text = log.read_text(errors="replace")
    found = TOTAL.search(text)
    passed, failed = map(int, found.groups()) if found else (0, 1)
    print(COLUMNS.format(directory.name, FURTHER[name], passed, failed))
    if failed:
        print(f"    see {log}")
        for line in FURTHER_FAILED.findall(text):
            print(f"    {line}")
    return passed, failed


def counts_of(directory):
    """(passed, failed) of each run on a build. One on which `make check` was not run has no log of
    it."""
    if Path(f"{directory}-check.log").exists():
        yield count_build(directory)
    for name in FURTHER:
        yield count_further(directory, name)


def main(directories):
    print("\n" + COLUMNS.format("build", "test program", "passed", "failed"))
    counts = [count for directory in directories for count in counts_of(Path(directory))]
    passed, failed = (sum(column) for column in zip(*counts))
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
