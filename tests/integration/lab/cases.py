# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The cases of cases.toml: what they say, and how one is carried out."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

from .client import Reply, send
from .process import wait_until
from .programs import escaped
from .sink import Delivery

TABLE = Path(__file__).parent.parent / "cases.toml"


@dataclass(frozen=True)
class Case:
    """See the head of cases.toml."""
    name: str
    envelope: str
    row: str = ""
    parameters: str = ""
    header: str = None
    body: str = "body"
    client: str = "127.0.0.1"
    settings: dict = field(default_factory=dict)
    address: str = ""
    identity: str = "-"
    verdict: str = None  # none: the MTA refuses before the milter sees the message
    reason: str = None
    sender: str = None
    sender_parameters: tuple = ()
    logged_sender: str = None
    reply: str = "250"


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""
    reply: Reply
    delivery: Delivery  # none if the message was refused
    logged: dict  # the fields of the log line, none if there is none


def load(mta):
    """The cases as they are for this MTA, in order."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))["case"]
    return [_case(entry, mta) for entry in table]


def _case(entry, mta):
    known = {one.name for one in fields(Case)}
    values = {**entry, **entry.get(mta, {})}
    for name in ("postfix", "sendmail"):
        values.pop(name, None)
    if "from" in values:
        values["header"] = values.pop("from").lstrip("\n")
    assert values.keys() <= known, f"{entry['name']}: {values.keys() - known}"
    return Case(**values)


def from_line(case):
    if case.header is None:
        return f"From: {case.envelope}"
    return case.header or None


def carry_out(case, laboratory, mta):
    milter = laboratory.milter.use(case.settings)
    mark = milter.log_size()
    sent = send(mta.port, case.envelope, from_line(case), source=case.client,
                parameters=case.parameters, body=case.body)
    delivery = laboratory.sink.wait_for(sent.token) if sent.reply.ok else None
    logged = None
    if case.verdict:
        logged = wait_until(lambda: milter.verdicts(mark), f"the log line after {sent.reply}")[0]
    return Outcome(sent.reply, delivery, logged)


def differences(case, outcome):
    """What came out otherwise than the case says, as sentences."""
    found = []

    def expect(what, expected, actual):
        if expected != actual:
            found.append(f"{what} is {actual!r}, not {expected!r}")

    if not str(outcome.reply).startswith(case.reply):
        found.append(f"the reply is {str(outcome.reply)!r}, not {case.reply!r}")
    expect("the sender at the next hop", case.sender, outcome.delivery and outcome.delivery.sender)
    if outcome.delivery:
        missing = set(case.sender_parameters) - set(outcome.delivery.parameters)
        expect("what is missing at the next hop", set(), missing)
    if outcome.logged:
        for name, expected in (("from", escaped(case.address)), ("identity", case.identity),
                               ("verdict", case.verdict), ("reason", case.reason)):
            expect(name, expected, outcome.logged[name])
        expect("new-sender", _new_sender(case), outcome.logged["new_sender"])
    return found


def _new_sender(case):
    """The field new-sender: a dash where the message keeps its sender or is refused."""
    sender = case.logged_sender or case.sender
    return "-" if sender in (None, case.envelope) else f"<{escaped(sender)}>"
