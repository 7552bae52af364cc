# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The local source: mailfrom-sync, a real name server, and what becomes of the identities."""

import contextlib
import json
import pathlib
import random
import re
import signal
import subprocess
import time
from dataclasses import replace

import pytest

from lab import life
from lab.clock import Clock
from lab.life import EXPECTED, IDENTITY, RIGHT, STAGES, Gateway, live
from lab.nsd import Nsd
from lab.process import free_port, wait_until
from lab.sync import Sync
from standin.dns import Dns

OTHER = "mx.elsewhere.example"


@pytest.fixture(scope="module")
def nsd():
    with Nsd({"gateway.example": ""}) as server:
        yield server


@pytest.fixture
def sync(request, tmp_path):
    sync = Sync(request.config.getoption("--stage"), str(tmp_path))
    yield sync
    sync.stop()


def ctl(sync, *arguments, **options):
    done = sync.ctl(*arguments, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def put_all(sync, domains, behaviour="RejectMessage"):
    """domains: identity -> MAIL FROM domain."""
    attributes = {identity: {"MailFromDomain": domain, "BehaviorOnMXFailure": behaviour}
                  for identity, domain in domains.items()}
    ctl(sync, "put", "--from", "-", "--add",
        input=json.dumps({"MailFromDomainAttributes": attributes}))


def numbered(count):
    return {f"d{number:06}.example": f"m.d{number:06}.example" for number in range(count)}


def found(sync, identity):
    record = sync.records()[identity]
    return record["MailFromDomainStatus"], record.get("Found")


def wait_for_found(sync, identity, status, text, seconds=30):
    wait_until(lambda: found(sync, identity) == (status, text),
               f"{identity} to be {status}, {text}", seconds)


def statuses(sync):
    return {record["MailFromDomainStatus"] for record in sync.records().values()}


# What the DNS says

ZONE = """\
right   MX 10 mx1.gateway.example.
upper   MX 10 MX1.Gateway.EXAMPLE.
two     MX 10 mx1.gateway.example.
two     MX 20 mx2.gateway.example.
mixed   MX 10 mx1.gateway.example.
mixed   MX 20 mx.elsewhere.example.
wrong   MX 10 mx.elsewhere.example.
nomx    A 192.0.2.1
null    MX 0 .
alias   CNAME right
dangle  CNAME nowhere
"""
ANSWERS = {  # name: what was found, and the status with exactly-one, only-these, any-of-these
    "right": ("MX 10 mx1.gateway.example", "Success", "Success", "Success"),
    "upper": ("MX 10 mx1.gateway.example", "Success", "Success", "Success"),
    "two": ("MX 10 mx1.gateway.example, MX 20 mx2.gateway.example",
            "Pending", "Success", "Success"),
    "mixed": (f"MX 10 mx1.gateway.example, MX 20 {OTHER}", "Pending", "Pending", "Success"),
    "wrong": (f"MX 10 {OTHER}", "Pending", "Pending", "Pending"),
    "nomx": ("no MX", "Pending", "Pending", "Pending"),
    "null": ("null MX", "Pending", "Pending", "Pending"),
    "alias": ("MX 10 mx1.gateway.example", "Success", "Success", "Success"),
    "dangle": ("NXDOMAIN", "Pending", "Pending", "Pending"),
    "nowhere": ("NXDOMAIN", "Pending", "Pending", "Pending"),
}
MATCHES = ("exactly-one", "only-these", "any-of-these")


@pytest.mark.parametrize("match", MATCHES)
def test_each_answer_of_the_dns_has_its_status(sync, nsd, match):
    nsd.publish("answers.example", ZONE)
    sync.configure(local=life.settings(nsd.port, match=match) | {
        "expected-mx": ["MX1.gateway.example.", "mx2.gateway.example"]})
    put_all(sync, {f"{name}@answers.example": f"{name}.answers.example" for name in ANSWERS})
    assert f"local: {len(ANSWERS)} look-ups" in sync.once()
    assert {name: found(sync, f"{name}@answers.example") for name in ANSWERS} == {
        name: (row[1 + MATCHES.index(match)], row[0]) for name, row in ANSWERS.items()}


def test_names_beyond_ascii_are_looked_up_as_a_labels(sync, nsd):
    nsd.publish("xn--bcher-kva.example", "bounce MX 10 xn--mx-xka.gateway.example.")
    sync.configure(local=life.settings(nsd.port) | {"expected-mx": ["m\u00fcx.gateway.example"]})
    put_all(sync, {"b\u00fccher.example": "bounce.b\u00fccher.example"})
    sync.once()
    assert found(sync, "xn--bcher-kva.example") == (
        "Success", "MX 10 xn--mx-xka.gateway.example")


def test_a_long_answer_comes_over_tcp(sync, nsd):
    records = "\n".join(f"many MX {10 + number} a-rather-long-name-{number:03}.mail.example."
                        for number in range(60))
    nsd.publish("long.example", f"{records}\nmany MX 5 {EXPECTED}.")
    sync.configure(local=life.settings(nsd.port, match="any-of-these"))
    put_all(sync, {"long.example": "many.long.example"})
    sync.once()
    status, text = found(sync, "long.example")
    assert status == "Success" and text.startswith(f"MX 5 {EXPECTED}, ")
    assert text.endswith(" more") and len(text) <= 200


@pytest.mark.parametrize("mode, text", [("servfail", "SERVFAIL from"), ("refused", "refused by"),
                                        ("drop", "timeout from"),
                                        ("portal", "unintelligible answer from"),
                                        ("other-owner", "unintelligible answer from"),
                                        ("cut-off", "unintelligible answer from")])
def test_what_is_not_clear_changes_nothing(sync, mode, text):
    with Dns(mode=mode) as dns:
        sync.configure(local=life.settings(dns.port, timeout="300ms"))
        put_all(sync, {IDENTITY: life.DOMAIN})
        done = sync.run("--once")
        assert done.returncode == 69 and "no look-up brought anything definite" in done.stderr
        assert found(sync, IDENTITY) == ("Pending", f"{text} 127.0.0.1:{dns.port}")


def test_a_port_without_a_server_changes_nothing(sync):
    port = free_port()
    sync.configure(local=life.settings(port, timeout="300ms"))
    put_all(sync, {IDENTITY: life.DOMAIN})
    assert sync.run("--once").returncode == 69
    assert found(sync, IDENTITY) == ("Pending", f"no connection to 127.0.0.1:{port}")


# The life of an identity

def test_the_whole_life_of_an_identity(sync, nsd, milter, mta, sink):
    gateway = life.begin(sync, nsd, milter, mta, sink)
    for stage in STAGES:
        assert life.differences(stage, live(gateway, stage)) == [], stage.what
    lines = [line.partition("old-status=")[2] for line in sync.log_lines("^.*transition:")]
    assert [line.split(" mail-from")[0] for line in lines] == [
        "Pending new-status=Success", "Success new-status=TemporaryFailure",
        "TemporaryFailure new-status=Success", "Success new-status=TemporaryFailure",
        "TemporaryFailure new-status=Failed", "Pending new-status=Success"]
    assert lines[1].endswith(f'reason="the MX record is gone" found="MX 10 {OTHER}"')
    assert lines[4].endswith('reason="the MX record was not found in time" found="NXDOMAIN"')


def test_the_life_goes_on_over_kills(sync, nsd, milter, postfix, sink):
    """kill -9 in the middle of each stage."""
    def killed(happen):
        def happen_and_kill(gateway):
            happen(gateway)
            time.sleep(random.uniform(0, 0.5))
            gateway.sync.kill()
            gateway.sync.start()
        return happen_and_kill

    gateway = life.begin(sync, nsd, milter, postfix, sink)
    for stage in STAGES:
        stage = replace(stage, happen=killed(stage.happen))
        assert life.differences(stage, live(gateway, stage)) == [], stage.what


def test_mail_goes_on_while_the_dns_is_down(sync, postfix, milter, sink):
    with Dns({life.DOMAIN: [f"MX 10 {EXPECTED}"]}) as dns:
        sync.configure(local=life.settings(dns.port, timeout="300ms"))
        put_all(sync, {IDENTITY: life.DOMAIN})
        milter.use({"store": sync.store})
        sync.start()
        gateway = Gateway(sync, None, postfix, sink)
        success = STAGES[2]
        stage = life.Stage("looked up", lambda _: None, "Success", success.sender)
        assert life.differences(stage, live(gateway, stage)) == []
        dns.mode = "drop"
        silent = f"timeout from 127.0.0.1:{dns.port}"
        stage = life.Stage("DNS down", lambda _: None, "Success", success.sender, silent)
        assert life.differences(stage, live(gateway, stage)) == []
        # A put meanwhile waits for the first definite answer.
        gateway.put("UseDefaultValue")
        ctl(sync, "put", IDENTITY, "--mail-from-domain", life.DOMAIN, "--force")
        stage = life.Stage("put", lambda _: None, "Pending", life.DEFAULT, silent)
        assert life.differences(stage, live(gateway, stage)) == []
        dns.mode = "answer"
        stage = life.Stage("DNS up", lambda _: None, "Success", success.sender,
                           f"MX 10 {EXPECTED}")
        assert life.differences(stage, live(gateway, stage)) == []


def test_a_put_is_seen_at_once_and_a_removal_as_well(sync, nsd):
    nsd.publish("d000000.example", "m MX 10 mx1.gateway.example.")
    sync.configure(local=life.settings(nsd.port, success_interval="1h"))
    put_all(sync, numbered(1))
    sync.start()
    sync.wait_for_status("d000000.example", "Success")
    nsd.publish("other.example", "m MX 10 mx1.gateway.example.")
    put_all(sync, {"other.example": "m.other.example"})
    sync.wait_for_status("other.example", "Success")
    ctl(sync, "identity", "remove", "other.example")
    ctl(sync, "put", "d000000.example", "--clear")
    mark = sync.log_size()
    time.sleep(1.5)
    assert set(sync.records()) == {"d000000.example"}
    assert sync.records()["d000000.example"]["MailFromDomain"] == ""
    assert not sync.log_lines("transition", mark)


def test_no_edit_is_lost_where_lock_mdb_is_removed_again_and_again(sync):
    """As restore tools and those who clean up "stale locks" do."""
    domains = numbered(40)
    lock = pathlib.Path(sync.store, "lock.mdb")
    with Dns({name: [f"MX 10 {EXPECTED}"] for name in domains.values()}) as dns:
        sync.configure(local=life.settings(dns.port, success_interval="1s"))
        put_all(sync, {"first.example": "m.first.example"})
        sync.start()
        for identity, domain in domains.items():
            lock.unlink(missing_ok=True)
            put_all(sync, {identity: domain})
        for identity in domains:
            sync.wait_for_status(identity, "Success")
        lock.unlink(missing_ok=True)
        ctl(sync, "identity", "remove", "first.example")
        assert set(sync.records()) == set(domains)
        assert sync.running


def test_feedback_forwarding_is_switched_without_a_look_up_and_kept_by_those_that_are_due(sync):
    with Dns({life.DOMAIN: [f"MX 10 {EXPECTED}"]}) as dns:
        sync.configure(local=life.settings(dns.port, success_interval="1h"))
        put_all(sync, {IDENTITY: life.DOMAIN})
        sync.start()
        sync.wait_for_status(IDENTITY, "Success")
        before = sync.records()[IDENTITY]
        ctl(sync, "put", IDENTITY, "--feedback-forwarding", "off")
        time.sleep(1.5)
        assert len(dns.asked) == 1
        off = {"FeedbackForwardingStatus": False}
        assert sync.records()[IDENTITY] == before | off
        dns.records = {}
        ctl(sync, "refresh", IDENTITY)
        after = sync.records()[IDENTITY]
        assert after["MailFromDomainStatus"] == "TemporaryFailure"
        assert after.items() >= off.items()


def test_nothing_is_looked_up_before_its_time(sync):
    with Dns({life.DOMAIN: [f"MX 10 {EXPECTED}"]}) as dns:
        sync.configure(local=life.settings(dns.port, success_interval="1h"))
        put_all(sync, {IDENTITY: life.DOMAIN})
        sync.start()
        sync.wait_for_status(IDENTITY, "Success")
        time.sleep(1.5)
        assert len(dns.asked) == 1


def test_an_answer_to_what_was_replaced_meanwhile_counts_for_nothing(sync):
    with Dns({life.DOMAIN: [f"MX 10 {EXPECTED}"]}, mode="drop") as dns:
        sync.configure(local=life.settings(dns.port, timeout="20s"))
        put_all(sync, {IDENTITY: life.DOMAIN})
        sync.start()
        wait_until(lambda: dns.asked, "the question")
        put_all(sync, {IDENTITY: f"other.{IDENTITY}"})
        dns.mode = "answer"  # the question is repeated, before the new one is asked
        wait_for_found(sync, IDENTITY, "Pending", "NXDOMAIN")
        assert not sync.log_lines("transition:")


def test_what_failed_is_looked_up_again_only_where_that_is_wanted(sync):
    with Dns({}) as dns:
        quick = life.settings(dns.port, pending_window="1s")
        sync.configure(local=quick)
        put_all(sync, {IDENTITY: life.DOMAIN})
        sync.start()
        sync.wait_for_status(IDENTITY, "Failed")
        dns.records = {life.DOMAIN: [f"MX 10 {EXPECTED}"]}
        asked = len(dns.asked)
        time.sleep(2.5)
        assert len(dns.asked) == asked and sync.status(IDENTITY) == "Failed"
        sync.configure(local=quick | {"recheck-failed": True})
        sync.send_signal(signal.SIGHUP)
        sync.wait_for_status(IDENTITY, "Success")


# Trouble of everybody

@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_was_ahead_holds_nothing_up_when_it_is_set_back(sync, request, restarted):
    """Or the DNS is asked again when the clock has caught up: in a month."""
    clock = Clock(request.config.getoption("--clock-library"), f"{sync.base}/clock")
    sync.environment |= clock.environment(sync.environment)
    clock.set(30 * 86400)
    with Dns({life.DOMAIN: [f"MX 10 {EXPECTED}"]}) as dns:
        sync.configure(local=life.settings(dns.port))
        put_all(sync, {IDENTITY: life.DOMAIN})
        sync.start()
        sync.wait_for_status(IDENTITY, "Success")
        if restarted:
            sync.stop()
        clock.set(0)
        if restarted:
            sync.start()
        del dns.records[life.DOMAIN]
        sync.wait_for_status(IDENTITY, "TemporaryFailure")
        sync.wait_for_log("the clock was set back")


def test_a_resolver_that_is_down_is_told_once_and_demotes_nobody(sync):
    count = 300
    table = {domain: [f"MX 10 {EXPECTED}"] for domain in numbered(count).values()}
    with Dns(table) as dns:
        sync.configure(local=life.settings(dns.port, timeout="200ms", queries_per_second="1000",
                                           indeterminate_grace="5s"))
        put_all(sync, numbered(count))
        sync.start()
        wait_until(lambda: statuses(sync) == {"Success"}, "all to be looked up")
        mark = sync.log_size()
        dns.mode = "drop"
        began = time.time()
        sync.wait_for_log("brought nothing definite", mark)
        while time.time() < began + 4:
            read = statuses(sync)
            assert read == {"Success"} or time.time() > began + 5, "before the grace time ended"
        wait_until(lambda: statuses(sync) == {"TemporaryFailure"}, "the grace time to end")
        assert len(sync.log_lines("brought nothing definite", mark)) == 1
        assert len(sync.log_lines("is not clear", mark)) < 10
        [line] = set(line.partition("reason=")[2] for line in sync.log_lines("transition:", mark))
        assert line == ('"for longer than indeterminate-grace no look-up was definite" '
                        f'found="timeout from 127.0.0.1:{dns.port}"')
        dns.mode = "answer"
        wait_until(lambda: statuses(sync) == {"Success"}, "the DNS to be back")
        assert sync.log_lines("definite answers again", mark)


def test_one_broken_domain_of_a_few_is_no_outage_and_an_outage_is_told_once(sync):
    """The broken one is looked up again and again between two look-ups of the others."""
    table = numbered(3)
    with Dns({domain: [f"MX 10 {EXPECTED}"] for domain in table.values()}) as dns:
        broken, *good = table.values()
        dns.by_name = {broken: "servfail"}
        sync.configure(local=life.settings(dns.port, success_interval="1h"))
        put_all(sync, table)
        sync.start()
        wait_until(lambda: dns.count(broken) > 12, "look-ups of the broken one")
        [ours] = json.loads(ctl(sync, "status", "--json"))["Sources"]
        assert ours["Well"] and ours["FailingSince"] is None
        assert not sync.log_lines("brought nothing definite")
        [line] = sync.log_lines("is not clear")
        assert f"look-up of {broken} is not clear: SERVFAIL from" in line
        dns.mode = "servfail"
        assert sync.ctl("refresh", *list(table)[1:]).returncode == 69
        line = sync.wait_for_log("brought nothing definite")
        assert "of 3 domains" in line
        wait_until(lambda: all(dns.count(name) > 4 for name in good), "look-ups of all")
        assert len(sync.log_lines("brought nothing definite")) == 1
        dns.mode = "answer"
        dns.by_name = {}
        sync.wait_for_log("definite answers again")


def test_a_resolver_that_moves_is_followed(sync, tmp_path):
    """/etc/resolv.conf is written again, as after a change of the network; nothing is reloaded."""
    conf = tmp_path / "resolv.conf"
    conf.write_text("")  # as at boot
    table = {life.DOMAIN: [f"MX 10 {EXPECTED}"]}
    own_conf = ["unshare", "-m", "sh", "-c",
                f'mount --bind {conf} /etc/resolv.conf && exec "$@"', "sh"]
    with Dns(table) as first, Dns(table) as second:
        sync.configure(local={name: value for name, value in life.settings(
            0, timeout="1s", indeterminate_grace="4s").items() if name != "nameservers"})
        put_all(sync, {IDENTITY: life.DOMAIN})
        sync.start(own_conf)
        sync.wait_for_log("local identities")
        conf.write_text(f"nameserver {first.server}\n")
        sync.wait_for_status(IDENTITY, "Success")
        first.mode = "drop"
        conf.write_text(f"nameserver {second.server}\n")
        sync.wait_for_log(f"has the nameservers {second.server}")
        asked = len(second.asked)
        wait_until(lambda: len(second.asked) > asked + 6, "look-ups for longer than the grace time")
        assert sync.status(IDENTITY) == "Success"
        assert not sync.log_lines("new-status=TemporaryFailure")


def test_domains_that_are_broken_for_long_do_not_fill_the_log(sync):
    table = numbered(40)
    with Dns({domain: [f"MX 10 {EXPECTED}"] for domain in table.values()}) as dns:
        dns.by_name = {domain: "servfail" for domain in [*table.values()][::2]}
        sync.configure(local=life.settings(dns.port))
        put_all(sync, table)
        sync.start()
        wait_until(lambda: len(dns.asked) > 100, "questions")
        sync.stop()
        first, repeated = sync.log_lines("is not clear")
        assert first.endswith(f"is not clear: SERVFAIL from 127.0.0.1:{dns.port}")
        assert re.search(r"is not clear: .* \(repeated \d{2,} times in \d+ s\)$", repeated)


def test_kill_at_any_instant_loses_nothing(sync):
    count = 400
    table = {domain: [f"MX 10 {EXPECTED}"] for domain in numbered(count).values()}
    with Dns(table) as dns:
        sync.configure(local=life.settings(dns.port, queries_per_second="2000",
                                           indeterminate_grace="1h"))
        put_all(sync, numbered(count))
        random.seed(4)
        for _ in range(10):
            sync.start()
            time.sleep(random.uniform(0.05, 0.7))
            sync.kill()
            records = sync.records()
            assert len(records) == count
            assert {record["MailFromDomainStatus"] for record in records.values()} <= {
                "Pending", "Success"}
        mark = sync.log_size()
        sync.start()
        sync.wait_for_log("version ", mark)  # before that, it dies of TERM
        wait_until(lambda: statuses(sync) == {"Success"}, "all to be looked up")


def test_keeps_to_its_rate_and_its_concurrency(sync):
    count = 200
    with Dns(mode="drop") as dns:
        sync.configure(local=life.settings(dns.port, timeout="10s", queries_per_second="1000",
                                           concurrency="7", pending_interval="1h"))
        put_all(sync, numbered(count))
        sync.start()
        wait_until(lambda: len(dns.asked) >= 7, "questions")
        time.sleep(1)
        assert len(dns.asked) == 7
    table = {domain: [f"MX 10 {EXPECTED}"] for domain in numbered(count).values()}
    sync.stop()
    with Dns(table) as dns:
        sync.configure(local=life.settings(dns.port, queries_per_second="50"))
        began = time.monotonic()
        sync.start()
        wait_until(lambda: statuses(sync) == {"Success"}, "all to be looked up")
        # a quarter of a second's worth may go out at once
        assert len(dns.asked) <= (time.monotonic() - began + 0.25) * 50 + 1


def test_a_refresh_comes_before_all_that_is_due(sync):
    """A backlog that takes minutes: of new ones, which come first in the index."""
    known, waiting = numbered(4), numbered(600)
    table = {domain: [f"MX 10 {EXPECTED}"] for domain in waiting.values()}
    with Dns(table) as dns:
        sync.configure(local=life.settings(dns.port, queries_per_second="2",
                                           success_interval="1h"))
        put_all(sync, known)
        sync.start()
        wait_until(lambda: statuses(sync) == {"Success"}, "the known ones to be looked up")
        put_all(sync, waiting)
        wait_until(lambda: len(dns.asked) > len(known) + 3, "the backlog to be at work")
        dns.records = {}
        began = time.monotonic()
        shown = ctl(sync, "refresh", *known)
        assert time.monotonic() - began < 15
        assert shown.count("TemporaryFailure, RejectMessage; found NXDOMAIN") == len(known)
        wait_until(lambda: not notes(sync), "the requests to be gone")


def test_a_request_for_what_is_gone_goes_as_well(sync):
    with Dns({}) as dns:
        sync.configure(local=life.settings(dns.port))
        put_all(sync, numbered(2))
        ctl(sync, "refresh", "--no-wait", *numbered(2))
        ctl(sync, "identity", "remove", "d000000.example")
        ctl(sync, "put", "d000001.example", "--clear")
        assert len(notes(sync)) == 2
        sync.start()
        wait_until(lambda: not notes(sync), "the requests to be gone")
        assert not dns.asked


def notes(sync):
    """The requests in the store."""
    dump = subprocess.run(["mdb_dump", "-p", "-s", "notes", sync.store], capture_output=True,
                          text=True, check=True).stdout
    return [line for line in dump.splitlines() if line.startswith(" look-up/")]


def test_an_outage_does_not_multiply_the_queries(sync):
    """Each question goes to each of five servers three times, and all of that counts."""
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(Dns(mode="drop")) for _ in range(5)]
        sync.configure(local=life.settings(0, queries_per_second="50") | {
            "nameservers": [dns.server for dns in silent]})
        put_all(sync, numbered(200))
        began = time.monotonic()
        sync.start()
        wait_until(lambda: sum(dns.count() for dns in silent) > 150, "queries")
        assert sum(dns.count() for dns in silent) <= (time.monotonic() - began + 0.25) * 50 + 1


