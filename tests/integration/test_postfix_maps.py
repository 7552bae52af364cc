# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What Postfix's own maps make of a rewritten envelope sender, as doc/postfix.md says: copies for
sender_bcc_maps, and PostSRSd, which undoes the rewrite unless it is told to leave it alone."""

import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from lab.client import send
from lab.postfix import Postfix
from lab.process import free_port, is_listening, stop, wait_until

OLD, NEW = "info@shop.example", "info@bounce.shop.example"


@contextmanager
def gateway(laboratory, main_cf):
    """A Postfix with these lines in its main.cf, behind the laboratory's milter."""
    base = f"{laboratory.base}/maps-{os.urandom(4).hex()}"
    sockets = laboratory.milter.socket, laboratory.second_milter.socket
    postfix = Postfix(base, laboratory.sink.port, *sockets, main_cf=main_cf)
    postfix.start()
    try:
        yield postfix
    finally:
        postfix.stop()


def test_both_senders_have_a_copy(laboratory, milter, sink):
    keys = f"inline:{{ {{ {OLD} = old@copies.test }}, {{ {NEW} = new@copies.test }} }}"
    with gateway(laboratory, f"sender_bcc_maps = {keys}") as postfix:
        sent = send(postfix.port, OLD, f"From: {OLD}")
        assert sent.reply.ok
        wanted = {"rcpt@next.test", "old@copies.test", "new@copies.test"}
        wait_until(lambda: recipients(sink, sent) == wanted, "the message and two copies")
        assert {delivery.sender for delivery in sink.deliveries(sent.token)} == {NEW}


def recipients(sink, sent):
    return {address for delivery in sink.deliveries(sent.token) for address in delivery.addresses}


def postsrsd():
    """Debian's, installed or only unpacked (POSTSRSD names it then)."""
    return os.environ.get("POSTSRSD") or shutil.which("postsrsd", path="/usr/sbin")


@contextmanager
def rewriter(laboratory, *options):
    """Its port for senders."""
    if not (program := postsrsd()):
        pytest.skip("postsrsd is not installed; ./quickstart test provides it")
    secret = f"{laboratory.base}/srs-secret"
    with open(secret, "w", encoding="ascii") as file:
        file.write("a secret of the test\n")
    forward, reverse = free_port(), free_port()
    child = subprocess.Popen([program, "-4", "-s", secret, "-d", "gateway.example",
                              "-f", str(forward), "-r", str(reverse), *options],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_listening(forward), "postsrsd to listen")
        yield f"sender_canonical_maps = tcp:127.0.0.1:{forward}\nsender_canonical_classes = envelope_sender"
    finally:
        stop(child)


def test_postsrsd_undoes_the_rewrite(laboratory, milter, sink):
    with rewriter(laboratory) as main_cf, gateway(laboratory, main_cf) as postfix:
        sender = sink.delivery_of(send(postfix.port, OLD, f"From: {OLD}")).sender
        assert sender.startswith("SRS0=") and sender.endswith("@gateway.example")


def test_postsrsd_leaves_alone_what_is_excluded(laboratory, milter, sink):
    """With a dot before it, the names below it; Debian's SRS_EXCLUDE_DOMAINS goes into -X as it is."""
    with rewriter(laboratory, "-X.firm.example,.shop.example") as main_cf, \
            gateway(laboratory, main_cf) as postfix:
        assert sink.delivery_of(send(postfix.port, OLD, f"From: {OLD}")).sender == NEW
        # Mail that is not ours, which is forwarded, is rewritten as ever.
        forwarded = send(postfix.port, "someone@unknown.example", "From: someone@unknown.example")
        assert sink.delivery_of(forwarded).sender.startswith("SRS0=")
