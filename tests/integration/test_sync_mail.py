# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Mail through Postfix while SES fails in each of its ways, or cannot be reached at all: it is
judged by what was known last."""

import errno
import json
import random
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Callable

import pytest

from lab.client import Client, send
from lab.process import wait_until
from lab.sync import QUICK, Sync

pytest.importorskip("botocore", reason="the stand-in for SES checks signatures with botocore")

from standin.ses import Fault, Identity, Ses  # noqa: E402
from test_sync import FETCH, LIST, Forgetful, assert_within_budget, identities, quick  # noqa: E402

RATE = 20


def ours(name="s.example"):
    return Identity(name, domain=f"bounce.{name}", status="Success", behavior="RejectMessage")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return str(tmp_path_factory.mktemp("sync-mail"))


@pytest.fixture
def sync(request, base, tmp_path, milter):
    """One store for all tests here, so that the milter is not started anew for each: every test
    begins with a full refresh. It is there before the milter looks for it."""
    sync = Sync(request.config.getoption("--stage"), base)
    sync.log = str(tmp_path / "log")
    done = sync.configure().ctl("import", "-", input=json.dumps({"MailFromDomainAttributes": {
        "imported.example": {"MailFromDomain": "", "BehaviorOnMXFailure": "UseDefaultValue"}}}))
    assert done.returncode == 0, done.stderr
    milter.use({"store": sync.store})
    yield sync
    sync.stop()


# Each failure

@dataclass(frozen=True)
class Trouble:
    """begin(ses): from now on it fails. Where no log line is named, seen(ses, mark) tells that it
    has failed since the call of that number. hides: what SES knows of s.example does not come
    through."""

    begin: Callable
    log: str = None
    seen: Callable = None
    hides: bool = False


def fault(kind, operation=FETCH):
    return Trouble(lambda ses: ses.faults.append(Fault(kind, operation, None)), "next try in",
                   hides=operation == FETCH)


def refused_for_the_clock(ses, mark):
    return any(call[3] == "SignatureDoesNotMatch" for call in ses.calls[mark:])


TROUBLES = {
    "500": fault("500"),
    "503": fault("503"),
    "throttle": fault("throttle"),
    "hang": fault("hang"),
    "reset in mid-body": fault("reset"),
    "truncated XML": fault("truncated"),
    "garbage JSON": fault("garbage", LIST),
    "garbage XML": fault("garbage"),
    "100 MB body": fault("huge"),
    "XML bomb": fault("bomb"),
    "redirect": fault("redirect"),
    "expired token": fault("expired"),
    "skewed clock": Trouble(lambda ses: setattr(ses, "skew", 3600), seen=refused_for_the_clock),
    "empty 400": Trouble(fault("empty_400").begin, seen=lambda ses, _: ses.faults[0].hits >= 2,
                         hides=True),
    "unknown identity": Trouble(lambda ses: setattr(ses, "forgotten", {"s.example"}),
                                "identity=s.example: .* does not know the identity", hides=True),
    "poisoned identity": Trouble(lambda ses: setattr(ses, "poisoned", {"s.example"}),
                                 "identity=s.example: .*InvalidParameterValue", hides=True),
    "identity that vanishes": Trouble(lambda ses: ses.identities.pop("d00000.example"),
                                      "identity=d00000.example .*new-status=Removed"),
    "page that fails": fault("500", LIST + ":later-page"),
}


@pytest.mark.parametrize("kind", TROUBLES)
def test_mail_flows_by_what_is_known_while(sync, postfix, sink, kind):
    trouble = TROUBLES[kind]
    with Forgetful([*identities(200), ours()]) as ses:
        ses.forgotten, ses.page_max = set(), 50
        # A list takes five calls, a quarter of a second. Only what hangs is to run into the
        # time-out, however slow the machine is.
        sync.configure(quick(ses, requests_per_second=str(RATE), list_every="600ms",
                             timeout="500ms" if kind == "hang" else "20s"))
        sync.once()
        mark = len(ses.calls)
        trouble.begin(ses)
        if trouble.hides:
            # Were it taken over, the message would be refused.
            ses.identities["s.example"].status = "TemporaryFailure"
        sync.start()
        if trouble.log:
            sync.wait_for_log(trouble.log)
        else:
            wait_until(lambda: trouble.seen(ses, mark), kind)
        sent = send(postfix.port, "info@s.example", "From: info@s.example")
        assert sink.delivery_of(sent).sender == "info@bounce.s.example"
        assert sync.running
        sync.stop()
        assert_within_budget(ses.calls, RATE)


# Black hole

def bind_somewhere(resolver):
    """To an address of the loopback that is free: another run may be at work."""
    for _ in range(100):
        try:
            return resolver.bind((f"127.53.{random.randint(1, 254)}.{random.randint(1, 254)}", 53))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise AssertionError("port 53 is taken everywhere")


@pytest.fixture
def resolver():
    """A resolver on the loopback that never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        bind_somewhere(resolver)
        resolver.setblocking(False)
        yield resolver


