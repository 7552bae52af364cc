# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""mailfromctl where it calls SES, against the stand-in; what it does is looked at with `aws`."""

import json
import os
import re
import shutil
import subprocess
import time

import pytest

from lab.process import stop, tail, wait_until
from lab.programs import Milter, settings_text
from standin.ses import Account, Fault, Identity, Ses

EX_USAGE, EX_DATAERR, EX_UNAVAILABLE, EX_TEMPFAIL, EX_PROTOCOL, EX_NOPERM, EX_CONFIG = \
    64, 65, 69, 75, 76, 77, 78

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "session/token+="
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}
NOWHERE = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
           "AWS_EC2_METADATA_DISABLED": "true"}

SUCCESS = ("put", "example.com", "--mail-from-domain", "bounces.example.com",
           "--behavior-on-mx-failure", "RejectMessage")
CHANGE = ("put", "example.com", "--mail-from-domain", "new.example.com",
          "--behavior-on-mx-failure", "RejectMessage")


def record(domain="", status="Success", behavior="UseDefaultValue", **ours):
    attributes = {"MailFromDomain": domain, "MailFromDomainStatus": status} if domain else {}
    return attributes | {"BehaviorOnMXFailure": behavior, "Record": {"Source": "ses"} | ours}


RECORDS = {
    "example.com": record("bounces.example.com", behavior="RejectMessage"),
    "user+tag@example.com": record(),
    "imported.example": record("m.imported.example", Source="file"),
    "local.example": record("m.local.example", Source="local"),
}


@pytest.fixture
def ses():
    with Ses([Identity("example.com", domain="bounces.example.com", status="Success",
                       behavior="RejectMessage"),
              Identity("user+tag@example.com"),
              Identity("unstored.example"),
              Identity("new.example", verification="Pending")]) as server:
        yield server


