# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The texts of refusals, as the client receives them, and the log line."""

import pytest

from lab.client import send
from lab.programs import escaped

REFUSED = "info@failed-firm.example"
ALL_PLACEHOLDERS = ("550 5.7.0 i={identity} d={mail-from-domain} s={status} r={reason}"
                    " e={sender} f={from} 100%")


def refuse(mta, milter, settings, sender=REFUSED, from_line=None):
    milter.use({"milter": settings})
    return send(mta.port, sender, from_line or f"From: {sender}").reply


def test_placeholders_and_a_percent_sign(mta, milter):
    reply = refuse(mta, milter, {"reject-reply": ALL_PLACEHOLDERS}, "info+x@failed-firm.example",
                   "From: The Firm <info@failed-firm.example>")
    assert str(reply) == ("550 5.7.0 i=failed-firm.example d=bounce.failed-firm.example s=Failed"
                          " r=mx-failure-reject e=info+x@failed-firm.example"
                          " f=info@failed-firm.example 100%")


def test_placeholders_without_a_value(mta, milter):
    reply = refuse(mta, milter, {"reject-reply": ALL_PLACEHOLDERS, "on-unknown-identity": "reject"},
                   "joe@unknown.example")
    assert str(reply) == ("550 5.7.0 i=- d=- s=- r=unknown-identity e=joe@unknown.example"
                          " f=joe@unknown.example 100%")


def test_a_percent_sign_in_an_address(mta, milter):
    reply = refuse(mta, milter, {"reject-reply": "554 5.1.8 no {from} %s %n"},
                   "a%s%n%b@failed-firm.example")
    assert str(reply) == "554 5.1.8 no a%s%n%b@failed-firm.example %s %n"


def test_octets_outside_ascii_do_not_reach_the_reply(mta, milter):
    reply = refuse(mta, milter, {"reject-reply": "554 5.1.8 no {from}"}, REFUSED,
                   "From: jürgen@failed-firm.example")
    assert str(reply) == "554 5.1.8 no j??rgen@failed-firm.example"


def test_the_explanation_is_for_a_person(mta, milter):
    reply = refuse(mta, milter, {"reject-reply": "554 5.1.8 {explanation}"})
    assert len(reply.text.split()) > 4


def test_a_reply_stays_within_the_limit_of_a_line(mta, milter):
    long_sender = "a" * 200 + "@failed-firm.example"
    reply = refuse(mta, milter, {"reject-reply": "554 5.1.8 {from} {from} {from} {from}"}, REFUSED,
                   f"From: {long_sender}")
    assert reply.code == 554 and len(str(reply)) <= 510
    assert long_sender in reply.text


def test_own_defer_reply(mta, milter):
    settings = {"defer-reply": "450 4.7.9 later: {reason}"}
    reply = refuse(mta, milter, settings, "info@stale.example")
    assert str(reply) == "450 4.7.9 later: expired"


# The log line

def log_of(milter, mark):
    milter.wait_for_log(": sender=<", mark)
    lines = milter.verdicts(mark)
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("sender", ["info@shop.example", "joe@unknown.example"])
def test_the_log_line_has_the_queue_id(mta, milter, sender):
    mark = milter.log_size()
    sent = send(mta.port, sender, f"From: {sender}")
    assert sent.reply.queue_id
    assert log_of(milter, mark)["queue_id"] == sent.reply.queue_id


def test_the_log_line_tells_the_whole_story(mta, milter):
    mark = milter.log_size()
    send(mta.port, "bounces@elsewhere.example", "From: info@shop.example")
    line = log_of(milter, mark)
    del line["queue_id"]
    assert line == {"sender": "bounces@elsewhere.example", "from": "info@shop.example",
                    "identity": "shop.example", "status": "Success", "verdict": "custom",
                    "reason": "verified", "new_sender": "<bounces@bounce.shop.example>",
                    "return_form": None, "monitor": None, "snapshot": None}


def test_what_the_network_sent_is_escaped_in_the_log(mta, milter):
    """A quoted local part may hold what a log line is made of."""
    mark = milter.log_size()
    address = '"a> verdict=pass <bü"@shop.example'
    send(mta.port, "info@shop.example", f"From: {address}")
    line = log_of(milter, mark)
    assert line["verdict"] == "custom"
    assert line["from"] == escaped(address)


def test_control_characters_in_the_envelope(mta, milter):
    mark = milter.log_size()
    sender = '"a\x01\x1b[1m"@shop.example'
    reply = send(mta.port, sender, "From: info@shop.example").reply
    assert reply.code == 553
    assert log_of(milter, mark)["sender"] == escaped(sender)


def test_every_byte_of_the_log_is_printable_ascii(mta, milter):
    mark = milter.log_size()
    send(mta.port, "info@shop.example", "From: \"\x7fä\x1b[31m\"@shop.example")
    log_of(milter, mark)
    assert all(32 <= ord(letter) < 127 or letter == "\n" for letter in milter.log_text(mark))
