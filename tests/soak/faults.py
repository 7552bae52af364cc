# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What goes wrong during a soak. Each fault begins, lasts, ends, and then the gateway has to recover
by itself before the next one of its lane begins.

Two lanes run side by side: what happens to the programs and their store, and what happens to those
whom mailfrom-sync asks. Within a lane nothing masks another fault.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

from gateway import fillers
from lab.process import wait_until
from standin.ses import Fault as SesFault

RECOVERY_MAX = 120  # seconds: a slow machine must not fail for being slow
DAY = 86400


class Fault:
    """name: its line in the figures. skipped: why it cannot be had here, or None."""
    name = None
    skipped = None

    def __init__(self, gateway, timeline, draw):
        self.gateway = gateway
        self.timeline = timeline
        self.seconds = draw.uniform(1.0, 5.0)
        self.draw = draw

    def begin(self):
        raise NotImplementedError

    def last(self, over):
        over.wait(self.seconds)

    def end(self):
        pass

    def recovered(self):
        """Mail flows again."""


class KillMilter(Fault):
    """And start it again, as a supervisor does."""
    name = "kill -9 mailfrom-milter"

    def begin(self):
        self._window = self.timeline.open_window("no-milter")
        self.gateway.down.add("milter")
        self.gateway.milter.kill()
        self.seconds /= 4

    def end(self):
        self.gateway.milter.start()
        self.gateway.down.discard("milter")
        self.timeline.close_window(self._window)


class KillSync(Fault):
    name = "kill -9 mailfrom-sync"

    def begin(self):
        self.gateway.down.add("sync")
        self.gateway.sync.kill()
        self.seconds /= 4

    def end(self):
        self.gateway.sync.start()
        self.gateway.down.discard("sync")


class KillCtl(Fault):
    """In the middle of writing, again and again."""
    name = "kill -9 mailfromctl"

    def begin(self):
        pass

    def last(self, over):
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline and not over.is_set():
            self._kill_one()

    def _kill_one(self):
        with subprocess.Popen([self.gateway.sync.ctl_program, "-c",
                               self.gateway.milter.settings_file, "import", "-"],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL,
                              env=self.gateway.ctl_environment) as child:
            child.stdin.write(json.dumps({"MailFromDomainAttributes": fillers()}).encode())
            child.stdin.close()
            time.sleep(self.draw.uniform(0, 0.02))
            child.kill()


class StoreAway(Fault):
    """Renamed, and back. Nobody may make a new one: the administrator is told to wait, and
    mailfrom-sync has to."""
    name = "store moved away"

    def begin(self):
        store = self.gateway.milter.store
        self.gateway.store_there.acquire()
        self._window = self.timeline.open_window("no-store")
        os.rename(store, f"{store}.away")

    def end(self):
        store = self.gateway.milter.store
        made = os.path.exists(store)
        if made:
            shutil.rmtree(store)
        os.rename(f"{store}.away", store)
        self.gateway.store_there.release()
        assert not made, "a new store was made"

    def recovered(self):
        self.timeline.close_window(self._window)


class StoreRestored(Fault):
    """A backup takes its place while all programs run: another directory, file and lock."""
    name = "store restored"

    def begin(self):
        store = self.gateway.milter.store
        with self.gateway.store_there:
            self._windows = [self.timeline.open_window(kind) for kind in ("old-store", "no-store")]
            self._mark = self.gateway.milter.log_size()
            backup = self.gateway.back_up()
            self._inode = os.stat(f"{backup}/data.mdb").st_ino
            os.rename(store, f"{store}.replaced")
            os.rename(backup, store)
        shutil.rmtree(f"{store}.replaced")

    def recovered(self):
        self.gateway.milter.wait_for_log(f"snapshot={self._inode}:", self._mark, RECOVERY_MAX)
        for window in self._windows:
            self.timeline.close_window(window)


class LockRemoved(Fault):
    """A clean-up takes lock.mdb for stale, again and again, while all programs run."""
    name = "lock.mdb removed"

    def begin(self):
        self._window = self.timeline.open_window("old-lock")

    def last(self, over):
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline and not over.wait(self.draw.uniform(0.05, 0.5)):
            try:
                os.unlink(f"{self.gateway.milter.store}/lock.mdb")
            except FileNotFoundError:
                pass

    def recovered(self):
        self.timeline.close_window(self._window)


