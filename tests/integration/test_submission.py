# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""sendmail(1), and who counts as outbound: what only Postfix shows us."""

import pytest

from lab.client import message, new_token, send
from lab.process import has_ipv6, wait_until


def submit(postfix, sender, from_line):
    token = new_token()
    ended = message(from_line, token)
    postfix.submit(sender, ended.removesuffix(b".\r\n").replace(b"\r\n", b"\n"))
    return token


def test_sendmail_submission_is_outbound(postfix, milter, sink):
    token = submit(postfix, "info@shop.example", "From: info@shop.example")
    assert sink.wait_for(token).sender == "info@bounce.shop.example"


def test_sendmail_submission_is_outbound_whatever_the_networks_are(postfix, milter, sink):
    milter.use({"milter": {"outbound-networks": ["192.0.2.0/24"]}})
    token = submit(postfix, "info@shop.example", "From: info@shop.example")
    assert sink.wait_for(token).sender == "info@bounce.shop.example"


def test_sendmail_submission_with_the_null_sender(postfix, milter, sink):
    mark = milter.log_size()
    token = submit(postfix, "<>", "From: info@shop.example")
    assert sink.wait_for(token).sender == ""
    assert milter.verdicts(mark)[0]["reason"] == "null-sender"


def test_a_refused_submission_comes_back_to_its_sender(postfix, milter, sink):
    """The bounce carries the message's headers in its body, so it has no token of its own."""
    before = len(sink.deliveries(None))
    submit(postfix, "info@failed-firm.example", "From: info@failed-firm.example")
    bounce = wait_until(lambda: sink.deliveries(None)[before:], "the bounce")[0]
    assert bounce.sender == ""
    assert bounce.recipients[0].startswith("<info@failed-firm.example>")


def test_a_deferred_submission_waits_and_then_goes_out(postfix, milter, sink):
    token = submit(postfix, "info@stale.example", "From: info@stale.example")
    wait_until(lambda: milter.verdicts()[-1]["reason"] == "expired", "the first attempt")
    assert sink.deliveries(token) == []
    milter.use({"milter": {"on-expired": "pass"}})
    assert sink.wait_for(token).sender == "info@stale.example"


def test_a_submission_while_the_milter_is_down_waits_and_then_goes_out(postfix, milter, sink):
    milter.stop()
    token = submit(postfix, "info@shop.example", "From: info@shop.example")
    with open(postfix.log, encoding="utf-8") as log:
        wait_until(lambda: "connect to Milter service" in log.read(), "Postfix to miss the milter")
    milter.use()
    assert sink.wait_for(token).sender == "info@bounce.shop.example"


CLIENTS = {
    "foreign": ("ADDR=192.0.2.7", {}, "not-outbound"),
    "foreign, port unknown": ("ADDR=192.0.2.7 PORT=[UNAVAILABLE]", {}, "not-outbound"),
    "foreign, port 0": ("ADDR=192.0.2.7 PORT=0", {}, "not-outbound"),
    "nothing known of it": ("ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE]", {}, "not-outbound"),
    "nothing known of it, nor where it came to": (
        "ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] DESTADDR=[UNAVAILABLE] DESTPORT=[UNAVAILABLE]", {},
        "not-outbound"),
    "this machine, port unknown": ("ADDR=127.0.0.1 PORT=[UNAVAILABLE]", {}, "verified"),
    "this machine, port unknown, but that does not count": (
        "ADDR=127.0.0.1 PORT=[UNAVAILABLE]", {"outbound-networks": ["192.0.2.0/24"]},
        "not-outbound"),
    "logged in": ("ADDR=192.0.2.7 LOGIN=joe", {}, "verified"),
    "logged in, but that does not count": (
        "ADDR=192.0.2.7 LOGIN=joe", {"outbound-authenticated": False}, "not-outbound"),
    "in a network of ours": (
        "ADDR=192.0.2.7", {"outbound-networks": ["192.0.2.0/24"]}, "verified"),
    "just outside a network of ours": (
        "ADDR=192.0.3.0", {"outbound-networks": ["192.0.2.0/24"]}, "not-outbound"),
}
if has_ipv6():
    CLIENTS |= {
        "foreign IPv6": ("ADDR=IPV6:2001:db8::7", {}, "not-outbound"),
        "in an IPv6 network of ours": (
            "ADDR=IPV6:2001:db8::7", {"outbound-networks": ["2001:db8::/32"]}, "verified"),
    }


@pytest.mark.parametrize("xclient, settings, reason", CLIENTS.values(), ids=CLIENTS.keys())
def test_who_is_outbound(postfix, milter, sink, xclient, settings, reason):
    milter.use({"milter": settings})
    mark = milter.log_size()
    sent = send(postfix.port, "info@shop.example", "From: info@shop.example", xclient=xclient)
    expected = {"verified": "info@bounce.shop.example", "not-outbound": "info@shop.example"}
    assert sink.delivery_of(sent).sender == expected[reason]
    assert milter.verdicts(mark)[0]["reason"] == reason


def test_a_login_counts_for_its_own_session_only(postfix, milter, sink):
    logged_in, foreign = (
        send(postfix.port, "info@shop.example", "From: info@shop.example", xclient=xclient)
        for xclient in ("ADDR=192.0.2.7 LOGIN=joe", "ADDR=192.0.2.7"))
    assert sink.delivery_of(logged_in).sender == "info@bounce.shop.example"
    assert sink.delivery_of(foreign).sender == "info@shop.example"
