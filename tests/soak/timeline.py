# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Which outcomes of a message are as they should be: what the record says that the store had in the
transaction that the message was judged by, and what a fault excuses meanwhile.

Whoever waits for a change sees it by reading the store with mailfromctl again and again. No verdict
is compared with these readings: a state may come and go between two of them.
"""

import json
import threading
import time

from gateway import DEFAULT_DOMAIN

READ_EVERY = 0.25  # seconds
MAP_MEMORY = 40  # seconds
FOREVER = float("inf")


def outcomes_of(record, message):
    """The decision table of the README, for a message of an identity of the cast. The milter looks
    at the clock between the two times of the message."""
    sender = message.sender.partition("@")[0]
    if record is None or not record.verified:
        return {f"sender {message.sender}"}
    outcomes = set()
    if message.began <= record.expire_after + 1:
        outcomes.add(_outcome_of_status(record, sender, message.name))
    if message.replied >= record.expire_after:
        outcomes.add("defer expired")
    return outcomes


def _outcome_of_status(record, local_part, identity):
    if record.domain and record.status == "Success":
        return f"sender {local_part}@{record.domain}"
    if record.domain and record.behavior == "RejectMessage":
        return f"reject {identity} {record.domain}"
    return f"sender {local_part}@{DEFAULT_DOMAIN}"


class Timeline:
    """Use as a context manager: it reads as long as that lasts."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._windows = []  # kind of excuse, begin, end
        self.latest = {}
        self.readings = 0
        self.failed_readings = 0
        self._changed = threading.Condition()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read_on, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _read_on(self):
        while not self._over.wait(READ_EVERY):
            listed = self._gateway.milter.ctl("list", "--json")
            if listed.returncode != 0:
                self.failed_readings += 1
                continue
            with self._changed:
                self.latest = {one["Identity"]: one for one in json.loads(listed.stdout)}
                self.readings += 1
                self._changed.notify_all()

    def wait_for(self, condition, seconds, over=None):
        """Until condition(records) of a reading. False: not in time, or `over` was set."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not condition(self.latest):
                if time.monotonic() > deadline or over is not None and over.is_set():
                    return False
                self._changed.wait(1)
        return True

    def open_window(self, kind):
        """From now on mail may fare as the kind says: no-milter, no-store, old-store, old-lock."""
        window = [kind, time.time(), FOREVER]
        self._windows.append(window)
        return window

    close_window = staticmethod(lambda window: window.__setitem__(2, time.time()))

    def has_window(self, kind, begin, end):
        return any(one[0] == kind and one[1] <= end and one[2] >= begin for one in self._windows)

    def may_lack_map(self, begin, end):
        """May Postfix have had no answer about return paths? A smtpd remembers of a recipient that
        there was none."""
        return any(self.has_window(kind, begin - MAP_MEMORY, end)
                   for kind in ("no-milter", "no-store"))


class Judge:
    """Of the messages of a run, when it is over."""

    def __init__(self, timeline, states, decisions):
        self._timeline = timeline
        self._states = states
        self._decisions = decisions
        self._met = set()

    @property
    def states_met(self):
        return len(self._met)

    def fault_of(self, message, outcome):
        """What is not as it should be, or None."""
        if outcome == "no-milter" and \
                self._timeline.has_window("no-milter", message.connected, message.replied):
            return None
        if outcome == "no-map" and self._timeline.may_lack_map(message.began, message.replied):
            return None
        decisions = self._decisions.get(message.token, [])
        if len(decisions) != 1:
            return f"{outcome!r}, and {len(decisions)} lines in the milter's log"
        expected, at = self._expected(message, decisions[0])
        if outcome in expected:
            return None
        return f"{outcome!r} is not one of {sorted(expected)}, {at}"

    def _expected(self, message, decision):
        """The outcomes that may be, and what they were worked out from."""
        name = decision["snapshot"]
        if message.role == "other":
            return {f"sender {message.sender}"}, "not judged by the store"
        if name is None:
            away = self._timeline.has_window("no-store", message.began, message.replied)
            return ({"defer unavailable"} if away else set()), "without a look at the store"
        self._met.add(name)
        inode, _, number = name.partition(":")
        least = self._states.least_number(inode, message.began)
        if self._states.records(name, message.replied) is None:
            return set(), f"by {name}, which no one has written"
        if inode != self._states.inode_at(message.began) and \
                not self._timeline.has_window("old-store", message.began, message.replied):
            return set(), f"by {name}, a file that has been replaced"
        if self._timeline.has_window("old-lock", message.began, message.replied):
            least -= 1  # a reader with the lock.mdb that was removed notices after that
        if int(number) < least:
            return set(), f"by {name}, where {least} was there before the message began"
        if message.role == "unknown":
            return {f"sender {message.sender}"}, f"by {name}"
        record = self._states.record(name, message.name, message.replied)
        return outcomes_of(record, message), f"by {name}: {record}"
