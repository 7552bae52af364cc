# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Each value that the documents promise is read once, where it is not zero: metrics, `status`, the
units' status lines, exit codes. What has no row here is found out."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from lab.http import metrics, request
from lab.life import EXPECTED, settings
from lab.milter_client import MilterClient
from lab.process import free_port, wait_until
from lab.programs import Milter
from lab.supervisor import Supervisor
from lab.sync import Sync
from standin.dns import Dns

DOC = Path(__file__).parent.parent.parent / "doc"
LOCAL = {"found.example": "Success", "gone.example": "Pending"}
ALL = {**{name: {"MailFromDomain": f"m.{name}", "BehaviorOnMXFailure": "RejectMessage"}
          for name in LOCAL}, "bare.example": {}}


@pytest.fixture
def pair(laboratory, request, tmp_path):
    """A mailfrom-sync with three local identities, one of them without a MAIL FROM domain, and a
    milter with metrics; both tell a supervisor."""
    sync = Sync(request.config.getoption("--stage"), str(tmp_path))
    milter = Milter(laboratory.programs, f"{laboratory.base}/documented-{os.urandom(4).hex()}")
    yield sync, milter
    sync.stop()
    milter.stop()


def put(sync, entries):
    done = sync.ctl("put", "--from", "-", "--add",
                    input=json.dumps({"MailFromDomainAttributes": entries}))
    assert done.returncode == 0, done.stderr


def is_recent(value):
    return abs(value - time.time()) < 300


def at_least(number):
    return lambda value: value >= number


SOURCE = '{source="local",section=""}'
METRICS = {
    "mailfrom_build_info": lambda value: value == 1,
    "process_start_time_seconds": is_recent,
    'mailfrom_messages_total{verdict="custom",reason="verified",mode="enforce"}': 1,
    'mailfrom_messages_total{verdict="reject",reason="mx-failure-reject",mode="enforce"}': 1,
    "mailfrom_decision_duration_seconds_count": 2,
    "mailfrom_decision_duration_seconds_sum": lambda value: 0 < value < 60,
    'mailfrom_decision_duration_seconds_bucket{le="+Inf"}': 2,
    "mailfrom_connections_total": 2,
    "mailfrom_open_connections": 1,
    'mailfrom_troubles_total{kind="negotiation"}': 1,
    'mailfrom_return_paths_total{form="none"}': 0,          # test_return_path.py
    'mailfrom_return_total{result="ok",form="plain"}': 0,   # the same
    'mailfrom_records{source="local",status="Success"}': 1,
    'mailfrom_records{source="local",status="Pending"}': 1,
    'mailfrom_records{source="local",status="None"}': 1,
    "mailfrom_expired_records": 1,
    "mailfrom_next_expiry_timestamp_seconds": is_recent,
    "mailfrom_store_readable": 1,
    "mailfrom_store_modified_timestamp_seconds": is_recent,
    f"mailfrom_source_up{SOURCE}": 1,
    f"mailfrom_source_failing{SOURCE}": 1,
    f"mailfrom_source_last_success_timestamp_seconds{SOURCE}": is_recent,
    f"mailfrom_source_last_error_timestamp_seconds{SOURCE}": is_recent,
    f"mailfrom_source_heartbeat_timestamp_seconds{SOURCE}": is_recent,
    f"mailfrom_source_identities{SOURCE}": 2,
    f"mailfrom_transitions_total{SOURCE}": 1,
    'mailfrom_dns_answers_total{kind="found"}': at_least(1),
    'mailfrom_dns_answers_total{kind="NXDOMAIN"}': at_least(1),
    'mailfrom_dns_answers_total{kind="SERVFAIL"}': at_least(1),
    # Of an account: test_metrics.py reads each of its labels.
    "mailfrom_api_calls_total": None,
}

STATUS = {
    "Source": "local", "Section": "", "Region": "", "Well": False, "ExpectedMX": [EXPECTED],
    "Running": True, "Silent": False, "LastSuccess": str, "LastList": None, "LastCall": str,
    "NextCall": (str, type(None)), "DueSince": (str, type(None)), "LastError": "SERVFAIL", "LastErrorAt": str,
    "FailingSince": str,
    "Identities": {"All": 3, "Pending": 1, "Success": 1, "Failed": 0, "TemporaryFailure": 0,
                   "WithoutMailFromDomain": 1, "Unverified": 0, "RefreshFailed": 0, "NearExpiry": 0,
                   "Expired": 0, "Unclear": 2, "FeedbackForwardingOff": 1, "NextExpiry": None},
}


