# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A mailfrom-sync at work on a store, beside a milter or alone."""
import os
import signal
import subprocess
import time

from figures import progress
from program import SETTLE_SECONDS, Failed, cpu_seconds, private_memory, tail


class Neighbour:
    """mailfrom-sync on the store of this size. Stopped with SIGSTOP while the other half of a pair is
    measured, so that both halves differ in nothing else."""

    def __init__(self, bench, name, size, settings, environment=None):
        self.bench = bench
        self.name = name
        self.size = size
        self.log = os.path.join(bench.directory, name + ".log")
        conf = bench.write_settings(name, size, settings)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([bench.program_path("mailfrom-sync"), "-c", conf, "-f"], env=environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        bench.processes.append(self.process)

    def wait_for(self, text):
        """Until its last word has this in it."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while text not in tail(self.log):
            self.check()
            if time.monotonic() > deadline:
                raise Failed(f"mailfrom-sync does not say \"{text}\" ({tail(self.log)})")
            time.sleep(0.05)

    def check(self):
        if self.process.poll() is not None:
            raise Failed(f"mailfrom-sync ended ({tail(self.log)})")

    def hold(self):
        self.process.send_signal(signal.SIGSTOP)

    def release(self):
        self.process.send_signal(signal.SIGCONT)

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)

    def private_memory(self):
        return private_memory(self.process.pid)

    def stop(self):
        self.check()
        self.release()  # or it could not stop
        self.process.terminate()
        if self.process.wait(SETTLE_SECONDS) != 0:
            raise Failed(f"mailfrom-sync did not stop well ({tail(self.log)})")
        self.bench.processes.remove(self.process)

    def pairs(self, milter):
        """The same milter while this is held, and while it works; who begins alternates. It is at
        work afterwards."""
        options = self.bench.options
        pairs = []
        for number in range(options.rounds):
            figures = [None, None]
            self.bench.seed += 1
            for index in (1, 0) if number % 2 else (0, 1):
                (self.release if index else self.hold)()
                figures[index] = self.bench.load(milter, self.size, options.messages, self.bench.seed)
            self.check()
            pairs.append(figures)
            progress(f"{self.name}: round {number + 1} of {options.rounds}")
        self.release()
        return pairs