class Administrator(Milter):
    """A settings file with a section for the stand-in, and a shell with keys in it."""

    def __init__(self, programs, base, ses):
        self.ses = ses
        self.environment = KEYS | NOWHERE
        super().__init__(programs, base)

    @property
    def sync_command(self):
        return [self._programs.sync, "-c", self.settings_file, "-f"]

    def default_settings(self):
        return {"store": self.store, "ses": self.section()}

    def section(self, **changes):
        return {"region": "us-east-1", "endpoint": self.ses.url, "requests-per-second": "1000",
                "connect-timeout": "2s", "timeout": "3s"} | changes

    def ctl(self, *arguments, environment=None, **options):
        inherited = {name: value for name, value in os.environ.items()
                     if not name.startswith("AWS_")}
        done = super().ctl(*arguments, env=inherited | self.environment | (environment or {}),
                           **options)
        for secret in (SECRET, TOKEN):
            assert secret not in done.stdout + done.stderr
        return done

    def put(self, *arguments, **options):
        done = self.ctl(*arguments, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stored(self, identity):
        return json.loads(self.put("export"))["MailFromDomainAttributes"].get(identity)

    def calls(self):
        return [operation for _, operation, _, _ in self.ses.calls]


@pytest.fixture
def administrator(laboratory, ses):
    own = Administrator(laboratory.programs, f"{laboratory.base}/ses-{os.urandom(4).hex()}", ses)
    own.import_records(RECORDS)
    return own


def aws(ses, service, *arguments):
    if not shutil.which("aws"):
        pytest.skip("awscli is not installed")
    done = subprocess.run(["aws", "--endpoint-url", ses.url, "--output", "json", service,
                           *arguments], env={"PATH": os.environ["PATH"], "AWS_PAGER": "",
                                             "AWS_DEFAULT_REGION": "us-east-1", **KEYS, **NOWHERE},
                          capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout) if done.stdout else None


def failed(done, status, *words):
    """One line on stderr that has these words, and nothing on stdout."""
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
    return True


# put

def test_put_sets_both_attributes_in_ses_and_in_the_store(administrator, ses):
    assert "new.example.com" in administrator.put(*CHANGE)
    assert aws(ses, "sesv2", "get-email-identity", "--email-identity", "example.com")[
        "MailFromAttributes"] == {"MailFromDomain": "new.example.com",
                                  "MailFromDomainStatus": "PENDING",
                                  "BehaviorOnMxFailure": "REJECT_MESSAGE"}
    got = administrator.put("get", "example.com")
    assert json.loads(got) == aws(ses, "ses", "get-identity-mail-from-domain-attributes",
                                  "--identities", "example.com")
    ours = administrator.stored("example.com")["Record"]
    assert ours["Source"] == "ses" and ours["Verified"] is True
    assert ours["StatusSince"] == ours["Checked"] == ours["RefreshAfter"] < ours["ExpireAfter"]


@pytest.mark.parametrize("spelling, meaning", [
    ("UseDefaultValue", "UseDefaultValue"), ("USE_DEFAULT_VALUE", "UseDefaultValue"),
    ("RejectMessage", "RejectMessage"), ("REJECT_MESSAGE", "RejectMessage"),
    (None, "UseDefaultValue")])
def test_put_takes_both_spellings_and_always_sends_both_attributes(administrator, ses, spelling,
                                                                   meaning):
    behavior = ("--behavior-on-mx-failure", spelling) if spelling else ()
    administrator.put("put", "example.com", "--mail-from-domain", "New.Example.COM.", *behavior)
    v2 = {"UseDefaultValue": "USE_DEFAULT_VALUE", "RejectMessage": "REJECT_MESSAGE"}[meaning]
    assert json.loads(ses.requests[-1].body) == {"MailFromDomain": "new.example.com",
                                                 "BehaviorOnMxFailure": v2}
    assert administrator.stored("example.com")["BehaviorOnMXFailure"] == meaning


def test_clear_clears_both(administrator, ses):
    administrator.put("put", "example.com", "--clear")
    assert ses.identities["example.com"].domain == ""
    assert json.loads(administrator.put("get", "example.com")) == aws(
        ses, "ses", "get-identity-mail-from-domain-attributes", "--identities", "example.com")
    assert "nothing was changed" in administrator.put("put", "example.com", "--clear")
    assert administrator.calls().count("PutEmailIdentityMailFromAttributes") == 1


def test_an_unchanged_success_is_left_alone_unless_forced(administrator, ses):
    assert "nothing was changed (--force" in administrator.put(*SUCCESS)
    assert administrator.calls() == ["GetEmailIdentity"]
    assert administrator.stored("example.com")["MailFromDomainStatus"] == "Success"
    assert "it is Pending" in administrator.put(*SUCCESS, "--force")
    assert administrator.calls() == ["GetEmailIdentity", "PutEmailIdentityMailFromAttributes"]
    assert administrator.stored("example.com")["MailFromDomainStatus"] == "Pending"


def test_another_behavior_is_a_change(administrator, ses):
    administrator.put(*SUCCESS[:-1], "UseDefaultValue")
    assert ses.identities["example.com"].behavior == "UseDefaultValue"


def test_what_counts_is_what_ses_has_and_not_what_the_store_has(administrator, ses):
    ses.identities["example.com"].status = "Failed"
    administrator.put(*SUCCESS)
    assert ses.identities["example.com"].status == "Pending"
    ses.identities["example.com"].status = "Success"
    assert "nothing was changed" in administrator.put(*SUCCESS)
    assert administrator.stored("example.com")["MailFromDomainStatus"] == "Success"


def test_an_address_with_odd_characters(administrator, ses):
    administrator.put("put", "user+tag@example.com", "--mail-from-domain", "m.example.com")
    assert ses.identities["user+tag@example.com"].domain == "m.example.com"
    assert "example.com" in ses.identities["example.com"].domain


def test_an_identity_that_the_store_does_not_have_yet(administrator):
    administrator.put("put", "unstored.example", "--mail-from-domain", "m.unstored.example")
    assert administrator.stored("unstored.example")["Record"]["Verified"] is True


def test_a_store_that_is_missing_stays_missing(administrator, ses):
    shutil.rmtree(administrator.store)
    assert "mailfrom-sync will fetch it" in administrator.put(*CHANGE)
    assert ses.identities["example.com"].domain == "new.example.com"
    assert not os.path.exists(administrator.store)


def test_a_store_that_is_empty_stays_empty(administrator):
    administrator.put("remove", *RECORDS)
    assert "mailfrom-sync will fetch it" in administrator.put(*CHANGE)
    assert administrator.stored("example.com") is None


def test_records_of_other_sources_are_refused_before_any_call(administrator, ses):
    for identity in ("imported.example",):
        assert failed(administrator.ctl("put", identity, "--clear"), EX_UNAVAILABLE,
                      f"mailfromctl remove {identity}")
    assert ses.requests == []


@pytest.mark.parametrize("status, arguments", [
    (EX_USAGE, ()),
    (EX_USAGE, ("example.com",)),
    (EX_USAGE, ("example.com", "m.example.com", "--clear")),
    (EX_USAGE, ("example.com", "--clear", "--mail-from-domain", "m.example.com")),
    (EX_USAGE, ("example.com", "--clear", "--behavior-on-mx-failure", "UseDefaultValue")),
    (EX_USAGE, ("example.com", "--mail-from-domain", "m.example.com", "--behavior-on-mx-failure",
                "rejectmessage")),
    (EX_USAGE, ("--email-identity", "example.com", "--behavior-on-mx-failure", "REJECT_MESSAGE")),
    (EX_DATAERR, ("example com", "--clear")),
    (EX_DATAERR, ("example.com", "--mail-from-domain", "example.com")),
    (EX_DATAERR, ("example.com", "--mail-from-domain", "m.notexample.com")),
    (EX_DATAERR, ("user@example.com", "--mail-from-domain", "m.example.org")),
    (EX_DATAERR, ("example.com", "--mail-from-domain", "m..example.com")),
    (EX_CONFIG, ("example.com", "--clear", "--section", "elsewhere")),
])
def test_misuse_and_breaches_of_the_rules_of_ses_never_reach_it(administrator, ses, status,
                                                                arguments):
    assert failed(administrator.ctl("put", *arguments), status)
    assert ses.requests == []


def test_the_complaint_about_a_domain_is_the_one_of_ses(administrator, ses):
    ours = administrator.ctl("put", "example.com", "--mail-from-domain", "m.example.org").stderr
    with pytest.raises(subprocess.CalledProcessError) as refused:
        aws(ses, "sesv2", "put-email-identity-mail-from-attributes", "--email-identity",
            "example.com", "--mail-from-domain", "m.example.org")
    assert ours.removeprefix("mailfromctl: ").strip() in refused.value.stderr


# What SES refuses

def test_an_unknown_identity(administrator):
    put = ("put", "nobody.example", "--mail-from-domain", "m.nobody.example")
    for force in ((), ("--force",)):
        assert failed(administrator.ctl(*put, *force), EX_UNAVAILABLE,
                      "Identity <nobody.example> does not exist.", "us-east-1")
    assert administrator.stored("nobody.example") is None


def test_an_unverified_identity(administrator):
    assert failed(administrator.ctl("put", "new.example", "--mail-from-domain", "m.new.example"),
                  EX_DATAERR, "BadRequestException", "Provided MAIL-FROM domain <m.new.example> or "
                  "its parents are not verified for identity <new.example>.", "verify the identity")


REFUSALS = {
    "denied": (EX_NOPERM, "AccessDenied", "ses:PutEmailIdentityMailFromAttributes",
               "arn:aws:ses:us-east-1:*:identity/example.com", "iam-policy-administrator.json"),
    "expired": (EX_NOPERM, "ExpiredTokenException", "get new ones"),
    "throttle": (EX_TEMPFAIL, "TooManyRequestsException", "Rate exceeded", "try again"),
    "500": (EX_TEMPFAIL, "InternalServiceError", "HTTP 500"),
    "503": (EX_TEMPFAIL, "ServiceUnavailableException"),
    "reset": (EX_TEMPFAIL, "PutEmailIdentityMailFromAttributes"),
    "hang": (EX_TEMPFAIL, "PutEmailIdentityMailFromAttributes"),
    "redirect": (EX_UNAVAILABLE, "HTTP 301"),
    "empty_400": (EX_DATAERR, "HTTP 400"),
    "null_message": (EX_DATAERR, "BadRequestException"),
}


@pytest.mark.parametrize("kind, expected", REFUSALS.items(), ids=REFUSALS.keys())
def test_a_refusal_says_what_ses_said_and_what_to_do_and_changes_nothing(administrator, ses, kind,
                                                                         expected):
    before = administrator.stored("example.com")
    ses.faults = [Fault(kind, "PutEmailIdentityMailFromAttributes", times=None)]
    assert failed(administrator.ctl(*CHANGE), *expected)
    assert administrator.stored("example.com") == before


def test_each_call_names_the_permission_that_it_lacks(administrator, ses):
    ses.faults = [Fault("denied", None, times=None)]
    assert failed(administrator.ctl(*CHANGE), EX_NOPERM, "allow the action ses:GetEmailIdentity ")
    assert failed(administrator.ctl(*CHANGE, "--force"), EX_NOPERM,
                  "allow the action ses:PutEmailIdentityMailFromAttributes ")


@pytest.mark.parametrize("environment, status, words", [
    ({"AWS_SECRET_ACCESS_KEY": "wrong"}, EX_NOPERM, ("InvalidSignatureException", "secret key")),
    ({"AWS_ACCESS_KEY_ID": "AKIDOTHER"}, EX_NOPERM, ("UnrecognizedClientException", "these keys")),
    ({"AWS_SECRET_ACCESS_KEY": ""}, EX_CONFIG, ("AWS_SECRET_ACCESS_KEY",)),
    ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, EX_CONFIG, ("AWS_ACCESS_KEY_ID",)),
    ({"AWS_PROFILE": "missing"}, EX_CONFIG, ("missing",)),
])
def test_wrong_or_missing_credentials(administrator, environment, status, words):
    done = administrator.ctl(*CHANGE, environment=environment)
    assert failed(done, status, *words)
    assert done.returncode != 0