def expiring(name, seconds):
    return {"MailFromDomain": f"m.{name}", "MailFromDomainStatus": "Success",
            "BehaviorOnMXFailure": "UseDefaultValue",
            "Record": {"Source": "ses", "Verified": True, "StatusSince": "2026-01-01T00:00:00Z",
                       "Checked": "2026-01-01T00:00:00Z", "RefreshAfter": "2026-01-01T01:00:00Z",
                       "ExpireAfter": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                                    time.gmtime(time.time() + seconds)),
                       "LastError": None}}


def send_two(milter):
    """And be told that an MTA cannot do it."""
    kind, _, where = milter.socket.partition(":")
    with pytest.raises((EOFError, ConnectionError, AssertionError)):
        MilterClient(kind, where, actions=0)
    with MilterClient(kind, where) as client:
        for sender in ("a@found.example", "a@gone.example"):
            client.send(sender, sender)
    return MilterClient(kind, where)


def status_of(sync):
    done = sync.ctl("status", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["Well"] else 1)
    return next(source for source in told["Sources"] if source["Source"] == "local")


def check(told, expected, where=""):
    assert set(told) == set(expected), where
    for name, value in expected.items():
        if isinstance(value, dict):
            check(told[name], value, name)
        elif isinstance(value, (type, tuple)):
            assert isinstance(told[name], value), (name, told[name])
        elif name == "LastError":
            assert value in told[name], told
        else:
            assert told[name] == value, (name, told[name])


def test_metrics_status_and_status_lines(pair, monkeypatch, tmp_path):
    sync, milter = pair
    address = f"127.0.0.1:{free_port()}"
    with Supervisor(f"{tmp_path}/notify") as supervisor, Dns(
            {"m.found.example": [f"MX 10 {EXPECTED}"]}) as dns:
        sync.environment |= supervisor.environment
        sync.configure(local=settings(dns.port))
        put(sync, ALL)
        done = sync.ctl("put", "bare.example", "--feedback-forwarding", "off")
        assert done.returncode == 0, done.stderr
        sync.start()
        supervisor.wait_for("STATUS=local: 2 identities, last success ")
        wait_until(lambda: sync.records()["found.example"]["MailFromDomainStatus"] == "Success"
                   and sync.records()["gone.example"].get("Found") == "NXDOMAIN",
                   "the first look-ups")
        milter.store = sync.store
        changes = {"store": sync.store, "milter": {"metrics": address}}
        milter.write_settings(changes)
        for name, seconds in (("old.example", -1000), ("new.example", 250)):
            milter.import_records({name: expiring(name, seconds)})
        for name, value in supervisor.environment.items():
            monkeypatch.setenv(name, value)
        mark = len(supervisor.listen())
        milter.use(changes)
        supervisor.wait_for(f"STATUS=5 identities in {sync.store}", mark)
        dns.mode = "servfail"
        wait_until(lambda: (state := status_of(sync))["FailingSince"] is not None
                   and state["Identities"]["Unclear"] == 2, "the outage")
        text = sync.ctl("status").stdout
        assert re.search("Last error .* failing for .*SERVFAIL", text), text
        assert "over since" not in text, text
        check(status_of(sync), STATUS)
        open_one = send_two(milter)
        page = metrics(address)
        open_one.close()
    types = set(re.findall(r"^# TYPE (\S+)", request(address, "/metrics").text, re.M))
    named = {re.sub(r"\{.*|_(bucket|sum|count)(\{.*)?$", "", name) for name in METRICS}
    assert named == types
    for name, value in METRICS.items():
        if value is None:
            continue
        found = next((page[series] for series in page
                      if series == name or series.startswith(name + "{")), None)
        assert found is not None, name
        assert value(found) if callable(value) else found == value, (name, found)


def test_one_is_not_many(pair, tmp_path):
    sync, _ = pair
    with Supervisor(f"{tmp_path}/notify") as supervisor, Dns({}) as dns:
        sync.environment |= supervisor.environment
        sync.configure(local=settings(dns.port))
        put(sync, {"gone.example": ALL["gone.example"]})
        sync.start()
        supervisor.wait_for("STATUS=local: 1 identity, ")


# Exit codes

def documented_codes(page):
    text = (DOC / page).read_text()
    section = text[text.index(".Sh EXIT STATUS"):]
    section = section[:section.index("\n.El")]
    return {int(code) for line in re.findall(r"^\.It (\d.*)$", section, re.M)
            for code in re.findall(r"\d+", line)}


IDENTITY = ["--mail-from-domain", "m.nobody.example", "--behavior-on-mx-failure", "RejectMessage"]

