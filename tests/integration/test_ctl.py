# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""mailfromctl from end to end."""

import json
import os
import shutil
import subprocess

import pytest

from lab.laboratory import SAMPLE, sample_records
from lab.programs import Milter

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_UNAVAILABLE, EX_NOPERM = 64, 65, 66, 69, 77

# As `aws ses get-identity-mail-from-domain-attributes` prints it.
SES_ANSWER = """\
{
    "MailFromDomainAttributes": {
        "example.com": {
            "MailFromDomain": "bounces.example.com",
            "MailFromDomainStatus": "Success",
            "BehaviorOnMXFailure": "UseDefaultValue"
        },
        "none.example": {
            "BehaviorOnMXFailure": "UseDefaultValue"
        }
    }
}
"""
COMMANDS = ("import", "export", "get", "list", "remove", "explain", "settings")


@pytest.fixture
def own(laboratory):
    """A settings file with a store that does not exist yet; nothing is started."""
    return Milter(laboratory.programs, f"{laboratory.base}/ctl-{os.urandom(4).hex()}")


@pytest.fixture
def filled(own):
    own.import_records(sample_records())
    return own


def exported(own):
    done = own.ctl("export")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["MailFromDomainAttributes"]


def failed(done, status, *words):
    """One line on stderr that has these words, and nothing on stdout."""
    assert done.returncode == status, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("\n")
    for word in words:
        assert word in done.stderr
    return True


def attributes(domain, status="Success", behavior="UseDefaultValue"):
    return {"MailFromDomain": domain, "MailFromDomainStatus": status,
            "BehaviorOnMXFailure": behavior}


# import

def test_import_from_a_file(own):
    done = own.ctl("import", str(SAMPLE))
    assert done.returncode == 0, done.stderr
    assert exported(own).keys() == sample_records().keys()


def test_import_of_what_ses_printed_and_get_of_the_same(own):
    assert own.ctl("import", "-", input=SES_ANSWER).returncode == 0
    done = own.ctl("get", "example.com", "none.example")
    assert done.returncode == 0
    assert done.stdout == SES_ANSWER


def test_import_adds_and_replaces_but_removes_nothing(filled):
    filled.import_records({"plain.example": attributes("m.plain.example"),
                           "new.example": attributes("m.new.example", "Pending")})
    now = exported(filled)
    assert now.keys() == sample_records().keys() | {"new.example"}
    assert now["plain.example"]["MailFromDomain"] == "m.plain.example"


def test_identities_are_kept_in_canonical_form(own):
    own.import_records({"BÜCHER.Example": attributes("m.bücher.example"),
                        "Anna@SHOP.example": attributes("a.shop.example")})
    assert exported(own).keys() == {"xn--bcher-kva.example", "Anna@shop.example"}
    done = own.ctl("get", "bücher.example")
    assert json.loads(done.stdout)["MailFromDomainAttributes"] == {
        "xn--bcher-kva.example": attributes("m.xn--bcher-kva.example")}


BAD_RECORDS = {
    "not a subdomain": ("bad.example", attributes("bounce.other.example")),
    "the identity's own domain": ("bad.example", attributes("bad.example")),
    "a parent": ("mail.bad.example", attributes("bad.example")),
    "alike only as text": ("bad.example", attributes("notbad.example")),
    "not a subdomain of the part after the @": ("a@bad.example", attributes("m.worse.example")),
    "unknown status": ("bad.example", attributes("m.bad.example", status="Perhaps")),
    "unknown behaviour": ("bad.example", attributes("m.bad.example", behavior="Hope")),
    "not an identity": ("bad example", attributes("m.bad.example")),
    "not a domain": ("bad.example", attributes("m..bad.example")),
    "a number for a domain": ("bad.example", attributes(7)),
    "a time that is none": ("bad.example", attributes("m.bad.example") | {
        "Record": {"ExpireAfter": "tomorrow"}}),
}


