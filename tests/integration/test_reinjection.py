# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Content filters that hand mail back by SMTP: after the queue (content_filter), and before it
(smtpd_proxy_filter). What comes back comes from this machine, wherever it came from at first.
127.0.0.2 is the client that is not ours; its mail has a customer's From."""

import shutil
from types import SimpleNamespace

import pytest

from lab.client import send
from lab.filter import Filter
from lab.postfix import Postfix
from lab.process import free_port, is_listening, wait_until

INBOUND, OUTBOUND = "127.0.0.2", "127.0.0.1"

# `after`, `before` and `before_out` are where clients come to; those that end in `back`, the filter.
MASTER_CF = """\
127.0.0.1:{after} inet n - n - 100 smtpd -o content_filter=smtp:[127.0.0.1]:{after_filter}
127.0.0.1:{after_back} inet n - n - 100 smtpd
127.0.0.1:{before} inet n - n - 100 smtpd -o smtpd_proxy_filter=127.0.0.1:{before_filter}
127.0.0.1:{before_back} inet n - n - 100 smtpd -o receive_override_options=no_milters
127.0.0.1:{before_out} inet n - n - 100 smtpd -o smtpd_proxy_filter=127.0.0.1:{before_out_filter}
127.0.0.1:{before_out_back} inet n - n - 100 smtpd
"""
WAYS = "after", "before", "before_out"


@pytest.fixture(scope="module")
def filtering(laboratory):
    """A Postfix with all of them. Its ports, by name."""
    ports = {name: free_port() for way in WAYS for name in (way, f"{way}_back")}
    filters = {f"{way}_filter": Filter(ports[f"{way}_back"]) for way in WAYS}
    ports |= {name: one.port for name, one in filters.items()}
    postfix = Postfix(f"{laboratory.base}/filtering", laboratory.sink.port,
                      laboratory.milter.socket, laboratory.second_milter.socket,
                      master_cf=MASTER_CF.format(**ports))
    postfix.start()
    wait_until(lambda: all(map(is_listening, ports.values())), "all of them to listen")
    yield SimpleNamespace(**ports)
    postfix.stop()
    for one in filters.values():
        one.close()
    shutil.rmtree(postfix.base)


@pytest.fixture
def milter(milter, filtering):
    return milter.use({"milter": {"reinjection-ports": [str(filtering.after_back)]}})


def pass_on(milter, sink, port, source, identity="shop.example"):
    """A message goes that way. Returns the sender that the next hop got, and the reasons."""
    mark = milter.log_size()
    sent = send(port, f"info@{identity}", f"From: info@{identity}", source=source)
    assert sent.reply.code == 250, sent.reply
    delivery = sink.wait_for(sent.token)
    return delivery.sender, [verdict["reason"] for verdict in milter.verdicts(mark)]


def test_outbound_mail_is_rewritten_before_the_filter_and_passes_after_it(filtering, milter, sink):
    sender, reasons = pass_on(milter, sink, filtering.after, OUTBOUND)
    assert (sender, reasons) == ("info@bounce.shop.example", ["verified", "not-outbound"])
    assert (f"it comes back from a content filter, by reinjection-ports {filtering.after_back}"
            in milter.log_text())


@pytest.mark.parametrize("identity", ["shop.example", "failed-firm.example", "stale.example"])
def test_inbound_mail_comes_back_from_the_filter_as_it_was(filtering, milter, sink, identity):
    """Refused after the filter, it would become a bounce to a stranger."""
    sender, reasons = pass_on(milter, sink, filtering.after, INBOUND, identity)
    assert (sender, reasons) == (f"info@{identity}", ["not-outbound"] * 2)


def test_outbound_mail_is_refused_before_the_filter(filtering, milter):
    sent = send(filtering.after, "info@failed-firm.example", "From: info@failed-firm.example")
    assert sent.reply.code == 554


def test_before_the_queue_outbound_mail_is_judged_when_it_comes_back(filtering, milter, sink):
    """The listener that hands mail to the filter shows no message to milters."""
    sender, reasons = pass_on(milter, sink, filtering.before_out, OUTBOUND)
    assert (sender, reasons) == ("info@bounce.shop.example", ["verified"])


def test_before_the_queue_outbound_mail_is_refused_in_the_session(filtering, milter):
    sent = send(filtering.before_out, "info@failed-firm.example", "From: info@failed-firm.example")
    assert sent.reply.code == 554
    assert "MailFromDomainNotVerified" in sent.reply.text


def test_before_the_queue_inbound_mail_comes_back_where_there_is_no_milter(filtering, milter, sink):
    sender, reasons = pass_on(milter, sink, filtering.before, INBOUND, "failed-firm.example")
    assert (sender, reasons) == ("info@failed-firm.example", [])


def test_the_ports_count_after_a_reload_too(filtering, milter, sink):
    settings = {"milter": {"reinjection-ports": [str(filtering.before_out_back)]}}
    milter.write_settings(settings)
    milter.reload()
    sender, reasons = pass_on(milter, sink, filtering.before_out, OUTBOUND)
    assert (sender, reasons) == ("info@shop.example", ["not-outbound"])


def test_the_port_of_either_mta(mta, milter, sink):
    milter.use({"milter": {"reinjection-ports": ["1", str(mta.port)]}})
    sent = send(mta.port, "info@shop.example", "From: info@shop.example")
    assert sink.delivery_of(sent).sender == "info@shop.example"