# The program

def test_a_reload_is_not_taken_for_absence(sync):
    with Dns({life.DOMAIN: [f"MX 10 {EXPECTED}"]}) as dns:
        sync.configure(local=life.settings(dns.port))
        put_all(sync, {IDENTITY: life.DOMAIN})
        sync.start()
        sync.wait_for_status(IDENTITY, "Success")
        for _ in range(5):
            with sync.reloading():
                for _ in range(10):
                    [ours] = json.loads(ctl(sync, "status", "--json"))["Sources"]
                    assert ours["Running"] and ours["Well"]
                ctl(sync, "put", IDENTITY, "--mail-from-domain", life.DOMAIN, "--force")
                assert f"{life.DOMAIN}, Success" in ctl(sync, "refresh", IDENTITY)


def test_a_transition_is_handed_to_the_program(sync, tmp_path):
    program = tmp_path / "told"
    program.write_text(f"#!/bin/sh\nenv | grep ^MAILFROM_ | sort >>{tmp_path}/told.log\n")
    program.chmod(0o755)
    with Dns({life.DOMAIN: [f"MX 10 {EXPECTED}"]}) as dns:
        sync.configure(local=life.settings(dns.port, on_transition=str(program)))
        put_all(sync, {IDENTITY: life.DOMAIN})
        sync.once()
    assert (tmp_path / "told.log").read_text().splitlines() == [
        f"MAILFROM_DOMAIN={life.DOMAIN}", f"MAILFROM_FOUND=MX 10 {EXPECTED}",
        f"MAILFROM_IDENTITY={IDENTITY}", "MAILFROM_NEW_STATUS=Success",
        "MAILFROM_OLD_STATUS=Pending", "MAILFROM_REASON=the MX record was found",
        "MAILFROM_SECTION="]


