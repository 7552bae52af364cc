# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What the store said of each identity, and when; and which outcomes of a message that allows.

The store is read again and again with mailfromctl. A message may meet any state from the last
reading that ended before it began, to the first that began after its reply. What may come and go
between two readings is noted by whoever causes it (`passing`).
"""

import bisect
import json
import threading
import time
from datetime import datetime

from gateway import DEFAULT_DOMAIN

READ_EVERY = 0.25  # seconds
MAP_MEMORY = 40  # seconds
FOREVER = float("inf")


def outcome_of(record, local_part, identity):
    """The decision table of the README, for a message of local_part@identity while mail flows. Pairs
    of an outcome and the time until which it holds."""
    if record is None or not record["Verified"]:
        return (f"sender {local_part}@{identity}", FOREVER)
    expiry = record.get("ExpireAfter")
    expiry = datetime.fromisoformat(expiry).timestamp() if expiry else FOREVER
    if not record["MailFromDomain"]:
        return (f"sender {local_part}@{DEFAULT_DOMAIN}", expiry)
    return (outcome_of_status(record["MailFromDomain"], record["MailFromDomainStatus"],
                              record["BehaviorOnMXFailure"], local_part, identity), expiry)


def outcome_of_status(domain, status, behavior, local_part, identity):
    if status == "Success":
        return f"sender {local_part}@{domain}"
    if behavior == "RejectMessage":
        return f"reject {identity} {domain}"
    return f"sender {local_part}@{DEFAULT_DOMAIN}"


class Timeline:
    """Use as a context manager: it reads as long as that lasts."""

    def __init__(self, gateway, cast):
        self._gateway = gateway
        self._cast = cast
        self._began = []
        self._ended = []
        self._states = []   # name -> (outcome, expiry), for each reading
        self._passing = []  # name, outcome, begin, end
        self._windows = []  # kind of excuse, begin, end
        self.latest = {}
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

    @property
    def readings(self):
        return len(self._states)

    def _read_on(self):
        while not self._over.wait(READ_EVERY):
            began = time.time()
            listed = self._gateway.milter.ctl("list", "--json")
            if listed.returncode != 0:
                self.failed_readings += 1
                continue
            self._take(began, {one["Identity"]: one for one in json.loads(listed.stdout)})

    def _take(self, began, records):
        state = {one.name: outcome_of(records.get(one.name), one.local_part, one.name)
                 for one in self._cast}
        if self._states and state == self._states[-1]:
            state = self._states[-1]  # one copy is enough
        with self._changed:
            self.latest = records
            self._began.append(began)
            self._ended.append(time.time())
            self._states.append(state)
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

    def passing(self, name, outcome):
        """From now on an identity may have this outcome, until end_passing of what is returned."""
        entry = [name, outcome, time.time(), FOREVER]
        self._passing.append(entry)
        return entry

    @staticmethod
    def end_passing(entry):
        entry[3] = time.time()

    def open_window(self, kind):
        """From now on mail may fare as the kind says: no-milter, no-store."""
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

    def allowed(self, message):
        """The outcomes that a message may have had."""
        allowed = set(self._by_store(message))
        if self.has_window("no-milter", message.connected, message.replied):
            allowed.add("no-milter")
        if self.may_lack_map(message.began, message.replied):
            allowed.add("no-map")
        if message.role == "own" and self.has_window("no-store", message.began, message.replied):
            allowed.add("defer unavailable")
        return allowed

    def _by_store(self, message):
        if message.role != "own":
            yield f"sender {message.sender}"
            if message.role == "unknown" and \
                    self.has_window("no-store", message.began, message.replied):
                yield "defer unavailable"
            return
        first = max(bisect.bisect_right(self._ended, message.began) - 1, 0)
        last = bisect.bisect_left(self._began, message.replied)
        for state in self._states[first:last + 1]:
            outcome, expiry = state[message.name]
            if message.began <= expiry + 1:
                yield outcome
            if message.replied >= expiry:
                yield "defer expired"
        for name, outcome, begun, ended in self._passing:
            if name == message.name and begun <= message.replied and ended >= message.began:
                yield outcome
