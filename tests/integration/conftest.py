# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Fixtures: one laboratory for the whole run; every test that asks for an MTA runs with both."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.client import Client, Sent, message, new_token
from lab.laboratory import Laboratory
from lab.process import tail
from lab.returns import Returns


def pytest_addoption(parser):
    parser.addoption("--stage", required=True, help="where the programs are installed")
    parser.addoption("--sendmail-tree", required=True, help="where Sendmail is unpacked")
    parser.addoption("--clock-library", required=True, help="what lab/set_clock.c was built to")


def pytest_configure():
    """TERM ends a run as Ctrl-C does: what was started is stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def laboratory(request):
    with Laboratory(request.config.getoption("--stage"),
                    request.config.getoption("--sendmail-tree")) as laboratory:
        yield laboratory


def send_with_a_pause(mta, enough):
    """The pause takes 40 s, or less if the run ends before."""
    token = new_token()
    with Client(mta.second_port) as client:
        assert client.begin("info@shop.example").code == 354
        octets = message("From: info@shop.example", token)
        client.write(octets[:60])
        enough.wait(40)
        client.write(octets[60:])
        return Sent(token, client.read())


@pytest.fixture(scope="session", autouse=True)
def paused_messages(laboratory):
    """By MTA: the outcome of a message with a long pause, through a milter that nobody stops."""
    laboratory.second_milter.use()
    enough = threading.Event()
    with ThreadPoolExecutor() as threads:
        yield {name: threads.submit(send_with_a_pause, mta, enough)
               for name, mta in laboratory.mtas.items()}
        enough.set()


@pytest.fixture(params=["postfix", "sendmail"])
def mta(request, laboratory):
    return laboratory.mtas[request.param]


@pytest.fixture
def postfix(laboratory):
    return laboratory.mtas["postfix"]


@pytest.fixture
def sink(laboratory):
    return laboratory.sink


@pytest.fixture(scope="session")
def returns(request, laboratory):
    """Gateways that bounces come back to."""
    with Returns(laboratory, request.config.getoption("--stage"),
                 request.config.getoption("--sendmail-tree")) as returns:
        yield returns


@pytest.fixture(params=["postfix", "sendmail"])
def gateway(request, returns):
    """Each of them, with the settings and secrets that they begin with."""
    returns.milter.restore()
    return returns.gateways[request.param]


@pytest.fixture
def milter(laboratory):
    """The milter behind the MTAs, running with the laboratory's settings."""
    return laboratory.milter.use()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """What the programs logged belongs to the report of a failure."""
    report = (yield).get_result()
    laboratory = item.funcargs.get("laboratory")
    gateway = item.funcargs.get("gateway")
    if not hasattr(gateway, "mta"):
        gateway = None
    if report.failed and laboratory:
        milter = gateway.milter if gateway else laboratory.milter
        mtas = [gateway.mta] if gateway else laboratory.mtas.values()
        report.sections += [(log, tail(log)) for log in (milter.log, *(mta.log for mta in mtas))]
        report.sections += [(f"{mta.name}'s queue", mta.queue()) for mta in mtas]
