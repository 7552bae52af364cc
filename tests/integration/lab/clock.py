# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A wall clock for one program, which can be set while it runs: see set_clock.c."""

import struct


class Clock:
    def __init__(self, library, file):
        self._library = library
        self._file = file
        self.set(0)

    def set(self, seconds):
        """How far it is ahead."""
        with open(self._file, "ab"), open(self._file, "r+b", buffering=0) as file:
            file.write(struct.pack("=q", seconds))

    def environment(self, of):
        """What the program is to be started with, beside its environment."""
        asan = ":".join(filter(None, (of.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
        return {"LD_PRELOAD": self._library, "SET_CLOCK_FILE": self._file, "ASAN_OPTIONS": asan}
