# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Many messages on one connection, and messages that are unusual on the way in."""

from lab.client import Client, message, new_token, send
from lab.milter_client import MilterClient

SHOP = ("info@shop.example", "From: info@shop.example", "info@bounce.shop.example")
ANNA = ("anna@shop.example", "From: anna@shop.example", "anna@anna.shop.example")
UNKNOWN = ("joe@unknown.example", "From: joe@unknown.example", "joe@unknown.example")
REFUSED = ("info@failed-firm.example", "From: info@failed-firm.example", None)


def check(sink, sent, expected):
    """expected: the sender at the next hop, None for a refusal."""
    if expected is None:
        assert str(sent.reply).startswith("554 5.1.8 MailFromDomainNotVerified")
    else:
        assert sink.delivery_of(sent).sender == expected


def send_in_turn(mta, sink, messages):
    """All on one connection."""
    with Client(mta.port) as client:
        outcomes = [(client.send(sender, header), expected)
                    for sender, header, expected in messages]
    for sent, expected in outcomes:
        check(sink, sent, expected)


def test_two_messages_on_one_connection(mta, milter, sink):
    send_in_turn(mta, sink, [SHOP, ANNA])


def test_200_messages_on_one_connection(mta, milter, sink):
    mark = milter.log_size()
    send_in_turn(mta, sink, [SHOP, ANNA, UNKNOWN, REFUSED] * 50)
    assert len(milter.verdicts(mark)) == 200


def test_a_refusal_leaves_nothing_behind_for_the_next_message(mta, milter, sink):
    send_in_turn(mta, sink, [REFUSED, UNKNOWN, REFUSED, SHOP])


def test_a_message_without_from_does_not_inherit_that_of_the_one_before(mta, milter, sink):
    send_in_turn(mta, sink, [ANNA, ("joe@unknown.example", None, "joe@unknown.example")])


def test_rset_in_between(mta, milter, sink):
    with Client(mta.port) as client:
        assert client.command("MAIL FROM:<anna@shop.example>").ok
        assert client.command("RSET").ok
        assert client.command("MAIL FROM:<anna@shop.example>").ok
        assert client.command("RCPT TO:<rcpt@next.test>").ok
        assert client.command("RSET").ok
        first = client.send(*SHOP[:2])
        assert client.command("RSET").ok
        second = client.send(*UNKNOWN[:2])
    check(sink, first, SHOP[2])
    check(sink, second, UNKNOWN[2])


def test_a_client_that_leaves_in_mid_message(mta, milter, sink):
    with Client(mta.port) as client:
        assert client.begin("anna@shop.example").code == 354
        client.write(b"From: anna@shop.example\r\nSubject: never finis")
    check(sink, send(mta.port, *SHOP[:2]), SHOP[2])


def test_pipelining(mta, milter, sink):
    tokens = [new_token(), new_token()]
    envelopes = [b"MAIL FROM:<%s>\r\nRCPT TO:<rcpt@next.test>\r\nDATA\r\n" % sender
                 for sender in (b"info@shop.example", b"anna@shop.example")]
    with Client(mta.port) as client:
        client.write(envelopes[0])
        assert [client.read().code for _ in range(3)] == [250, 250, 354]
        client.write(message(SHOP[1], tokens[0]) + envelopes[1])
        assert [client.read().code for _ in range(4)] == [250, 250, 250, 354]
        client.write(message(ANNA[1], tokens[1]))
        assert client.read().code == 250
    assert sink.wait_for(tokens[0]).sender == SHOP[2]
    assert sink.wait_for(tokens[1]).sender == ANNA[2]


def test_a_message_with_10000_header_lines(mta, milter, sink):
    headers = [f"X-{number}: some value" for number in range(10000)]
    sent = send(mta.port, *SHOP[:2], headers=headers)
    check(sink, sent, SHOP[2])
    assert sink.delivery_of(sent).header("X-9999") == "some value"


def test_a_from_header_longer_than_any_person_writes(mta, milter, sink):
    name = "\n ".join(["very"] * 2000)
    check(sink, send(mta.port, "info@shop.example", f"From: {name} long <info@shop.example>"),
          SHOP[2])


def test_several_recipients_stay_as_they_are(mta, milter, sink):
    recipients = ("one@next.test", "two@elsewhere.test")
    token = new_token()
    with Client(mta.port) as client:
        assert client.begin("info@shop.example", recipients=recipients).code == 354
        client.write(message(SHOP[1], token))
        assert client.read().ok
    delivery = sink.wait_for(token)
    assert delivery.sender == SHOP[2]
    received = {line.split()[0] for line in delivery.recipients}
    assert received == {f"<{recipient}>" for recipient in recipients}


def test_headers_stay_as_they_are(mta, milter, sink):
    headers = ["Sender: info@shop.example", "Reply-To: Other <other@else.example>",
               "X-Odd:   spaces   stay"]
    sent = send(mta.port, "info@shop.example", "From: Info <info@shop.example>", headers=headers)
    received = sink.delivery_of(sent).headers
    assert [line for line in received if line.startswith(("From", "Sender", "Reply-To", "X-Odd"))] \
        == ["From: Info <info@shop.example>", *headers]


def test_header_fields_by_the_thousand(milter):
    """A long From field that names no one, and many after it; the first that names one counts."""
    kind, _, where = milter.socket.partition(":")
    fields = [("From", "x" * 16000), *[("From", "nobody")] * 20000,
              ("From", "info@shop.example"), *[("From", "x@unknown.example")] * 20000]
    mark = milter.log_size()
    with MilterClient(kind, where) as client:
        replies = client.send_fields("info@shop.example", fields, "OUT")
        assert [reply[0] for reply in replies] == [b"e", b"c"]
    with MilterClient(kind, where, client="192.0.2.7") as client:
        replies = client.send_fields("joe@unknown.example",
                                     [("From", "joe@unknown.example"), *fields], "IN")
        assert [reply[0] for reply in replies] == [b"c"]
    out, inbound = milter.verdicts(mark)
    assert (out["from"], out["reason"]) == ("info@shop.example", "verified")
    assert (inbound["from"], inbound["reason"]) == ("joe@unknown.example", "not-outbound")
