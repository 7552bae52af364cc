# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A milter under measurement, and what can be read off a process from outside."""
import os
import subprocess
import time

FLOOR_SENDER = "bounce+0000001=reader=example.net@bounce.d0000001.bench.example"
SETTLE_SECONDS = 10


class Failed(Exception):
    """Something did not work: a sentence for the person."""


def tail(path):
    with open(path, "r", encoding="utf-8", errors="replace") as log:
        lines = log.read()[-600:].splitlines()
    return lines[-1] if lines else "the log is empty"


def cpu_seconds(pid):
    """User and system time of the whole process, ended threads included: what /proc/PID/stat says,
    in nanoseconds instead of ticks of 10 ms. The clock id is that of clock_getcpuclockid(3), which
    Python does not have."""
    return time.clock_gettime((~pid << 3) | 2)


def private_memory(pid):
    """Private_Clean + Private_Dirty in kB: of all (what smaps_rollup says), and of the mapped store."""
    total = store = 0
    in_store = False
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as smaps:
        for line in smaps:
            fields = line.split()
            if not fields[0].endswith(":"):
                in_store = fields[-1].endswith("/data.mdb")
            elif fields[0] in ("Private_Clean:", "Private_Dirty:"):
                total += int(fields[1])
                store += int(fields[1]) if in_store else 0
    return total, store


class Program:
    """A milter under measurement: its process, its socket and its log."""

    def __init__(self, bench, name, command, logs_messages):
        self.bench = bench
        self.socket = os.path.join(bench.directory, name + ".sock")
        self.log = os.path.join(bench.directory, name + ".log")
        self.name = name
        self.command = command
        self.logs_messages = logs_messages
        self.process = None
        self.expect = ["--expect-subdomain", "bounce"] if logs_messages else ["--expect", FLOOR_SENDER]

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.bench.processes.append(self.process)

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)

    def logged(self):
        with open(self.log, "rb") as log:
            return log.read().count(b" verdict=custom ")

    def check_log(self, messages):
        """Every message left its line: work that is left out would look like speed."""
        if not self.logs_messages:
            return
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.logged() < messages and time.monotonic() < deadline:
            time.sleep(0.01)
        if self.logged() != messages:
            raise Failed(f"{self.name}: {messages} messages, but {self.logged()} log lines ({tail(self.log)})")
        os.truncate(self.log, 0)
