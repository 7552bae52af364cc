# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Figures: how they are read, compared and told."""
import re
import statistics
import sys

MEBIBYTE = 1024.0  # in the kB of /proc


def parse_figures(text):
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", text)}


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def spread(values, form):
    return (f"{statistics.median(values):{form}} ({min(values):{form}}..{max(values):{form}})")


def verdict(met):
    return "met" if met else "MISSED"


def ratios(pairs, figure):
    return [second[figure] / first[figure] for first, second in pairs]
