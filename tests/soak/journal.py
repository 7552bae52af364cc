# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What each transaction of the store left, as journal.c writes it down; and which transaction each
message was judged by, as the milter's log says. Both name a state of the store by the file's inode
and the transaction's number."""

import bisect
import os
import struct
from dataclasses import dataclass

from lab.programs import LOG_LINE

STATUSES = ("Pending", "Success", "Failed", "TemporaryFailure")
BEHAVIORS = ("UseDefaultValue", "RejectMessage")
HEAD = struct.Struct("<11B6q")  # of a record in the store, see common/mail_from.c


@dataclass(frozen=True)
class Record:
    verified: bool
    domain: str
    status: str
    behavior: str
    expire_after: float


def decode(octets):
    """A record, read by other code than the programs read it with."""
    version, _, _, flags, status, behavior, domain, *_, expire_after, _, _ = HEAD.unpack_from(octets)
    assert version == 1, f"the soak does not know version {version} of a record"
    return Record(bool(flags & 1), octets[HEAD.size:HEAD.size + domain].decode(), STATUSES[status],
                  BEHAVIORS[behavior], expire_after or float("inf"))


class Journal:
    def __init__(self, library, file, suffix):
        """library: journal.so. suffix: of the identities that it is about."""
        self._library = library
        self.file = file
        self._suffix = suffix

    def environment(self, of):
        """What a program is to be started with, beside its environment."""
        libraries = ":".join(filter(None, (of.get("LD_PRELOAD"), self._library)))
        asan = ":".join(filter(None, (of.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
        return {"LD_PRELOAD": libraries, "ASAN_OPTIONS": asan, "STORE_JOURNAL": self.file,
                "STORE_JOURNAL_OF": self._suffix}

    def read(self):
        states = States()
        if os.path.exists(self.file):
            with open(self.file, encoding="ascii", errors="replace") as file:
                for line in file:
                    states.take(line)
        return states


class States:
    """name of a state (inode:transaction) -> what was written of it, in order of time."""

    def __init__(self):
        self.lines = 0
        self._written = {}  # inode -> transaction -> [(time, records as text)]
        self._numbers = {}  # inode -> times, highest number until then
        self._times, self._inodes = [], []  # of the first line of each file
        self._texts = {}    # each once, since most stay from line to line
        self._decoded = {}

    def take(self, line):
        if not line.endswith(" .\n"):
            return  # between two lines; or cut, and then the transaction was not committed
        name, *words = line.split()
        inode, _, transaction = name.partition(":")
        transaction, time = int(transaction), int(words[0]) / 1e6
        self.lines += 1
        self._written.setdefault(inode, {}).setdefault(transaction, []).append(
            (time, tuple(self._texts.setdefault(one, one) for one in words[1:-1])))
        if inode not in self._numbers:
            self._times.append(time)
            self._inodes.append(inode)
        times, numbers = self._numbers.setdefault(inode, ([], []))
        if not numbers or transaction > numbers[-1]:
            times.append(time)
            numbers.append(transaction)

    @property
    def files(self):
        return len(self._numbers)

    def records(self, name, before):
        """identity -> coded record, of a state that a message of that time was judged by. None: no
        one wrote such a state."""
        inode, _, transaction = name.partition(":")
        lines = self._written.get(inode, {}).get(int(transaction), ())
        lines = [records for time, records in lines if time <= before]
        return dict(one.split("=") for one in lines[-1]) if lines else None

    def record(self, name, identity, before):
        """None: not in the store then."""
        coded = self.records(name, before).get(identity)
        if coded is None:
            return None
        if coded not in self._decoded:
            self._decoded[coded] = decode(bytes.fromhex(coded))
        return self._decoded[coded]

    def inode_at(self, time):
        """Of the newest file then: a program may still write into one that was replaced."""
        position = bisect.bisect_right(self._times, time)
        return self._inodes[position - 1] if position else None

    def least_number(self, inode, began):
        """The first state of a file that a message may be judged by which began then. A line is
        written before its transaction is committed, so the last one may have come too late."""
        times, numbers = self._numbers.get(inode, ([], []))
        position = bisect.bisect_right(times, began)
        return numbers[position - 1] - 1 if position else 0


def decisions_of(log_file):
    """Local part of the From field -> the fields of the line that the message has."""
    decisions = {}
    with open(log_file, encoding="utf-8", errors="backslashreplace") as log:
        for line in log:
            if found := LOG_LINE.search(line.rstrip("\n")):
                decisions.setdefault(found["from"].partition("@")[0], []).append(found.groupdict())
    return decisions
