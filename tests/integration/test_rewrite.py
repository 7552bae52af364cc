# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""rewrite = false: a gateway in front of SES refuses mail, and leaves the sender of all other mail
alone."""

import pytest

from lab.check import MAIN_CF, check, found, postfix, record, settle
from lab.check import gateway as check_gateway
from lab.client import send
from lab.nsd import Nsd

SES = "[email-smtp.eu-west-1.amazonaws.com]:587"


@pytest.mark.parametrize("identity, reason", [
    ("shop.example", "verified"),
    ("plain.example", "no-mail-from-domain"),
    ("pending-soft.example", "mx-failure-default"),
])
def test_the_sender_stays(mta, milter, sink, identity, reason):
    milter.use({"rewrite": False})
    mark = milter.log_size()
    sent = send(mta.port, f"info@{identity}", f"From: info@{identity}")
    assert sink.delivery_of(sent).sender == f"info@{identity}"
    [verdict] = milter.verdicts(mark)
    assert (verdict["verdict"], verdict["reason"]) == ("pass", reason)


def test_refusals_stay(mta, milter):
    milter.use({"rewrite": False})
    sent = send(mta.port, "info@failed-firm.example", "From: info@failed-firm.example")
    assert sent.reply.code == 554
    assert "MailFromDomainNotVerified" in sent.reply.text


def test_nothing_is_signed(gateway, sink):
    """The records there are imported and local."""
    gateway.milter.change({"rewrite": False, "local": {"rewrite": False}})
    assert gateway.return_path("anna@shop.example") == "anna@shop.example"
    done = gateway.milter.ctl("return-path", "encode", "anna@shop.example", "--identity",
                              "shop.example")
    assert done.returncode == 69
    assert "the settings have rewrite = false for it (verified)" in done.stderr


def test_explain(milter):
    milter.write_settings({"rewrite": False})
    text = milter.ctl("explain", "info@shop.example").stdout
    assert "off: the sender stays as it is" in text
    assert "MAIL FROM:<info@shop.example>, unchanged" in text


# The next hop is SES

@pytest.fixture(scope="module")
def nsd():
    with Nsd({"example": ""}) as server:
        yield server


@pytest.fixture
def own(laboratory, nsd, tmp_path):
    with check_gateway(laboratory, nsd, tmp_path / "postfix") as milter:
        milter.import_records(record("local.example") | record("file.example", source="file"))
        yield milter


PARAMETERS = [f"relayhost = {SES}", f"default_transport = smtp:{SES}",
              f"sender_dependent_relayhost_maps = inline:{{{{a@shop.example = {SES}}}}}"]


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_check_warns_where_the_next_hop_is_ses(own, nsd, parameter):
    postfix(own, main_cf=MAIN_CF + parameter + "\n")
    settle(own, nsd, {"ses": {"region": "eu-west-1"}})
    result = check(own)
    name = parameter.split(" = ")[0]
    for section in ("in section ses", "in section local", "for imported identities"):
        found(result, "warning", f"settings: {name} of Postfix is ", f"rewrite is true {section}:",
              "expected rewrite = false")
    settle(own, nsd, {"ses": {"region": "eu-west-1", "rewrite": False},
                      "local": {"rewrite": False}})
    assert "in section" not in check(own).text
    found(check(own), "warning", "rewrite is true for imported identities")


def test_check_does_not_miss_bounces_of_senders_that_stay(own, nsd):
    main_cf = MAIN_CF.replace("relay_domains = example\n", "relay_domains =\n")
    postfix(own, main_cf=main_cf)
    found(check(own), "warning", "bounces: no MTA here takes mail for")
    settle(own, nsd, {"local": {"rewrite": False}})
    with open(own.settings_file, "a", encoding="utf-8") as file:
        file.write("rewrite = false\n")
    assert "bounces: no MTA" not in check(own).text


def test_check_is_content_with_another_next_hop(own):
    postfix(own, main_cf=MAIN_CF + "relayhost = [smtp.elsewhere.example]:587\n")
    assert "rewrite" not in check(own).text


def test_check_reads_the_smart_host_of_sendmail(own, tmp_path):
    file = tmp_path / "sendmail.cf"
    file.write_text("DS[email-smtp.us-gov-west-1.amazonaws.com]\n")
    found(check(own, sendmail_cf=file), "warning", "settings: SMART_HOST of Sendmail is "
          "[email-smtp.us-gov-west-1.amazonaws.com], and rewrite is true in section local")
