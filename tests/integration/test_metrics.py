# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What the milter tells of itself, of the store and of mailfrom-sync over HTTP."""

import collections
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from lab.client import Client, send
from lab.http import metrics, request
from lab.life import DOMAIN, EXPECTED, IDENTITY, settings
from lab.milter_client import MilterClient
from lab.process import free_port, has_ipv6, wait_until
from lab.programs import Milter
from lab.sync import QUICK, Sync
from standin.dns import Dns

CONF = Path(__file__).parent.parent.parent / "conf"
MOVED = "info@bounce.shop.example"


@pytest.fixture(scope="module")
def address():
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def watched(laboratory, address):
    """The milter behind the MTAs, with metrics."""
    return laboratory.milter.use({"milter": {"metrics": address}})


@pytest.fixture
def own(laboratory):
    """A milter of the test's own, not started, with a store of its own that is not there yet."""
    milter = Milter(laboratory.programs, f"{laboratory.base}/own-{os.urandom(4).hex()}")
    yield milter
    milter.stop()


@pytest.fixture
def own_address():
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def sync(request, tmp_path):
    sync = Sync(request.config.getoption("--stage"), str(tmp_path))
    yield sync
    sync.stop()


def grown(before, after):
    return {name: after[name] - before.get(name, 0) for name in after
            if name.endswith("}") and "_total{" in name and after[name] != before.get(name, 0)}


def series_of(verdict, mode="enforce"):
    return (f'mailfrom_messages_total{{verdict="{verdict["verdict"]}",'
            f'reason="{verdict["reason"]}",mode="{mode}"}}')


MAIL = [("info@shop.example", "From: info@shop.example"),
        ("info@shop.example", "From: info@shop.example"),
        ("a@pending-firm.example", "From: a@pending-firm.example"),
        ("a@pending-soft.example", "From: a@pending-soft.example"),
        ("a@stale.example", "From: a@stale.example"),
        ("a@nobody.example", "From: a@nobody.example"),
        ("", "From: info@shop.example")]


@pytest.mark.parametrize("mode", ["enforce", "monitor"])
def test_counts_are_those_of_the_messages_sent(mta, laboratory, address, mode):
    milter = laboratory.milter.use({"milter": {"metrics": address, "mode": mode}})
    before = metrics(address)
    mark = milter.log_size()
    for sender, from_line in MAIL:
        send(mta.port, sender, from_line)
    verdicts = milter.verdicts(mark)
    assert len(verdicts) == len(MAIL)
    assert len({verdict["reason"] for verdict in verdicts}) == 6
    after = metrics(address)
    assert grown(before, after) == collections.Counter(
        series_of(verdict, mode) for verdict in verdicts)
    assert after["mailfrom_connections_total"] - before["mailfrom_connections_total"] >= len(MAIL)


