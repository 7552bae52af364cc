# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A mail client that keeps each reply as it came."""

import itertools
import os
import re
import smtplib
from dataclasses import dataclass

from .sink import TOKEN_HEADER

_serial = itertools.count(1)


def new_token():
    return f"{os.getpid()}-{next(_serial)}"


@dataclass(frozen=True)
class Reply:
    code: int
    text: str  # all lines, the enhanced code included

    @property
    def enhanced(self):
        found = re.match(r"[245]\.\d{1,3}\.\d{1,3}", self.text)
        return found.group() if found else None

    @property
    def ok(self):
        return 200 <= self.code < 400

    @property
    def queue_id(self):
        """Of the reply to a message: what the MTA calls it from now on."""
        found = re.search(r"queued as (\S+)|2\.0\.0 (\S+) Message accepted", self.text)
        return found and (found.group(1) or found.group(2))

    def __str__(self):
        return f"{self.code} {self.text}"


@dataclass(frozen=True)
class Sent:
    """The outcome of one message: its token and the reply that decided."""
    token: str
    reply: Reply


def octets_of(text):
    return text.encode("utf-8", "surrogateescape")


def message(from_line="From: someone@unknown.test", token=None, headers=(), body="body"):
    """A message, dot-stuffed and ended. from_line may be None, or several lines."""
    lines = [f"{TOKEN_HEADER}: {token}", *headers, "Subject: lab", "To: rcpt@next.test"]
    if from_line is not None:
        lines.insert(0, from_line)
    text = "\n".join([*lines, "", body]).replace("\r\n", "\n").replace("\n.", "\n..")
    return octets_of(text).replace(b"\n", b"\r\n") + b"\r\n.\r\n"


class Client:
    """One SMTP session on loopback."""

    def __init__(self, port, source="127.0.0.1", xclient=None, timeout=90):
        self._smtp = smtplib.SMTP(local_hostname="client.test", source_address=(source, 0),
                                  timeout=timeout)
        self._smtp.connect("127.0.0.1", port)
        self.command("EHLO client.test")
        if xclient:
            assert self.command(f"XCLIENT {xclient}").code == 220
            self.command("EHLO client.test")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._smtp.close()

    def write(self, octets):
        self._smtp.send(octets)

    def read(self):
        code, text = self._smtp.getreply()
        return Reply(code, text.decode("utf-8", "backslashreplace"))

    def command(self, line):
        self.write(octets_of(line) + b"\r\n")
        return self.read()

    def begin(self, sender, parameters="", recipients=("rcpt@next.test",)):
        """MAIL, RCPT, DATA: the last reply, or the first that is a refusal."""
        replies = itertools.chain(
            [f"MAIL FROM:<{sender}> {parameters}".rstrip()],
            (f"RCPT TO:<{recipient}>" for recipient in recipients), ["DATA"])
        for line in replies:
            reply = self.command(line)
            if not reply.ok:
                break
        return reply

    def send(self, sender, from_line="From: someone@unknown.test", parameters="",
             recipients=("rcpt@next.test",), token=None, **content):
        """One whole message."""
        token = token or new_token()
        reply = self.begin(sender, parameters, recipients)
        if reply.code == 354:
            self.write(message(from_line, token, **content))
            reply = self.read()
        return Sent(token, reply)


def send(port, sender, from_line="From: someone@unknown.test", source="127.0.0.1", xclient=None,
         **more):
    """One message in a session of its own; more: see Client.send."""
    with Client(port, source, xclient) as client:
        return client.send(sender, from_line, **more)
