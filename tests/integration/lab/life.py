# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The life of an identity of the gateway's own, stage by stage: what happens to it, which status
comes of that, and what a message of it meets."""

import signal
from dataclasses import dataclass
from typing import Callable

from .client import send
from .process import wait_until

IDENTITY = "shop.example"
DOMAIN = "bounce.shop.example"
CUSTOM = f"anna@{DOMAIN}"
DEFAULT = "anna@bounce.default.example"
EXPECTED = "mx1.gateway.example"
RIGHT = f"bounce MX 10 {EXPECTED}."
OTHER = "bounce MX 10 mx.elsewhere.example."


def settings(port, **changes):
    """Section local, so quick that the life of an identity takes seconds."""
    return {"expected-mx": [EXPECTED], "nameservers": [f"127.0.0.1:{port}"],
            "pending-interval": "1s", "success-interval": "1s", "timeout": "2s"} | {
                name.replace("_", "-"): value for name, value in changes.items()}


class Gateway:
    """What a life takes place in."""

    def __init__(self, sync, nsd, mta, sink):
        self.sync = sync
        self.nsd = nsd
        self.mta = mta
        self.sink = sink

    def put(self, behaviour):
        done = self.sync.ctl("put", IDENTITY, "--mail-from-domain", DOMAIN,
                             "--behavior-on-mx-failure", behaviour)
        assert done.returncode == 0, done.stderr

    def end_window(self):
        """So that nobody has to wait for three days."""
        self.sync.configure(local=settings(self.nsd.port, temporary_failure_window="1s"))
        self.sync.send_signal(signal.SIGHUP)

    def record(self):
        return self.sync.records().get(IDENTITY, {})


def begin(sync, nsd, milter, mta, sink):
    """The gateway at work, with the identity in it that has no MAIL FROM domain yet."""
    nsd.publish(IDENTITY, "")
    sync.configure(local=settings(nsd.port))
    added = sync.ctl("identity", "add", IDENTITY)
    assert added.returncode == 0, added.stderr
    milter.use({"store": sync.store})
    sync.start()
    return Gateway(sync, nsd, mta, sink)


def publish(records):
    return lambda gateway: gateway.nsd.publish(IDENTITY, records)


def put(behaviour):
    return lambda gateway: gateway.put(behaviour)


@dataclass(frozen=True)
class Stage:
    what: str
    happen: Callable
    status: str
    sender: str = None  # as the next hop receives it; None: the message is refused
    found: str = None   # in the record afterwards; None: nothing was looked up yet, or no matter


STAGES = [
    Stage("put, RejectMessage; no MX record yet", put("RejectMessage"), "Pending", None, "NXDOMAIN"),
    Stage("put, UseDefaultValue", put("UseDefaultValue"), "Pending", DEFAULT, "NXDOMAIN"),
    Stage("MX record published", publish(RIGHT), "Success", CUSTOM, f"MX 10 {EXPECTED}"),
    Stage("another MX record instead", publish(OTHER), "TemporaryFailure", DEFAULT,
          "MX 10 mx.elsewhere.example"),
    Stage("put, RejectMessage", put("RejectMessage"), "TemporaryFailure", None,
          "MX 10 mx.elsewhere.example"),
    Stage("MX record published again", publish(RIGHT), "Success", CUSTOM, f"MX 10 {EXPECTED}"),
    Stage("MX record withdrawn", publish(""), "TemporaryFailure", None, "NXDOMAIN"),
    Stage("temporary-failure-window over", Gateway.end_window, "Failed", None, "NXDOMAIN"),
    Stage("MX record published: too late", publish(RIGHT), "Failed", None, "NXDOMAIN"),
    Stage("put anew", put("RejectMessage"), "Success", CUSTOM, f"MX 10 {EXPECTED}"),
]


@dataclass(frozen=True)
class Outcome:
    record: dict
    sent: object
    sender: str  # None: refused


def live(gateway, stage):
    """Lets a stage happen, waits for its status, and sends a message."""
    stage.happen(gateway)
    wait_until(lambda: has_come(gateway.record(), stage), f"{stage.what}: {stage.status}")
    sent = send(gateway.mta.port, f"anna@{IDENTITY}", f"From: anna@{IDENTITY}")
    delivered = gateway.sink.delivery_of(sent).sender if sent.reply.ok else None
    return Outcome(gateway.record(), sent, delivered)


def has_come(record, stage):
    return (record.get("MailFromDomainStatus") == stage.status and
            stage.found in (None, record.get("Found")))


def differences(stage, outcome):
    """What is not as the stage says; empty if all is well."""
    wrong = []
    if not has_come(outcome.record, stage):
        wrong.append(f"expected status {stage.status}, found {stage.found}")
    if outcome.sender != stage.sender:
        wrong.append(f"expected {stage.sender or 'a refusal'} at the next hop")
    if stage.sender is None and "MailFromDomainNotVerified" not in outcome.sent.reply.text:
        wrong.append("expected the reply MailFromDomainNotVerified")
    return wrong