@pytest.mark.parametrize("identity, record", BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_one_bad_record_refuses_the_whole_file(filled, tmp_path, identity, record):
    before = exported(filled)
    file = tmp_path / "records.json"
    records = {"good.example": attributes("m.good.example"), identity: record,
               "plain.example": attributes("m.plain.example")}
    file.write_text(json.dumps({"MailFromDomainAttributes": records}), encoding="utf-8")
    done = filled.ctl("import", str(file))
    assert failed(done, EX_DATAERR, str(file), f'"{identity}"')
    assert exported(filled) == before


@pytest.mark.parametrize("text", [
    "", "{", "[]", "{}", '{"MailFromDomainAttributes": []}', "\0", SES_ANSWER[:-4],
    '{"MailFromDomainAttributes": {"a.example": {"BehaviorOnMXFailure": "UseDefaultValue"},'
    ' "A.example": {"BehaviorOnMXFailure": "UseDefaultValue"}}}', "[" * 100000,
], ids=["nothing", "cut", "array", "empty object", "wrong type", "NUL", "truncated", "twice",
        "deep"])
def test_what_is_not_the_right_json_is_refused(filled, text):
    before = exported(filled)
    assert failed(filled.ctl("import", "-", input=text), EX_DATAERR, "standard input")
    assert exported(filled) == before


def test_a_missing_file_is_told(own):
    assert failed(own.ctl("import", "/nonexistent/file"), EX_NOINPUT, "/nonexistent/file")


# export

def test_export_and_import_are_a_round_trip(filled, laboratory):
    text = filled.ctl("export").stdout
    other = Milter(laboratory.programs, f"{filled.base}/other")
    assert other.ctl("import", "-", input=text).returncode == 0
    assert other.ctl("export").stdout == text


def test_export_says_where_a_record_is_from(filled):
    records = exported(filled)
    assert records["shop.example"]["Record"]["Source"] == "file"
    assert records["shop.example"]["Record"]["Verified"] is True
    assert records["shop.example"]["Record"]["ExpireAfter"] is None
    stale = sample_records()["stale.example"]
    # What the sample leaves out: the section without a title, and feedback forwarding.
    stale["Record"] |= {"Section": "", "FeedbackForwardingStatus": True}
    assert records["stale.example"] == stale


# get

def test_get_of_an_address(filled):
    done = filled.ctl("get", "anna@shop.example")
    assert json.loads(done.stdout) == {"MailFromDomainAttributes": {
        "anna@shop.example": attributes("anna.shop.example", behavior="RejectMessage")}}


def test_get_of_an_unknown_identity(filled):
    done = filled.ctl("get", "shop.example", "unknown.example")
    assert done.returncode == EX_UNAVAILABLE
    assert "unknown.example" in done.stderr
    assert json.loads(done.stdout)["MailFromDomainAttributes"].keys() == {"shop.example"}


def test_get_is_exact(filled):
    """Lookup by parents is for mail; here an identity is a name."""
    assert filled.ctl("get", "eu.shop.example").returncode == EX_UNAVAILABLE


# list

def test_list_for_a_person(filled):
    lines = filled.ctl("list").stdout.splitlines()
    row = next(line for line in lines if line.startswith("failed-firm.example "))
    for cell in ("bounce.failed-firm.example", "Failed", "RejectMessage", "file"):
        assert cell in row
    status_column = lines[0].index("STATUS")
    assert row[status_column:].startswith("Failed")


def test_list_for_a_program(filled):
    listed = {entry["Identity"]: entry for entry in json.loads(filled.ctl("list", "--json").stdout)}
    assert listed.keys() == sample_records().keys()
    assert listed["shop.example"]["Kind"] == "domain"
    assert listed["anna@shop.example"]["Kind"] == "address"
    assert listed["failed-firm.example"]["MailFromDomainStatus"] == "Failed"
    assert listed["unverified@shop.example"]["Verified"] is False


# remove

def test_remove(filled):
    assert filled.ctl("remove", "anna@shop.example", "plain.example").returncode == 0
    assert exported(filled).keys() == sample_records().keys() - {"anna@shop.example",
                                                                 "plain.example"}


def test_remove_is_all_or_nothing(filled):
    before = exported(filled)
    assert failed(filled.ctl("remove", "shop.example", "unknown.example"), EX_UNAVAILABLE,
                  "unknown.example")
    assert exported(filled) == before


# explain: test_cases.py holds what it says against what the milter did

def test_explain_names_the_keys_and_the_record(filled):
    text = filled.ctl("explain", "anna+x@shop.example").stdout
    keys = ["anna+x@shop.example", "anna@shop.example"]
    assert [text.index(key) for key in keys] == sorted(text.index(key) for key in keys)
    for word in ("anna.shop.example", "Success", "file", "verified",
                 "anna+x@anna.shop.example"):
        assert word in text


def test_explain_of_an_authenticated_session(filled):
    assert "verified" in filled.ctl("explain", "info@shop.example", "--authenticated").stdout
    inbound = filled.ctl("explain", "info@shop.example", "--client", "192.0.2.1").stdout
    assert "not-outbound" in inbound


def test_explain_without_a_store(own):
    done = own.ctl("explain", "info@shop.example")
    assert done.returncode == 0
    assert "unavailable" in done.stdout and own.store in done.stdout


# all

@pytest.mark.parametrize("arguments", [
    ["export"], ["get", "shop.example"], ["list"], ["remove", "shop.example"]],
    ids=lambda arguments: arguments[0])
def test_a_missing_store_is_told_and_not_made(own, arguments):
    assert failed(own.ctl(*arguments), EX_NOINPUT, own.store)
    assert not os.path.exists(own.store)


@pytest.mark.parametrize("arguments", [
    ["colour"], ["import"], ["get"], ["remove"], ["explain"], ["explain", "shop.example"],
    ["list", "--colour"], ["explain", "a@b.example", "--client", "nobody"]],
    ids=" ".join)
def test_wrong_usage(filled, arguments):
    assert failed(filled.ctl(*arguments), EX_USAGE, "see `mailfromctl", "help")


def test_no_command_at_all(own):
    done = own.ctl()
    assert done.returncode == EX_USAGE
    for command in COMMANDS:
        assert command in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(own, command):
    done = own.ctl(command, "--help")
    assert done.returncode == 0
    assert "mailfromctl" in done.stdout and command in done.stdout
    assert command in own.ctl("--help").stdout


def test_the_store_is_closed_to_others(filled):
    for path in (filled.store, *(f"{filled.store}/{name}" for name in os.listdir(filled.store))):
        assert os.stat(path).st_mode & 0o007 == 0, path


def test_who_may_not_write_is_told_so(filled, laboratory):
    """An error is one line that says what is wrong, also for an ordinary user."""
    program = shutil.copy(laboratory.programs.ctl, filled.base)  # where anybody can reach it
    done = subprocess.run([program, "-c", filled.settings_file, "remove", "shop.example"],
                          capture_output=True, text=True, timeout=30, user="nobody",
                          group="nogroup", extra_groups=[])
    assert failed(done, EX_NOPERM, filled.store)
