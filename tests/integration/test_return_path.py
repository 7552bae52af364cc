# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Bounces and replies on their way back: to whom each goes, and what is refused. In
test_return_path_settings.py is what settings, secrets and identities change about that."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import signature
from lab.client import message, new_token, send
from lab.process import wait_until
from lab.returns import OUTSIDE, SECRET, new_domain, new_name, record
from lab.signature import today

SHOP = "bounce.shop.example"
ANOTHER = "the-secret-of-another-gateway"


def shop_sender():
    """One that nobody else has."""
    return f"{new_name()}@shop.example"


def is_signed(return_path, form, sender, mail_from_domain=SHOP):
    """By the gateway, today."""
    expected = form(SECRET, sender, mail_from_domain)
    yesterday = form(SECRET, sender, mail_from_domain, today() - 1)  # it was before midnight
    return return_path in (expected, yesterday)


def refused(gateway, recipient, code, *words, sender=""):
    """At RCPT from outside, in these words."""
    reply = gateway.call_out(recipient, sender)
    assert str(reply).startswith(code), reply
    for word in words:
        assert word in reply.text, reply
    return True


# What comes back

@pytest.mark.parametrize("domain", ["shop.example", "x.example"])
def test_a_bounce_in_the_session_comes_back_to_the_sender(gateway, sink, domain):
    """The next hop refuses the recipient: the notice is the MTA's own."""
    sender, gone = f"{new_name()}@{domain}", f"{new_name('gone')}@next.test"
    sink.refusals[gone] = "550 5.1.1 No such user"
    assert gateway.send(sender, "From: info@shop.example", recipients=(gone,)).reply.ok
    notice = sink.wait_for_recipient(sender)
    assert (notice.sender, notice.addresses) == ("", [sender])
    assert "report" in notice.header("Content-Type")
    assert sink.refused.count(gone) == 1


def test_a_bounce_from_outside_comes_back_to_the_sender(gateway):
    sender = shop_sender()
    return_path = gateway.return_path(sender)
    assert is_signed(return_path, signature.prvs, sender)
    assert gateway.returned_to(return_path) == sender


def test_a_bounce_to_a_sender_in_a_domain_without_identity_comes_back(gateway):
    sender = f"{new_name()}@x.example"
    return_path = gateway.return_path(sender, "From: info@shop.example")
    assert is_signed(return_path, signature.srs, sender)
    assert gateway.returned_to(return_path) == sender


def test_a_bounce_to_the_default_mail_from_domain_comes_back(gateway):
    domain = new_domain()
    gateway.milter.import_records({domain: {"BehaviorOnMXFailure": "UseDefaultValue"}})
    sender = f"{new_name()}@{domain}"
    return_path = gateway.return_path(sender)
    assert is_signed(return_path, signature.srs, sender, "bounce.default.example")
    assert gateway.returned_to(return_path) == sender


def test_an_automatic_reply_with_a_sender_of_its_own_comes_back(gateway):
    sender = shop_sender()
    assert gateway.returned_to(gateway.return_path(sender), "away@far.test") == sender


def test_a_call_out_finds_a_return_path(gateway):
    """As a mail server does that asks whether the sender takes bounces. Nobody gets mail of it."""
    return_path = gateway.return_path(shop_sender())
    with gateway.outside() as client:
        for command, code in (("MAIL FROM:<>", 250), (f"RCPT TO:<{return_path}>", 250),
                              ("RSET", 250), ("QUIT", 221)):
            assert client.command(command).code == code


@pytest.mark.parametrize("local", [
    "list-bounces+{}=next.example", "SRS0=AbCd=QX=foo.example={}", "prvs=0123456789={}",
    "{}+Tag", "{}-Tag", "{}=Tag", '"Quoted {}"', "{}.With.Dots"])
@pytest.mark.parametrize("domain", ["shop.example", "x.example"])
def test_local_parts_make_the_round_trip_with_their_case(gateway, local, domain):
    sender = f"{local.format(new_name('B'))}@{domain}"
    return_path = gateway.return_path(sender, "From: info@shop.example")
    assert return_path != sender and return_path.endswith(f"@{SHOP}")
    assert gateway.returned_to(return_path) == sender


def test_a_sender_in_capitals_comes_back(gateway):
    sender = new_name("ANNA") + "@SHOP.EXAMPLE"
    return_path = gateway.return_path(sender)
    assert return_path.startswith("prvs=") and return_path.endswith(f"@{SHOP}")
    address = gateway.returned_to(return_path)
    assert address.rpartition("@")[0] == sender.rpartition("@")[0]
    assert address.lower() == sender.lower()


@pytest.mark.parametrize("fold", [str.lower, str.upper], ids=["lower", "upper"])
@pytest.mark.parametrize("domain", ["shop.example", "x.example"])
def test_a_return_path_that_was_folded_on_the_way_comes_back(gateway, fold, domain):
    sender = f"{new_name()}@{domain}"
    folded = fold(gateway.return_path(sender, "From: info@shop.example"))
    assert gateway.returned_to(folded).lower() == sender.lower()