def test_an_expired_session(administrator, ses):
    ses.accounts["ASIAEXAMPLE"] = Account(SECRET, TOKEN, expired=True)
    done = administrator.ctl(*CHANGE, environment={"AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
                                                   "AWS_SESSION_TOKEN": TOKEN})
    assert failed(done, EX_NOPERM, "ExpiredTokenException", "AWS_SESSION_TOKEN")


def test_the_administrators_credentials_come_before_those_of_the_section(administrator, tmp_path):
    file = tmp_path / "credentials"
    file.write_text(f"[daemon]\naws_access_key_id = AKIDDAEMON\naws_secret_access_key = {SECRET}\n"
                    f"[admin]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = {SECRET}\n",
                    encoding="utf-8")
    administrator.write_settings({"ses": {"profile": "daemon"}})
    administrator.put(*CHANGE, environment={"AWS_SHARED_CREDENTIALS_FILE": str(file)})
    administrator.environment = NOWHERE | {"AWS_SHARED_CREDENTIALS_FILE": str(file)}
    administrator.put(*SUCCESS, environment={"AWS_PROFILE": "admin"})
    assert failed(administrator.ctl(*CHANGE), EX_NOPERM, "UnrecognizedClientException")


# Sections

def two_sections(administrator):
    administrator.settings = None
    settings = {"store": administrator.store, 'ses "us"': administrator.section(),
                'ses "eu"': administrator.section(region="eu-west-1")}
    administrator.write_settings_text(settings_text(settings))