# Arguments, and the code; in a store with one local identity, shop.example, that is Pending.
CTL = [
    (["get", "shop.example"], 0),
    (["status"], 1),                                          # mailfrom-sync does not run
    (["check", "nobody.example"], 2),
    (["put"], 64),
    (["nonsense"], 64),
    (["--nonsense"], 64),
    (["get", "not an identity"], 65),
    (["import", "{base}/no-json"], 65),
    (["import", "{base}/nonexistent"], 66),
    (["put", "nobody.example", *IDENTITY], 69),
    (["put", "nobody.example", "--clear"], 69),
    (["put", "nobody.example", "--feedback-forwarding", "off"], 69),
    (["get", "nobody.example"], 69),
    (["remove", "nobody.example"], 69),
    (["identity", "remove", "nobody.example"], 69),
    (["records", "nobody.example"], 69),
    (["adopt", "nobody.example"], 69),
    (["refresh", "nobody.example"], 69),
    (["list", ">/dev/full"], 74),
    (["refresh", "shop.example"], 75),
    (["-c", "{base}/nonexistent", "list"], 78),
    (["stats"], 78),                                          # no metrics
    (["-c", "{base}/no-place", "identity", "add", "shop.example"], 73),
]
SYNC = [
    (["--check"], 0),
    (["--nonsense"], 64),
    (["-c", "{base}/damaged", "--once"], 65),
    (["-c", "{base}/no-place", "--once"], 73),
    (["-c", "{base}/nonexistent"], 78),
    (["-c", "{base}/nothing-to-do", "-f"], 78),
]
MILTER = [
    (["--check"], 0),
    (["--nonsense"], 64),
    (["-c", "{base}/no-secrets", "--check"], 66),
    (["-c", "{base}/no-socket", "-f"], 69),
    (["-c", "{base}/open-secrets", "--check"], 77),
    (["-c", "{base}/nonexistent", "--check"], 78),
]
ROWS = [(program, *row) for program, rows in
        (("ctl", CTL), ("sync", SYNC), ("milter", MILTER)) for row in rows]

# What is brought about elsewhere, or by nothing that a test has at hand.
ELSEWHERE = {
    "mailfromctl.8": {71: "test_memory.c", 76: "test_ctl_ses.py", 77: "test_ctl_ses.py"},
    "mailfrom-sync.8": {69: "test_sync.py", 71: "no memory", 74: "a disk that fails",
                        75: "test_sync.py", 76: "test_sync.py", 77: "test_sync.py"},
    "mailfrom-milter.8": {70: "libmilter gives up", 71: "no memory"},
}


@pytest.fixture(scope="module")
def shop(laboratory):
    milter = Milter(laboratory.programs, f"{laboratory.base}/codes-{os.urandom(4).hex()}")
    local = 'local { expected-mx = {"mx.gateway.example"} }\n'
    store = f'store = "{milter.store}"\n'
    base = milter.base
    milter.write_settings_text(store + local + f'milter {{ socket = "unix:{base}/socket" }}\n')
    secrets = 'return-path { secrets-file = "%s" socket = "unix:%s/return" }\n'
    files = {
        "no-json": "{",
        "no-place": f'store = "{base}/no-json/store"\n' + local,
        "damaged": f'store = "{base}/bad"\n' + local,
        "nothing-to-do": store,
        "no-secrets": store + secrets % (f"{base}/nonexistent", base),
        "no-socket": store + f'milter {{ socket = "unix:{base}/nonexistent/socket" }}\n',
        "open-secrets": store + secrets % (f"{base}/open", base),
        "open": "0123456789abcdef" * 4 + "\n",
    }
    for name, text in files.items():
        Path(base, name).write_text(text)
    os.chmod(f"{base}/open", 0o666)
    os.mkdir(f"{base}/bad")
    Path(base, "bad/data.mdb").write_bytes(b"no store" * 1024)
    assert milter.ctl("identity", "add", "shop.example").returncode == 0
    assert milter.ctl("put", "shop.example", "--mail-from-domain", "m.shop.example",
                      "--behavior-on-mx-failure", "RejectMessage").returncode == 0
    return milter


@pytest.mark.parametrize("program, arguments, code", ROWS,
                         ids=[" ".join([row[0], *row[1]]) for row in ROWS])
def test_exit_code(shop, laboratory, program, arguments, code):
    arguments = [argument.replace("{base}", shop.base) for argument in arguments]
    output = arguments.pop()[1:] if arguments[-1].startswith(">") else os.devnull
    if "-c" not in arguments:
        arguments = ["-c", shop.settings_file, *arguments]
    with open(output, "w", encoding="utf-8") as file:
        done = subprocess.run([getattr(laboratory.programs, program), *arguments], stdout=file,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == code, done.stderr


@pytest.mark.parametrize("page, rows", [("mailfromctl.8", CTL), ("mailfrom-sync.8", SYNC),
                                        ("mailfrom-milter.8", MILTER)])
def test_each_exit_code_of_the_manual_has_a_test(page, rows):
    assert {code for _, code in rows} | set(ELSEWHERE[page]) == documented_codes(page)
