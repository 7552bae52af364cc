# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What the client makes of what SES replies, well or badly."""

import time

import pytest

from conftest import KEYS
from standin.server import Reply
from standin.signature import Refused
from standin.ses import Account, Fault, Identity


def test_it_gets_the_attributes_of_a_batch(driver, ses):
    [line] = driver.call(ses, "mail-from=example.com,user+tag@example.com,nobody@x.org,new.example")
    assert line == ("mail-from ok requests=1 region=us-east-1"
                    " [example.com answered bounces.example.com Success RejectMessage]"
                    " [user+tag@example.com answered - - UseDefaultValue]"
                    " [nobody@x.org unknown] [new.example answered - - UseDefaultValue]")


def test_a_batch_of_a_hundred_is_one_call(driver, ses):
    names = [f"d{i}.example" for i in range(100)]
    ses.identities = {name: Identity(name, domain=f"m.{name}", status="Pending") for name in names}
    [line] = driver.call(ses, "mail-from=" + ",".join(names))
    assert line.outcome == "ok" and line.count(" Pending UseDefaultValue]") == 100
    assert len(ses.requests) == 1


def test_more_than_a_hundred_are_not_sent(driver, ses):
    [line] = driver.call(ses, "mail-from=" + ",".join(f"d{i}.example" for i in range(101)))
    assert line.outcome == "local" and not ses.requests


def test_it_matches_identities_with_the_domain_folded(driver, ses):
    ses.identities = {"U@Example.COM": Identity("U@Example.COM", domain="m.Example.COM",
                                                status="Success")}
    ses.batch = lambda names: list(ses.identities.values())
    [line] = driver.call(ses, "mail-from=U@example.com,u@example.com")
    assert "[U@example.com answered m.example.com Success UseDefaultValue]" in line
    assert "[u@example.com unknown]" in line


@pytest.mark.parametrize("status", ["Pending", "Success", "Failed", "TemporaryFailure"])
def test_it_knows_every_status_in_both_spellings(driver, ses, status):
    ses.identities["example.com"].status = status
    v1, v2 = driver.call(ses, "mail-from=example.com", "get=example.com")
    assert f"bounces.example.com {status} RejectMessage]" in v1
    assert f"bounces.example.com {status} RejectMessage]" in v2


def test_an_unknown_status_concerns_its_identity_alone(driver, ses):
    ses.identities["user+tag@example.com"].domain = "m.example.com"
    ses.identities["user+tag@example.com"].status = "Bewildered"
    [line] = driver.call(ses, "mail-from=example.com,user+tag@example.com")
    assert line.outcome == "ok"
    assert "[example.com answered bounces.example.com Success RejectMessage]" in line
    assert '[user+tag@example.com SES replies with an unknown MailFromDomainStatus: "Bewildered"]' \
        in line


def test_it_gets_the_verification(driver, ses):
    [line] = driver.call(ses, "verification=example.com,new.example,nobody.example")
    assert line.endswith("[example.com Success] [new.example Pending] [nobody.example unknown]")


def test_it_lists_all_pages(driver, ses):
    ses.identities = {f"d{i}.example": Identity(f"d{i}.example") for i in range(25)}
    [line] = driver.call(ses, "list=10")
    assert line.outcome == "ok" and line.pages == "3" and line.identities == "25"


def test_it_lists_who_may_send(driver, ses):
    [line] = driver.call(ses, "list=1000", SES_CALL_NAMES="1")
    assert line.startswith("(example.com domain enabled)(new.example domain disabled)"
                           "(user+tag@example.com address enabled)")


def test_a_page_that_fails_fails_the_list(driver, ses):
    ses.identities = {f"d{i}.example": Identity(f"d{i}.example") for i in range(25)}
    ses.faults = [Fault("500", "ListEmailIdentities:later-page")]
    [line] = driver.call(ses, "list=10")
    assert line.outcome == "server-error" and line.pages == "1"


@pytest.mark.parametrize("name", ["a+b@x.org", "a=b/c@x.org", "~t~%25@x.org", "grüße@x.org",
                                  "o'neil@x.org", "a&b?c#d@x.org", "(x)*!@x.org"])
def test_odd_identities_survive_the_path(driver, ses, name):
    ses.identities[name] = Identity(name, domain="m.x.org", status="Success")
    v1, v2 = driver.call(ses, f"mail-from={name}", f"get={name}")
    assert v1.outcome == "ok" and v2.outcome == "ok", v2
    assert v1.count("m.x.org Success") == v2.count("m.x.org Success") == 1