def test_once_looks_everything_up_a_single_time(sync):
    count = 5000
    table = {domain: [f"MX 10 {EXPECTED}"] for domain in numbered(count).values()}
    with Dns(table) as dns:
        sync.configure(local=life.settings(dns.port, queries_per_second="10000",
                                           pending_interval="1h"))
        put_all(sync, numbered(count))
        for turn in range(2):
            assert f"local: {count} look-ups, {count if turn == 0 else 0} changes" in sync.once()
            assert len(dns.asked) == (turn + 1) * count
            time.sleep(1)  # what was looked up in the second of the start is fresh enough


def test_without_an_expected_mx_there_is_nothing_to_do(sync):
    sync.configure(local={"match": "exactly-one"})
    done = sync.run("--once")
    assert done.returncode == 78 and "neither a section ses nor local { expected-mx }" in done.stderr


def test_its_state_is_shown(sync, nsd):
    nsd.publish(IDENTITY, RIGHT)
    sync.configure(local=life.settings(nsd.port, success_interval="1h"))
    put_all(sync, {IDENTITY: life.DOMAIN})
    sync.start()
    sync.wait_for_status(IDENTITY, "Success")
    shown = ctl(sync, "status")
    assert "local" in shown and "Success" in shown
    assert f"MX 10 {EXPECTED}" in ctl(sync, "explain", f"anna@{IDENTITY}")
    assert f"MX 10 {EXPECTED}" in ctl(sync, "get", "--record", IDENTITY)