@pytest.fixture
def silent_port():
    """A port of which the queue is full: a connection is neither taken nor refused."""
    with ExitStack() as closing:
        listener = closing.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = closing.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def in_a_world_without_dns(base, resolver):
    """The command that runs another where /etc/resolv.conf names this resolver only, and a host
    name for there. Where no mount name space can be had (a chroot, some containers), an empty
    command and a name that no resolver knows."""
    path = f"{base}/resolv.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write(f"nameserver {resolver.getsockname()[0]}\n")
    wrapper = ["unshare", "--mount", "sh", "-c",
               'mount --bind "$0" /etc/resolv.conf && exec "$@"', path]
    try:
        done = subprocess.run([*wrapper, "true"], capture_output=True, timeout=10, check=False)
    except FileNotFoundError:
        return [], "black-hole.invalid"
    return (wrapper, "email.black-hole.example") if done.returncode == 0 else \
        ([], "black-hole.invalid")


def has_been_asked(resolver):
    try:
        return b"black-hole" in resolver.recv(512)
    except BlockingIOError:
        return False


def fill(sync, names):
    """By section, an identity of its own that is known already."""
    with ExitStack() as stack:
        servers = {title: stack.enter_context(Ses([ours(name)])) for title, name in names.items()}
        sync.configure(*(quick(ses, title=title) for title, ses in servers.items()))
        sync.once()


def assert_flows(port, sink, names, messages):
    """All of them are taken at the first try, and rewritten."""
    with Client(port) as client:
        for number in range(messages):
            name = names[number % len(names)]
            sent = client.send(f"info@{name}", f"From: info@{name}")
            assert sink.delivery_of(sent).sender == f"info@bounce.{name}"


def test_mail_flows_while_dns_and_aws_are_a_black_hole(sync, base, postfix, sink, resolver,
                                                       silent_port):
    names = {"silent": "s.example", "nameless": "n.example"}
    fill(sync, names)
    wrapper, host = in_a_world_without_dns(base, resolver)

    def black_hole(**changes):
        sync.configure(
            QUICK | changes | {"title": "silent", "endpoint": f"http://127.0.0.1:{silent_port}"},
            QUICK | changes | {"title": "nameless", "endpoint": f"https://{host}"})

    black_hole()
    sync.start(wrapper)
    assert_flows(postfix.port, sink, list(names.values()), 20)
    for title in names:
        assert "network" in sync.wait_for_log(f'ses "{title}": .*next try in')
    assert_flows(postfix.port, sink, list(names.values()), 20)
    assert sync.running
    if wrapper:
        wait_until(lambda: has_been_asked(resolver), "a query")
    for title in names:
        for operation in (LIST, FETCH):
            assert len(sync.log_lines(f'ses "{title}": .*{operation}.*next try in')) <= 1
    sync.stop()

    # In the middle of connecting, and of resolving.
    black_hole(**{"connect-timeout": "30s", "timeout": "30s"})
    mark = sync.log_size()
    sync.start(wrapper)
    sync.wait_for_log("version", mark)  # from then on TERM ends it in order
    assert_flows(postfix.port, sink, list(names.values()), 10)
    began = time.monotonic()
    sync.send_signal(signal.SIGTERM)
    sync.wait_for_log("stopped", mark)
    assert time.monotonic() - began < 10  # a call would take 30
    records = sync.records()
    assert {records[name]["MailFromDomainStatus"] for name in names.values()} == {"Success"}
