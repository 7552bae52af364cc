# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Stop, start, crash and reload, with mail on the way."""

import signal
import time

import pytest

from lab.client import Client, message, new_token, send
from lab.load import Load
from lab.milter_client import MilterClient
from lab.process import wait_until
from lab.programs import settings_text

SHOP = ("info@shop.example", "From: info@shop.example")
MOVED = "info@bounce.shop.example"
STALE = ("info@stale.example", "From: info@stale.example")


def test_milter_down_and_up_again(mta, milter, sink):
    milter.stop()
    reply = send(mta.port, *SHOP).reply
    assert 400 <= reply.code < 500, reply
    milter.use()
    assert sink.delivery_of(send(mta.port, *SHOP)).sender == MOVED


def test_killed_in_mid_message(mta, milter, sink):
    """The MTA defers the message: it is neither lost nor sent with the wrong sender."""
    token = new_token()
    with Client(mta.port) as client:
        assert client.begin("info@shop.example").code == 354
        whole = message(SHOP[1], token, body="x" * 100000)
        client.write(whole[:50000])
        milter.kill()
        client.write(whole[50000:])
        reply = client.read()
    assert 400 <= reply.code < 500, reply
    milter.use()
    again = send(mta.port, *SHOP)
    assert sink.delivery_of(again).sender == MOVED
    assert sink.deliveries(token) == []


def test_term_stops_soon_with_connections_open(milter):
    """libmilter alone takes 4 to 5 seconds."""
    kind, _, where = milter.socket.partition(":")
    clients = [MilterClient(kind, where) for _ in range(20)]
    assert clients[0].send("info@shop.example", "info@shop.example")[-1][0] in b"ac"
    begin = time.monotonic()
    milter.stop()
    assert time.monotonic() - begin < 4
    for client in clients:
        assert client.closed_by_peer()
        client.close()


def test_term_right_after_the_start(milter):
    """The exit status is that of a stop, whenever it comes."""
    for _ in range(20):
        milter.stop()
        milter.start()


RELOADS = pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP],
                                  ids=["USR1", "HUP"])


@RELOADS
def test_reload(mta, milter, sink, number):
    assert send(mta.port, *STALE).reply.code == 451
    milter.write_settings({"milter": {"on-expired": "default"}})
    milter.reload(number)
    assert sink.delivery_of(send(mta.port, *STALE)).sender == "info@bounce.default.example"


@RELOADS
def test_reload_reaches_a_session_that_is_open(mta, milter, sink, number):
    with Client(mta.port) as client:
        assert client.send(*STALE).reply.code == 451
        milter.write_settings({"milter": {"on-expired": "pass"}})
        milter.reload(number)
        assert sink.delivery_of(client.send(*STALE)).sender == "info@stale.example"


@RELOADS
@pytest.mark.parametrize("text, complaint", [
    ("store = /nowhere\nmilter {", "settings.conf:[0-9]+"),
    ('milter {\n  on-expired = "sometimes"\n}\n', "settings.conf:2: .*sometimes.*defer"),
    ('colour = "red"\n', "settings.conf:1: .*colour"),
], ids=["syntax", "value", "key"])
def test_a_bad_file_leaves_the_old_settings_in_force(mta, milter, sink, number, text, complaint):
    milter.use({"milter": {"on-expired": "pass"}})
    milter.write_settings_text(text)
    mark = milter.log_size()
    milter.send_signal(number)
    milter.wait_for_log(complaint, mark)
    assert sink.delivery_of(send(mta.port, *STALE)).sender == "info@stale.example"
    milter.write_settings_text(settings_text(milter.settings))


def test_a_burst_of_hup_does_not_stop_it(mta, milter):
    for _ in range(300):
        milter.send_signal(signal.SIGHUP)
    milter.write_settings({"milter": {"on-expired": "pass"}})
    milter.send_signal(signal.SIGHUP)
    wait_until(lambda: send(mta.port, *STALE).reply.ok, "the last HUP to be heeded")
    assert milter.running


def test_reload_under_load(mta, milter, sink):
    """No message is refused, deferred or passed by while the settings change."""
    with Load(mta.port) as load:
        for turn in range(40):
            policy = "pass" if turn % 2 else "defer"
            milter.write_settings({"milter": {"on-expired": policy}})
            milter.send_signal(signal.SIGHUP if turn % 3 else signal.SIGUSR1)
            load.go_on(messages=2)
    assert milter.running
    for sent in load.sent:
        assert sink.delivery_of(sent).sender == MOVED


def test_restart_under_load_loses_nothing(mta, milter, sink):
    """What was accepted arrives, with the right sender; the rest was deferred."""
    with Load(mta.port) as load:
        for _ in range(3):
            milter.stop()
            milter.start()
            load.go_on()
    assert any(sent.reply.ok for sent in load.sent)
    for sent in load.sent:
        if sent.reply.ok:
            assert sink.delivery_of(sent).sender == MOVED
        else:
            assert 400 <= sent.reply.code < 500, sent.reply