def test_a_sender_without_a_domain_comes_back_to_the_gateway(gateway):
    """The MTA adds its own domain, and so does the return path."""
    home = {"postfix": "lab.test", "sendmail": "sm.lab.test"}[gateway.mta.name]
    sender = new_name("root")
    return_path = gateway.return_path(sender, "From: info@shop.example")
    assert is_signed(return_path, signature.srs, f"{sender}@{home}")
    assert gateway.returned_to(return_path) == gateway.own_address(sender)


def test_a_sender_that_is_a_return_path_itself_comes_back_through_both(gateway, sink):
    domain = new_domain()
    gateway.milter.import_records({domain: record(f"b.{domain}")})
    sender = f"{new_name('a')}@shop.example"
    inner = gateway.return_path(sender)
    outer = gateway.return_path(inner, f"From: info@{domain}")
    assert is_signed(outer, signature.srs, inner, f"b.{domain}")
    assert gateway.returned_to(outer) == sender
    # One that is in its MAIL FROM domain already is not signed twice.
    again = gateway.return_path(inner, "From: info@shop.example")
    assert again == inner
    assert gateway.returned_to(again) == sender


def test_a_local_part_too_long_to_be_signed_comes_back_to_the_null_sender_only(gateway):
    local = new_name("long-" * 10)
    assert 48 < len(local) <= 64
    return_path = gateway.return_path(f"{local}@shop.example")
    assert return_path == f"{local}@{SHOP}"
    assert gateway.returned_to(return_path) == f"{local}@shop.example"
    assert refused(gateway, return_path, "55", "5.7.1", sender="away@far.test")
    # A short one would have been signed: that mailbox nobody reaches.
    assert refused(gateway, f"info@{SHOP}", "550 5.1.1", "No such return path")


# What does not come back

def test_who_is_not_ours_may_write_to_mailboxes_and_to_nobody_else(gateway):
    assert gateway.call_out("info@shop.example").ok
    for address in ("info@elsewhere.test", "info@bounce.elsewhere.test", "info@a.bounce.shop.example",
                    signature.prvs(ANOTHER, "info@shop.example", "bounce.elsewhere.test")):
        reply = gateway.call_out(address)
        assert reply.code in (550, 554) and "elay" in reply.text, (address, reply)


@pytest.mark.parametrize("form", [signature.prvs, signature.srs])
def test_forged_return_paths_are_refused(gateway, form):
    address = form(SECRET, "info@shop.example", SHOP)
    assert gateway.call_out(address).ok
    first = address[5:6]
    for forged in (form(ANOTHER, "info@shop.example", SHOP), address.replace("info@", "root@"),
                   address[:5] + {"a": "b"}.get(first, "a") + address[6:]):
        assert refused(gateway, forged, "550 5.1.1", "Return path is forged or damaged")
        assert refused(gateway, forged, "550 5.1.1", "Return path is forged or damaged",
                       sender="away@far.test")


def test_damaged_return_paths_are_refused(gateway):
    address = signature.prvs(SECRET, "info@shop.example", SHOP)
    for damaged in (address.replace("=info", ""), address[:9] + address[10:],
                    f"SRS1=abcd==far.test=info@{SHOP}", f"prvs=@{SHOP}"):
        assert refused(gateway, damaged, "550 5.1.1")


@pytest.mark.parametrize("form", [signature.prvs, signature.srs])
def test_expired_return_paths_are_refused_with_the_date(gateway, form):
    lifetime = 21

    def of_age(days):
        return form(SECRET, "info@shop.example", SHOP, today() - days)

    for days in (-1, 0, 1, lifetime - 1):
        assert gateway.call_out(of_age(days)).ok, days
    for days in (lifetime + 2, 1022):
        date = time.strftime("%Y-%m-%d", time.gmtime((today() - days + lifetime) * 86400))
        assert refused(gateway, of_age(days), "550 5.1.1", f"Return path expired on {date}")


def test_a_bounce_whose_original_address_fails_ends_there(gateway, sink):
    """No loop, and nobody outside gets anything: at most the gateway's postmaster does."""
    sender = shop_sender()
    return_path = gateway.return_path(sender)
    sink.refusals[sender] = "550 5.1.1 No such user"
    before = len(sink.all_deliveries())
    assert gateway.from_outside(return_path).reply.ok
    wait_until(lambda: sender in sink.refused and gateway.mta.is_idle(), "the bounce to end")
    after = {address.split("@")[0].lower() for delivery in sink.all_deliveries()[before:]
             for address in delivery.addresses}
    assert after <= {"postmaster"}
    assert sink.refused.count(sender) == 1


def test_an_automatic_reply_whose_original_address_fails_bounces_to_who_sent_it(gateway, sink):
    sender, other = shop_sender(), f"{new_name('away')}@x.example"
    return_path = gateway.return_path(sender)
    sink.refusals[sender] = "550 5.1.1 No such user"
    assert gateway.from_outside(return_path, other).reply.ok
    notice = sink.wait_for_recipient(other)
    assert notice.sender == "" and sink.refused.count(sender) == 1


