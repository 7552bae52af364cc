# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Memory and descriptors of the daemons, and whether they stay flat.

Two questions. Over the whole run, a series for each life of a process: does it stay within bounds?
And at its end, without faults: how much does a daemon grow by, with so many messages, connections and
reloads that a few octets each would show? Memory is what is anonymous (heap and stacks): pages of the
store come and go with those who share it.
"""

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

from faults import hold_connections, release_connections
from lab.process import wait_until

EVERY = 1.0
WARM_UP = 15  # seconds of a life that count for nothing
LIFE_GROWTH_MAX = 16384  # KiB, from the end of the warm-up: threads and arenas of a thousand
LIFE_DESCRIPTORS_MAX = 40  # more than at the end of the warm-up: sessions of Postfix
STEADY_ROUNDS = 8
STEADY_MESSAGES = 15000  # in each round, after a thousand connections
STEADY_RELOADS = 20
STEADY_GROWTH_MAX = 48  # KiB: 3.3 octets a message, 2.4 kB a reload


def memory(pid):
    """KiB"""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Anonymous:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@dataclass
class Life:
    """A process, and what was measured of it after its warm-up, while it had not a thousand
    connections: memory and descriptors."""
    name: str
    pid: int
    began: float = field(default_factory=time.monotonic)
    samples: list = field(default_factory=list)


class Gauges:
    """Use as a context manager: it samples as long as that lasts, and sees a program that died."""

    def __init__(self, gateway):
        self._gateway = gateway
        self.lives = []
        self.dead = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample_on, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _sample_on(self):
        while not self._over.wait(EVERY):
            for name in self._gateway.daemons:
                child = self._gateway.process(name)
                if name in self._gateway.down or child is None:
                    continue
                try:
                    self._sample(name, child.pid)
                except (FileNotFoundError, ProcessLookupError, StopIteration):
                    time.sleep(0.2)
                    if name not in self._gateway.down and child.poll() is not None and \
                            child is self._gateway.process(name):
                        self.dead.append(f"{name} died by itself: exit status {child.poll()}")

    def _sample(self, name, pid):
        life = next((one for one in reversed(self.lives) if one.name == name), None)
        if life is None or life.pid != pid:
            life = Life(name, pid)
            self.lives.append(life)
        if time.monotonic() - life.began > WARM_UP and not self._gateway.crowded:
            life.samples.append((memory(pid), descriptors(pid)))

    def figures(self):
        """A line for each daemon, and what is out of bounds."""
        lines, wrong = [], list(dict.fromkeys(self.dead))
        for name in self._gateway.daemons:
            lives = [one for one in self.lives if one.name == name]
            measured = [one.samples for one in lives if one.samples]
            growth = max((one[-1][0] - one[0][0] for one in measured), default=0)
            more = max((one[-1][1] - one[0][1] for one in measured), default=0)
            peak = [max((one[place] for samples in measured for one in samples), default=0)
                    for place in (0, 1)]
            lines.append(f"{name} over {len(lives)} lives, {sum(map(len, measured))} samples: memory "
                         f"peak {peak[0]} KiB, largest growth of a life {growth} KiB (bound "
                         f"{LIFE_GROWTH_MAX}); descriptors peak {peak[1]}, largest growth {more} "
                         f"(bound {LIFE_DESCRIPTORS_MAX})")
            if growth > LIFE_GROWTH_MAX or more > LIFE_DESCRIPTORS_MAX:
                wrong.append(f"not flat: {lines[-1]}")
        return lines, wrong


class Steady:
    """The exact measurement, when nothing else is going on."""

    def __init__(self, gateway):
        self._gateway = gateway

    def measure(self):
        """Lines of figures, and what is out of bounds. A leak grows in every round; the heaps of the
        threads, and the holes in them, ever less: 5 MiB after a dozen rounds of whatever size."""
        self._exercise(2 * STEADY_MESSAGES, STEADY_RELOADS)
        seen = [self._settled()]
        calls = len(self._gateway.ses.calls)
        for _ in range(STEADY_ROUNDS):
            self._exercise(STEADY_MESSAGES, STEADY_RELOADS)
            seen.append(self._settled())
        calls = len(self._gateway.ses.calls) - calls
        work = {"milter": f"{STEADY_MESSAGES} messages, 1000 connections, {STEADY_RELOADS} reloads",
                "sync": f"{calls // STEADY_ROUNDS} calls, {STEADY_RELOADS} reloads"}
        lines, wrong = [], []
        for name in self._gateway.daemons:
            memory_, descriptors_ = zip(*(one[name] for one in seen))
            least = min(after - before for before, after in zip(memory_, memory_[1:]))
            lines.append(f"{name}, rounds of {work[name]}: memory "
                         f"{' -> '.join(map(str, memory_))} KiB (bound: not more than "
                         f"{STEADY_GROWTH_MAX} in each), descriptors "
                         f"{' -> '.join(map(str, descriptors_))} (bound: the same)")
            if least > STEADY_GROWTH_MAX or descriptors_[-1] > descriptors_[0]:
                wrong.append(f"leak: {lines[-1]}")
        return lines, wrong

    def _exercise(self, messages, reloads):
        release_connections(hold_connections(self._gateway))
        subprocess.run([self._gateway.load_program, "--socket",
                        self._gateway.milter.socket.partition(":")[2], "--connections", "8",
                        "--messages", str(messages), "--identities", "100", "--timeout", "600",
                        "--expect-subdomain", "bounce", "--signed"],
                       check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        for _ in range(reloads):
            for program in self._gateway.daemons.values():
                mark = program.log_size()
                program.send_signal(signal.SIGUSR1)
                wait_until(lambda: "settings reloaded" in program.log_text(mark), "a reload", 60)

    def _settled(self):
        """Memory and descriptors, when the latter have been the same for two seconds: connections
        are closed, and calls of mailfrom-sync are seen at their fewest."""
        time.sleep(2)
        seen = [self._now() for _ in range(40) if not time.sleep(0.05)]
        return {name: tuple(min(one[name][place] for one in seen) for place in (0, 1))
                for name in self._gateway.daemons}

    def _now(self):
        return {name: (memory(self._gateway.process(name).pid),
                       descriptors(self._gateway.process(name).pid))
                for name in self._gateway.daemons}