def test_put_sends_both_attributes_and_clear_none(driver, ses):
    put, cleared = driver.call(ses, "put=user+tag@example.com,m.example.com,1",
                               "clear=example.com")
    assert put.outcome == cleared.outcome == "ok"
    assert [request.body for request in ses.requests] == [
        b'{"MailFromDomain":"m.example.com","BehaviorOnMxFailure":"REJECT_MESSAGE"}', b"{}"]
    assert ses.identities["example.com"].domain == ""
    assert ses.identities["user+tag@example.com"].behavior == "RejectMessage"


def test_the_words_of_ses_come_through(driver, ses):
    [line] = driver.call(ses, "put=example.com,m.other.example,0")
    assert line.outcome == "bad-request" and line.code == "BadRequestException"
    assert "PutEmailIdentityMailFromAttributes: BadRequestException: Provided MAIL-FROM domain " \
        "<m.other.example> is not subdomain of the domain of the identity <example.com>." in line
    [line] = driver.call(ses, "get=nobody.example")
    assert line.outcome == "not-found" and "Identity <nobody.example> does not exist." in line


@pytest.mark.parametrize("kind, v1, v2", [
    ("500", "server-error", "server-error"),
    ("503", "server-error", "server-error"),
    ("throttle", "throttled", "throttled"),
    ("denied", "access-denied", "access-denied"),
    ("reset", "network", "network"),
    ("truncated", "malformed-reply", "malformed-reply"),
    ("garbage", "malformed-reply", "malformed-reply"),
    ("other_json", "malformed-reply", "malformed-reply"),
    ("bomb", "malformed-reply", "malformed-reply"),
    ("huge", "malformed-reply", "malformed-reply"),
    ("redirect", "refused", "refused"),
    ("empty_400", "bad-request", "bad-request"),
    ("null_message", "bad-request", "bad-request"),
])
def test_each_fault_has_its_outcome(driver, ses, kind, v1, v2):
    ses.faults = [Fault(kind, times=None)]
    lines = driver.call(ses, "mail-from=example.com", "list=10", "get=example.com",
                        "put=example.com,m.example.com,0")
    assert [line.outcome for line in lines[:2]] == [v1, v2]
    assert len(ses.requests) == 4, "none is repeated"
    assert all(line.why for line in lines if line.outcome != "ok")
    assert "/elsewhere" not in [request.path for request in ses.requests]


@pytest.mark.parametrize("call", ["mail-from=example.com", "list=10"])
def test_a_huge_reply_is_cut_off(driver, ses, call):
    ses.faults = [Fault("huge")]
    [line] = driver.call(ses, call)
    assert "the reply is larger than 4194304 octets" in line


def test_after_a_fault_the_next_call_works(driver, ses):
    ses.faults = [Fault("reset"), Fault("huge"), Fault("hang_in_body")]
    lines = driver.call(ses, *["mail-from=example.com"] * 4, SES_CALL_TIMEOUT="6000")
    assert [line.outcome for line in lines] == ["network", "malformed-reply", "network", "ok"]


def test_a_poisoned_identity_is_a_bad_request(driver, ses):
    ses.poisoned = {"user+tag@example.com"}
    bad, good = driver.call(ses, "mail-from=example.com,user+tag@example.com",
                            "mail-from=example.com")
    assert bad.outcome == "bad-request" and bad.code == "InvalidParameterValue"
    assert good.outcome == "ok"


def test_an_identity_that_vanishes_is_unknown_to_v1_and_not_found_in_v2(driver, ses):
    del ses.identities["example.com"]
    v1, v2 = driver.call(ses, "mail-from=example.com", "get=example.com")
    assert "[example.com unknown]" in v1 and v2.outcome == "not-found"


def test_the_rate_is_the_callers_business(driver, ses):
    ses.rate = 1.0
    lines = driver.call(ses, "list=10", "list=10", "mail-from=example.com")
    assert [line.outcome for line in lines] == ["ok", "throttled", "ok"]


@pytest.mark.parametrize("skew", [3600, -3600])
def test_a_wrong_clock_is_learnt_from_the_reply(driver, ses, skew):
    ses.skew = skew
    first, second, v2 = driver.call(ses, "mail-from=example.com", "mail-from=example.com",
                                    "get=example.com")
    assert first.outcome == second.outcome == v2.outcome == "ok"
    assert first.requests == "2" and second.requests == "3" and v2.requests == "4"


