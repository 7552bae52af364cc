# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Fixtures: a stand-in for SES, and the driver of the client with an environment of its own."""

import os
import re
import subprocess

import pytest

from standin.ses import Identity, Ses

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
NOWHERE = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
           "AWS_EC2_METADATA_DISABLED": "true"}


def pytest_addoption(parser):
    parser.addoption("--driver", required=True, help="the program tests/ses/ses_call")


@pytest.fixture
def ses():
    with Ses([Identity("example.com", domain="bounces.example.com", status="Success",
                       behavior="RejectMessage"),
              Identity("user+tag@example.com"),
              Identity("new.example", verification="Pending")]) as server:
        yield server


class Line(str):
    """One line of the driver: `what outcome requests=.. ...`."""

    @property
    def outcome(self):
        return self.split()[1]

    def __getattr__(self, name):
        match = re.search(rf"\b{name}=(.*)" if name == "why" else rf"\b{name}=(\S*)", self)
        return match[1] if match else None


class Driver:
    def __init__(self, program):
        self.program = program
        self.log = ""

    def run(self, *calls, timeout=60, **environment):
        base = {name: os.environ[name] for name in os.environ
                if name.startswith(("ASAN", "UBSAN", "LSAN", "PATH"))}
        done = subprocess.run([self.program, *calls], env=base | environment, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.log = done.stderr.decode()
        assert done.returncode == 0, self.log
        for secret in (KEYS["AWS_SECRET_ACCESS_KEY"], "session/token", "eyJ.web.token"):
            assert secret not in done.stdout.decode() + self.log
        return [Line(line) for line in done.stdout.decode().splitlines()]

    def call(self, ses, *calls, **environment):
        """With good keys for the stand-in; environment may change that."""
        return self.run(*calls, **(KEYS | NOWHERE | {
            "AWS_REGION": "us-east-1", "SES_CALL_ENDPOINT": ses.url} | environment))


@pytest.fixture
def driver(request):
    return Driver(request.config.getoption("--driver"))
