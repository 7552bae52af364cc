# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""mailfrom-sync against a stand-in for SES: what the store holds after, what the log says, how many
calls it took and how fast they came."""

import json
import os
import random
import re
import signal
import subprocess
import time

import pytest

from lab.client import send
from lab.clock import Clock
from lab.process import is_alive, wait_until
from lab.sync import KEYS, QUICK, Sync

pytest.importorskip("botocore", reason="the stand-in for SES checks signatures with botocore")

from standin.credentials import Imds  # noqa: E402
from standin.server import Reply  # noqa: E402
from standin.ses import Account, Fault, Identity, Ses  # noqa: E402

LIST, VERIFY, FETCH = ("ListEmailIdentities", "GetIdentityVerificationAttributes",
                       "GetIdentityMailFromDomainAttributes")
NEVER = {"list-every": "1h", "refresh-after": "1h", "refresh-unsettled-after": "1h"}


def identities(count, **attributes):
    return [Identity(f"d{number:05}.example", domain=f"m.d{number:05}.example",
                     **({"status": "Success"} | attributes)) for number in range(count)]


@pytest.fixture
def ses():
    with Ses(identities(3)) as server:
        yield server


@pytest.fixture
def sync(request, tmp_path):
    sync = Sync(request.config.getoption("--stage"), str(tmp_path))
    yield sync
    sync.stop()


def quick(ses, **changes):
    return QUICK | {"endpoint": ses.url} | {
        name.replace("_", "-"): value for name, value in changes.items()}


def count(ses, operation, mark=0):
    return sum(call[1] == operation for call in ses.calls[mark:])


def carried(ses):
    """How many identities each call to fetch carried, in order."""
    return [request.body.count(b"Identities.member.") for request in ses.requests
            if b"Action=" + FETCH.encode() in request.body]


# Filling and refreshing

def test_fills_an_empty_store_with_the_fullest_batches(sync, ses):
    ses.identities = {identity.name: identity for identity in identities(10000)}
    sync.configure(quick(ses, **{"list_every": "1h", "refresh_after": "1h"})).start()
    wait_until(lambda: count(ses, FETCH) >= 100 and len(sync.records()) == 10000,
               "10,000 identities", 60)
    assert len(ses.calls) <= 10000 / 100 + 10
    assert carried(ses) == [100] * 100
    assert all(record["MailFromDomainStatus"] == "Success" for record in sync.records().values())


def test_lists_do_not_eat_the_calls_that_fill_the_store(sync, ses):
    ses.identities = {identity.name: identity for identity in identities(3000)}
    sync.configure(quick(ses, requests_per_second="50", list_every="100ms",
                         refresh_after="1h")).start()
    wait_until(lambda: len(sync.records()) == 3000, "3,000 identities", 30)
    assert next(index for index, call in enumerate(ses.calls)
                if count_until(ses, index) == 30) <= 3000 / 100 + 10


def count_until(ses, index):
    return sum(call[1] == FETCH for call in ses.calls[:index + 1])


def test_fetches_a_new_identity_at_once(sync, ses):
    sync.configure(quick(ses, refresh_after="1h")).start()
    sync.wait_for_status("d00000.example", "Success")
    ses.identities["new@x.example"] = Identity("new@x.example")
    ses.identities["new.example"] = Identity("new.example", domain="m.new.example",
                                             status="Pending", behavior="RejectMessage")
    sync.wait_for_status("new.example", "Pending")
    record = sync.records()["new@x.example"]
    assert record["MailFromDomain"] == "" and record["Verified"] and record["Source"] == "ses"


def test_refreshes_what_is_unsettled_often_and_the_rest_at_leisure(sync, ses):
    ses.identities["d00001.example"].status = "Pending"
    sync.configure(quick(ses, refresh_after="1h")).start()
    sync.wait_for_status("d00001.example", "Pending")
    ses.identities["d00000.example"].domain = "other.d00000.example"
    ses.identities["d00001.example"].status = "Success"
    sync.wait_for_status("d00001.example", "Success")
    # It came along in the same call, which costs the same however many it carries.
    assert sync.records()["d00000.example"]["MailFromDomain"] == "other.d00000.example"
    before = count(ses, FETCH)
    time.sleep(1)
    assert count(ses, FETCH) == before


def test_follows_the_verification_of_an_identity(sync, ses):
    sync.configure(quick(ses, refresh_after="1h")).start()
    sync.wait_for_status("d00000.example", "Success")
    ses.identities["d00000.example"].verification = "Pending"
    sync.wait_for_log("verification: identity=d00000.example section=- verified=no")
    record = sync.records()["d00000.example"]
    assert not record["Verified"] and record["MailFromDomainStatus"] == "Success"


def test_keeps_the_identities_of_the_settings_only(sync, ses):
    sync.configure(quick(ses, identities=["d00001.example", "gone.example"])).start()
    sync.wait_for_status("d00001.example", "Success")
    assert set(sync.records()) == {"d00001.example"}
    assert count(ses, LIST) == 0 and count(ses, VERIFY) > 0


def test_calls_spell_an_identity_as_ses_does(sync, ses):
    """Also those of mailfromctl, and those of a start before the first list."""
    odd = [Identity("Example.COM", domain="m.example.com", status="Success"),
           Identity("Joe@Example.COM", domain="m.example.com", status="Success")]
    ses.identities |= {identity.name: identity for identity in odd}
    sync.configure(quick(ses))
    assert "5 fetched" in sync.once()
    assert {"example.com", "Joe@example.com"} < set(sync.records())
    for command in (("refresh", "Joe@example.com", "EXAMPLE.com"), ("refresh",),
                    ("put", "example.com", "--mail-from-domain", "new.example.com")):
        done = sync.ctl(*command, env=sync.environment)
        assert done.returncode == 0, done.stderr
    assert ses.identities["Example.COM"].domain == "new.example.com"
    ses.identities["Example.COM"].status = "Failed"
    ses.faults = [Fault("500", LIST, None)]
    sync.start().wait_for_status("example.com", "Failed")
    ses.faults.clear()
    ses.identities["example.com"] = ses.identities.pop("Example.COM")
    ses.identities["example.com"].name = "example.com"
    ses.identities["example.com"].status = "Success"
    sync.wait_for_status("example.com", "Success")
    sync.stop()
    assert "1 identity" in sync.ctl("refresh", "example.com", env=sync.environment).stdout


def test_leaves_imported_records_alone(sync, ses):
    sync.configure(quick(ses))
    imported = {"d00000.example": {"MailFromDomain": "mine.d00000.example",
                                   "MailFromDomainStatus": "Failed",
                                   "BehaviorOnMXFailure": "RejectMessage"}}
    done = sync.ctl("import", "-", input=json.dumps({"MailFromDomainAttributes": imported}))
    assert done.returncode == 0, done.stderr
    before = sync.records()["d00000.example"]
    sync.start().wait_for_status("d00001.example", "Success")
    del ses.identities["d00000.example"]
    mark = len(ses.calls)
    wait_until(lambda: count(ses, LIST, mark) >= 4, "lists without it")
    assert sync.records()["d00000.example"] == before


# The budget

def assert_within_budget(calls, rate):
    times = [call[0] for call in calls]
    assert len(times) > 8
    for first in range(len(times)):
        for last in range(first + 1, len(times)):
            window = times[last] - times[first]
            # One call is the budget's grace; and a busy machine delivers one later than another.
            assert last - first <= (window + 0.6) * rate, (first, last, window)


def test_keeps_the_budget_over_restarts(sync, ses):
    ses.identities = {identity.name: identity for identity in identities(2000)}
    rate = 4
    sync.configure(quick(ses, requests_per_second=str(rate)))
    for _ in range(8):
        sync.start()
        time.sleep(random.uniform(0.1, 0.9))
        sync.kill()
    assert_within_budget(ses.calls, rate)


def test_shares_the_budget_with_mailfromctl(sync, ses):
    ses.identities = {identity.name: identity for identity in identities(300)}
    rate = 4
    sync.configure(quick(ses, requests_per_second=str(rate))).start()
    sync.wait_for_status("d00000.example", "Success")
    for number in range(4):
        done = sync.ctl("put", "d00000.example", "--mail-from-domain",
                        f"n{number}.d00000.example", env=sync.environment)
        assert done.returncode == 0, done.stderr
    sync.stop()
    assert len([call for call in ses.calls if "Put" in call[1]]) == 4
    assert_within_budget(ses.calls, rate)


# Transitions

def hook(tmp_path, body):
    program = tmp_path / "hook"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


def test_tells_a_transition_to_the_log_and_to_a_program(sync, ses, tmp_path):
    ses.identities["d00000.example"].status = "Pending"
    program = hook(tmp_path, f"env >>{tmp_path}/told; echo end >>{tmp_path}/told")
    sync.configure(quick(ses, on_transition=program, title="eu")).start()
    sync.wait_for_status("d00000.example", "Pending")
    ses.identities["d00000.example"].status = "Success"
    line = sync.wait_for_log("transition:")
    assert ("identity=d00000.example old-status=Pending new-status=Success "
            'mail-from-domain=m.d00000.example section=eu reason="SES found the MX record"') in line
    wait_until(lambda: (tmp_path / "told").exists() and "end" in (tmp_path / "told").read_text(),
               "the program")
    told = dict(line.partition("=")[::2] for line in (tmp_path / "told").read_text().splitlines())
    assert told["MAILFROM_IDENTITY"] == "d00000.example"
    assert told["MAILFROM_OLD_STATUS"] == "Pending" and told["MAILFROM_NEW_STATUS"] == "Success"
    assert told["MAILFROM_DOMAIN"] == "m.d00000.example" and told["MAILFROM_SECTION"] == "eu"
    assert told["MAILFROM_REASON"] == "SES found the MX record"
    assert not any(name.startswith("AWS_") for name in told)
    assert len(sync.log_lines("transition:")) == 1


def test_a_program_that_hangs_is_killed_and_holds_nothing_up(sync, ses, tmp_path):
    program = hook(tmp_path, f"echo $MAILFROM_IDENTITY >>{tmp_path}/told; sleep 300")
    sync.configure(quick(ses, on_transition=program, on_transition_timeout="500ms")).start()
    sync.wait_for_status("d00002.example", "Success")
    for identity in ses.identities.values():
        identity.status = "TemporaryFailure"
    sync.wait_for_status("d00002.example", "TemporaryFailure")
    wait_until(lambda: len(sync.log_lines("killed, for it took too long")) == 3, "three kills")
    assert sorted((tmp_path / "told").read_text().split()) == sorted(ses.identities)


def test_what_a_program_leaves_in_the_background_is_killed(sync, ses, tmp_path):
    program = hook(tmp_path, f"sleep 300 & echo $! >{tmp_path}/new; mv {tmp_path}/new {tmp_path}/left")
    sync.configure(quick(ses, on_transition=program)).start()
    sync.wait_for_status("d00002.example", "Success")
    ses.identities["d00002.example"].status = "TemporaryFailure"
    wait_until((tmp_path / "left").exists, "the program")
    left = int((tmp_path / "left").read_text())
    wait_until(lambda: not is_alive(left), "its child to end")
    assert not sync.log_lines("killed")  # the program itself was not


# Identities that leave

def test_an_identity_leaves_after_two_lists_that_agree(sync, ses):
    sync.configure(quick(ses)).start()
    sync.wait_for_status("d00000.example", "Success")
    with ses.lock:
        del ses.identities["d00000.example"]
        ses.faults.append(Fault("500", LIST, None, after=1))
    sync.wait_for_log(f"{LIST}.*next try in")  # after one list without it
    assert "d00000.example" in sync.records()
    ses.faults.clear()
    sync.wait_for_log("identity=d00000.example old-status=Success new-status=Removed")
    assert set(sync.records()) == {"d00001.example", "d00002.example"}


def test_no_identity_leaves_because_a_page_failed(sync, ses):
    ses.identities = {identity.name: identity for identity in identities(300)}
    ses.page_max = 100
    sync.configure(quick(ses)).start()
    wait_until(lambda: len(sync.records()) == 300, "all")
    del ses.identities["d00299.example"]
    ses.faults.append(Fault("500", LIST + ":later-page", None))
    fault = ses.faults[0]
    wait_until(lambda: fault.hits >= 3, "failing pages")
    assert len(sync.records()) == 300
    assert len(sync.log_lines("server-error|InternalServiceError")) == 1
    ses.faults.clear()
    sync.wait_for_log("identity=d00299.example .*new-status=Removed")
    assert len(sync.records()) == 299


# What a reply leaves out, or says so that it cannot be read

def changing_items(change):
    """Of a list: what is done to each item."""
    def alter(_, value):
        for item in value.get("EmailIdentities", ()):
            change(item)
        return value
    return alter


@pytest.mark.parametrize("value", ["absent", None, "true", 1])
def test_keeps_the_verification_that_a_list_does_not_speak_of(sync, ses, value):
    sync.configure(quick(ses))
    sync.once()
    ses.alter = changing_items(lambda item: item.pop("SendingEnabled") if value == "absent" else
                               item.update(SendingEnabled=value))
    ses.identities["new.example"] = Identity("new.example", domain="m.new.example", status="Success")
    sync.start().wait_for_log(f"ses: {LIST} does not say who may send: 4 identities")
    sync.wait_for_status("new.example", "Success")
    mark = len(ses.calls)
    wait_until(lambda: count(ses, LIST, mark) >= 3, "more lists")
    assert {name: record["Verified"] for name, record in sync.records().items()} == {
        "d00000.example": True, "d00001.example": True, "d00002.example": True,
        "new.example": False}
    assert len(sync.log_lines("does not say who may send")) == 1
    ses.alter = None
    sync.wait_for_log("no longer so: ListEmailIdentities does not say who may send")
    wait_until(lambda: sync.records()["new.example"]["Verified"], "the word of SES")


def test_keeps_the_verification_that_cannot_be_read(sync, ses):
    sync.configure(quick(ses, identities=sorted(ses.identities)))
    sync.once()
    ses.identities["d00001.example"].verification = "Bewildered"
    ses.identities["d00002.example"].verification = ""
    sync.start()
    line = sync.wait_for_log(f"{VERIFY} does not say who may send: 2 identities")
    assert 'unknown VerificationStatus: "Bewildered"' in line
    mark = len(ses.calls)
    wait_until(lambda: count(ses, VERIFY, mark) >= 3, "more lists")
    assert all(record["Verified"] for record in sync.records().values())
    assert len(sync.log_lines("does not say who may send")) == 1


@pytest.mark.parametrize("name", [None, "", 7, {"Name": "d00001.example"}])
def test_no_identity_leaves_because_an_item_has_no_name(sync, ses, name):
    sync.configure(quick(ses))
    sync.once()
    del ses.identities["d00002.example"]  # this one is gone; but that the list does not prove
    ses.alter = changing_items(lambda item: item["IdentityName"] != "d00001.example" or
                               item.update(IdentityName=name))
    sync.start()
    sync.wait_for_log(f"ses: {LIST} is incomplete: 1 items")
    mark = len(ses.calls)
    wait_until(lambda: count(ses, LIST, mark) >= 4, "more lists")
    assert len(sync.records()) == 3 and len(sync.log_lines("is incomplete")) == 1
    ses.alter = None
    sync.wait_for_log("no longer so: ListEmailIdentities is incomplete")
    sync.wait_for_log("identity=d00002.example .*new-status=Removed")
    assert set(sync.records()) == {"d00000.example", "d00001.example"}
    sync.stop()
    del ses.identities["d00001.example"]
    ses.alter = changing_items(lambda item: item.update(IdentityName=name))
    done = sync.run("--once")  # it does not wait for a list that is whole
    assert "1 fetched" in done.stdout and ", 1 refused" in done.stdout
    assert done.returncode == os.EX_UNAVAILABLE, "SES does not know one that is in the store"


def test_a_token_that_cannot_be_read_ends_no_list(sync, ses):
    sync.configure(quick(ses))
    sync.once()
    ses.page_max = 1
    ses.alter = lambda _, value: value | {"NextToken": 5}
    sync.start().wait_for_log(f"malformed-reply: {LIST}: the NextToken is not a text")
    wait_until(lambda: len(sync.log_lines("Removed")) == 0 and count(ses, LIST) > 3, "lists")
    assert len(sync.records()) == 3


# Failures

PASSING = {"500": "InternalFailure", "503": "ServiceUnavailable", "throttle": "Throttling",
           "hang": "500 ms|time|late", "hang_in_body": "time|late|500 ms", "reset": "reset|network",
           "truncated": "XML|malformed", "garbage": "malformed|XML", "huge": "octets|large|malformed",
           "bomb": "malformed|XML|DTD|document type"}
LASTING = {"redirect": "301", "expired": "ExpiredToken", "denied": "AccessDenied"}


def fail_and_recover(sync, ses, kind, pattern, lasting):
    # Only what hangs is to run into the time-out, however slow the machine is.
    sync.configure(quick(ses, timeout="500ms" if "hang" in kind else "20s"))
    sync.once()
    before = sync.records()
    fault = Fault(kind, FETCH, None)
    ses.faults.append(fault)
    ses.identities["d00000.example"].status = "TemporaryFailure"
    sync.start()
    line = sync.wait_for_log("next try in")
    assert re.search(pattern, line), line
    assert re.search(r"of 3 records in the store the first expires in \d+ (h|d)", line), line
    wait_until(lambda: fault.hits >= (1 if lasting else 2), "another try")
    after = sync.records()
    assert {name: dict(record, Verified=True) for name, record in after.items()} == before
    assert len(sync.log_lines("next try in")) == 1
    ses.faults.clear()
    if lasting:
        assert "error: " in line
        sync.send_signal(signal.SIGHUP)
    sync.wait_for_log(f"{FETCH} works again, after")
    sync.wait_for_status("d00000.example", "TemporaryFailure")


@pytest.mark.parametrize("kind", PASSING)
def test_a_failure_that_passes_touches_nothing_and_is_told_once(sync, ses, kind):
    fail_and_recover(sync, ses, kind, PASSING[kind], False)


@pytest.mark.parametrize("kind", LASTING)
def test_a_failure_that_lasts_is_told_as_an_error_and_tried_slowly(sync, ses, kind):
    fail_and_recover(sync, ses, kind, LASTING[kind], True)


@pytest.mark.parametrize("restart", [False, True])
def test_an_end_of_trouble_is_told_after_a_reload_and_a_restart_too(sync, ses, restart):
    """And not before: what works is not the operation that failed."""
    sync.configure(quick(ses))
    sync.once()
    ses.faults = [Fault("denied", LIST, None), Fault("redirect", FETCH, None)]
    sync.start()
    sync.wait_for_log(f"access-denied: {LIST}")
    sync.wait_for_log(f"refused: {FETCH}")
    del ses.faults[1]
    mark = sync.log_size()
    if restart:
        sync.stop()
        sync.start()
    else:
        sync.send_signal(signal.SIGHUP)
    sync.wait_for_log(f"{FETCH} works again, after 1 failures", mark)
    ses.faults.clear()
    sync.send_signal(signal.SIGHUP)
    sync.wait_for_log(f"{LIST} works again, after [23] failures", mark)
    wait_until(lambda: sync.ctl("status").returncode == 0, "status to be well")


def test_the_same_is_not_told_at_every_list(sync, ses):
    """Of names that mail cannot have, and of an identity of the settings that SES refuses."""
    ses.identities["a..example"] = Identity("a..example")
    sync.configure(quick(ses))
    sync.start().wait_for_log("identity=a..example is passed over")
    mark = len(ses.calls)
    wait_until(lambda: count(ses, LIST, mark) >= 4, "more lists")
    assert len(sync.log_lines("is passed over")) == 1
    del ses.identities["a..example"]
    sync.wait_for_log("no longer so: identity=a..example is passed over")
    sync.configure(quick(ses, identities=sorted(ses.identities)))
    ses.poisoned = {"d00001.example"}
    sync.send_signal(signal.SIGHUP)
    sync.wait_for_log("identity=d00001.example of the settings is passed over: ")
    mark = len(ses.calls)
    wait_until(lambda: count(ses, VERIFY, mark) >= 20, "more lists")
    assert len(sync.log_lines("of the settings is passed over")) == 1
    ses.poisoned = set()
    sync.wait_for_log("no longer so: identity=d00001.example of the settings is passed over")


@pytest.mark.parametrize("kind", ["garbage", "other_json", "huge", "bomb", "reset", "redirect"])
def test_a_list_that_fails_touches_nothing(sync, ses, kind):
    sync.configure(quick(ses, timeout="20s"))
    sync.once()
    ses.faults.append(Fault(kind, LIST, None))
    sync.start()
    sync.wait_for_log(f"{LIST}.*next try in")
    time.sleep(0.3)
    assert len(sync.records()) == 3


def test_a_wrong_clock_is_seen_through(sync, ses):
    ses.skew = 3600
    sync.configure(quick(ses))
    assert "3 fetched" in sync.once()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_was_ahead_holds_nothing_up_when_it_is_set_back(sync, ses, request, restarted):
    """Or SES is asked again when the clock has caught up: in a month."""
    clock = Clock(request.config.getoption("--clock-library"), f"{sync.base}/clock")
    sync.environment |= clock.environment(sync.environment)
    clock.set(30 * 86400)
    sync.configure(quick(ses)).start()
    sync.wait_for_status("d00000.example", "Success")
    mark = len(ses.calls)
    wait_until(lambda: count(ses, FETCH, mark) > 1, "more calls, of a month ahead")
    if restarted:
        sync.stop()
    clock.set(0)
    if restarted:
        sync.start()
    ses.identities["d00000.example"].status = "Failed"
    sync.wait_for_status("d00000.example", "Failed")
    assert restarted or sync.log_lines("the clock was set back")


def test_refuses_of_everything_mark_nobody(sync, ses):
    """An empty 400 to each call is no matter of one identity."""
    ses.identities = {identity.name: identity for identity in identities(100)}
    sync.configure(quick(ses))
    sync.once()
    ses.faults.append(Fault("empty_400", FETCH, None))
    sync.start()
    sync.wait_for_log("error: .*next try in")
    assert sum(record["LastError"] != "" for record in sync.records().values()) <= 2
    assert {record["MailFromDomainStatus"] for record in sync.records().values()} == {"Success"}


def test_one_empty_400_is_got_over(sync, ses):
    ses.faults.append(Fault("empty_400", FETCH, 1))
    sync.configure(quick(ses)).start()
    sync.wait_for_status("d00002.example", "Success")
    assert not sync.log_lines("next try in")


def test_many_poisoned_identities_are_no_failure_of_the_account(sync, ses):
    """One in each part that the batch is divided into, so that nothing is answered for long."""
    ses.identities = {identity.name: identity for identity in identities(100)}
    ses.poisoned = {f"d{number:05}.example" for number in range(0, 100, 4)}
    sync.configure(quick(ses, refresh_after="1h", list_every="1h", refresh_unsettled_after="1s")).start()
    wait_until(lambda: len(sync.records()) == 100, "all", 120)
    records = sync.records()
    assert {name for name, record in records.items() if record["LastError"]} == ses.poisoned
    assert not sync.log_lines("error: ")


def test_the_poisoned_identity_is_found_and_marked_while_the_others_go_through(sync, ses):
    ses.identities = {identity.name: identity for identity in identities(250)}
    ses.poisoned = {"d00123.example"}
    sync.configure(quick(ses, refresh_after="1h", list_every="1h")).start()
    line = sync.wait_for_log("identity=d00123.example: ")
    assert "InvalidParameterValue" in line and "the others go on" in line
    wait_until(lambda: len(sync.records()) == 250, "all")
    records = sync.records()
    assert [name for name, record in records.items() if record["LastError"]] == ["d00123.example"]
    assert not records["d00123.example"]["Verified"]
    assert count(ses, FETCH) <= 3 + 2 * 7
    ses.poisoned = set()
    sync.send_signal(signal.SIGHUP)
    assert len(sync.log_lines("identity=d00123.example: ")) == 1


def test_a_poisoned_identity_keeps_what_was_good(sync, ses):
    sync.configure(quick(ses))
    sync.once()
    ses.poisoned = {"d00001.example"}
    sync.start()
    wait_until(lambda: sync.records()["d00001.example"]["LastError"], "the mark")
    record = sync.records()["d00001.example"]
    assert record["MailFromDomainStatus"] == "Success" and record["Verified"]
    ses.poisoned = set()
    wait_until(lambda: sync.records()["d00001.example"]["LastError"] == "", "the mark to go")


@pytest.mark.parametrize("title", ["old", "new"])
def test_feedback_forwarding_that_is_off_here_stays_off(sync, ses, title):
    """As of one that was local and was given back; also where the section has another name now."""
    sync.configure(quick(ses, title="old"))
    sync.once()
    exported = json.loads(sync.ctl("export").stdout)
    for record in exported["MailFromDomainAttributes"].values():
        record["Record"]["FeedbackForwardingStatus"] = False
    assert sync.ctl("import", "-", input=json.dumps(exported)).returncode == 0
    ses.poisoned = {"d00001.example"}
    ses.identities["d00000.example"].status = "Failed"
    ses.identities["d00002.example"].verification = "Pending"
    sync.configure(quick(ses, title=title)).start()
    sync.wait_for_status("d00000.example", "Failed")
    wait_until(lambda: sync.records()["d00001.example"]["LastError"], "the mark")
    wait_until(lambda: not sync.records()["d00002.example"]["Verified"], "the verification")
    assert {(record["Section"], record["FeedbackForwardingStatus"])
            for record in sync.records().values()} == {(title, False)}


class Forgetful(Ses):
    """Lists identities that the attributes are not known of."""

    forgotten = frozenset({"d00001.example"})

    def batch(self, names):
        return super().batch([name for name in names if name not in self.forgotten])


def test_an_identity_that_ses_does_not_know_makes_no_record(sync):
    with Forgetful(identities(3)) as ses:
        sync.configure(quick(ses)).start()
        sync.wait_for_log("identity=d00001.example: .* does not know the identity")
        known = {"d00000.example", "d00002.example"}
        wait_until(lambda: set(sync.records()) == known, "the others")
        time.sleep(0.5)
        assert set(sync.records()) == known
        assert len(sync.log_lines("does not know")) == 1


def test_no_credentials_is_an_error_and_not_the_end(sync, ses):
    for name in KEYS:
        del sync.environment[name]
    sync.configure(quick(ses)).start()
    assert "error: " in sync.wait_for_log("next try in")
    assert sync.log_lines("no-credentials: ")
    time.sleep(0.3)
    assert ses.calls == []


@pytest.mark.parametrize("kind", ["503", "reset"])
def test_once_tries_again_where_credentials_are_kept_away(sync, ses, kind):
    """As where SES itself is in trouble."""
    for name in KEYS:
        del sync.environment[name]
    ses.accounts["AKIDEXAMPLE"].token = "session/token+="
    with Imds() as imds:
        check = imds.answer
        fault = Reply(503) if kind == "503" else Reply(200, "x" * 500, fault="reset", sent=10)
        imds.answer = lambda request: check(request) if len(imds.requests) > 4 else fault
        sync.environment |= {"AWS_EC2_METADATA_DISABLED": "false",
                             "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url}
        sync.configure(quick(ses))
        assert "3 fetched" in sync.once()


def test_once_without_credentials_has_one_exit_code(sync, ses, tmp_path):
    for name in KEYS:
        del sync.environment[name]
    sync.configure(quick(ses))
    (tmp_path / "config").write_text("[default]\ncredential_process = false\n")
    for environment in ({}, {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"},
                        {"AWS_CONFIG_FILE": str(tmp_path / "config")},
                        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent", "AWS_ROLE_ARN": "arn:x"},
                        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/"}):
        before = dict(sync.environment)
        sync.environment |= environment
        done = sync.run("--once")
        sync.environment = before
        assert done.returncode == os.EX_CONFIG, (environment, done.stderr)


def test_mail_flows_by_what_is_known_while_ses_hangs(sync, ses, milter, postfix, sink):
    ses.identities = {"s.example": Identity("s.example", domain="bounce.s.example",
                                            status="Success", behavior="RejectMessage")}
    sync.configure(quick(ses))
    sync.once()
    milter.use({"store": sync.store})
    ses.faults.append(Fault("hang", None, None))
    sync.start().wait_for_log("next try in")
    mail = "info@s.example", "From: info@s.example"
    for _ in range(3):
        assert sink.delivery_of(send(postfix.port, *mail)).sender == "info@bounce.s.example"
    ses.identities["s.example"].status = "TemporaryFailure"
    ses.faults.clear()
    sync.wait_for_status("s.example", "TemporaryFailure")
    assert str(send(postfix.port, *mail).reply).startswith("554 5.1.8 MailFromDomainNotVerified")
    milter.stop()


def test_a_store_that_is_gone_is_waited_for_and_none_is_made(sync, ses):
    sync.configure(quick(ses)).start()
    sync.wait_for_status("d00000.example", "Success")
    mark = sync.log_size()
    os.rename(sync.store, f"{sync.store}.away")
    assert "there is no store in" in sync.wait_for_log("error: ", mark)
    time.sleep(1.5)
    assert not os.path.exists(sync.store)
    ses.identities["d00000.example"].status = "Failed"
    os.rename(f"{sync.store}.away", sync.store)
    sync.wait_for_status("d00000.example", "Failed")


# Several accounts

def test_the_first_account_counts_for_an_identity_that_two_have(sync):
    with Ses(identities(3)) as first, Ses(identities(5, status="Failed")) as second:
        second.accounts = {"AKIDEXAMPLE": Account(KEYS["AWS_SECRET_ACCESS_KEY"])}
        sync.configure(quick(first, title="one"), quick(second, title="two")).start()
        wait_until(lambda: len(sync.records()) == 5, "both")
        wait_until(lambda: sync.status("d00000.example") == "Success", "the first to win")
        time.sleep(0.6)
        assert [record["MailFromDomainStatus"] for record in sync.records().values()] == \
            ["Success"] * 3 + ["Failed"] * 2
        del first.identities["d00000.example"]
        sync.wait_for_log("identity=d00000.example .*new-status=Removed .*section=one")
        sync.wait_for_status("d00000.example", "Failed")


def test_a_renamed_account_takes_its_records_over(sync, ses):
    sync.configure(quick(ses, title="old"))
    sync.once()
    del ses.identities["d00001.example"]
    sync.configure(quick(ses, title="new")).start()
    sync.wait_for_log("3 records are of a section that the settings do not have .ses \"old\".")
    mark = len(ses.calls)
    wait_until(lambda: count(ses, LIST, mark) >= 3, "lists")
    assert set(sync.records()) == {"d00000.example", "d00001.example", "d00002.example"}
    assert not sync.log_lines("transition:")


def test_trouble_of_one_account_is_not_that_of_the_other(sync, ses):
    with Ses(identities(5)) as second:
        ses.faults.append(Fault("hang", None, None))
        sync.configure(quick(ses, title="one"), quick(second, title="two")).start()
        sync.wait_for_log('ses "one": network')
        wait_until(lambda: len(sync.records()) == 5, "the second account")
        assert not sync.log_lines('ses "two"')


# The program

def test_a_reload_is_not_taken_for_absence(sync, ses):
    """Or mailfromctl calls SES itself, beside the mailfrom-sync that does."""
    sync.configure(quick(ses, list_every="1h", refresh_after="1h")).start()
    sync.wait_for_status("d00002.example", "Success")
    for _ in range(3):
        with sync.reloading():
            done = sync.ctl("refresh", "d00000.example", env=sync.environment)
            assert done.stdout.startswith("mailfrom-sync refreshed 1 identity"), done


def test_a_second_instance_says_so_and_ends(sync, ses):
    sync.configure(quick(ses)).start()
    sync.wait_for_status("d00000.example", "Success")
    done = sync.run("-f")
    assert done.returncode == os.EX_UNAVAILABLE
    assert re.search(r"another mailfrom-sync \(process \d+\) is at work", done.stderr)


def test_two_on_one_path_are_never_at_work_at_once(sync, ses):
    """The lock is on a file, and the directory that it is in can be replaced."""
    sync.configure(quick(ses)).start()
    sync.wait_for_status("d00000.example", "Success")
    away = f"{sync.store}.away"
    mark = sync.log_size()
    sync.send_signal(signal.SIGSTOP)  # or it may take the lock of the new directory first
    os.rename(sync.store, away)
    other_log = f"{sync.log}.second"
    with open(other_log, "wb") as log:
        second = subprocess.Popen([sync.program, "-c", sync.settings_file, "-f"],
                                  env=sync.environment, stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=log)
    try:
        wait_until(lambda: "version " in open(other_log).read(), "the second to have started")
        sync.send_signal(signal.SIGCONT)
        sync.wait_for_log(rf"another mailfrom-sync \(process {second.pid}\) is at work", mark)
        assert sync.running and second.poll() is None
    finally:
        sync.send_signal(signal.SIGCONT)
        second.terminate()
        second.wait()
    # Then it is its turn again.
    ses.identities["d00000.example"].status = "Failed"
    sync.wait_for_status("d00000.example", "Failed")
    done = sync.run("-f")
    assert "another mailfrom-sync" in done.stderr and done.returncode == os.EX_UNAVAILABLE


def test_reloads_and_keeps_the_old_settings_where_the_new_are_bad(sync, ses):
    sync.configure(quick(ses)).start()
    sync.wait_for_status("d00000.example", "Success")
    with open(sync.settings_file, "a", encoding="utf-8") as file:
        file.write("nonsense = 1\n")
    sync.send_signal(signal.SIGHUP)
    assert "no such option 'nonsense'" in sync.wait_for_log("the old settings stay in force")
    mark = len(ses.calls)
    wait_until(lambda: count(ses, LIST, mark) > 1, "more calls")
    sync.configure(quick(ses, identities=["d00001.example"]))
    sync.send_signal(signal.SIGUSR1)
    sync.wait_for_log("settings reloaded")
    wait_until(lambda: set(sync.records()) == {"d00001.example"}, "the others to leave")


def test_in_the_background_it_reloads_a_file_that_was_named_from_here(sync, ses):
    sync.configure(quick(ses))
    subprocess.run([sync.program, "-c", os.path.basename(sync.settings_file)], cwd=sync.base,
                   env=sync.environment, stdin=subprocess.DEVNULL, timeout=60, check=True)
    with open(f"{sync.store}/sync.lock", encoding="ascii") as lock:
        pid = int(lock.read())
    try:
        sync.wait_for_status("d00000.example", "Success")
        with Ses(identities(3, status="Failed")) as other:
            sync.configure(quick(other))
            os.kill(pid, signal.SIGHUP)
            sync.wait_for_status("d00000.example", "Failed")
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), "it to end")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_promptly_in_the_middle_of_a_call(sync, ses, number):
    ses.faults.append(Fault("hang", None, None))
    sync.configure(quick(ses, timeout="30s")).start()
    wait_until(lambda: ses.requests, "the call")
    began = time.monotonic()
    sync.send_signal(number)
    sync.wait_for_log("stopped")
    assert time.monotonic() - began < 10  # the call would take 30


def test_kill_at_any_instant_loses_nothing(sync, ses):
    ses.identities = {identity.name: identity for identity in identities(400)}
    sync.configure(quick(ses, refresh_after="100ms", list_every="100ms"))
    sync.once()
    for turn in range(25):
        fetched = count(ses, FETCH)
        sync.start()
        if turn % 2:
            wait_until(lambda: count(ses, FETCH) > fetched, "work")
        time.sleep(random.uniform(0.01, 0.25))
        sync.kill()
        records = sync.records()
        assert len(records) == 400
        assert all(record["MailFromDomainStatus"] == "Success" and record["Verified"]
                   for record in records.values())


def test_once_refreshes_all_and_exits(sync, ses):
    sync.configure(quick(ses, **{name.replace("-", "_"): text for name, text in NEVER.items()}))
    assert sync.once() == "ses: 3 identities, 3 fetched in 2 calls, 0 changes of status\n"
    ses.identities["d00000.example"].status = "Failed"
    del ses.identities["d00001.example"]
    assert "2 changes of status" in sync.once()
    assert set(sync.records()) == {"d00000.example", "d00002.example"}


@pytest.mark.parametrize("named", [False, True])
def test_once_fails_where_one_identity_is_refused(sync, ses, named):
    ses.poisoned = {"d00001.example"}
    sync.configure(quick(ses, **({"identities": sorted(ses.identities)} if named else {})))
    done = sync.run("--once")
    assert done.returncode == os.EX_UNAVAILABLE, done
    assert "2 fetched" in done.stdout and ", 1 refused\n" in done.stdout
    assert "d00001.example" in done.stderr


@pytest.mark.parametrize("kind, code", [("denied", os.EX_NOPERM), ("redirect", os.EX_UNAVAILABLE)])
def test_once_fails_with_the_code_of_the_failure(sync, ses, kind, code):
    ses.faults.append(Fault(kind, FETCH, None))
    sync.configure(quick(ses))
    done = sync.run("--once")
    assert done.returncode == code and "mailfrom-sync: ses: " + FETCH in done.stderr
    assert "; failed" in done.stdout


@pytest.mark.parametrize("account, complaint", [
    ({"region": "Europe 1"}, 'region: "Europe 1" is not a region'),
    ({"region": "eu-west", "endpoint": ""}, 'region: "eu-west" is not a region of AWS'),
    ({"region": "eu-west-1a", "endpoint": ""}, "is not a region of AWS"),
    ({"endpoint": "http://ses.example"}, "plain http only to an address of the loopback"),
    ({"endpoint": "http://192.0.2.1:4566"}, "plain http only to an address of the loopback"),
    ({"endpoint": "https://user:geheim@ses.example"}, "a user or a password"),
    ({"endpoint": "https://user:geheim%40ses.example"}, 'endpoint "https://user...": not a host'),
    ({"endpoint": "https://ses.example:geheim"}, 'endpoint "https://ses.example...": not a host'),
    ({"endpoint": "https://ses.example/?token=geheim"}, 'endpoint "https://ses.example/...": not'),
    ({"endpoint": "user:geheim"}, "a URL begins with https:// or http://"),
    ({"endpoint": "https://ses.example?x=1"}, "endpoint: "),
    ({"ca-file": "/nonexistent/ca.pem"}, "ca-file: /nonexistent/ca.pem: No such file"),
    ({"ca-file": "/"}, "ca-file: /: not a regular file"),
    ({"on-transition": "/nonexistent/hook"}, "on-transition: /nonexistent/hook: No such file"),
    ({"on-transition": "/etc/passwd"}, "on-transition: /etc/passwd: nobody may execute it"),
    ({"profile": "nobody"}, 'profile: there is no AWS profile "nobody"'),
])
def test_what_can_never_work_is_found_when_the_settings_are_loaded(sync, ses, account, complaint):
    sync.configure(quick(ses, title="eu") | account)
    done = sync.run("--check")
    assert done.returncode == os.EX_CONFIG and complaint in done.stderr, done.stderr
    assert "eu" in done.stderr or "settings.conf:" in done.stderr
    assert "geheim" not in done.stderr + done.stdout
    assert sync.run("--once").returncode == os.EX_CONFIG and not ses.requests
    good = quick(ses, region="mars", title="eu")
    sync.configure(good).start()
    sync.wait_for_log("version ")
    sync.configure(good | account)
    sync.send_signal(signal.SIGHUP)
    assert complaint in sync.wait_for_log("the old settings stay in force")


def test_the_files_of_the_user_that_it_becomes_are_looked_at(sync, ses, tmp_path):
    """And a profile that is there is fine."""
    (tmp_path / "config").write_text("[profile mail]\nregion = us-east-1\n")
    sync.environment["AWS_CONFIG_FILE"] = str(tmp_path / "config")
    sync.configure(quick(ses, profile="mail", ca_file="/etc/ssl/certs/ca-certificates.crt",
                         region="us-gov-west-1", on_transition="/bin/true"))
    assert sync.run("--check").returncode == 0
    (tmp_path / "config").write_text("[profile mail]\nregion\n")
    done = sync.run("--check")
    assert done.returncode == os.EX_CONFIG and "config: line 2" in done.stderr


def test_a_program_of_the_local_section_is_looked_for_too(sync):
    sync.configure(local={"expected-mx": ["mx.example"], "on-transition": "/nonexistent/hook"})
    done = sync.run("--check")
    assert done.returncode == os.EX_CONFIG and "local: on-transition: /nonexistent" in done.stderr


def test_check_becomes_the_user(sync):
    sync.configure(local={"expected-mx": ["mx.example"]})
    assert sync.run("--check").returncode == 0
    with open(sync.settings_file, "a", encoding="ascii") as file:
        file.write('sync {\n    user = "nobody-of-that-name"\n}\n')
    done = sync.run("--check")
    assert done.returncode == os.EX_CONFIG and 'no user "nobody-of-that-name"' in done.stderr


def test_without_an_account_there_is_nothing_to_do(sync):
    sync.configure()
    done = sync.run("--check")
    assert done.returncode == os.EX_CONFIG and "neither a section ses nor local" in done.stderr
