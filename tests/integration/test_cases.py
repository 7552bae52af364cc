# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Every case of cases.toml through both MTAs, and `mailfromctl explain` against what they did."""

import pytest

from lab import cases
from lab.laboratory import sample_records

BY_MTA = [pytest.param(mta, case, id=f"{mta}-{case.name}")
          for mta in ("postfix", "sendmail") for case in cases.load(mta)]
# Of an address outside ASCII explain takes it that SMTPUTF8 comes with it.
EXPLAINABLE = [pytest.param(case, id=case.name) for case in cases.load("postfix")
               if case.envelope.isascii() or "SMTPUTF8" in case.parameters]
REASONS = {"null-sender", "not-outbound", "unavailable", "unknown-identity", "expired",
           "no-mail-from-domain", "verified", "temporary-failure-deferred", "mx-failure-reject",
           "mx-failure-default", "bad-sender"}


@pytest.mark.parametrize("mta_name, case", BY_MTA)
def test_case(laboratory, mta_name, case):
    outcome = cases.carry_out(case, laboratory, laboratory.mtas[mta_name])
    assert cases.differences(case, outcome) == []


@pytest.mark.parametrize("case", EXPLAINABLE)
def test_explain_agrees_with_the_milter(laboratory, case):
    outcome = cases.carry_out(case, laboratory, laboratory.mtas["postfix"])
    done = laboratory.milter.ctl("explain", case.address, "--envelope", case.envelope,
                                 "--client", case.client)
    assert done.returncode == 0, done.stderr
    told = dict(line.split(maxsplit=1) for line in done.stdout.splitlines()
                if line.split(maxsplit=1)[0] in ("Verdict", "Reason", "Result"))
    assert told["Verdict"] == outcome.logged["verdict"]
    assert told["Reason"].partition(":")[0] == outcome.logged["reason"]
    if case.settings.get("milter", {}).get("mode") != "monitor":
        assert told["Result"].removesuffix(", unchanged") == result(outcome)


def result(outcome):
    """As explain prints it: octets outside ASCII are escaped, for any terminal."""
    if outcome.delivery:
        sender = "".join(letter if letter.isascii() else cases.escaped(letter)
                         for letter in outcome.delivery.sender)
        return f"MAIL FROM:<{sender}>"
    return str(outcome.reply)


def test_the_cases_cover_every_reason_and_row():
    for mta in ("postfix", "sendmail"):
        covered = cases.load(mta)
        assert {case.reason for case in covered} >= REASONS
        assert {case.row for case in covered} >= {str(row) for row in range(1, 11)} | {"-"}


def test_the_cases_cover_every_identity_of_the_sample():
    decided = {case.identity for case in cases.load("postfix")}
    skipped = {name for name, attributes in sample_records().items()
               if not attributes.get("Record", {}).get("Verified", True)}
    assert decided >= sample_records().keys() - skipped
