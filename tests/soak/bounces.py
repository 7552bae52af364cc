# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The way back: bounces from outside to return paths that the next hop has seen, forged ones among
them; and what became of each, and of the notices that Postfix writes itself."""

import random
import re
import threading
import time
from dataclasses import dataclass

from lab.client import Client, message, new_token

FAR = "127.0.0.3"  # not one of the gateway's own clients
SIGNED = re.compile(r"(?:prvs=([0-9a-f]{10})=|SRS0=([a-z2-7]{8})=[a-z2-7]{2}=[^=@]+=)(.+)@([^@]+)$")
RECENT = 200  # return paths to choose from
PAUSE = 0.02
FORGED = re.compile(r"550 5\.1\.1 <\S+>: Recipient address rejected: Return path is forged")
NO_MAP = re.compile(
    r"451 4\.3\.[05] (?:<\S+>: (?:Recipient address rejected: Server configuration error|"
    r"Temporary lookup failure)|Error: queue file write error)"
    r"|4\d\d 4\.\d\.\d Service unavailable - try again later$")


def is_signed(sender):
    return bool(SIGNED.match(sender))


def unsigned(sender):
    """What the envelope sender was without its signature."""
    found = SIGNED.match(sender)
    return f"{found[3]}@{found[4]}" if found else sender


def forge(sender):
    """One digit of its signature is another."""
    found = SIGNED.match(sender)
    at = (found.end(1) if found[1] else found.end(2)) - 1
    digits = "0123456789abcdef" if found[1] else "abcdefghijklmnopqrstuvwxyz234567"
    return sender[:at] + digits[digits.index(sender[at]) - 1] + sender[at + 1:]


@dataclass
class Bounce:
    """of: the token of the message that it is about."""
    of: str
    kind: str  # as-is, folded, forged
    recipient: str
    token: str
    began: float
    replied: float
    reply: str
    accepted: bool


class Bounces(threading.Thread):
    def __init__(self, port, sink, seed):
        super().__init__(daemon=True)
        self._port = port
        self._sink = sink
        self._draw = random.Random(f"{seed}/bounces")
        self._over = threading.Event()
        self.bounces = []
        self.failures = []

    def stop(self):
        self._over.set()
        self.join()

    def run(self):
        while not self._over.wait(PAUSE):
            if not self._sink.return_paths:
                continue
            try:
                self._send(*self._draw.choice(self._sink.return_paths[-RECENT:]))
            except Exception as error:  # told in the account
                self.failures.append(f"a session of a bounce broke: {error!r}")
                self._over.wait(1)

    def _send(self, of, return_path):
        kind = self._draw.choice(("as-is", "as-is", "folded", "forged"))
        recipient = {"as-is": str, "folded": str.lower, "forged": forge}[kind](return_path)
        token = new_token()
        began = time.time()
        with Client(self._port, FAR) as client:
            reply = client.begin("", recipients=(recipient,))
            if reply.code == 354:
                client.write(message("From: MAILER-DAEMON@far.test", token))
                reply = client.read()
        self.bounces.append(Bounce(of, kind, recipient, token, began, time.time(), str(reply),
                                   reply.ok))


def _wrong_with(bounce, original, arrived, timeline):
    """What is not as it should be with a bounce, or None. original: whom it belongs to; arrived:
    whom it came to, each time that it came."""
    if not bounce.accepted:
        if bounce.kind == "forged" and FORGED.match(bounce.reply):
            return None
        excused = NO_MAP.match(bounce.reply) and timeline.may_lack_map(bounce.began, bounce.replied)
        return None if excused else "refused"
    if bounce.kind == "forged":
        return "a forged one was accepted"
    if len(arrived) != 1:
        return f"accepted once, delivered {len(arrived)} times"
    if bounce.kind == "folded":
        arrived, original = [arrived[0].lower()], original.lower()
    return None if arrived == [original] else f"came to {arrived}, not to {original}"


def account(bounces, messages, sink, timeline):
    """As that of mail.py."""
    senders = {message.token: message.sender for message in messages}
    counts = {}
    wrong = []
    for bounce in bounces:
        outcome = f"{bounce.kind} {'accepted' if bounce.accepted else bounce.reply[:3]}"
        counts[outcome] = counts.get(outcome, 0) + 1
        fault = _wrong_with(bounce, senders[bounce.of], sink.bounces.get(bounce.token, []), timeline)
        if fault:
            wrong.append(f"{fault}: {bounce}")
    known = {bounce.token for bounce in bounces if bounce.accepted}
    for token in sink.bounces.keys() - known:
        wrong.append(f"a bounce was delivered though it was not accepted: {token}")
    return wrong, counts


def account_of_notices(messages, sink):
    """Each message that the next hop refused has come back to its sender, once."""
    wrong = []
    refused = [message for message in messages if message.accepted and message.is_refused_later]
    for message in refused:
        arrived = sink.notices.get(message.token, [])
        if arrived != [message.sender]:
            wrong.append(f"the notice came to {arrived}, not to {message.sender}: {message}")
    return wrong, len(refused)