@pytest.mark.parametrize("local", ["postmaster", "abuse", "Postmaster", "ABUSE"])
def test_postmaster_and_abuse_of_a_mail_from_domain_are_reached(gateway, local):
    assert gateway.returned_to(f"{local}@{SHOP}", "joe@far.test") == \
        gateway.own_address("postmaster")


def test_postmaster_is_who_the_settings_say(gateway):
    gateway.milter.change_return_path(postmaster="mail-team@x.example")
    assert gateway.returned_to(f"postmaster@{SHOP}") == "mail-team@x.example"
    assert gateway.returned_to("abuse@bounce.default.example") == "mail-team@x.example"


# Sessions

def test_many_messages_in_one_session(gateway, sink):
    """Good and bad ones in turn, out and back."""
    senders = [shop_sender() for _ in range(8)]
    with gateway.outside() as outside:
        for sender in senders:
            return_path = signature.prvs(SECRET, sender, SHOP)
            forged = signature.prvs(ANOTHER, sender, SHOP)
            sent = outside.send("", "From: daemon@far.test", recipients=(return_path,))
            assert outside.send("", recipients=(forged,)).reply.code == 550
            assert outside.command("RSET").ok
            assert sink.delivery_of(sent).addresses == [sender]


def test_several_return_paths_in_one_message(gateway, sink):
    senders = [shop_sender() for _ in range(5)]
    token = new_token()
    with gateway.outside() as client:
        return_paths = [signature.prvs(SECRET, sender, SHOP) for sender in senders]
        assert client.begin("", recipients=return_paths).code == 354
        client.write(message("From: daemon@far.test", token))
        assert client.read().ok
    wait_until(lambda: sorted(address for delivery in sink.deliveries(token)
                              for address in delivery.addresses) == sorted(senders),
               "all to get it")


def test_many_sessions_at_once(gateway, sink):
    """Each of a smtpd, or a child of Sendmail, of its own."""
    def there_and_back(_):
        sender = shop_sender()
        return_paths = [gateway.return_path(sender) for _ in range(2)]
        return {gateway.returned_to(return_path) for return_path in return_paths} == {sender}

    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(there_and_back, range(6)))


# What only Postfix has

@pytest.fixture
def postfix_gateway(returns):
    returns.milter.restore()
    return returns.gateways["postfix"]


@pytest.mark.parametrize("domain", ["shop.example", "x.example"])
@pytest.mark.parametrize("local", ["änne", "anna-李", "Änne", "straße"])
def test_local_parts_beyond_ascii_make_the_round_trip(postfix_gateway, local, domain):
    sender = f"{new_name(local)}@{domain}"
    return_path = postfix_gateway.return_path(sender, "From: info@shop.example",
                                              parameters="SMTPUTF8")
    assert local in return_path
    assert postfix_gateway.returned_to(return_path, parameters="SMTPUTF8") == sender


@pytest.mark.parametrize("local", ["{}", "{}+Tag", "{}-Tag", "{}=Tag"])
@pytest.mark.parametrize("delimiter", ["plus", "minus", "equals"])
def test_recipient_delimiters_of_postfix_change_nothing(postfix_gateway, returns, delimiter, local):
    port = returns.ports.get(delimiter)
    for domain, form in (("shop.example", signature.prvs), ("x.example", signature.srs)):
        sender = f"{local.format(new_name())}@{domain}"
        return_path = form(SECRET, sender, SHOP)
        assert postfix_gateway.returned_to(return_path, port=port) == sender
        forged = form(ANOTHER, sender, SHOP)
        assert postfix_gateway.from_outside(forged, port=port).reply.code == 550


@pytest.mark.parametrize("mapped", ["before", "behind"])
def test_behind_a_content_filter_the_maps_of_postfix_run_once(postfix_gateway, returns, sink, mapped):
    """With no_address_mappings on one side of the filter, whichever it is."""
    port = returns.ports[f"mapped_{mapped}"]
    filter_port = returns.ports["maps" if mapped == "behind" else "maps_not"]
    sender = shop_sender()
    sent = send(port, sender, f"From: {sender}")
    return_path = sink.delivery_of(sent).sender
    assert is_signed(return_path, signature.prvs, sender)
    bounce = postfix_gateway.from_outside(return_path, port=port)
    assert sink.delivery_of(bounce).addresses == [sender]
    wait_until(postfix_gateway.mta.is_idle, "the queue to be empty")
    assert len(sink.deliveries(bounce.token)) == len(sink.deliveries(sent.token)) == 1
    at_filter = sender if mapped == "before" else return_path
    with open(postfix_gateway.mta.log, encoding="utf-8") as log:
        assert re.search(rf"to=<{re.escape(at_filter)}>,.* relay=127.0.0.1\[127.0.0.1\]:{filter_port},",
                         log.read())