def test_of_several_sections_the_right_one_is_found(administrator, ses):
    two_sections(administrator)
    put = ("put", "unstored.example", "--mail-from-domain", "m.unstored.example")
    assert failed(administrator.ctl(*put), EX_CONFIG, '--section TITLE: ses "us", ses "eu"')
    administrator.put(*put, "--section", "eu")
    assert "eu-west-1/ses" in ses.requests[-1].headers["Authorization"]
    # The record now says where it came from.
    administrator.put("put", "unstored.example", "--clear")
    assert "eu-west-1/ses" in ses.requests[-1].headers["Authorization"]
    assert failed(administrator.ctl(*put, "--section", "us"), EX_USAGE, 'ses "eu"')


def test_no_section(administrator):
    administrator.write_settings_text(f'store = "{administrator.store}"\n')
    assert failed(administrator.ctl(*CHANGE), EX_CONFIG, "no section `ses'")


# The names of the AWS CLI

def test_the_commands_of_the_aws_cli(administrator, ses):
    put = ("put-email-identity-mail-from-attributes", "--email-identity", "example.com",
           "--mail-from-domain", "m.example.com", "--behavior-on-mx-failure", "REJECT_MESSAGE")
    get = ("get-identity-mail-from-domain-attributes", "--identities", "user+tag@example.com",
           "example.com")
    administrator.put(*put)
    assert json.loads(administrator.put(*get)) == aws(ses, "ses", *get)
    assert administrator.put(*get) == administrator.put("get", *get[2:])
    administrator.put(*put[:3])
    assert ses.identities["example.com"].domain == ""
    aws(ses, "sesv2", *put)
    ses.identities["example.com"].status = "Success"
    for arguments in (put, (*put, "--force"), (*put[:3], "--force"), put[:3]):
        assert administrator.put(*arguments) == "", "aws prints nothing"


def test_options_of_the_aws_cli(administrator, ses):
    usual = ("--output", "json", "--region", "us-east-1")
    get = ("get-identity-mail-from-domain-attributes", *usual, "--identities", "example.com")
    put = ("put-email-identity-mail-from-attributes", "--email-identity", "example.com",
           "--mail-from-domain", "m.example.com", *usual)
    assert "bounces.example.com" in administrator.put(*get)
    assert administrator.put(*put) == ""
    assert ses.identities["example.com"].domain == "m.example.com"
    assert administrator.put("get", "example.com", *usual) == administrator.put(*get)
    assert failed(administrator.ctl(*get, "--output", "text"), EX_USAGE, "--output is json")
    for command in (get, put):
        assert failed(administrator.ctl(*command, "--region", "eu-west-1"), EX_CONFIG,
                      "no section `ses' of the settings has the region eu-west-1")


