# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The senders, and what became of each message."""

import random
import re
import threading
import time
from dataclasses import dataclass

from bounces import NO_MAP
from cast import ANCHOR, CAST
from gateway import GONE
from lab.client import Client, new_token

SESSION_MAX = 20  # messages
BACKLOG_MAX = 500  # accepted and not delivered: an MTA can take more than it delivers
REFUSED = re.compile(r"554 5\.1\.8 MailFromDomainNotVerified: [^()]+"
                     r" \(identity (\S+), MAIL FROM domain (\S+), status "
                     r"(?:Pending|Failed|TemporaryFailure)\)$")
DEFERRED = re.compile(r"451 4\.3\.0 Try again later: [^()]+ \(([a-z-]+), identity \S+\)$")
NO_MILTER = re.compile(r"4\d\d 4\.\d\.\d Service unavailable - try again later$")
GONE_RATE = 0.1  # of the messages whose bounces come back: the next hop refuses them
# role: own (an identity of the cast), unknown (of nobody), other (never judged by the store)
STRANGERS = (("user@nobody.example", "unknown", "127.0.0.1"),
             ("", "other", "127.0.0.1"),
             ("user@s0.soak.example", "other", "127.0.0.2"))


@dataclass
class Message:
    """Times are those of the wall clock, which the store has too; connected: of its session."""
    name: str
    role: str
    sender: str
    token: str
    connected: float
    began: float
    replied: float
    reply: str
    accepted: bool
    is_refused_later: bool  # by the next hop


class Mail:
    """The post of a run: every message that was sent."""

    def __init__(self, port, sink):
        self.port = port
        self._sink = sink
        self._accepted = 0
        self._counting = threading.Lock()
        self.messages = []
        self.failures = []
        self._over = threading.Event()
        self._threads = []

    def start(self, senders, seed):
        self._over.clear()
        self._threads = [threading.Thread(target=self._work, args=(f"{seed}/{number}",), daemon=True)
                         for number in range(senders)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def send(self, member=ANCHOR):
        """One message in a session of its own."""
        connected = time.time()
        with Client(self.port) as client:
            return self._send(client, connected, f"{member.local_part}@{member.name}", "own",
                              member.name)

    def _work(self, seed):
        draw = random.Random(seed)
        while not self._over.is_set():
            if self._accepted - len(self._sink.senders) - len(self._sink.notices) > BACKLOG_MAX:
                self._over.wait(0.05)
                continue
            try:
                self._session(draw)
            except Exception as error:  # told in the account: no reply is a message of unknown fate
                self.failures.append(f"a session broke: {error!r}")
                self._over.wait(1)

    def _session(self, draw):
        stranger = draw.random() < 0.15
        sender, role, source = draw.choice(STRANGERS) if stranger else (None, "own", "127.0.0.1")
        connected = time.time()
        with Client(self.port, source) as client:
            for _ in range(draw.randint(1, SESSION_MAX)):
                one = draw.choice(CAST)
                address = sender if stranger else f"{one.local_part}@{one.name}"
                is_gone = not stranger and one.source != "ses" and draw.random() < GONE_RATE
                message = self._send(client, connected, address, role, one.name, is_gone)
                if message.reply[0] == "4" or self._over.is_set():
                    return

    def _send(self, client, connected, sender, role, name, is_gone=False):
        # Of a recipient, smtpd remembers for a while that it could not be looked up.
        recipient = f"{GONE if is_gone else 'rcpt'}{len(self.messages)}@next.test"
        # The milter's line of this message is found by the local part of its From field.
        token = new_token()
        domain = sender.partition("@")[2] or "s0.soak.example"
        began = time.time()
        sent = client.send(sender, f"From: {token}@{domain}", recipients=(recipient,), token=token)
        message = Message(name, role, sender, sent.token, connected, began, time.time(),
                          str(sent.reply), sent.reply.ok, is_gone)
        self.messages.append(message)
        with self._counting:
            self._accepted += message.accepted
        return message


def outcome_of(message, senders):
    """In the words of the timeline; senders: what the next hop got, by token."""
    if message.accepted:
        return f"sender {senders[message.token][0]}"
    if refused := REFUSED.match(message.reply):
        return f"reject {refused[1]} {refused[2]}"
    if deferred := DEFERRED.match(message.reply):
        return f"defer {deferred[1]}"
    if NO_MILTER.match(message.reply):
        return "no-milter"
    if NO_MAP.match(message.reply):
        return "no-map"
    return f"odd reply {message.reply}"


def account(messages, senders, judge):
    """Everything that is not as it should be, as sentences; and how often each outcome was."""
    wrong = []
    counts = {}
    tokens = {message.token for message in messages
              if message.accepted and not message.is_refused_later}
    for token in senders.keys() - tokens:
        wrong.append(f"delivered though it was not accepted: {token}")
    for message in messages:
        if message.accepted and message.is_refused_later:
            continue  # it has come back: see bounces.py
        came = len(senders.get(message.token, ()))
        if message.accepted and came != 1:
            wrong.append(f"accepted once, delivered {came} times: {message}")
        if message.accepted and not came:
            continue
        outcome = outcome_of(message, senders)
        kind = outcome.split()[0] if outcome.startswith(("sender", "reject")) else outcome
        counts[kind] = counts.get(kind, 0) + 1
        if fault := judge.fault_of(message, outcome):
            wrong.append(f"{fault}: {message}")
    return wrong, counts