class DiskFull(Fault):
    name = "disk full"

    def begin(self):
        self._file = f"{self.gateway.disk}/fill"
        with open(self._file, "wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12):
                self._fill(file, size)

    @staticmethod
    def _fill(file, size):
        try:
            while file.write(bytes(size)):
                pass
        except OSError:
            pass

    def end(self):
        os.unlink(self._file)


class Connections(Fault):
    """A thousand that are idle, after one message each."""
    name = "1,000 connections"

    def begin(self):
        self.gateway.crowded = True
        self._holder = hold_connections(self.gateway)

    def end(self):
        release_connections(self._holder)
        self.gateway.crowded = False


def hold_connections(gateway):
    socket = gateway.milter.socket.partition(":")[2]
    holder = subprocess.Popen(
        [gateway.load_program, "--socket", socket, "--connections", "1000", "--messages", "1000",
         "--identities", "100", "--expect-subdomain", "bounce", "--signed", "--timeout", "300", "--hold"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if not holder.stdout.readline():
        raise AssertionError(f"1,000 connections: {holder.communicate()[1].decode()}")
    return holder


def release_connections(holder):
    _, errors = holder.communicate(timeout=120)
    if holder.returncode != 0:
        raise AssertionError(f"1,000 connections: {errors.decode()}")


class Reloads(Fault):
    name = "reload storm"

    def begin(self):
        pass

    def last(self, over):
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline and not over.wait(0.02):
            for program in self.gateway.daemons.values():
                program.send_signal(self.draw.choice((signal.SIGHUP, signal.SIGUSR1)))


class SesFails(Fault):
    kind = None

    def begin(self):
        self._fault = SesFault(self.kind, None, None)
        self.gateway.ses.faults.append(self._fault)

    def end(self):
        self.gateway.ses.faults.remove(self._fault)


class DnsGone(Fault):
    kind = None

    def begin(self):
        self.gateway.dns.mode = self.kind

    def end(self):
        self.gateway.dns.mode = "answer"


class Clock(Fault):
    """mailfrom-sync's wall clock, which it has for itself: the milter's stays right."""
    offset = None

    def begin(self):
        self.gateway.clock.set(self.offset)

    def end(self):
        self.gateway.clock.set(0)


def variants(base, label, attribute, values):
    """A kind of fault for each of the values: label -> value."""
    return [type(base.__name__, (base,), {"name": f"{label} {name}", attribute: value})
            for name, value in values.items()]


NEAR = [KillMilter, KillSync, KillCtl, StoreAway, StoreRestored, LockRemoved, DiskFull,
        Connections, Reloads]
FAR = [*variants(SesFails, "SES:", "kind", {kind: kind for kind in (
           "500", "hang", "reset", "throttle", "garbage")}),
       *variants(DnsGone, "DNS:", "kind", {"gone": "drop", "SERVFAIL": "servfail"}),
       *variants(Clock, "clock:", "offset", {
           "an hour ahead": 3600, "two days ahead": 2 * DAY, "two days behind": -2 * DAY})]


class Lane(threading.Thread):
    """Draws faults until `over`: every kind once, in any order, before one comes again."""

    def __init__(self, kinds, gateway, timeline, world, mail, seed, over):
        super().__init__(daemon=True)
        self.kinds = [kind for kind in kinds if not self.reason(kind, gateway)]
        self.gateway, self.timeline, self.world, self.mail = gateway, timeline, world, mail
        self.draw = random.Random(seed)
        self.over = over
        self.counts = {kind.name: 0 for kind in kinds}
        self.skipped = {kind.name: self.reason(kind, gateway) for kind in kinds
                        if kind not in self.kinds}
        self.longest = (0.0, "-")  # recovery
        self.failure = None

    @staticmethod
    def reason(kind, gateway):
        """Why this fault cannot be had here, or None."""
        if issubclass(kind, DiskFull):
            return gateway.no_disk
        if issubclass(kind, Clock):
            return gateway.no_clock
        return None

    def run(self):
        bag = []
        try:
            while not self.over.wait(self.draw.uniform(0.5, 2.0)):
                bag = bag or self.draw.sample(self.kinds, len(self.kinds))
                self._carry_out(bag.pop())
        except Exception as error:  # told at the end, as the failure that it is
            self.failure = f"{error!r}"

    def _carry_out(self, kind):
        fault = kind(self.gateway, self.timeline, random.Random(self.draw.random()))
        fault.begin()
        fault.last(self.over)
        fault.end()
        self.counts[kind.name] += 1
        began = time.monotonic()
        self._recover(fault)
        self.longest = max(self.longest, (time.monotonic() - began, kind.name))

    def _recover(self, fault):
        """Mail of an identity in order is rewritten, and what changes comes to the store."""
        anchor = self.world.anchor_outcome
        wait_until(lambda: anchor(self.mail.send()), f"mail to flow after {fault.name}",
                   RECOVERY_MAX)
        fault.recovered()
        if not self.world.is_fresh(RECOVERY_MAX):
            raise AssertionError(f"the store is not kept true any more after {fault.name}")
