# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The log as the settings want it."""

import json
import re
import signal

import pytest

from lab.client import send
from lab.milter_client import ALL_ACTIONS, MilterClient
from lab.process import wait_until
from lab.sync import Sync

SHOP = ("info@shop.example", "From: info@shop.example")


def objects(milter, mark):
    return [json.loads(line) for line in milter.log_text(mark).splitlines()]


def test_json(mta, milter):
    milter.stop()
    mark = milter.log_size()
    milter.use({"log-format": "json"})
    reply = send(mta.port, *SHOP).reply
    send(mta.port, "x@nobody.example", "From: \"a \\\"b\\\" c\" <x@nobody.example>")
    milter.stop()
    lines = objects(milter, mark)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
               and line["program"] == "mailfrom-milter" and line["level"] == "info"
               for line in lines)
    assert lines[0]["message"].startswith("version ")
    messages = [line for line in lines if "queue-id" in line]
    assert messages[0] | {"time": ""} == {
        "time": "", "level": "info", "program": "mailfrom-milter", "queue-id": reply.queue_id,
        "sender": "info@shop.example", "from": "info@shop.example", "identity": "shop.example",
        "status": "Success", "verdict": "custom", "reason": "verified",
        "new-sender": "info@bounce.shop.example"}
    assert messages[-1]["identity"] is None


def test_format_and_level_follow_a_reload(mta, milter):
    milter.write_settings({"log-format": "json"})
    milter.reload(signal.SIGHUP)
    mark = milter.log_size()
    send(mta.port, *SHOP)
    assert objects(milter, mark)[0]["verdict"] == "custom"
    # The level is in force right after what else has changed was told of.
    milter.write_settings({"log-level": "notice", "milter": {"socket-mode": "0666"}})
    mark = milter.log_size()
    milter.send_signal(signal.SIGHUP)
    milter.wait_for_log("socket-mode has changed", mark)
    send(mta.port, *SHOP)
    assert "verdict" not in milter.log_text(mark)
    milter.write_settings()
    milter.reload(signal.SIGHUP)
    mark = milter.log_size()
    send(mta.port, *SHOP)
    assert [verdict["verdict"] for verdict in milter.verdicts(mark)] == ["custom"]


def test_mailfrom_sync_writes_json_too(request, tmp_path):
    sync = Sync(request.config.getoption("--stage"), str(tmp_path))
    sync.configure(local={"expected-mx": ["mx.example"]})
    with open(sync.settings_file, "a", encoding="utf-8") as file:
        file.write('log-format = "json"\n')
    sync.start()
    wait_until(lambda: "version" in sync.log_text(), "it to run")
    sync.stop()
    lines = [json.loads(line) for line in sync.log_text().splitlines()]
    assert {line["program"] for line in lines} == {"mailfrom-sync"}
    assert lines[-1]["message"] == "stopped"


def test_what_each_connection_can_cause_is_counted(milter):
    """An MTA that lets nobody change the envelope sender is told of once a minute."""
    kind, _, where = milter.socket.partition(":")
    mark = milter.log_size()
    for _ in range(50):
        with pytest.raises((EOFError, ConnectionError, AssertionError)):
            MilterClient(kind, where, actions=ALL_ACTIONS & ~0x40)
    milter.stop()
    lines = [line for line in milter.log_text(mark).splitlines() if "does not let milters" in line]
    assert len(lines) == 2
    assert re.search(r"\(repeated 49 times in \d+ s\)$", lines[1])