def test_of_two_regions_the_one_that_is_asked_counts(administrator, ses):
    with Ses([Identity("unstored.example")]) as other:
        text = settings_text({"store": administrator.store})
        for title, url, region in (("us", ses.url, "us-east-1"), ("eu", other.url, "eu-west-1")):
            text += f'ses "{title}" {{\n' + settings_text(
                administrator.section(endpoint=url, region=region)) + "}\n"
        with open(administrator.settings_file, "w", encoding="ascii") as file:
            file.write(text)
        administrator.import_records({"example.com": record("m.example.com", Section="us")})
        done = administrator.ctl("get", "--region", "eu-west-1", "example.com", "local.example")
        assert done.returncode == EX_UNAVAILABLE and '"example.com"' in done.stderr
        assert list(json.loads(done.stdout)["MailFromDomainAttributes"]) == ["local.example"]
        administrator.put("put", "unstored.example", "--mail-from-domain", "m.unstored.example",
                          "--region", "eu-west-1")
        assert other.identities["unstored.example"].domain == "m.unstored.example"
        assert ses.identities["unstored.example"].domain == ""
        assert failed(administrator.ctl(*CHANGE, "--region", "eu-west-1"), EX_USAGE,
                      "comes from the section")


def test_without_mailfrom_sync_no_wait_only_leaves_a_request(administrator, ses):
    assert failed(administrator.ctl("refresh", "--no-wait", "example.com"), EX_TEMPFAIL,
                  "mailfrom-sync does not run")
    assert not ses.calls


# records

def test_records_prints_what_to_publish(administrator):
    assert administrator.put("records", "example.com") == (
        "bounces.example.com. IN MX 10 feedback-smtp.us-east-1.amazonses.com.\n"
        'bounces.example.com. IN TXT "v=spf1 include:amazonses.com ~all"\n')


def test_records_before_the_domain_is_put(administrator):
    assert failed(administrator.ctl("records", "user+tag@example.com"), EX_UNAVAILABLE)
    assert failed(administrator.ctl("records", "nobody.example"), EX_UNAVAILABLE)
    for identity, domain in (("user+tag@example.com", "m.example.com"),
                             ("nobody.example", "m.nobody.example")):
        assert administrator.put("records", identity, "--mail-from-domain", domain).startswith(
            f"{domain}. IN MX 10 feedback-smtp.us-east-1.amazonses.com.\n")
    assert failed(administrator.ctl("records", "nobody.example", "--mail-from-domain", "m.example"),
                  EX_DATAERR, "is not subdomain")


def test_records_of_other_sources_are_not_invented(administrator):
    for identity in ("imported.example",):
        assert failed(administrator.ctl("records", identity), EX_UNAVAILABLE, "not ses")


def test_records_without_a_region(administrator):
    administrator.write_settings({"ses": {"region": ""}})
    assert failed(administrator.ctl("records", "example.com"), EX_CONFIG, "region")
    assert "eu-central-1" in administrator.put("records", "example.com",
                                               environment={"AWS_REGION": "eu-central-1"})


# The budget

def test_calls_keep_to_the_budget(administrator, ses):
    administrator.write_settings({"ses": {"requests-per-second": "2"}})
    for domain in ("a.example.com", "b.example.com"):
        administrator.put("put", "example.com", "--mail-from-domain", domain)
    times = [when for when, *_ in ses.calls]
    assert len(times) == 4
    assert all(later - sooner >= 0.4 for sooner, later in zip(times, times[1:]))


def test_nobody_waits_for_ever(administrator, ses):
    administrator.write_settings({"ses": {"requests-per-second": "0.01"}})
    administrator.put("put", "example.com", "--clear")
    first, second = (when for when, *_ in ses.calls)
    assert 4 < second - first < 7


# refresh, without mailfrom-sync

def test_refresh_fetches_what_is_named(administrator, ses):
    ses.identities["example.com"].status = "TemporaryFailure"
    ses.identities["example.com"].behavior = "UseDefaultValue"
    done = administrator.put("refresh", "example.com", "user+tag@example.com")
    assert done == ("refreshed 2 of 2 identities (1 changed)\n"
                    "example.com: bounces.example.com, TemporaryFailure, UseDefaultValue\n"
                    "user+tag@example.com: no MAIL FROM domain\n")
    assert administrator.calls() == ["GetIdentityMailFromDomainAttributes"]
    now = administrator.stored("example.com")
    assert now["MailFromDomainStatus"] == "TemporaryFailure"
    assert now["Record"]["Checked"] == now["Record"]["StatusSince"] < now["Record"]["ExpireAfter"]


