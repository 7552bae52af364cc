# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Fixtures: one NSD for the whole run, a stand-in for each test that asks for it, and the driver."""

import os
import re
import signal
import subprocess

import pytest

from lab.nsd import Nsd
from standin.dns import Dns

MANY = "\n".join(f"many MX {number} a-host-with-a-long-name-{number}.of-some-other.example."
                 for number in range(1, 41))
TOO_MANY = "\n".join(f"too-many MX {number} h{number}.other.example." for number in range(1, 101))
CHAIN = "\n".join(f"chain{number} CNAME chain{number + 1}" for number in range(12))

EXAMPLE = f"""
right MX 10 mx.example.net.
two MX 20 mx2.example.net.
two MX 10 mx.example.net.
wrong MX 10 mx.elsewhere.example.
plain A 192.0.2.1
plain A 192.0.2.2
plain AAAA 2001:db8::1
null MX 0 .
upper MX 10 MX.Example.NET.
xn--bcher-kva MX 10 mx.xn--bcher-kva.example.
alias CNAME right
away CNAME right.other.example.
nowhere CNAME missing.example.com.
outside CNAME right.unserved.example.
bare CNAME plain
loop1 CNAME loop2
loop2 CNAME loop1
*.wild MX 10 mx.example.net.
chain12 MX 10 mx.example.net.
{CHAIN}
odd MX 10 a\\.b.example.net.
odd MX 10 \\195\\188.example.net.
text TXT "v=spf1 include:example.net" " -all"
octets TXT "a\\195\\188b\\000\\"c\\\\"
long TXT {" ".join('"' + letter * 250 + '"' for letter in "abcdefgh")}
longest TXT {" ".join('"' + 250 * "x" + '"' for _ in range(20))}
{MANY}
{TOO_MANY}
"""
REVERSE = "1 PTR Host.Example.com.\n2 CNAME 2.sub\n2.sub PTR classless.example.com.\n"


class Answer(str):
    """One line of the driver."""

    def __getattr__(self, name):
        match = re.search(rf"\b{name}=(.*?)(?= \w+=| \[| \w+: |$)", self)
        return match[1] if match else None

    @property
    def records(self):
        return re.findall(r" \[(.*?)\](?= \[| \w+: |$)", self)

    @property
    def judged(self):
        """As in "gone: no MX"."""
        return re.search(r" ((?:found|gone|unclear): .*)$", self)[1]


class Driver:
    def __init__(self, program):
        self.program = program

    def run(self, *arguments, timeout=60):
        """The lines of the driver."""
        environment = {name: os.environ[name] for name in os.environ
                       if name.startswith(("ASAN", "UBSAN", "LSAN", "PATH"))}
        done = subprocess.run([self.program, *map(str, arguments)], env=environment,
                              timeout=timeout, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, text=True)
        assert done.returncode == 0, done.stderr
        return [Answer(line) for line in done.stdout.splitlines()]

    def ask(self, servers, *questions, milliseconds=10000, options=("-e", "mx.example.net")):
        """The answers by question; the answer, if there is one question."""
        named = [word for server in servers for word in ("-s", server)]
        lines = self.run(*named, "-t", milliseconds, *options, *questions)
        assert sorted(line.split()[0] for line in lines) == sorted(questions)
        if len(questions) == 1:
            return lines[0]
        return {line.split()[0]: line for line in lines}


@pytest.fixture
def driver(request):
    return Driver(request.config.getoption("--driver"))


def pytest_addoption(parser):
    parser.addoption("--driver", required=True, help="the program tests/dns/dns_ask")


def pytest_configure():
    """TERM ends a run as Ctrl-C does: what was started is stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def nsd():
    with Nsd({"example.com": EXAMPLE, "other.example": "right MX 10 mx.example.net.\n",
              "broken.example": None, "2.0.192.in-addr.arpa": REVERSE}) as server:
        yield server


@pytest.fixture
def standin():
    with Dns({"right.example": ["MX 10 mx.example.net"]}) as server:
        yield server