def test_durations_add_up(mta, watched, address):
    name = "mailfrom_decision_duration_seconds"
    begin = time.monotonic()
    before = metrics(address)
    for sender, from_line in MAIL:
        send(mta.port, sender, from_line)
    after = metrics(address)
    buckets = [after[series] - before[series] for series in after
               if series.startswith(f"{name}_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == after[f"{name}_count"] - before[f"{name}_count"] == len(MAIL)
    assert after[f"{name}_count"] == sum(
        value for series, value in after.items() if series.startswith("mailfrom_messages_total"))
    spent = after[f"{name}_sum"] - before[f"{name}_sum"]
    assert 0 < spent < time.monotonic() - begin


def test_open_connections_come_and_go(own, own_address):
    """On a milter that no MTA is connected to."""
    own.use({"milter": {"metrics": own_address}})
    kind, _, where = own.socket.partition(":")
    clients = [MilterClient(kind, where) for _ in range(7)]
    assert metrics(own_address)["mailfrom_open_connections"] == 7
    # Who hangs up before the negotiation never was one.
    with socket.socket(socket.AF_UNIX) as knock:
        knock.connect(where)
    for client in clients:
        client.close()
    wait_until(lambda: metrics(own_address)["mailfrom_open_connections"] == 0,
               "the connections to be closed")


def test_prometheus_takes_it(watched, address):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    page = request(address, "/metrics")
    assert page.type.startswith("text/plain; version=0.0.4")
    done = subprocess.run(["promtool", "check", "metrics"], input=page.text, capture_output=True,
                          text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_dashboard_and_alerts_show_is_there(watched, address):
    """Also where no mailfrom-sync ever ran: a metric without a series has its TYPE."""
    there = set(re.findall(r"^# TYPE (\S+)", request(address, "/metrics").text, re.M)) | {"up"}
    there |= {"mailfrom_next_expiry_timestamp_seconds"}  # only where something expires
    dashboard = json.loads((CONF / "grafana-dashboard.json").read_text(encoding="utf-8"))
    shown = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    shown += "".join(re.findall(r"expr: (.*?)for:", (CONF / "alerts.yml").read_text(), re.S))
    names = {re.sub("_bucket$", "", name) for name in re.findall(r"\bmailfrom_[a-z_]+", shown)}
    assert len(names) > 12
    assert names <= there


def test_nobody_is_named_in_the_metrics(mta, watched, address):
    for sender, from_line in MAIL:
        send(mta.port, sender, from_line)
    text = request(address, "/metrics").text
    assert "@" not in text and "shop" not in text and "stale" not in text


# Health

def test_health(own, own_address):
    own.use({"milter": {"metrics": own_address}})
    assert request(own_address, "/healthz").status == 200
    page = request(own_address, "/readyz")
    assert page.status == 503 and "there is no store" in page.text
    assert metrics(own_address)["mailfrom_store_readable"] == 0
    own.import_records({"shop.example": {"MailFromDomain": "bounce.shop.example",
                                         "MailFromDomainStatus": "Success",
                                         "BehaviorOnMXFailure": "UseDefaultValue"}})
    wait_until(lambda: request(own_address, "/readyz").status == 200, "the store to be found")
    after = metrics(own_address)
    assert after["mailfrom_store_readable"] == 1 and after["mailfrom_expired_records"] == 0
    assert after['mailfrom_records{source="file",status="Success"}'] == 1
    assert abs(after["mailfrom_store_modified_timestamp_seconds"] - time.time()) < 60


def expiring(seconds):
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    return {"late.example": {
        "MailFromDomain": "bounce.late.example", "MailFromDomainStatus": "Success",
        "BehaviorOnMXFailure": "UseDefaultValue",
        "Record": {"Source": "ses", "Verified": True, "StatusSince": "2026-01-01T00:00:00Z",
                   "Checked": "2026-01-01T00:00:00Z", "RefreshAfter": "2026-01-01T01:00:00Z",
                   "ExpireAfter": when, "LastError": None}}}


def test_not_ready_from_the_second_on_that_something_expires(own, own_address):
    own.import_records(expiring(1000))
    own.use({"milter": {"metrics": own_address}})
    assert request(own_address, "/readyz").status == 200
    left = metrics(own_address)["mailfrom_next_expiry_timestamp_seconds"] - time.time()
    assert 900 < left < 1000.1
    when = time.time() + 3
    own.import_records(expiring(3))
    wait_until(lambda: request(own_address, "/readyz").status == 503, "it to expire")
    assert time.time() > when - 1
    assert "expired records in the store: 1" in request(own_address, "/readyz").text
    after = metrics(own_address)
    assert after["mailfrom_expired_records"] == 1
    assert "mailfrom_next_expiry_timestamp_seconds" not in after
    assert request(own_address, "/healthz").status == 200
    own.import_records(expiring(1000))
    assert request(own_address, "/readyz").status == 200


def test_not_ready_while_the_store_is_damaged(own, own_address):
    own.import_records(expiring(1000))
    own.use({"milter": {"metrics": own_address}})
    assert request(own_address, "/readyz").status == 200
    shutil.copy(f"{own.store}/data.mdb", f"{own.base}/saved")
    with open(f"{own.store}/data.mdb", "r+b") as file:
        file.truncate(5000)
    page = request(own_address, "/readyz")
    assert page.status == 503 and "damaged" in page.text
    assert metrics(own_address)["mailfrom_store_readable"] == 0
    os.rename(f"{own.base}/saved", f"{own.store}/data.mdb")
    wait_until(lambda: request(own_address, "/readyz").status == 200, "the store to be whole again")


def test_a_store_of_an_early_version_is_counted_when_it_is_written(own, own_address):
    own.import_records(expiring(-1000))
    dump = subprocess.run(["mdb_dump", "-a", own.store], check=True, capture_output=True,
                          text=True).stdout
    sections = re.split(r"(?<=DATA=END\n)", dump)
    assert any("database=counts" in section for section in sections)
    shutil.rmtree(own.store)
    os.mkdir(own.store)
    subprocess.run(["mdb_load", own.store], check=True, text=True,
                   input="".join(part for part in sections if "database=counts" not in part))
    own.use({"milter": {"metrics": own_address}})
    before = metrics(own_address)
    assert before["mailfrom_store_readable"] == 1
    assert 'mailfrom_records{source="ses",status="Success"}' not in before
    own.import_records({"plain.example": {"BehaviorOnMXFailure": "UseDefaultValue"}})
    after = metrics(own_address)
    assert after['mailfrom_records{source="ses",status="Success"}'] == 1
    assert after['mailfrom_records{source="file",status="None"}'] == 1
    assert after["mailfrom_expired_records"] == 1


# HTTP

def test_only_what_is_there_is_served(watched, address):
    assert request(address, "/").status == 404
    assert request(address, "/../../etc/passwd").status == 404
    assert request(address, "/healthz?a=b").status == 200
    head = request(address, "/metrics", "HEAD")
    assert (head.status, head.text) == (200, "")
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert request(address, "/healthz", method, body=b"x").status == 405, method
    assert request(address, "/" + "x" * 100000).status in (413, 414, 431)
    assert request(address, "/healthz").status == 200


def status_of(address, path, *fields):
    """HTTP as it stands: each of fields is a line of the header."""
    host, _, port = address.rpartition(":")
    head = "\r\n".join([f"GET {path} HTTP/1.1", *fields, "Connection: close", "", ""])
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head.encode())
        return int(connection.makefile("rb").readline().split()[1])


PAGES = ["/metrics", "/healthz", "/readyz", "/stats"]


def test_no_page_is_for_a_browser_that_was_led_here(watched, address):
    """DNS rebinding: the name is that of somebody else, the address is ours."""
    port = address.rpartition(":")[2]
    for path in PAGES:
        for host in (address, "127.0.0.1", f"localhost:{port}", "[::1]",
                     f"{socket.gethostname()}:{port}"):
            assert status_of(address, path, f"Host: {host}") != 403, (path, host)
        for host in (f"evil.example:{port}", "127.0.0.1.evil.example", "", "evil.example"):
            assert status_of(address, path, f"Host: {host}") == 403, (path, host)
        assert status_of(address, path, f"Host: {address}", "Host: evil.example") >= 400


def test_stats_go_through_no_proxy(watched, address):
    host = f"Host: {address}"
    for field in ("X-Forwarded-For: 192.0.2.7", "Forwarded: for=192.0.2.7", "Via: 1.1 proxy",
                  "x-real-ip: 192.0.2.7"):
        assert status_of(address, "/stats", host, field) == 403, field
        # Nobody is named there, and a proxy may add a password.
        assert status_of(address, "/metrics", host, field) == 200, field


def test_names_of_the_machine_are_not_known_to_all(own):
    port = free_port()
    own.use({"milter": {"metrics": f"0.0.0.0:{port}", "metrics-remote": True}})
    assert status_of(f"127.0.0.1:{port}", "/metrics", "Host: gateway.internal.example") == 200
    assert status_of(f"127.0.0.1:{port}", "/stats", "Host: gateway.internal.example") == 403
    assert status_of(f"127.0.0.1:{port}", "/stats", f"Host: 127.0.0.1:{port}") == 200


def begin_a_request(address):
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: ")
    return connection


def test_slow_clients_do_not_disturb_mail(mta, watched, sink, address):
    connections = [begin_a_request(address) for _ in range(100)]
    begin = time.monotonic()
    with Client(mta.port) as client:
        for _ in range(20):
            assert sink.delivery_of(client.send(*MAIL[0])).sender == MOVED
    assert time.monotonic() - begin < 9
    for connection in connections:
        connection.close()
    assert request(address, "/healthz").status == 200


def test_slow_clients_are_hung_up_on(watched, address):
    connection = begin_a_request(address)
    connection.settimeout(30)
    while connection.recv(1000):
        pass
    connection.close()


# mailfromctl stats

def stats(milter):
    done = milter.ctl("stats", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_stats_count_by_reason_and_identity(mta, watched):
    watched.stop()
    watched.start()
    mark = watched.log_size()
    for sender, from_line in MAIL:
        send(mta.port, sender, from_line)
    verdicts = watched.verdicts(mark)
    told = stats(watched)
    assert abs(told["Started"] - time.time()) < 60
    assert 0 < told["DecisionNanoseconds"] < 60e9
    assert {(row["Verdict"], row["Reason"]): row["Messages"] for row in told["Reasons"]} == \
        collections.Counter((verdict["verdict"], verdict["reason"]) for verdict in verdicts)
    assert {(row["Identity"] or "-", row["Reason"]): row["Messages"]
            for row in told["Identities"]} == \
        collections.Counter((verdict["identity"], verdict["reason"]) for verdict in verdicts)
    assert told["Identities"][0]["Identity"] == "shop.example"


def test_stats_for_a_person(postfix, watched):
    watched.stop()
    watched.start()
    assert re.fullmatch(r"since \S+ \(.*\): 0 messages\n", watched.ctl("stats").stdout)
    for sender, from_line in MAIL:
        send(postfix.port, sender, from_line)
    text = watched.ctl("stats").stdout
    assert re.match(r"since \S+ \(.*\): 7 messages, \d+ us for a decision on average\n", text)
    assert re.search(r"^custom +verified +2 +28\.6 %$", text, re.M), text
    assert re.search(r"^ +2 custom +verified +shop\.example$", text, re.M), text
    short = watched.ctl("stats", "--count", "1").stdout
    assert "pending-firm.example" in text and "pending-firm.example" not in short
    assert "and 5 more" in short


def test_stats_say_what_is_missing(own, own_address):
    done = own.ctl("stats")
    assert done.returncode == 78 and 'set metrics = "127.0.0.1:9895"' in done.stderr
    own.write_settings({"milter": {"metrics": own_address}})
    done = own.ctl("stats")
    assert done.returncode == 69 and "mailfrom-milter does not answer" in done.stderr
    assert own.ctl("stats", "--count", "0").returncode == 64
    assert own.ctl("stats", "shop.example").returncode == 64


def test_stats_write_nothing_that_a_terminal_obeys(own):
    """Whoever may use the port when the milter is not there."""
    row = {"Verdict": "\x1b[2J", "Reason": "a\u009bb", "Identity": "c\x1bd", "Messages": 1}
    answer = json.dumps({"Reasons": [row], "Identities": [row]}, ensure_ascii=False)
    answer = answer.replace("\\u001b", "\x1b").encode()  # raw, which is no JSON
    with socket.create_server(("127.0.0.1", 0)) as server:
        own.write_settings({"milter": {"metrics": "127.0.0.1:%d" % server.getsockname()[1]}})

        def serve():
            for _ in range(2):
                connection, _address = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                       b"Content-Length: %d\r\n\r\n%s" % (len(answer), answer))

        thread = threading.Thread(target=serve)
        thread.start()
        shown = [own.ctl("stats").stdout, own.ctl("stats", "--json").stdout]
        thread.join()
    assert "Messages" in shown[1]
    for text in shown:
        assert text.isascii() and text.replace("\n", "").isprintable()


def test_stats_where_it_listens_everywhere(own):
    own.use({"milter": {"metrics": f"0.0.0.0:{free_port()}", "metrics-remote": True}})
    assert stats(own)["Reasons"] == []


def test_stats_are_not_for_other_machines(own):
    """In a network of its own, where one address plays the other machine."""
    port = free_port()
    with network(GATEWAY, OTHER) as enter:
        own.wrapper = enter
        own.use({"milter": {"metrics": f"0.0.0.0:{port}", "metrics-remote": True}})

        def status(source, path):
            return subprocess.run([*enter, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                                   "--noproxy", "*", "--interface", source,
                                   f"http://{GATEWAY}:{port}{path}"], capture_output=True,
                                  text=True, timeout=30).stdout
        assert status(OTHER, "/metrics") == "200"
        assert status(OTHER, "/stats") == "403"
        assert status(GATEWAY, "/stats") == "200"
        own.stop()


GATEWAY, OTHER = "198.18.53.1", "198.18.53.2"


@contextlib.contextmanager
def network(*addresses):
    """The command that enters it."""
    for tool in ("unshare", "nsenter", "ip", "curl"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    with subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE) as holder:
        enter = ("nsenter", "-t", str(holder.pid), "--net", "--")
        own_network = os.readlink("/proc/self/ns/net")
        wait_until(lambda: holder.poll() is not None or
                   os.readlink(f"/proc/{holder.pid}/ns/net") != own_network, "a network")
        if holder.poll() is not None:
            pytest.skip("no network namespaces here")
        subprocess.run([*enter, "ip", "link", "set", "lo", "up"], check=True)
        for address in addresses:
            subprocess.run([*enter, "ip", "addr", "add", f"{address}/32", "dev", "lo"], check=True)
        yield enter


# The address

def test_another_address_needs_another_setting(own):
    for text in ("0.0.0.0:9895", "[::]:9895", "192.0.2.1:9895"):
        own.write_settings({"milter": {"metrics": text}})
        for done in (own.check(), subprocess.run(own.command, capture_output=True, text=True,
                                                 timeout=30)):
            assert done.returncode == 78
            assert f"metrics: {text} is no loopback address" in done.stderr
            assert "metrics-remote = true" in done.stderr
    port = free_port()
    own.use({"milter": {"metrics": f"0.0.0.0:{port}", "metrics-remote": True}})
    assert request(f"127.0.0.2:{port}", "/healthz").status == 200


if has_ipv6():
    def test_inet6(own):
        address = f"[::1]:{free_port()}"
        own.use({"milter": {"metrics": address}})
        assert request(address, "/healthz").status == 200


def test_an_address_in_use_is_an_error_at_the_start(own, watched, address):
    own.write_settings({"milter": {"metrics": address}})
    done = subprocess.run(own.command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 69
    assert f"cannot listen on {address}: Address already in use" in done.stderr
    assert not os.path.exists(own.socket.partition(":")[2])


def test_bound_as_root_served_as_another_user(own):
    address = f"127.0.0.1:{next(port for port in range(1023, 600, -1) if is_free(port))}"
    own.use({"milter": {"metrics": address, "user": "postfix"}})
    assert request(address, "/healthz").status == 200
    assert os.stat(f"/proc/{own.pid}").st_uid != 0


def test_stops_as_soon_as_without(own, own_address):
    """The knock at the end is for libmilter's socket."""
    own.use({"milter": {"metrics": own_address}})
    begin = time.monotonic()
    own.stop()
    assert time.monotonic() - begin < 3


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_another_address_takes_a_restart(own, own_address):
    own.use({"milter": {"metrics": own_address}})
    own.write_settings({"milter": {"metrics": f"127.0.0.1:{free_port()}"}})
    mark = own.log_size()
    own.reload(signal.SIGHUP)
    assert "metrics has changed; restart to apply it" in own.log_text(mark)
    assert request(own_address, "/healthz").status == 200


# mailfrom-sync, as the store has it

def use_store_of(sync, own, address):
    own.store = sync.store
    own.use({"store": sync.store, "milter": {"metrics": address}})


def test_tells_of_the_calls_to_ses(sync, own, own_address):
    pytest.importorskip("botocore", reason="the stand-in for SES checks signatures with botocore")
    from standin.ses import Fault, Identity, Ses
    identities = [Identity("a.example", domain="m.a.example", status="Pending"),
                  Identity("b.example", domain="m.b.example", status="Success")]
    label = 'source="ses",section="eu"'
    with Ses(identities) as ses:
        sync.configure(QUICK | {"title": "eu", "endpoint": ses.url}).start()
        use_store_of(sync, own, own_address)
        wait_until(lambda: metrics(own_address).get('mailfrom_records{source="ses",status="Success"}')
                   == 1, "the records")
        first = metrics(own_address)
        assert first[f"mailfrom_source_up{{{label}}}"] == 1
        assert first[f"mailfrom_source_failing{{{label}}}"] == 0
        assert abs(first[f"mailfrom_source_last_success_timestamp_seconds{{{label}}}"]
                   - time.time()) < 20
        assert first[f"mailfrom_source_last_error_timestamp_seconds{{{label}}}"] == 0
        assert first[f'mailfrom_api_calls_total{{{label},operation="ListEmailIdentities",'
                     'result="ok"}'] >= 1
        identities[0].status = "Success"
        wait_until(lambda: metrics(own_address)[f"mailfrom_transitions_total{{{label}}}"] == 1,
                   "the transition")
        ses.faults.append(Fault("500", None, None))
        wait_until(lambda: metrics(own_address)[f"mailfrom_source_failing{{{label}}}"] == 1,
                   "the failure")
        last = metrics(own_address)
        assert last['mailfrom_records{source="ses",status="Success"}'] == 2
        assert any(f"mailfrom_api_calls_total{{{label}" in name and 'result="server-error"' in name
                   for name in last)
        assert last[f"mailfrom_source_last_error_timestamp_seconds{{{label}}}"] > 0
        sync.stop()
        assert metrics(own_address)[f"mailfrom_source_up{{{label}}}"] == 0


def test_tells_of_the_answers_of_the_dns(sync, own, own_address):
    with Dns({DOMAIN: [f"MX 10 {EXPECTED}"]}) as dns:
        sync.configure(local=settings(dns.port))
        put = ["put", "--from", "-", "--add"]
        done = sync.ctl(*put, input=json.dumps({"MailFromDomainAttributes": {
            IDENTITY: {"MailFromDomain": DOMAIN, "BehaviorOnMXFailure": "RejectMessage"},
            "other.example": {"MailFromDomain": "m.other.example",
                              "BehaviorOnMXFailure": "RejectMessage"}}}))
        assert done.returncode == 0, done.stderr
        assert "2 look-ups" in sync.once()
        use_store_of(sync, own, own_address)
        after = metrics(own_address)
        assert after['mailfrom_dns_answers_total{kind="found"}'] == 1
        assert after['mailfrom_dns_answers_total{kind="NXDOMAIN"}'] == 1
        assert after['mailfrom_transitions_total{source="local",section=""}'] == 1
        assert after['mailfrom_records{source="local",status="Success"}'] == 1
        assert after['mailfrom_records{source="local",status="Pending"}'] == 1
        assert not any(name.startswith("mailfrom_api_calls_total") for name in after)