def test_a_clock_that_stays_wrong_is_tried_twice(driver, ses):
    ses.now = lambda: time.time() + 3600 * (1 + len(ses.requests))
    [line] = driver.call(ses, "mail-from=example.com")
    assert line.outcome == "clock-skew" and line.requests == "2"


def test_a_wrong_secret_is_not_taken_for_a_wrong_clock(driver, ses):
    ses.accounts["AKIDEXAMPLE"] = Account("another secret", token="session/token+=")
    [line] = driver.call(ses, "mail-from=example.com", AWS_SESSION_TOKEN="session/token+=")
    assert line.outcome == "access-denied" and line.code == "SignatureDoesNotMatch"
    assert line.requests == "1" and "Canonical String" not in line


def test_an_expired_session_is_tried_once_more(driver, ses):
    ses.faults = [Fault("expired")]
    [line] = driver.call(ses, "mail-from=example.com")
    assert line.outcome == "ok" and line.requests == "2"
    ses.faults = [Fault("expired", times=None)]
    for line in driver.call(ses, "mail-from=example.com", "get=example.com"):
        assert line.outcome == "expired-token"
    assert ses.faults[0].hits == 4


def test_a_call_sends_two_requests_at_most(driver, ses):
    """With a wrong clock and an expired session at once, the second is left to the next call."""
    ses.skew = 3600
    ses.faults = [Fault("expired")]
    first, second = driver.call(ses, "mail-from=example.com", "mail-from=example.com")
    assert first.outcome == "expired-token" and first.requests == "2"
    assert second.outcome == "ok" and second.requests == "3"


def test_the_wrong_region_is_refused_by_name(driver, ses):
    [line] = driver.call(ses, "mail-from=example.com", AWS_REGION="mars-north-1")
    assert line.outcome == "access-denied" and "valid region, not 'mars-north-1'" in line


@pytest.mark.parametrize("operation", ["list=10", "mail-from=example.com"])
def test_what_ses_says_is_escaped(driver, ses, operation):
    def fail(*_):
        from standin.signature import Refused
        raise Refused("Odd", "a\x1b[31m\u00e9" if operation == "list=10" else "a\u00e9b", 400)

    ses.fail = fail
    [line] = driver.call(ses, operation)
    assert r"\xC3\xA9" in line and "\x1b" not in line


SECRETS = {"secret": KEYS["AWS_SECRET_ACCESS_KEY"], "token": "session/token+=" * 20}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("place", ["code", "header", "field", "status", "name", "request id"])
def test_what_is_shown_of_the_keys_anywhere_is_cut(driver, ses, name, place):
    """Of a long one the beginning is telling too, and texts are cut short."""
    secret = SECRETS[name]
    ses.accounts["AKIDEXAMPLE"].token = SECRETS["token"]

    def refuse(*_):
        raise Refused("Odd" + secret, "no", 400)

    if place in ("code", "header"):
        ses.fail = refuse
    elif place == "field":
        ses.identities["example.com"].domain = f"m.example.com {secret}"
    elif place == "status":
        ses.identities["example.com"].status = secret
    elif place == "name":
        ses.identities[secret] = Identity(secret)
    else:
        ses.fail = lambda *_: Reply(400, "{}", {"x-amzn-RequestId": secret,
                                                "x-amzn-ErrorType": "BadRequestException"})
    calls = ["list=10"] if place in ("header", "name", "request id") else ["mail-from=example.com"]
    [line] = driver.call(ses, *calls, AWS_SESSION_TOKEN=SECRETS["token"], SES_CALL_NAMES="1")
    assert line.outcome in ("ok", "bad-request") or "(" in line, line
    assert secret[:16] not in line, line


@pytest.mark.parametrize("operation", ["list=10", "mail-from=example.com"])
def test_what_ses_shows_of_the_keys_is_cut(driver, ses, operation):
    """The driver's fixture looks for the secrets in all that is printed."""
    def fail(*_):
        from standin.signature import Refused
        raise Refused("Odd", "You sent session/token+= there", 400)

    ses.accounts["AKIDEXAMPLE"].token = "session/token+="
    ses.fail = fail
    [line] = driver.call(ses, operation, AWS_SESSION_TOKEN="session/token+=")
    assert line.outcome == "bad-request" and "Odd: You sent " in line