def test_refresh_of_an_identity_that_is_new(administrator):
    assert "(1 changed)" in administrator.put("refresh", "new.example")
    assert administrator.stored("new.example")["Record"]["Verified"] is False


@pytest.mark.parametrize("source", ["ses", "local"])
def test_an_import_during_a_refresh_of_a_new_one_loses_nothing(administrator, ses, source):
    answer = ses.GetEmailIdentity

    def import_first(*arguments):
        administrator.import_records({"new.example": record(
            Source=source, FeedbackForwardingStatus=False)})
        return answer(*arguments)
    ses.GetEmailIdentity = import_first
    administrator.put("refresh", "new.example")
    ours = administrator.stored("new.example")["Record"]
    assert (ours["Source"], ours["FeedbackForwardingStatus"]) == (source, False)
    assert ours["Verified"] == (source == "local")


@pytest.mark.parametrize("change, complaint", [
    ({"VerifiedForSendingStatus": None}, "whether it may send"),
    ({"VerifiedForSendingStatus": "yes"}, "whether it may send"),
    ({"MailFromAttributes": {"MailFromDomain": ["m.unstored.example"]}}, "unknown MailFromDomain"),
])
def test_what_cannot_be_read_makes_no_record(administrator, ses, change, complaint):
    ses.alter = lambda _, value: value | change
    done = administrator.ctl("refresh", "unstored.example")
    assert done.returncode == EX_UNAVAILABLE and complaint in done.stderr, done.stderr
    assert administrator.stored("unstored.example") is None


def test_a_put_keeps_the_verification_that_ses_does_not_speak_of(administrator, ses):
    ses.alter = lambda _, value: value | {"VerifiedForSendingStatus": None}
    for command in (SUCCESS, CHANGE):
        administrator.put(*command)
        assert administrator.stored("example.com")["Record"]["Verified"] is True


def test_what_is_fetched_and_put_does_not_switch_feedback_forwarding_on(administrator, ses):
    for name in ("example.com", "user+tag@example.com"):
        administrator.import_records({name: {"FeedbackForwardingStatus": False} | RECORDS[name]})
    ses.identities["example.com"].status = "Failed"
    administrator.put("refresh")
    administrator.put(*CHANGE)
    for name in ("example.com", "user+tag@example.com"):
        assert administrator.stored(name)["Record"]["FeedbackForwardingStatus"] is False


def test_refresh_names_what_ses_does_not_know_and_fetches_the_others(administrator, ses):
    administrator.import_records({"gone.example": record("m.gone.example")})
    ses.identities["example.com"].status = "Failed"
    done = administrator.ctl("refresh", "gone.example", "example.com", "nobody.example")
    assert done.returncode == EX_UNAVAILABLE
    assert done.stdout.startswith("refreshed 1 of 3 identities (1 changed)\n")
    assert 'identity "gone.example" in section ses: SES does not know it' in done.stderr
    assert "Identity <nobody.example> does not exist." in done.stderr
    assert administrator.stored("example.com")["MailFromDomainStatus"] == "Failed"
    assert administrator.stored("gone.example")["MailFromDomainStatus"] == "Success"
    assert administrator.stored("nobody.example") is None


def many(ses, count):
    for number in range(count):
        name = f"i{number:03}.example"
        ses.identities[name] = Identity(name, domain=f"m.{name}", status="Pending")
    return {name: record(f"m.{name}") for name in ses.identities if name.startswith("i")}


def test_refresh_of_all_takes_the_fewest_calls_and_leaves_other_sources_alone(administrator, ses):
    administrator.import_records(many(ses, 198))
    assert administrator.put("refresh") == "refreshed 200 of 200 identities (198 changed)\n"
    assert administrator.calls() == ["GetIdentityMailFromDomainAttributes"] * 2
    assert administrator.stored("imported.example") == RECORDS["imported.example"] | {
        "Record": administrator.stored("imported.example")["Record"]}


def test_refresh_finds_the_one_that_spoils_a_batch(administrator, ses):
    administrator.import_records(many(ses, 64))
    ses.poisoned = {"i037.example"}
    done = administrator.ctl("refresh")
    assert done.returncode == EX_UNAVAILABLE
    assert "refreshed 65 of 66 identities (63 changed)" in done.stdout
    assert done.stderr.count("\n") == 1 and '"i037.example"' in done.stderr
    assert administrator.stored("i037.example")["MailFromDomainStatus"] == "Success"


