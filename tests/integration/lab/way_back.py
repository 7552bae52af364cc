# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The way back, step by step: a message leaves with a signed return path, and bounces come to it."""

import datetime
import re
from dataclasses import dataclass

SENDER = "anna@shop.example"
GONE = "gone@next.test"
SIGNED = re.compile(r"prvs=[0-9a-f]{10}=anna@bounce\.shop\.example$")
LONG_AGO = 30  # days; a return path lives for 21


@dataclass(frozen=True)
class Step:
    what: str
    story: str
    is_right: bool


def _forged(return_path):
    """One digit of the signature is another."""
    at = len("prvs=012345678")
    return return_path[:at] + ("0" if return_path[at] != "0" else "1") + return_path[at + 1:]


def _refused(gateway, what, return_path, text):
    reply = gateway.call_out(return_path)
    story = re.sub(r"<\S+>: Recipient address rejected: ", "", str(reply))
    return Step(what, f"refused at RCPT: {story}", reply.code == 550 and text in reply.text)


def _expired(gateway):
    """As mailfromctl signs it for a day long ago."""
    day = datetime.date.today() - datetime.timedelta(days=LONG_AGO)
    done = gateway.milter.ctl("return-path", "encode", SENDER, "--identity", "shop.example",
                              "--date", str(day))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def walk(gateway):
    """Yields each step as it has been made."""
    return_path = gateway.return_path(SENDER)
    yield Step("a message leaves", f"next hop received MAIL FROM:<{return_path}>",
               bool(SIGNED.match(return_path)))

    gateway.sink.refusals[GONE] = "550 5.1.1 There is no such user"
    gateway.send(SENDER, recipients=(GONE,))
    notice = gateway.sink.wait_for_recipient(SENDER)
    yield Step("the next hop refuses one in the session",
               f"Postfix wrote a notice, and {notice.addresses[0]} received it",
               notice.sender == "" and notice.addresses == [SENDER])

    mailbox = gateway.returned_to(return_path)
    yield Step("a bounce comes later, from another host", f"{mailbox} received it",
               mailbox == SENDER)
    yield _refused(gateway, "a forged one comes", _forged(return_path), "forged")
    yield _refused(gateway, "an expired one comes", _expired(gateway), "expired on")


STEPS = 5
