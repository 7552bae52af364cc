# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""mailfromctl for identities that are set here: a gateway that is its own SES. No network, and no
mailfrom-sync: what that would find is imported."""

import json
import os
import time

import pytest

from lab.client import send
from lab.programs import Milter

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_UNAVAILABLE, EX_TEMPFAIL, EX_CONFIG = 64, 65, 66, 69, 75, 78

LOCAL = {"expected-mx": ["mx1.gateway.example", "mx2.gateway.example"]}
SES = {"region": "eu-west-1", "endpoint": "http://127.0.0.1:9"}
PUT = ("put", "shop.example", "--mail-from-domain", "bounce.shop.example")
REJECT = ("--behavior-on-mx-failure", "RejectMessage")
FEEDBACK_OFF = ("put", "shop.example", "--feedback-forwarding", "off")
FEEDBACK_ON = ("put", "shop.example", "--feedback-forwarding", "on")
OFF = {"FeedbackForwardingStatus": False}
ON = {"FeedbackForwardingStatus": True}
NOT_FOUND = "NotFoundException: Email identity {} does not exist"


class Gateway(Milter):
    """Nothing is started; the store does not exist yet."""

    def default_settings(self):
        return {"store": self.store, "local": LOCAL}

    def done(self, *arguments, **options):
        done = self.ctl(*arguments, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stored(self):
        return json.loads(self.done("export"))["MailFromDomainAttributes"]

    def put_file(self, entries, *options):
        text = json.dumps({"MailFromDomainAttributes": entries})
        return self.ctl("put", "--from", "-", *options, input=text)

    def change(self, identity, status="Success", **ours):
        """What mailfrom-sync would have made of it."""
        record = self.stored()[identity]
        record["MailFromDomainStatus"] = status
        record["Record"] |= {"StatusSince": "2026-01-01T00:00:00Z"} | ours
        self.import_records({identity: record})
        return self.stored()[identity]


@pytest.fixture
def gateway(laboratory):
    return Gateway(laboratory.programs, f"{laboratory.base}/local-{os.urandom(4).hex()}")


@pytest.fixture
def shop(gateway):
    gateway.done("identity", "add", "shop.example")
    return gateway


@pytest.fixture
def foreign(gateway):
    """Records of the other sources."""
    gateway.write_settings({"ses": SES})
    gateway.import_records({
        "ses.example": entry("m.ses.example", "TemporaryFailure", "RejectMessage") | {
            "Record": {"Source": "ses", "ExpireAfter": "2099-01-01T00:00:00Z",
                       "LastError": "timed out", "StatusSince": "2026-01-01T00:00:00Z"}},
        "file.example": entry("m.file.example"),
        "bare.example": {},
        "unverified.example": {"Record": {"Verified": False}}})
    return gateway


def entry(domain, status="Success", behavior="UseDefaultValue"):
    return {"MailFromDomain": domain, "MailFromDomainStatus": status,
            "BehaviorOnMXFailure": behavior}


def failed(done, status, *words, lines=1):
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert done.stderr.count("\n") == lines, done.stderr
    for word in words:
        assert word in done.stderr
    return True


def is_now(moment):
    return abs(time.time() - time.mktime(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))
               + time.timezone) < 60


def is_pending_and_due(record, domain, behavior="UseDefaultValue"):
    ours = record["Record"]
    assert is_now(ours["StatusSince"]) and is_now(ours["RefreshAfter"])
    assert (ours["Found"], ours["FoundAt"], ours["UnclearSince"]) == ("", None, None)
    return {name: value for name, value in record.items() if name != "Record"} == entry(
        domain, "Pending", behavior)


# identity

def test_identity_add_makes_the_store_and_verified_identities_without_a_domain(gateway):
    assert gateway.done("identity", "add", "Shop.Example.", "anna@shop.example",
                        "bücher.example") == "added 3 identities\n"
    stored = gateway.stored()
    assert stored.keys() == {"shop.example", "anna@shop.example", "xn--bcher-kva.example"}
    for record in stored.values():
        assert record["BehaviorOnMXFailure"] == "UseDefaultValue" and "MailFromDomain" not in record
        assert record["Record"] == {
            "Source": "local", "Section": "", "Verified": True,
            "FeedbackForwardingStatus": True, "StatusSince": None, "Checked": None, "RefreshAfter": None, "ExpireAfter": None, "LastError": "",
            "Former": "local", "Found": "", "FoundAt": None, "UnclearSince": None}
    assert os.stat(gateway.store).st_mode & 0o007 == 0


def test_identity_add_of_what_is_local_changes_nothing(shop):
    shop.done(*PUT)
    before = shop.stored()["shop.example"]
    assert shop.done("identity", "add", "shop.example", "new.example") == (
        "shop.example is local already\nadded 1 identity\n")
    assert shop.stored()["shop.example"] == before


@pytest.mark.parametrize("status, words, identities", [
    (EX_UNAVAILABLE, ("source ses", "mailfromctl adopt ses.example"), ("ses.example",)),
    (EX_UNAVAILABLE, ("source file", "mailfromctl adopt file.example"), ("file.example",)),
    (EX_DATAERR, ('"no\\x20name"',), ("no name",)),
    (EX_DATAERR, ("longer than 64 octets",), ("a" * 65 + "@x.example",)),
    (EX_USAGE, ("which identity",), ()),
], ids=["ses", "file", "not an identity", "a long local part", "none"])
def test_identity_add_is_all_or_nothing(foreign, status, words, identities):
    before = foreign.stored()
    others = ("new.example",) if identities else ()
    assert failed(foreign.ctl("identity", "add", *others, *identities), status, *words)
    assert foreign.stored() == before


def test_a_local_identity_alone_beside_a_section_ses_is_warned_of(gateway):
    gateway.write_settings({"ses": SES})
    assert "unknown until mailfrom-sync" in gateway.ctl("identity", "add", "shop.example").stderr
    assert gateway.ctl("identity", "add", "new.example").stderr == ""


def test_identity_remove(shop):
    shop.done("identity", "add", "anna@shop.example")
    assert shop.done("identity", "remove", "anna@shop.example") == "removed 1 identity\n"
    assert shop.stored().keys() == {"shop.example"}
    done = shop.ctl("identity", "remove", "shop.example")
    assert done.returncode == 0 and "empty" in done.stderr


@pytest.mark.parametrize("identity, words", [
    ("file.example", ("source file", "mailfromctl remove file.example")),
    ("ses.example", ("source ses", "mailfromctl remove ses.example")),
    ("nobody.example", (NOT_FOUND.format("nobody.example"),))])
def test_identity_remove_is_for_local_ones_and_all_or_nothing(foreign, identity, words):
    foreign.done("identity", "add", "a.example")
    before = foreign.stored()
    assert failed(foreign.ctl("identity", "remove", "a.example", identity), EX_UNAVAILABLE, *words)
    assert foreign.stored() == before


def test_identity_list_is_list_of_one_source(foreign):
    foreign.done("identity", "add", "a.example", "b.example")
    text = foreign.done("identity", "list")
    assert [line.split()[0] for line in text.splitlines()] == ["IDENTITY", "a.example",
                                                               "b.example", "2"]
    assert text == foreign.done("list", "--source", "local")
    listed = json.loads(foreign.done("identity", "list", "--json"))
    assert [one["Identity"] for one in listed] == ["a.example", "b.example"]
    assert len(json.loads(foreign.done("list", "--json", "--source", "file"))) == 3
    assert len(json.loads(foreign.done("list", "--json"))) == 6


@pytest.mark.parametrize("arguments", [
    ("identity",), ("identity", "change"), ("identity", "list", "shop.example"),
    ("identity", "remove"), ("identity", "add", "--json", "x.example"), ("list", "--source", "dns"),
    ("adopt",), ("adopt", "--forth", "x.example"), ("status", "shop.example"),
    PUT + ("--add",), PUT + ("--feedback-forwarding", "maybe"),
    ("put", "shop.example", "--feedback-forwarding"), FEEDBACK_OFF + ("--section", "eu"),
    ("put", "shop.example", "--feedback-forwarding", "OFF"), FEEDBACK_OFF + ("--force",),
    FEEDBACK_OFF + ("--feedback-forwarding", "off"), FEEDBACK_OFF + REJECT,
    FEEDBACK_OFF + ("--mail-from-domain", ""), ("put", "--feedback-forwarding", "off"),
    ("put", "--email-identity", "shop.example", "--feedback-forwarding", "off"),
    ("put", "--from", "-", "--feedback-forwarding", "off"), ("put", "--from", "-", "shop.example"), ("put", "--from", "-", "--clear"),
    ("put", "--from", "-", *PUT[2:]), PUT + ("--section", "eu"),
    ("records", "shop.example", "--address", "nobody"),
    ("refresh", "--section", "eu", "shop.example")], ids=" ".join)
def test_wrong_usage(shop, arguments):
    shop.done(*PUT)
    before = shop.stored()
    assert failed(shop.ctl(*arguments), EX_USAGE)
    assert shop.stored() == before


# put

def test_put_is_pending_and_due_at_once(shop):
    assert "Pending until mailfrom-sync finds the MX" in shop.done(*PUT, *REJECT)
    assert is_pending_and_due(shop.stored()["shop.example"], "bounce.shop.example", "RejectMessage")


def test_put_needs_no_credentials_and_leaves_ses_alone(shop):
    """The endpoint of the section is one that nobody listens at."""
    shop.write_settings({"ses": SES})
    shop.done(*PUT)
    assert "shop.example now has" in shop.done(*PUT, "--force")


@pytest.mark.parametrize("identity, domain, stored", [
    ("shop.example", "Bounce.SHOP.example.", "bounce.shop.example"),
    ("anna@shop.example", "a.b.shop.example", "a.b.shop.example"),
    ("bücher.example", "rück.bücher.example", "xn--rck-hoa.xn--bcher-kva.example")])
def test_put_of_a_subdomain(shop, identity, domain, stored):
    shop.done("identity", "add", identity)
    shop.done("put", identity, "--mail-from-domain", domain)
    assert stored in [one.get("MailFromDomain") for one in shop.stored().values()]


def test_a_local_part_outside_ascii_is_kept_and_escaped_for_the_terminal(shop):
    shop.done("identity", "add", "jürgen@shop.example")
    text = shop.done("put", "jürgen@shop.example", "--mail-from-domain", "m.shop.example")
    assert text.startswith("j\\xc3\\xbcrgen@shop.example now has MAIL FROM domain m.shop.example")
    assert is_pending_and_due(shop.stored()["jürgen@shop.example"], "m.shop.example")
    assert failed(shop.ctl("identity", "remove", "jurgen@shop.example"), EX_UNAVAILABLE)
    shop.done("identity", "remove", "jürgen@shop.example")


@pytest.mark.parametrize("domain", ["shop.example", "example", "bounce.other.example",
                                    "notshop.example", "m..shop.example"])
def test_put_of_what_is_not_a_subdomain(shop, domain):
    before = shop.stored()
    done = shop.ctl("put", "shop.example", "--mail-from-domain", domain)
    assert failed(done, EX_DATAERR, "--mail-from-domain" if ".." in domain else
                  f"Provided MAIL-FROM domain <{domain}> is not subdomain of the domain of the "
                  "identity <shop.example>.")
    assert shop.stored() == before


def test_put_of_an_unknown_identity(gateway, shop):
    done = gateway.ctl("put", "nobody.example", "--clear")
    assert failed(done, EX_UNAVAILABLE, NOT_FOUND.format("nobody.example"),
                  "mailfromctl identity add nobody.example")
    # With an account in the settings it is SES's to say.
    shop.write_settings({"ses": SES})
    done = gateway.ctl("put", "nobody.example", "--clear",
                       env={"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": "AKID",
                            "AWS_SECRET_ACCESS_KEY": "secret"})
    assert "NotFound" not in done.stderr and done.returncode == EX_TEMPFAIL


def test_put_without_a_store(gateway):
    assert failed(gateway.ctl(*PUT), EX_UNAVAILABLE, NOT_FOUND.format("shop.example"))
    assert not os.path.exists(gateway.store)


def test_put_of_an_imported_identity(foreign):
    assert failed(foreign.ctl("put", "file.example", "--clear"), EX_UNAVAILABLE,
                  "mailfromctl adopt file.example", "mailfromctl import")


@pytest.mark.parametrize("status", ["Pending", "Success", "TemporaryFailure"])
def test_the_same_domain_again_leaves_the_status_alone(shop, status):
    shop.done(*PUT)
    before = shop.change("shop.example", status, Found="NXDOMAIN", FoundAt="2026-01-02T00:00:00Z",
                         RefreshAfter="2026-01-02T01:00:00Z")
    assert "nothing was changed" in shop.done(*PUT)
    assert shop.stored()["shop.example"] == before
    assert f"stays in status {status}" in shop.done(*PUT, *REJECT)
    assert shop.stored()["shop.example"] == before | {"BehaviorOnMXFailure": "RejectMessage"}
    # Both attributes are replaced.
    shop.done(*PUT)
    assert shop.stored()["shop.example"] == before


@pytest.mark.parametrize("status, arguments", [
    ("Failed", PUT), ("Failed", PUT + ("--force",)), ("Success", PUT + ("--force",)),
    ("Pending", PUT + ("--force",)), ("TemporaryFailure", PUT + ("--force",)),
    ("Success", PUT[:-1] + ("new.shop.example",)), ("Failed", PUT[:-1] + ("new.shop.example",))])
def test_what_begins_anew(shop, status, arguments):
    shop.done(*PUT, *REJECT)
    shop.change("shop.example", status, Found="NXDOMAIN", FoundAt="2026-01-02T00:00:00Z",
                UnclearSince="2026-01-02T00:00:00Z", RefreshAfter=None)
    assert "it is Pending" in shop.done(*arguments)
    assert is_pending_and_due(shop.stored()["shop.example"], arguments[3])


def test_clear_resets_both_fields(shop):
    shop.done(*PUT, *REJECT)
    shop.change("shop.example", "Failed", Found="NXDOMAIN", FoundAt="2026-01-02T00:00:00Z")
    assert "no MAIL FROM domain any more" in shop.done("put", "shop.example", "--clear")
    record = shop.stored()["shop.example"]
    assert "MailFromDomain" not in record and record["BehaviorOnMXFailure"] == "UseDefaultValue"
    assert (record["Record"]["RefreshAfter"], record["Record"]["Found"]) == (None, "")
    assert "nothing was changed" in shop.done("put", "shop.example", "--clear")


def test_the_commands_of_the_aws_cli(shop):
    put = ("put-email-identity-mail-from-attributes", "--email-identity", "shop.example")
    assert shop.done(*put, "--mail-from-domain", "bounce.shop.example",
                     "--behavior-on-mx-failure", "REJECT_MESSAGE") == ""
    get = ("get-identity-mail-from-domain-attributes", "--identities", "shop.example")
    assert json.loads(shop.done(*get)) == {"MailFromDomainAttributes": {
        "shop.example": entry("bounce.shop.example", "Pending", "RejectMessage")}}
    assert shop.done(*put) == ""
    assert json.loads(shop.done(*get)) == {"MailFromDomainAttributes": {
        "shop.example": {"BehaviorOnMXFailure": "UseDefaultValue"}}}


def test_put_warns_where_nothing_is_checked(shop):
    shop.write_settings({"local": {"expected-mx": []}})
    assert "expected-mx" in shop.ctl(*PUT).stderr
    assert shop.ctl(*PUT).stderr == ""  # nothing begins


# put --feedback-forwarding

def switched(record, value):
    return record | {"Record": record["Record"] | {"FeedbackForwardingStatus": value}}


@pytest.mark.parametrize("status", ["Pending", "Success", "TemporaryFailure", "Failed"])
def test_feedback_forwarding_is_switched_and_nothing_else_changes(shop, status):
    shop.done(*PUT, *REJECT)
    before = shop.change("shop.example", status, Found="NXDOMAIN", FoundAt="2026-01-02T00:00:00Z",
                         UnclearSince="2026-01-02T00:00:00Z", RefreshAfter="2099-01-02T01:00:00Z")
    assert before["Record"]["FeedbackForwardingStatus"] is True
    assert shop.done(*FEEDBACK_ON) == (
        "shop.example has feedback forwarding on already: nothing was changed\n")
    assert shop.stored()["shop.example"] == before
    assert shop.done(*FEEDBACK_OFF) == (
        "shop.example now has feedback forwarding off; nothing else was changed\n")
    assert shop.stored()["shop.example"] == switched(before, False)
    assert shop.done(*FEEDBACK_OFF) == (
        "shop.example has feedback forwarding off already: nothing was changed\n")
    assert "now has feedback forwarding on" in shop.done(*FEEDBACK_ON)
    assert shop.stored()["shop.example"] == before


def test_feedback_forwarding_of_an_identity_without_a_domain(shop):
    before = shop.stored()["shop.example"]
    shop.write_settings({"local": {"expected-mx": []}})
    assert shop.ctl(*FEEDBACK_OFF).stderr == ""  # nothing begins
    assert shop.stored()["shop.example"] == switched(before, False)


def test_feedback_forwarding_together_with_the_other_options(shop):
    assert shop.done(*PUT, "--feedback-forwarding", "off").splitlines()[1:] == [
        "shop.example now has feedback forwarding off"]
    record = shop.stored()["shop.example"]
    assert is_pending_and_due(record, "bounce.shop.example") and record["Record"].items() >= OFF.items()
    before = shop.change("shop.example", "Success")
    assert shop.done(*PUT, "--feedback-forwarding", "on") == (
        "shop.example now has feedback forwarding on; nothing else was changed\n")
    assert shop.stored()["shop.example"] == switched(before, True)
    said = shop.done(*PUT, "--feedback-forwarding", "on")
    assert said.count("\n") == 1 and "Success and UseDefaultValue already: nothing was" in said
    assert shop.done(*PUT, *REJECT, "--feedback-forwarding", "on").count("\n") == 1
    said = shop.done("put", "shop.example", "--clear", "--feedback-forwarding", "off")
    assert "no MAIL FROM domain any more\nshop.example now has feedback forwarding off\n" in said


@pytest.mark.parametrize("arguments", [
    PUT, PUT + ("--force",), PUT + REJECT, ("put", "shop.example", "--clear"),
    ("put-email-identity-mail-from-attributes", "--email-identity", "shop.example"),
    ("identity", "add", "shop.example")], ids=" ".join)
def test_feedback_forwarding_stays_off_in_what_does_not_name_it(shop, arguments):
    shop.done(*FEEDBACK_OFF)
    shop.done(*arguments)
    assert shop.stored()["shop.example"]["Record"].items() >= OFF.items()


def test_a_refresh_and_a_removal(shop):
    shop.done(*PUT, "--feedback-forwarding", "off")
    shop.done("refresh", "--no-wait", "shop.example")
    assert shop.stored()["shop.example"]["Record"].items() >= OFF.items()
    shop.done("identity", "remove", "shop.example")
    shop.done("identity", "add", "shop.example")
    assert shop.stored()["shop.example"]["Record"].items() >= ON.items()


@pytest.mark.parametrize("others", [(), ("--mail-from-domain", "m.ses.example"), ("--clear",)])
@pytest.mark.parametrize("word, option", [("off", "--no-email-forwarding-enabled"),
                                          ("on", "--email-forwarding-enabled")])
def test_feedback_forwarding_of_ses_is_set_there(foreign, word, option, others):
    """Nobody listens at the endpoint: it is not called."""
    before = foreign.stored()
    done = foreign.ctl("put", "ses.example", *others, "--feedback-forwarding", word)
    assert failed(done, EX_UNAVAILABLE, "source ses", "nothing was changed",
                  "aws sesv2 put-email-identity-feedback-attributes --email-identity ses.example "
                  f"{option}'")
    assert foreign.stored() == before


def test_feedback_forwarding_of_what_is_not_local(foreign, gateway):
    before = foreign.stored()
    put = ("--feedback-forwarding", "off")
    assert failed(foreign.ctl("put", "file.example", *put), EX_UNAVAILABLE,
                  "mailfromctl import", "mailfromctl adopt file.example")
    assert failed(foreign.ctl("put", "nobody.example", *put), EX_UNAVAILABLE, "not in the store",
                  "--email-identity nobody.example --no-email-forwarding-enabled")
    gateway.write_settings()
    assert failed(gateway.ctl("put", "nobody.example", *put), EX_UNAVAILABLE,
                  NOT_FOUND.format("nobody.example"), "identity add nobody.example")
    assert failed(gateway.ctl("put", "no name", *put), EX_DATAERR, "no\\x20name")
    assert foreign.stored() == before


# put --from

def test_put_from_a_file_switches_feedback_forwarding(shop):
    shop.done("identity", "add", "a.example", "b.example", "c.example")
    for name in ("a", "b", "c"):
        shop.done("put", f"{name}.example", "--mail-from-domain", f"m.{name}.example")
    before = {name: shop.change(name, "Failed") for name in ("a.example", "b.example")}
    done = shop.put_file({
        "a.example": OFF,  # alone: Failed does not begin anew
        "b.example": {"Record": OFF},
        "c.example": entry("m.c.example") | OFF,
        "shop.example": ON}, "--force")
    assert (done.stdout, done.stderr) == ("put 4 identities (3 set, 1 unchanged, 0 added)\n", "")
    stored = shop.stored()
    for name in before:
        assert stored[name] == switched(before[name], False)
    assert is_pending_and_due(stored["c.example"], "m.c.example")
    assert stored["c.example"]["Record"].items() >= OFF.items()
    # Without the field it stays, whatever becomes of the rest; an empty entry clears the rest.
    done = shop.put_file({"a.example": {}, "b.example": entry("m.b.example"),
                          "c.example": {"MailFromDomain": None} | OFF,
                          "new.example": {} | OFF, "on.example": {}}, "--add")
    assert done.stdout == "put 5 identities (3 set, 0 unchanged, 2 added)\n"
    stored = shop.stored()
    assert [name for name, record in stored.items() if record["Record"].items() >= OFF.items()] == [
        "a.example", "b.example", "c.example", "new.example"]
    assert "MailFromDomain" not in stored["a.example"] and "MailFromDomain" not in stored["c.example"]


def test_put_of_feedback_forwarding_alone_warns_of_nothing(shop):
    shop.write_settings({"local": {"expected-mx": []}})
    assert shop.put_file({"shop.example": OFF}).stderr == ""


def test_put_from_a_file_follows_the_rules_of_put(shop, tmp_path):
    shop.done("identity", "add", "same.example", "failed.example", "clear.example")
    for name in ("same", "failed", "clear"):
        shop.done("put", f"{name}.example", "--mail-from-domain", f"m.{name}.example")
    same = shop.change("same.example", "Success")
    shop.change("failed.example", "Failed")
    file = tmp_path / "file.json"
    file.write_text(json.dumps({"MailFromDomainAttributes": {
        "same.example": entry("m.same.example", "Failed"),
        "failed.example": {"MailFromDomain": "m.failed.example"},
        "clear.example": {},
        "SHOP.example": entry("bounce.shop.example", "Success", "RejectMessage")}}))
    assert shop.done("put", "--from", str(file)) == (
        "put 4 identities (3 set, 1 unchanged, 0 added)\n")
    stored = shop.stored()
    assert stored["same.example"] == same
    assert is_pending_and_due(stored["failed.example"], "m.failed.example")
    assert is_pending_and_due(stored["shop.example"], "bounce.shop.example", "RejectMessage")
    assert "MailFromDomain" not in stored["clear.example"]
    assert shop.done("put", "--from", str(file), "--force") == (
        "put 4 identities (3 set, 1 unchanged, 0 added)\n")
    assert is_pending_and_due(shop.stored()["same.example"], "m.same.example")


def test_put_from_what_export_and_aws_print(shop):
    shop.done(*PUT)
    exported = shop.done("export")
    assert shop.done("put", "--from", "-", input=exported) == (
        "put 1 identity (0 set, 1 unchanged, 0 added)\n")
    assert shop.done("export") == exported


def test_put_from_a_file_with_add(gateway):
    done = gateway.put_file({"bücher.example": {"MailFromDomain": "m.bücher.example"},
                             "anna@x.example": {}}, "--add")
    assert (done.returncode, done.stdout) == (0, "put 2 identities (0 set, 0 unchanged, 2 added)\n")
    stored = gateway.stored()
    assert is_pending_and_due(stored["xn--bcher-kva.example"], "m.xn--bcher-kva.example")
    assert stored["anna@x.example"]["Record"]["Verified"] is True


BAD_ENTRIES = {
    "unknown": ("nobody.example", {}, NOT_FOUND.format("nobody.example")),
    "of SES": ("ses.example", {}, "mailfromctl adopt ses.example"),
    "of a file": ("file.example", {}, "mailfromctl adopt file.example"),
    "not a subdomain": ("a.example", entry("m.b.example"), "is not subdomain"),
    "its own domain": ("a.example", entry("a.example"), "is not subdomain"),
    "unknown behaviour": ("a.example", entry("m.a.example", behavior="Hope"), "Hope"),
    "reject without a domain": ("a.example", {"BehaviorOnMXFailure": "RejectMessage"}, "reject"),
    "unknown field": ("a.example", {"Colour": "red"}, "Colour"),
    "a number for a switch": ("a.example", {"FeedbackForwardingStatus": 0},
                              "FeedbackForwardingStatus must be true or false"),
    "off beside on": ("a.example", OFF | {"Record": ON}, "is false, but that of Record is true"),
    "of SES, off": ("ses.example", OFF, "mailfromctl adopt ses.example"),
    "not an identity": ("a a.example", {}, "a\\x20a.example"),
    "not an object": ("a.example", 7, "object"),
}


@pytest.mark.parametrize("name, attributes, words", BAD_ENTRIES.values(), ids=BAD_ENTRIES.keys())
def test_one_bad_entry_refuses_the_whole_file(foreign, name, attributes, words):
    foreign.done("identity", "add", "a.example", "good.example")
    before = foreign.stored()
    done = foreign.put_file({"good.example": entry("m.good.example"), name: attributes})
    assert failed(done, EX_DATAERR, f'identity "{name if " " not in name else words}"', words,
                  "1 of 2 identities cannot be set; nothing was changed", lines=2)
    assert foreign.stored() == before


def test_every_bad_entry_is_named(foreign):
    bad = {name: attributes for name, attributes, _ in BAD_ENTRIES.values()}
    done = foreign.put_file(bad | {"b.example": entry("m.c.example")})
    assert failed(done, EX_DATAERR, *(f'"{name}"' for name in bad if " " not in name),
                  '"b.example"', f"{len(bad) + 1} of {len(bad) + 1} ", lines=len(bad) + 2)


def test_add_does_not_take_over_other_sources_and_makes_no_store_for_a_bad_file(foreign, gateway):
    before = foreign.stored()
    done = foreign.put_file({"new.example": {}, "ses.example": {}}, "--add")
    assert failed(done, EX_DATAERR, "adopt ses.example", lines=2)
    assert foreign.stored() == before


def test_a_bad_file_makes_no_store(gateway):
    done = gateway.put_file({"a.example": entry("m.b.example")}, "--add")
    assert failed(done, EX_DATAERR, "not subdomain", lines=2)
    assert failed(gateway.put_file({"a.example": {}}), EX_NOINPUT)
    assert not os.path.exists(gateway.store)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"MailFromDomainAttributes": {"a.example": {}, '
                                                 '"A.example": {}}}'])
def test_what_is_not_the_right_json_is_refused(shop, text):
    before = shop.stored()
    assert failed(shop.ctl("put", "--from", "-", "--add", input=text), EX_DATAERR, "standard input")
    assert failed(shop.ctl("put", "--from", "/nonexistent"), EX_NOINPUT, "/nonexistent")
    assert shop.stored() == before


def test_of_many_bad_ones_the_first_are_named(shop):
    done = shop.put_file({f"x{number}.example": {} for number in range(1000)})
    assert failed(done, EX_DATAERR, "1000 of 1000", lines=21)


# adopt

def test_adopt_keeps_the_attributes_and_goes_back(foreign):
    before = foreign.stored()
    assert foreign.done("adopt", "ses.example", "file.example", "bare.example") == (
        "bare.example is local now, adopted from file: no MAIL FROM domain\n"
        "file.example is local now, adopted from file: m.file.example, Success, UseDefaultValue\n"
        "ses.example is local now, adopted from ses: m.ses.example, TemporaryFailure, "
        "RejectMessage\n")
    for name, former in (("ses.example", "ses"), ("file.example", "file"), ("bare.example", "file")):
        record = foreign.stored()[name]
        ours, theirs = record.pop("Record"), dict(before[name])
        since = theirs.pop("Record")["StatusSince"]
        assert record == theirs
        assert (ours["Source"], ours["Former"], ours["StatusSince"]) == ("local", former, since)
        assert (ours["ExpireAfter"], ours["LastError"], ours["Found"]) == (None, "", "")
        assert name == "bare.example" or is_now(ours["RefreshAfter"])
    assert foreign.stored()["bare.example"]["Record"]["RefreshAfter"] is None
    assert foreign.done("adopt", "bare.example") == "bare.example is local already\n"
    foreign.done("put", "ses.example", "--mail-from-domain", "n.ses.example")
    assert foreign.done("adopt", "--back", "ses.example", "file.example") == (
        "file.example is given back to file: m.file.example, Success, UseDefaultValue\n"
        "ses.example is given back to ses: n.ses.example, Pending, UseDefaultValue\n")
    stored = foreign.stored()
    assert stored["file.example"] == before["file.example"]
    ours = stored["ses.example"]["Record"]
    assert ours["Source"] == "ses" and is_now(ours["RefreshAfter"])
    assert ours["ExpireAfter"] > time.strftime("%Y-%m-%dT", time.gmtime(time.time() + 6 * 86400))
    assert "Found" not in ours


def test_adopting_and_giving_back_keeps_feedback_forwarding_off(foreign):
    foreign.import_records({"file.example": OFF})
    foreign.done("adopt", "ses.example", "file.example")
    foreign.done("put", "ses.example", "--feedback-forwarding", "off")
    assert all(foreign.stored()[name]["Record"].items() >= OFF.items()
               for name in ("ses.example", "file.example"))
    assert foreign.ctl("adopt", "--back", "file.example").stderr == ""
    done = foreign.ctl("adopt", "--back", "ses.example")
    assert done.returncode == 0 and done.stderr.count("\n") == 1
    assert "SES has its own setting" in done.stderr
    assert "feedback-off" not in foreign.done("list", "--source", "ses")
    assert "feedback-off" in foreign.done("list", "--source", "file")
    foreign.done("adopt", "ses.example")
    assert foreign.stored()["ses.example"]["Record"].items() >= OFF.items()


@pytest.mark.parametrize("status, word, arguments", [
    (EX_UNAVAILABLE, NOT_FOUND.format("nobody.example"), ("nobody.example",)),
    (EX_UNAVAILABLE, NOT_FOUND.format("nobody.example"), ("--back", "nobody.example")),
    (EX_UNAVAILABLE, "was not adopted", ("--back", "own.example")),
    (EX_UNAVAILABLE, "was not adopted", ("--back", "file.example"))])
def test_adopt_is_all_or_nothing(foreign, status, word, arguments):
    foreign.done("identity", "add", "own.example")
    foreign.done("adopt", "bare.example")
    before = foreign.stored()
    other = "bare.example" if "--back" in arguments else "ses.example"
    assert failed(foreign.ctl("adopt", other, *arguments), status, word)
    assert foreign.stored() == before


def test_a_section_that_is_gone_takes_nothing_back(foreign):
    foreign.done("adopt", "ses.example", "file.example")
    foreign.write_settings()
    before = foreign.stored()
    assert failed(foreign.ctl("adopt", "--back", "file.example", "ses.example"), EX_CONFIG,
                  "section ses", "not in the settings")
    assert foreign.stored() == before


def test_adopt_of_an_unverified_one_warns(foreign):
    done = foreign.ctl("adopt", "unverified.example")
    assert done.returncode == 0 and "not verified" in done.stderr
    assert foreign.stored()["unverified.example"]["Record"]["Verified"] is False


# What shows local records

FOUND = {"Found": "MX 10 mx.other.example", "FoundAt": "2026-01-02T00:00:00Z"}


def test_export_and_import_are_a_round_trip(shop, laboratory):
    shop.done(*PUT)
    shop.change("shop.example", "TemporaryFailure", UnclearSince="2026-01-03T00:00:00Z", **FOUND)
    shop.import_records({"file.example": {}})
    shop.done("adopt", "file.example")
    shop.done("put", "file.example", "--feedback-forwarding", "off")
    text = shop.done("export")
    assert text.count('"FeedbackForwardingStatus": false') == 1
    other = Gateway(laboratory.programs, f"{shop.base}/other")
    assert other.ctl("import", "-", input=text).returncode == 0
    assert other.done("export") == text
    assert json.loads(text)["MailFromDomainAttributes"]["shop.example"]["Record"] | FOUND == \
        other.stored()["shop.example"]["Record"]


def test_get_prints_what_aws_prints_and_with_record_all(shop):
    shop.done(*PUT)
    stored = shop.change("shop.example", "Failed", **FOUND)
    [got] = json.loads(shop.done("get", "shop.example"))["MailFromDomainAttributes"].values()
    assert got == entry("bounce.shop.example", "Failed")
    [got] = json.loads(shop.done("get", "--record", "shop.example"))[
        "MailFromDomainAttributes"].values()
    assert got == stored and got["Record"]["Found"] == "MX 10 mx.other.example"


def test_feedback_forwarding_shows_where_it_is_off(shop):
    shop.done(*PUT)
    shop.change("shop.example", "Failed", **FOUND)
    before = shop.done("get", "shop.example")
    assert "Feedback" not in before + shop.done("list") + shop.done("explain", "a@shop.example")
    assert [one | ON == one for one in json.loads(shop.done("list", "--json"))] == [True]
    shop.done(*FEEDBACK_OFF)
    [got] = json.loads(shop.done("get", "shop.example"))["MailFromDomainAttributes"].values()
    assert got == entry("bounce.shop.example", "Failed") | OFF
    assert shop.done("get", "--record", "shop.example") == shop.done("export")
    assert shop.done("list").splitlines()[1].endswith("  MX 10 mx.other.example; feedback-off")
    assert [one | OFF == one for one in json.loads(shop.done("list", "--json"))] == [True]
    assert "feedback forwarding is off" in shop.done("explain", "a@shop.example")
    assert "1 with feedback forwarding off" in shop.ctl("status").stdout
    shop.done(*FEEDBACK_ON)
    assert shop.done("get", "shop.example") == before


def test_what_get_printed_is_imported_again_and_what_aws_printed_switches_nothing_on(shop):
    shop.import_records({"file.example": entry("m.file.example")})
    plain = shop.done("get", "file.example")
    shop.import_records({"file.example": OFF})
    printed = shop.done("get", "file.example")
    shop.done("import", "-", input=plain)
    assert shop.stored()["file.example"]["Record"].items() >= OFF.items()
    shop.done("remove", "file.example")
    shop.done("import", "-", input=printed)
    assert shop.stored()["file.example"]["Record"].items() >= OFF.items()
    assert shop.done("get", "file.example") == printed


@pytest.mark.parametrize("status, unclear, shows", [
    ("Pending", None, True), ("Failed", None, True), ("TemporaryFailure", None, True),
    ("Success", None, False), ("Success", "2026-01-03T00:00:00Z", True)])
def test_list_shows_what_was_found_where_it_is_not_what_was_expected(shop, status, unclear, shows):
    shop.done(*PUT)
    shop.change("shop.example", status, UnclearSince=unclear, **FOUND)
    row = shop.done("list").splitlines()[1]
    assert row.endswith("  MX 10 mx.other.example") == shows
    [listed] = json.loads(shop.done("list", "--json"))
    assert FOUND.items() <= listed.items() and listed["UnclearSince"] == unclear


def test_list_cuts_what_is_long(shop):
    shop.done(*PUT)
    shop.change("shop.example", "Failed", Found="MX 10 " + "a" * 190, FoundAt=FOUND["FoundAt"])
    assert shop.done("list").splitlines()[1].endswith("  MX 10 " + "a" * 54 + "...")


def test_explain_says_what_was_found_and_expected(shop):
    shop.done(*PUT, *REJECT)
    expected = "(expected: mx1.gateway.example, mx2.gateway.example)"
    assert f"nothing was looked up yet {expected}" in shop.done("explain", "a@shop.example")
    shop.change("shop.example", "Pending", Found="NXDOMAIN", UnclearSince="2026-01-03T00:00:00Z",
                FoundAt=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 150)))
    text = shop.done("explain", "a@shop.example")
    assert f"  Last found        NXDOMAIN, 2m ago {expected}\n" in text
    assert "  Unclear since     2026-01-03T00:00:00Z, " in text and "mx-failure-reject" in text
    shop.write_settings({"local": {"expected-mx": []}})
    assert "nothing is checked: expected-mx is empty" in shop.done("explain", "a@shop.example")
    assert "Last found" not in shop.done("explain", "a@shop.example", "--client", "192.0.2.1")


def test_status_without_mailfrom_sync(shop):
    assert shop.ctl("status").returncode == 0  # nothing to look up
    shop.done(*PUT)
    done = shop.ctl("status", "--json")
    assert done.returncode == 1
    [ours] = json.loads(done.stdout)["Sources"]
    assert (ours["Source"], ours["Running"], ours["LastSuccess"]) == ("local", False, None)
    assert ours["ExpectedMX"] == LOCAL["expected-mx"] and ours["Identities"]["Pending"] == 1
    shop.write_settings({"local": {"expected-mx": []}})
    assert "NOTHING IS CHECKED" in shop.done("status")


def test_refresh_makes_due_and_says_that_mailfrom_sync_does_not_run(shop):
    shop.done(*PUT)
    before = shop.change("shop.example", "Failed", RefreshAfter=None, **FOUND)
    assert failed(shop.ctl("refresh", "shop.example"), EX_TEMPFAIL, "mailfrom-sync does not run")
    after = shop.stored()["shop.example"]
    assert is_now(after["Record"].pop("RefreshAfter"))
    del before["Record"]["RefreshAfter"]
    assert after == before
    assert failed(shop.ctl("refresh"), EX_CONFIG, "section `ses'", "by their names")


def test_remove_takes_local_ones_too(shop):
    assert shop.done("remove", "shop.example") == "removed 1 identity\n"


# records

MX = "bounce.shop.example. IN MX 10 mx{}.gateway.example.\n"
SPF = 'bounce.shop.example. IN TXT "v=spf1 {}"\n'


def test_records_follow_from_the_settings(shop):
    shop.done(*PUT)
    text = shop.done("records", "shop.example")
    assert text.startswith(MX.format(1) + "; ") and text.endswith(SPF.format("mx ~all"))
    assert shop.done("records", "shop.example", "--address", "192.0.2.10", "--address",
                     "2001:db8::/32") == (
        MX.format(1) + SPF.format("ip4:192.0.2.10 ip6:2001:db8::/32 ~all"))
    for match in ("only-these", "any-of-these"):
        shop.write_settings({"local": {"match": match}})
        text = shop.done("records", "shop.example", "--address", "192.0.2.10")
        assert text == MX.format(1) + MX.format(2) + SPF.format("ip4:192.0.2.10 ~all")


def test_records_before_there_is_a_domain_or_an_identity(gateway):
    domain = ("--mail-from-domain", "bounce.shop.example")
    assert MX.format(1) in gateway.done("records", "shop.example", *domain)
    gateway.done("identity", "add", "shop.example")
    assert MX.format(1) in gateway.done("records", "shop.example", *domain)
    assert failed(gateway.ctl("records", "shop.example"), EX_UNAVAILABLE)
    gateway.write_settings({"local": {"expected-mx": []}})
    assert failed(gateway.ctl("records", "shop.example", *domain), EX_CONFIG, "expected-mx",
                  "section local")


def test_records_of_ses_and_of_files(foreign):
    assert "amazonses" in foreign.done("records", "ses.example")
    assert failed(foreign.ctl("records", "ses.example", "--address", "192.0.2.1"), EX_USAGE)
    assert failed(foreign.ctl("records", "file.example"), EX_UNAVAILABLE, "adopt file.example")
    foreign.done("adopt", "ses.example")
    assert "mx1.gateway.example" in foreign.done("records", "ses.example")


# The way of the mail

@pytest.fixture
def own_identity(milter):
    """In the store of the running milter; every message sees the last change."""
    name = f"own-{os.urandom(4).hex()}.example"
    assert milter.ctl("identity", "add", name).returncode == 0
    yield name
    assert milter.ctl("identity", "remove", name).returncode == 0


def test_mail_follows_what_is_put(mta, milter, sink, own_identity):
    def put(*arguments):
        assert milter.ctl("put", own_identity, *arguments).returncode == 0

    def sender():
        sent = send(mta.port, f"info@{own_identity}", f"From: info@{own_identity}")
        assert sent.reply.ok, str(sent.reply)
        return sink.delivery_of(sent).sender

    custom = ("--mail-from-domain", f"bounce.{own_identity}")
    put(*custom)
    assert sender() == "info@bounce.default.example"
    put(*custom, *REJECT)
    reply = send(mta.port, f"info@{own_identity}", f"From: info@{own_identity}").reply
    assert str(reply).startswith("554 5.1.8 MailFromDomainNotVerified: ")
    assert f"bounce.{own_identity}, status Pending" in str(reply)
    milter.import_records({own_identity: entry(f"bounce.{own_identity}", "Success") | {
        "Record": {"Source": "local"}}})
    put(*custom, *REJECT)
    assert sender() == f"info@bounce.{own_identity}"
    put("--clear")
    assert sender() == "info@bounce.default.example"