def test_a_refresh_that_fails_keeps_what_there_was(administrator, ses):
    before = administrator.stored("example.com")
    ses.faults = [Fault("denied", None, times=None)]
    done = administrator.ctl("refresh")
    assert done.returncode == EX_NOPERM
    assert "refreshed 0 of 2" in done.stdout
    assert "allow the action ses:GetIdentityMailFromDomainAttributes on the resource *" in done.stderr
    assert administrator.stored("example.com") == before


def test_refresh_refuses_other_sources_and_an_empty_store(administrator, ses):
    assert failed(administrator.ctl("refresh", "imported.example"), EX_UNAVAILABLE, "source file")
    administrator.put("remove", *RECORDS)
    assert failed(administrator.ctl("refresh", "example.com"), EX_UNAVAILABLE,
                  "mailfrom-sync --once")
    assert ses.requests == []


def test_an_import_during_a_refresh_wins(administrator, ses):
    answer = ses.GetIdentityMailFromDomainAttributes

    def import_first(*arguments):
        administrator.import_records({"example.com": record("m.example.com", Source="file")})
        return answer(*arguments)
    ses.GetIdentityMailFromDomainAttributes = import_first
    administrator.put("refresh", "example.com")
    assert administrator.stored("example.com")["Record"]["Source"] == "file"


def test_refresh_of_one_section(administrator, ses):
    two_sections(administrator)
    administrator.put("put", "unstored.example", "--mail-from-domain", "m.unstored.example",
                      "--section", "eu")
    administrator.put("refresh", "--section", "us", "user+tag@example.com")
    del ses.requests[:]
    assert administrator.put("refresh", "--section", "eu").startswith("refreshed 1 of 1 ")
    assert "eu-west-1/ses" in ses.requests[0].headers["Authorization"]
    # The one of us was adopted by being named; whose section is not known stays away.
    assert administrator.put("refresh").startswith("refreshed 2 of 2 ")


# status

def status(administrator):
    done = administrator.ctl("status", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["Well"] else 1)
    assert done.stderr == ""
    return answer["Sources"]


def test_status_without_mailfrom_sync(administrator):
    by_source = {source["Source"]: source for source in status(administrator)}
    assert by_source.keys() == {"ses", "file", "local"}
    ours = by_source["ses"]
    assert (ours["Well"], ours["Running"], ours["Region"]) == (False, False, "us-east-1")
    assert (ours["LastSuccess"], ours["LastError"]) == (None, "")
    assert by_source["file"]["Well"]
    assert ours["Identities"]["All"] == 2 and ours["Identities"]["Success"] == 1
    text = administrator.ctl("status")
    assert text.returncode == 1
    assert "mailfrom-sync   NOT RUNNING, and never did\n" in text.stdout
    assert "Identities      2: 1 Success, 1 without a MAIL FROM domain\n" in text.stdout


def in_hours(hours):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600))


def test_status_counts_records_near_their_expiry(administrator):
    """expire-after is 7 days, a tenth of it 16.8 hours."""
    administrator.import_records({"far.example": record(ExpireAfter=in_hours(20)),
                                  "near.example": record(ExpireAfter=in_hours(15.5)),
                                  "gone.example": record(ExpireAfter=in_hours(-1))})
    [ours, *_] = status(administrator)
    assert (ours["Identities"]["Expired"], ours["Identities"]["NearExpiry"]) == (1, 1)
    assert in_hours(15) < ours["Identities"]["NextExpiry"] < in_hours(16)
    assert "1 EXPIRED; 1 NEAR; the next in 15h\n" in administrator.ctl("status").stdout


def test_status_of_records_whose_section_is_gone(administrator):
    administrator.write_settings_text(f'store = "{administrator.store}"\n')
    assert "which is not in the settings: nobody refreshes it" in administrator.ctl("status").stdout
    assert not status(administrator)[0]["Well"]


def test_status_of_a_store_that_is_missing(administrator):
    shutil.rmtree(administrator.store)
    assert failed(administrator.ctl("status"), 66)


# Beside mailfrom-sync

@pytest.fixture
def synced(administrator, ses):
    """The administrator of a store that a mailfrom-sync keeps, which has seen everything once."""
    administrator.write_settings({"ses": {"requests-per-second": "50", "list-every": "1h"}})
    environment = {name: value for name, value in os.environ.items() if name[:4] != "AWS_"}
    with open(administrator.log, "w", encoding="utf-8") as log:
        child = subprocess.Popen(administrator.sync_command, stdin=subprocess.DEVNULL, stderr=log,
                                 env=environment | KEYS | NOWHERE)
        try:
            wait_until(lambda: administrator.stored("unstored.example"), "mailfrom-sync")
            administrator.put("refresh")
            yield administrator
        finally:
            assert stop(child) == 0, tail(administrator.log)


