# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Who sends, and how their attributes change meanwhile."""

import random
import threading
import time
from dataclasses import dataclass

from gateway import EXPECTED_MX
from standin.ses import Identity

STATUSES = ("Success", "Pending", "TemporaryFailure", "Failed")
BEHAVIORS = ("UseDefaultValue", "RejectMessage")
MX = [f"MX 10 {EXPECTED_MX[0]}"]
AGAIN_AFTER = 5  # seconds: what was written into a store that is gone is written again


@dataclass(frozen=True)
class Member:
    """source: ses, local, file. A canary never changes for its senders."""
    name: str
    source: str
    canary: bool = False
    local_part: str = "user"

    @property
    def domain(self):
        return f"bounce.{self.name}"


CAST = [*(Member(f"s{n}.soak.example", "ses") for n in range(8)),
        *(Member(f"l{n}.soak.example", "local") for n in range(4)),
        *(Member(f"f{n}.soak.example", "file") for n in range(3)),
        Member("canary-s.soak.example", "ses", True),
        Member("canary-l.soak.example", "local", True),
        Member("anchor.soak.example", "file", True)]
ANCHOR = CAST[-1]


class World:
    """What SES, the DNS and the administrator say, and when the store has taken it up."""

    def __init__(self, gateway, timeline):
        self.gateway = gateway
        self.timeline = timeline
        self.changes = 0
        self._canaries = threading.Lock()
        self._turn = 0

    def begin(self):
        for one in CAST:
            self._set(one, "Success", "RejectMessage")

    def settle(self, seconds):
        """All to Success; the names of those that did not get there in time."""
        late = []
        deadline = time.monotonic() + seconds
        for one in CAST:
            if not self.change(one, "Success", "RejectMessage", deadline - time.monotonic()):
                late.append(one.name)
        return late

    def change(self, one, status, behavior, seconds=float("inf"), over=None):
        """Waits until the store has it. False: not in time, or it is over."""
        deadline = time.monotonic() + max(seconds, 1)
        seen = False
        while not seen and time.monotonic() < deadline and not (over and over.is_set()):
            self._set(one, status, behavior)
            seen = self.timeline.wait_for(lambda records: self._has(records, one, status, behavior),
                                          AGAIN_AFTER, over)
        self.changes += 1
        return seen

    @staticmethod
    def _has(records, one, status, behavior):
        record = records.get(one.name)
        if status is None:
            return record is None
        wanted = ("Failed", "TemporaryFailure", "Pending") if one.source == "local" and \
            status != "Success" else (status,)
        return record is not None and record["MailFromDomainStatus"] in wanted and \
            record["BehaviorOnMXFailure"] == behavior

    def _set(self, one, status, behavior):
        getattr(self, f"_set_{one.source}")(one, status, behavior)

    def _set_ses(self, one, status, behavior):
        with self.gateway.ses.lock:
            if status is None:
                self.gateway.ses.identities.pop(one.name, None)
            else:
                self.gateway.ses.identities[one.name] = Identity(
                    one.name, domain=one.domain, status=status, behavior=behavior)

    def _set_local(self, one, status, behavior):
        """A put, because only that leads out of Failed, and sets the behaviour."""
        if status == "Success":
            self.gateway.dns.records[one.domain] = MX
        with self.gateway.store_there:
            self.gateway.put({one.name: {"MailFromDomain": one.domain,
                                         "BehaviorOnMXFailure": behavior}})
        if status != "Success":
            self.gateway.dns.records.pop(one.domain, None)

    def _set_file(self, one, status, behavior):
        with self.gateway.store_there:
            self.gateway.import_records({one.name: {
                "MailFromDomain": one.domain, "MailFromDomainStatus": status,
                "BehaviorOnMXFailure": behavior}})

    def anchor_outcome(self, message):
        """Did a message of ANCHOR arrive as it should?"""
        if not message.accepted:
            return False
        self.gateway.sink.wait_for_token(message.token)
        return self.gateway.sink.senders[message.token] == [f"{ANCHOR.local_part}@{ANCHOR.domain}"]

    def is_fresh(self, seconds):
        """Does what changes in SES and in the DNS come to the store? Tried with two canaries, and
        with what no sender can tell: the behaviour while all is well, and the name of the MX."""
        with self._canaries:
            self._turn += 1
            behavior = BEHAVIORS[self._turn % 2]
            host = EXPECTED_MX[self._turn % 2]
            canaries = [one for one in CAST if one.canary]
            self._set_ses(canaries[0], "Success", behavior)
            self.gateway.dns.records[canaries[1].domain] = [f"MX 10 {host}"]
            return self.timeline.wait_for(
                lambda records: records.get(canaries[0].name, {}).get("BehaviorOnMXFailure") ==
                behavior and records.get(canaries[1].name, {}).get("Found") == f"MX 10 {host}",
                seconds)


class Director(threading.Thread):
    """Changes the identities of one source, one after the other, until `over`."""

    def __init__(self, world, source, seed, over):
        super().__init__(daemon=True)
        self.world = world
        self.members = [one for one in CAST if one.source == source and not one.canary]
        self.statuses = {"ses": (*STATUSES, None), "local": ("Success", "Failed"),
                         "file": STATUSES}[source]
        self.random = random.Random(f"{seed}/{source}")
        self.over = over

    def run(self):
        while not self.over.wait(self.random.uniform(0.2, 1.5)):
            self.world.change(self.random.choice(self.members), self.random.choice(self.statuses),
                              self.random.choice(BEHAVIORS), over=self.over)