def test_status_beside_mailfrom_sync(synced, ses):
    [ours, *_] = status(synced)
    assert (ours["Running"], ours["Well"], ours["LastError"]) == (True, True, "")
    assert ours["LastSuccess"] and ours["NextCall"] and ours["Identities"]["All"] == 4
    assert ours["Identities"]["Unverified"] == 1
    assert "mailfrom-sync   running, process " in synced.put("status")
    ses.faults = [Fault("denied", None, times=None)]
    assert synced.ctl("refresh", "--no-wait").returncode == 0
    wait_until(lambda: status(synced)[0]["FailingSince"], "a failure")
    [ours, *_] = status(synced)
    assert "AccessDenied" in ours["LastError"] and not ours["Well"]


def test_refresh_lets_mailfrom_sync_fetch(synced, ses):
    ses.identities["example.com"].status = "Failed"
    before = len(ses.calls)
    assert synced.put("refresh", "example.com") == (
        "mailfrom-sync refreshed 1 identity\n"
        "example.com: bounces.example.com, Failed, RejectMessage\n")
    assert synced.calls()[before:] == ["GetIdentityMailFromDomainAttributes"]
    assert synced.ctl("refresh", "nobody.example").returncode == EX_UNAVAILABLE


def test_refresh_of_all_lets_mailfrom_sync_fetch(synced, ses):
    ses.identities["example.com"].status = "TemporaryFailure"
    ses.identities["unstored.example"].domain = "m.unstored.example"
    ses.identities["unstored.example"].status = "Success"
    assert synced.put("refresh").startswith("mailfrom-sync refreshed ")
    assert synced.stored("example.com")["MailFromDomainStatus"] == "TemporaryFailure"
    assert synced.stored("unstored.example")["MailFromDomain"] == "m.unstored.example"


def test_refresh_of_all_tells_the_one_that_is_refused(synced, ses):
    ses.poisoned = {"example.com"}
    done = synced.ctl("refresh")
    assert done.returncode == EX_UNAVAILABLE, done
    assert re.match(r"mailfrom-sync refreshed (\d) of (\d) identities\n"
                    "example.com: .*; not refreshed: .*InvalidParameterValue", done.stdout), done
    assert synced.ctl("refresh", "example.com").returncode == EX_UNAVAILABLE


@pytest.mark.parametrize("arguments", [(), ("example.com",), ("--section", "")])
def test_refresh_does_not_wait_for_what_a_person_has_to_mend(synced, ses, arguments):
    ses.faults = [Fault("denied", None, times=None)]
    began = time.monotonic()
    done = synced.ctl("refresh", *arguments)
    assert failed(done, EX_NOPERM, "section ses: ", "AccessDenied", "when this is mended")
    assert time.monotonic() - began < 15
    ses.faults = [Fault("500", None, times=3)]
    assert synced.ctl("refresh", "example.com").returncode == 0, "what passes is waited for"


def test_put_beside_mailfrom_sync_is_followed_up_at_once(synced, ses):
    synced.put(*CHANGE)
    assert synced.stored("example.com")["MailFromDomain"] == "new.example.com"
    ses.identities["example.com"].status = "Success"
    synced.put("refresh", "example.com")
    assert synced.stored("example.com")["MailFromDomainStatus"] == "Success"
    ses.identities["late.example"] = Identity("late.example")
    synced.put("put", "late.example", "--mail-from-domain", "m.late.example")
    wait_until(lambda: ses.calls[-1][1] == "GetIdentityMailFromDomainAttributes", "a fetch")
    assert synced.stored("late.example")["MailFromDomain"] == "m.late.example"


def test_what_was_adopted_is_left_alone_until_it_is_given_back(synced, ses):
    synced.put("adopt", "example.com")
    ses.identities["example.com"].status = "Failed"
    synced.put("refresh")
    assert synced.stored("example.com")["MailFromDomainStatus"] == "Success"
    assert synced.stored("example.com")["Record"]["Source"] == "local"
    assert "is given back to ses" in synced.put("adopt", "--back", "example.com")
    synced.put("refresh")
    wait_until(lambda: synced.stored("example.com")["MailFromDomainStatus"] == "Failed", "a fetch")
