# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""mailfromctl check: real programs, a real nameserver, and configurations of Postfix and Sendmail that
nobody runs."""

import json
import os
import shutil
import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from lab.check import GATEWAY, MAIN_CF, MX, check, found, gateway, postfix, record, settle
from lab.nsd import Nsd
from lab.process import free_port

EX_USAGE, EX_DATAERR, EX_CONFIG = 64, 65, 78

# One zone for all. A bounce domain has what the test says; From domains have a quiet DMARC record.
ZONE = f"""\
mx.gateway A {GATEWAY}
right MX 10 host
bounce.right MX 10 mx.gateway
bounce.default MX 10 mx.gateway
bounce.default TXT "v=spf1 mx -all"
bounce.right TXT "v=spf1 ip4:{GATEWAY} -all"
_dmarc.right TXT "v=DMARC1; p=reject"

bounce.wrong MX 10 mx.other
bounce.wrong TXT "v=spf1 a:mx.gateway.example ~all"
_dmarc.wrong TXT "v=DMARC1; p=none; aspf=s"
bounce.two MX 10 mx.gateway
bounce.two MX 20 mx.other
bounce.two TXT "v=spf1 mx -all"
bounce.two TXT "v=spf1 -all"
_dmarc.two TXT "v=DMARC1; p=none"
_dmarc.two TXT "v=DMARC1; p=reject"
bounce.null MX 0 .
bounce.bare MX 10 mx.gateway
bounce.closed MX 10 mx.gateway
bounce.closed TXT "v=spf1 -all"
bounce.soft MX 10 mx.gateway
bounce.soft TXT "v=spf1 ~all"
bounce.open MX 10 mx.gateway
bounce.open TXT "v=spf1 +all"
bounce.many MX 10 mx.gateway
bounce.many A 192.0.2.200
bounce.many TXT "v=spf1 a:mx.gateway.example/32 a a a a a a a a a a -all"
bounce.chain MX 10 mx.gateway
bounce.chain TXT "v=spf1 include:one.chain.example -all"
one.chain TXT "v=spf1 include:two.chain.example ~all"
two.chain TXT "v=spf1 ip4:192.0.2.0/28 ~all"
_dmarc.parent TXT "v=DMARC1; p=reject; sp=quarantine"
bounce.sub.parent MX 10 mx.gateway
bounce.sub.parent TXT "v=spf1 mx -all"

bounce.ses MX 10 feedback-smtp.eu-west-1.amazonses.com.
bounce.ses TXT "v=spf1 include:amazonses.com ~all"
_dmarc.ses TXT "v=DMARC1; p=none"
bounce.region MX 10 feedback-smtp.us-east-1.amazonses.com.
bounce.region TXT "v=spf1 ~all include:amazonses.com"
bounce.redirect MX 10 feedback-smtp.eu-west-1.amazonses.com.
bounce.redirect TXT "v=spf1 redirect=_spf.redirect.example"
_spf.redirect TXT "v=spf1 include:amazonses.com -all"
bounce.nothing MX 10 feedback-smtp.eu-west-1.amazonses.com.
bounce.sesopen MX 10 feedback-smtp.eu-west-1.amazonses.com.
bounce.sesopen MX 20 mx.other
bounce.sesopen TXT "v=spf1 +all"
bounce.sestwo MX 10 feedback-smtp.eu-west-1.amazonses.com.sestwo
bounce.sestwo TXT "v=spf1 include:amazonses.com ~all"
bounce.sestwo TXT "v=spf1 ~all"
bounce.plain MX 10 feedback-smtp.eu-west-1.amazonses.com.
bounce.plain TXT "v=spf1 ip4:192.0.2.1"

bounce.semicolon TXT "v=spf1; ip4:192.0.2.10 ~all"
bounce.quoted TXT "\\"v=spf1 ip4:192.0.2.10 ~all\\""
_dmarc.semicolon TXT "p=none; v=DMARC1"
dmarc.quoted TXT "v=DMARC1; p=none"
_dmarc.closed TXT "v=DMARC1; p=maybe"
_dmarc.own.parent TXT "v=DMARC1 p=none"
bounce.own.parent MX 10 mx.gateway
"""
# In these, someone forgot final dots; in the last, all that is not there is answered by a wildcard.
UNDOTTED = {
    "target.test": f"bounce MX 10 {MX}\n",
    "owner.test": f"""\
bounce.owner.test MX 10 {MX}.
bounce.owner.test TXT "v=spf1 ip4:{GATEWAY} ~all"
_dmarc.owner.test TXT "v=DMARC1; p=none"
""",
    "wild.test": f"""\
bounce A 192.0.2.1
* MX 10 {MX}.
* TXT "v=spf1 ip4:{GATEWAY} ~all"
""",
}


@pytest.fixture(scope="module")
def nsd():
    with Nsd({"example": ZONE} | UNDOTTED) as server:
        yield server


@pytest.fixture
def own(laboratory, nsd, tmp_path):
    with gateway(laboratory, nsd, tmp_path / "postfix") as milter:
        yield milter


def examine(own, records, *arguments):
    own.import_records(records)
    return check(own, "--address", GATEWAY, *arguments, *records)


# The DNS: local identities

def test_all_is_right(own):
    result = examine(own, record("right.example", source="file"))
    found(result, "ok", "right.example: MX of bounce.right.example is MX 10 mx.gateway.example, "
                        "status Success")
    found(result, "ok", "SPF of bounce.right.example is pass for 192.0.2.10 by "
                        '"ip4:192.0.2.10" of "v=spf1 ip4:192.0.2.10 -all"')
    found(result, "ok", "DMARC of right.example is p=reject by right.example",
          "SPF of bounce.right.example aligns")


@pytest.mark.parametrize("name, status, words", [
    ("wrong", "Success", "is MX 10 mx.other.example"),
    ("two", "Success", "MX 20 mx.other.example"),
    ("null", "Success", "is null MX"),
    ("missing", "Success", "is NXDOMAIN"),
    ("wrong", "Pending", "status Pending"),
    ("wrong", "Failed", "then mailfromctl put"),
])
def test_a_wrong_mx_is_an_error(own, name, status, words):
    result = examine(own, record(f"{name}.example", status))
    line = found(result, "error", f"{name}.example: MX of bounce.{name}.example", words)
    advice = {"missing": "publish it (mailfromctl", "two": "remove MX 20 mx.other.example",
              "null": "publish it in place of null MX (mailfromctl records null.example)",
              "wrong": "publish it in place of MX 10 mx.other.example (mailfromctl"}[name]
    assert f"expected MX 10 {MX}; {advice}" in line
    assert result.code == 2


@pytest.mark.parametrize("name, words", [
    ("target", ["MX of bounce.target.test is MX 10 mx.gateway.example.target.test",
                "put a final dot behind the name of the host"]),
    ("owner", ["MX of bounce.owner.test is NXDOMAIN", "the record is at bounce.owner.test.owner.test: put "
               "a final dot behind bounce.owner.test in the zone file"]),
    ("wild", ["MX of bounce.wild.test is no MX", "; publish it (mailfromctl records wild.test)"]),
])
def test_an_mx_without_a_final_dot(own, name, words):
    attributes = record("right.example")["right.example"] | {"MailFromDomain": f"bounce.{name}.test"}
    found(examine(own, {f"{name}.test": attributes}), "error", f"{name}.test: ", *words)


@pytest.mark.parametrize("name, words", [
    ("owner.test", "bounce.owner.test has no SPF record, but there is one at "
                   "bounce.owner.test.owner.test; put a final dot behind bounce.owner.test"),
    ("owner.test", "owner.test has no DMARC record, but there is one at _dmarc.owner.test.owner.test; put"),
    ("wild.test", "bounce.wild.test has no SPF record; publish"),
    ("semicolon.example", 'bounce.semicolon.example has no SPF record, but the text "v=spf1; ip4:192.0.2.10 '
                          '~all" at bounce.semicolon.example has ";" behind v=spf1, where a space has to be; '
                          "mend that text"),
    ("quoted.example", "has quotation marks that belong to it; mend that text"),
    ("semicolon.example", "semicolon.example has no DMARC record, but the text \"p=none; v=DMARC1\" at "
                          "_dmarc.semicolon.example does not begin with v=DMARC1"),
    ("quoted.example", "quoted.example has no DMARC record, but there is one at dmarc.quoted.example; move "
                       "it to _dmarc.quoted.example"),
    ("own.parent.example", "has no DMARC record of its own, but the text \"v=DMARC1 p=none\" at "
                           "_dmarc.own.parent.example has no \";\" behind v=DMARC1"),
    ("closed.example", "p=maybe is not a policy; mend it: receivers pass over it"),
    ("two.example", "several DMARC records at _dmarc.two.example; remove all but one"),
])
def test_near_misses(own, name, words):
    attributes = record("right.example")["right.example"] | {"MailFromDomain": f"bounce.{name}"}
    found(examine(own, {name: attributes}), "warning", f"{name}: ", words)


@pytest.mark.parametrize("status, words", [
    ("Failed", "start anew: mailfromctl put right.example --mail-from-domain bounce.right.example "
               "--behavior-on-mx-failure RejectMessage"),
    ("Pending", "mailfromctl refresh right.example"),
    ("TemporaryFailure", "mailfromctl refresh right.example"),
])
def test_a_right_mx_that_the_store_does_not_know_of(own, status, words):
    result = examine(own, record("right.example", status, behavior="RejectMessage"))
    found(result, "warning", "MX of bounce.right.example", f"status {status}", words)


def test_any_of_the_expected_mx(own, nsd):
    settle(own, nsd, {"local": {"match": "any-of-these", "expected-mx": ["mx.a.example", MX]}})
    result = examine(own, record("two.example"))
    found(result, "ok", "MX of bounce.two.example is MX 10 mx.gateway.example, MX 20")


@pytest.mark.parametrize("name, level, words", [
    ("bare", "warning", 'has no SPF record; publish "v=spf1 ip4:192.0.2.10 ~all"'),
    ("closed", "error", 'is fail for 192.0.2.10 by "-all"'),
    ("soft", "warning", 'is softfail for 192.0.2.10 by "~all" of "v=spf1 ~all"; put ip4:192.0.2.10'),
    ("two", "error", "is permerror: bounce.two.example: several SPF records, and one is permitted, "
                     "expected one record; merge them into one with ip4:192.0.2.10, and remove the others"),
    ("many", "ok", "is pass for 192.0.2.10"),
    ("chain", "ok", 'is pass for 192.0.2.10 by "include:one.chain.example"'),
    ("open", "warning", 'authorises everybody: "v=spf1 +all"; put "ip4:192.0.2.10 ~all" in place of "+all"'),
])
def test_spf_of_a_local_identity(own, name, level, words):
    found(examine(own, record(f"{name}.example")), level, f"bounce.{name}.example", words)


def test_spf_with_too_many_lookups(own):
    own.import_records(record("many.example"))
    result = check(own, "--address", "192.0.2.99", "many.example")
    found(result, "error", "is permerror: bounce.many.example: more than 10 DNS lookups")


def test_each_address_is_checked(own):
    own.import_records(record("right.example"))
    result = check(own, "--address", GATEWAY, "--address", "2001:db8::1", "right.example")
    found(result, "ok", "bounce.right.example is pass for 192.0.2.10")
    found(result, "error", "bounce.right.example is fail for 2001:db8::1", 'put ip6:2001:db8::1 before "all"')


@pytest.mark.parametrize("name, words", [
    ("closed", 'is fail for 192.0.2.10, 2001:db8::1 by "-all" of "v=spf1 -all"; '
               'put ip4:192.0.2.10 ip6:2001:db8::1 before "all"'),
    ("bare", 'publish "v=spf1 ip4:192.0.2.10 ip6:2001:db8::1 ~all"'),
    ("open", 'put "ip4:192.0.2.10 ip6:2001:db8::1 ~all" in place of "+all"'),
])
def test_addresses_with_one_cause_are_one_advice(own, name, words):
    own.import_records(record(f"{name}.example"))
    result = check(own, "--address", GATEWAY, "--address", "2001:db8::1", f"{name}.example")
    assert result.text.count(f"SPF of bounce.{name}.example") + result.text.count("has no SPF") == 1
    assert words in result.text


@pytest.mark.parametrize("identity, level, words", [
    ("wrong.example", "warning", "with aspf=s: SPF of bounce.wrong.example cannot align, "
                                 "expected aspf=r; or see that DKIM aligns"),
    ("soft.example", "warning", "soft.example has no DMARC record"),
    ("two.example", "warning", "several DMARC records at _dmarc.two.example"),
    ("sub.parent.example", "ok", "is p=quarantine by parent.example"),
])
def test_dmarc(own, identity, level, words):
    found(examine(own, record(identity)), level, f"{identity}: ", words)


@pytest.mark.parametrize("identity, behavior, warned", [
    ("right.example", "UseDefaultValue", True), ("right.example", "RejectMessage", False),
    ("ses.example", "UseDefaultValue", False),
])
def test_the_default_domain_has_to_align_too(own, identity, behavior, warned):
    result = examine(own, record(identity, behavior=behavior))
    assert warned == ("mail leaves with bounce.default.example, whose SPF does not align" in result.text)


def test_an_address_is_judged_by_its_domain(own):
    attributes = record("right.example")["right.example"]
    result = examine(own, {"ann@right.example": attributes})
    found(result, "ok", "ann@right.example: DMARC of right.example is p=reject")


# The DNS: identities of SES

SES = {"ses": {"region": "eu-west-1"}}


@pytest.mark.parametrize("name, level, words", [
    ("ses", "ok", "MX of bounce.ses.example is MX 10 feedback-smtp.eu-west-1.amazonses.com"),
    ("ses", "ok", 'SPF of bounce.ses.example authorises SES: "v=spf1 include:amazonses.com ~all"'),
    ("region", "warning", "expected MX 10 feedback-smtp.eu-west-1.amazonses.com; SES passes"),
    ("region", "error", 'is softfail for SES by "~all"'),
    ("region", "error", '; put include:amazonses.com before "all"'),
    ("redirect", "ok", "SPF of bounce.redirect.example authorises SES"),
    ("sesopen", "warning", 'authorises everybody: "v=spf1 +all"; put "include:amazonses.com ~all" in place '
                           'of "+all"'),
    ("sesopen", "error", "expected MX 10 feedback-smtp.eu-west-1.amazonses.com; remove MX 20 mx.other.example"),
    ("sestwo", "error", "expected one record; merge them into one with include:amazonses.com, and remove the "
                        "others"),
    ("plain", "error", "; add include:amazonses.com to it"),
    ("nothing", "error", "bounce.nothing.example has no SPF record, expected one record with "
                         'include:amazonses.com before "all"; publish "v=spf1 include:amazonses.com ~all"'),
    ("right", "error", "expected MX 10 feedback-smtp.eu-west-1.amazonses.com"),
])
@pytest.mark.parametrize("source", ["ses", "file"])
def test_an_identity_of_ses(own, nsd, source, name, level, words):
    settle(own, nsd, SES)
    found(examine(own, record(f"{name}.example", source=source)), level, words)


def test_a_record_from_a_file_of_somebody_unknown(own, nsd):
    settle(own, nsd, {"local": {"expected-mx": []}})
    result = examine(own, record("wrong.example", source="file") | record("null.example", source="file"))
    found(result, "ok", "MX of bounce.wrong.example is MX 10 mx.other.example")
    found(result, "ok", "SPF of bounce.wrong.example", "whom it should authorise is not known here")
    found(result, "error", "MX of bounce.null.example is null MX", "expected exactly one MX; publish it")


# What the settings name

@pytest.mark.parametrize("domain, words", [
    ("bounce.missing.example", "MX of bounce.missing.example is NXDOMAIN, so bounces to it go elsewhere, "
                               f"expected MX 10 {MX}; publish it"),
    ("bounce.two.example", "; remove MX 20 mx.other.example"),
    ("bounce.outside.test", "MX of bounce.outside.test cannot be looked up: refused"),
])
def test_the_mx_of_the_default_domain(own, nsd, domain, words):
    own.import_records(record("right.example"))
    found(check(own), "ok", "default-mail-from-domain: MX of bounce.default.example is MX 10 mx.gateway.example")
    own.write_settings({"default-mail-from-domain": domain})
    found(check(own), "warning", "default-mail-from-domain: ", words)


def test_the_spf_of_the_default_domain(own):
    own.import_records(record("right.example"))
    found(check(own, "--address", GATEWAY), "ok", "default-mail-from-domain: SPF of bounce.default.example "
                                                  "is pass for 192.0.2.10")
    own.write_settings({"default-mail-from-domain": "bounce.closed.example"})
    found(check(own, "--address", GATEWAY), "error", "default-mail-from-domain: SPF of bounce.closed.example "
                                                     "is fail", "put ip4:192.0.2.10 before")


def test_the_default_domain_where_no_mx_is_expected(own, nsd):
    own.import_records(record("right.example", source="file"))
    own.write_settings({"local": {"expected-mx": [], "nameservers": [nsd.server]},
                        "default-mail-from-domain": "bounce.wrong.example"})
    result = check(own, "--address", GATEWAY)
    found(result, "ok", "default-mail-from-domain: MX of bounce.wrong.example is MX 10 mx.other.example")
    own.write_settings({"default-mail-from-domain": ""})
    assert "default-mail-from-domain: " not in check(own).text


def test_the_hosts_of_expected_mx_have_addresses(own, nsd):
    own.import_records(record("right.example"))
    settle(own, nsd, {"local": {"expected-mx": [MX, "mx.nowhere.example", "mx.outside.test"]}})
    result = check(own)
    found(result, "ok", f"expected-mx: {MX} has an address")
    found(result, "error", "expected-mx: mx.nowhere.example has no address", "mend its name in the settings")
    found(result, "warning", "expected-mx: whether mx.outside.test has an address cannot be looked up")


@pytest.mark.parametrize("addresses", [[], ["--address", GATEWAY]])
def test_records_and_check_agree(own, addresses):
    """On how an SPF record ends."""
    own.import_records(record("bare.example"))
    printed = own.ctl("records", "bare.example", *addresses).stdout
    advised = check(own, "--address", GATEWAY).text
    assert "~all" in printed and "-all" not in printed
    assert '~all"' in advised


# The rules

def test_a_mail_from_domain_that_is_an_identity_too(own):
    own.import_records(record("right.example") | {"bounce.right.example": {
        "BehaviorOnMXFailure": "UseDefaultValue"}})
    result = check(own, "--address", GATEWAY)
    found(result, "warning", "its MAIL FROM domain bounce.right.example is an identity too")


def test_states_of_an_identity(own):
    result = examine(own, record("right.example", Verified=False, LastError="Throttling: slow down")
                     | {"none.example": {"BehaviorOnMXFailure": "UseDefaultValue"}})
    found(result, "warning", "right.example: is not verified")
    found(result, "warning", "right.example: the last refresh failed: Throttling: slow down")
    found(result, "warning", "none.example: has no custom MAIL FROM domain; see mailfromctl put")


def test_an_identity_that_is_not_there(own):
    own.import_records(record("right.example"))
    result = check(own, "nobody.example")
    found(result, "error", "nobody.example: NotFound")
    assert "right.example" not in result.text


def test_only_so_many_unless_all_are_wanted(own):
    own.import_records({f"i{number}.right.example": {
        "MailFromDomain": f"bounce.i{number}.right.example", "MailFromDomainStatus": "Success",
        "BehaviorOnMXFailure": "UseDefaultValue"} for number in range(103)})
    found(check(own, "--address", GATEWAY), "ok", "identities: 3 more with a MAIL FROM domain are left out")
    assert check(own, "--address", GATEWAY, "--all").text.count(".right.example: MX of") == 103


# The resolver

def test_a_resolver_that_is_down_is_one_error(own, nsd):
    port = free_port()
    settle(own, nsd, {"local": {"nameservers": [f"127.0.0.1:{port}"]}})
    own.import_records(record("right.example") | record("wrong.example") | record("two.example"))
    result = check(own, "--address", GATEWAY)
    found(result, "error", f"dns: no answer from 127.0.0.1:{port}; it is not asked any more")
    assert "MX of" not in result.text and "DMARC" not in result.text


@contextmanager
def deaf_to(nsd, domain):
    """A nameserver that says nothing of what is in one domain, as when its servers are down."""
    wanted = b"".join(bytes([len(label)]) + label.encode() for label in domain.split(".")) + b"\0"
    host, _, port = nsd.server.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as behind:
        sock.bind(("127.0.0.1", 0))
        behind.connect((host, int(port)))

        def serve():
            while True:
                query, client = sock.recvfrom(4096)
                if not query:
                    return
                if wanted not in query.lower():
                    behind.send(query)
                    sock.sendto(behind.recv(65536), client)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{sock.getsockname()[1]}"
        sock.sendto(b"", sock.getsockname())
        thread.join()


def test_one_domain_that_is_silent_does_not_silence_the_others(own, nsd):
    own.import_records(record("aa.wrong.example") | record("right.example"))
    with deaf_to(nsd, "wrong.example") as server:
        settle(own, nsd, {"local": {"nameservers": [server], "timeout": "200ms"}})
        result = check(own, "--address", GATEWAY)
    found(result, "warning", "MX of bounce.aa.wrong.example cannot be looked up: timeout")
    found(result, "ok", "MX of bounce.right.example is MX 10 mx.gateway.example")
    assert "dns: " not in result.text


def test_a_resolver_that_is_silent_is_asked_three_times(own, nsd):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        settle(own, nsd, {"local": {"nameservers": [server], "timeout": "200ms"}})
        own.import_records({f"i{number}.right.example": {
            "MailFromDomain": f"bounce.i{number}.right.example",
            "BehaviorOnMXFailure": "UseDefaultValue", "MailFromDomainStatus": "Success"}
            for number in range(50)})
        started = time.monotonic()
        result = check(own, "--address", GATEWAY)
        assert time.monotonic() - started < 10
    found(result, "error", f"dns: no answer from {server}")


def test_an_answer_that_says_nothing_is_a_warning(own, nsd):
    own.import_records({"outside.test": {
        "MailFromDomain": "bounce.outside.test", "MailFromDomainStatus": "Success",
        "BehaviorOnMXFailure": "UseDefaultValue"}})
    result = check(own, "--address", GATEWAY)
    found(result, "warning", "MX of bounce.outside.test cannot be looked up: refused by")
    found(result, "warning", "SPF of bounce.outside.test is temperror")
    found(result, "warning", "DMARC of outside.test: _dmarc.outside.test: refused")


# The gateway

def test_nothing_is_wrong(own):
    own.import_records(record("right.example", source="file", behavior="RejectMessage"))
    own.use()
    result = check(own, "--address", GATEWAY)
    assert result.code == 0, result.text
    found(result, "ok", "store", "has 1 record, none out of date")
    found(result, "ok", own.socket, "somebody listens there")
    found(result, "ok", "postfix: its user postfix may connect to the socket")
    leads_here(result)
    assert check(own, "--address", GATEWAY, "--quiet").text == "12 ok, 0 warnings, 0 errors\n"


def test_the_exit_code_is_1_for_warnings(own):
    own.import_records(record("soft.example", source="file"))
    own.use()
    assert check(own, "--address", GATEWAY).code == 1


def test_a_store_that_is_missing(own):
    found(check(own), "error", f"store: there is no store in {own.store}")


def test_a_store_that_is_empty(own):
    own.import_records(record("right.example"))
    assert own.ctl("remove", "right.example").returncode == 0
    found(check(own), "error", "has no record, so the milter does what on-unavailable says")


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def test_records_that_are_stale_or_expired(own, nsd):
    settle(own, nsd, SES)
    own.import_records(record("ses.example", source="ses", RefreshAfter=moment(-7200),
                              ExpireAfter=moment(86400)))
    result = check(own)
    found(result, "warning", "store: 1 of 1 record is due since up to 2h")
    found(result, "error", "mailfrom-sync: does not run, so records do not follow SES")
    own.import_records(record("ses.example", source="ses", ExpireAfter=moment(-60)))
    found(check(own), "error", "store: 1 of 1 record has expired", "mailfromctl refresh")


def test_local_records_and_nobody_to_look_them_up(own, nsd):
    own.import_records(record("right.example"))
    found(check(own), "error", "mailfrom-sync: does not run, so records do not follow the DNS")
    settle(own, nsd, {"local": {"expected-mx": []}})
    found(check(own), "error", "settings: 1 local record has a MAIL FROM domain, and nothing is looked up, "
                               "expected expected-mx in section local")


def test_a_section_that_is_gone(own):
    own.import_records(record("ses.example", source="ses", Section="old"))
    found(check(own), "error", 'settings: 1 record is of ses "old", which is not there')


def test_a_store_that_the_milter_cannot_read(own, nsd):
    settle(own, nsd, {"milter": {"user": "mail"}})
    own.import_records(record("right.example"))
    found(check(own), "error", f"store: the milter's user mail may not use it: {own.store} has mode 2750, "
                               "owner root, group root")
    for path in (own.store, *(f"{own.store}/{name}" for name in os.listdir(own.store))):
        shutil.chown(path, group="mail")
    found(check(own), "ok", "store: the milter's user mail may use it")
    shutil.chown(f"{own.store}/data.mdb", "mail")
    found(check(own), "warning", "store: the milter's user mail may write to it", "close-store")
    shutil.chown(own.store, "mail")
    found(check(own), "warning", "store: the milter's user mail owns it", f"chown -R USER {own.store}")
    shutil.chown(own.store, "root")
    settle(own, nsd, {"milter": {"user": "nobody-of-that-name"}})
    found(check(own), "error", 'there is no user "nobody-of-that-name"')


# The socket

def path_of(milter):
    return milter.socket.partition(":")[2]


def test_a_socket_that_is_missing(own):
    found(check(own), "error", own.socket, "there is no such socket; start mailfrom-milter")


def test_a_socket_where_nobody_listens(own):
    own.use()
    own.kill()
    found(check(own), "error", own.socket, "nobody can connect: Connection refused")


def test_a_file_that_is_no_socket(own):
    with open(path_of(own), "w", encoding="ascii"):
        found(check(own), "error", own.socket, "is not a socket")


def test_a_socket_with_a_full_backlog_does_not_hang(own):
    with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as waiting:
        full.bind(path_of(own))
        full.listen(0)
        waiting.connect(path_of(own))
        found(check(own), "error", own.socket, "nobody can connect")


@pytest.mark.parametrize("mode, group, may", [
    ("0660", "postfix", True), ("0660", "mail", False), ("0600", "postfix", False), ("0666", "mail", True),
])
def test_mode_and_group_decide_whether_postfix_may_connect(own, mode, group, may):
    own.use({"milter": {"socket-mode": mode, "socket-group": group}})
    line = found(check(own), "ok" if may else "error", "postfix: its user postfix may")
    assert may or f"{path_of(own)} has mode {mode}, owner root, group {group}; set socket-group" in line


def test_a_directory_above_the_socket_that_is_closed(own):
    own.use()
    os.chmod(own.base, 0o700)
    found(check(own), "error", "postfix: its user postfix may not connect",
          f"{own.base} has mode 0700, owner root, group root; move the socket to a directory that "
          "postfix may enter")


def test_an_inet_socket(own):
    port = free_port()
    own.socket = f"inet:{port}@127.0.0.1"
    own.write_settings({"milter": {"socket": own.socket}})
    postfix(own, f"inet:localhost:{port}")
    found(check(own), "error", own.socket, "nobody can connect: Connection refused")
    own.use({"milter": {"socket": own.socket}})
    result = check(own)
    found(result, "ok", own.socket, "somebody listens there")
    leads_here(result)
    assert "other hosts may connect" not in result.text


def test_an_inet_socket_for_all_the_world(own):
    own.write_settings({"milter": {"socket": f"inet:{free_port()}"}})
    found(check(own), "warning", "other hosts may connect")


def test_a_socket_of_systemd(own):
    own.write_settings({"milter": {"socket": "fd:3"}})
    found(check(own), "ok", "fd:3: passed by systemd")


# Postfix

def leads_here(result):
    found(result, "ok", "postfix smtp/inet: smtpd_milters leads to this milter")
    found(result, "ok", "postfix pickup/unix: non_smtpd_milters leads to this milter")


def test_a_chrooted_smtpd_looks_elsewhere(own):
    """What everybody stumbles over: main.cf has the very path, and it is another file."""
    postfix(own, chroot="y")
    result = check(own)
    line = found(result, "error", "postfix smtp/inet, pickup/unix: smtpd_milters has unix:",
                 f"which is {own.base}/spool{path_of(own)} since the service is chrooted, ")
    assert f'and socket = "unix:{own.base}/spool/mailfrom-milter/milter.sock", or n in' in line


def test_a_socket_within_the_chroot(own):
    directory = f"{own.base}/spool/mailfrom-milter"
    os.makedirs(directory)
    inside = f"unix:{directory}/milter.sock"
    own.use({"milter": {"socket": inside}})
    postfix(own, "unix:mailfrom-milter/milter.sock", chroot="y")
    leads_here(check(own))
    postfix(own, "unix:/mailfrom-milter/milter.sock", chroot="y")
    leads_here(check(own))
    postfix(own, inside, chroot="y")
    found(check(own), "error", "postfix smtp/inet, pickup/unix: ",
          "expected smtpd_milters = unix:mailfrom-milter/milter.sock and non_smtpd_milters = "
          "$smtpd_milters; put that into main.cf")


def test_a_main_cf_that_names_another_socket(own):
    postfix(own, "unix:/run/old/socket")
    found(check(own), "error", "postfix smtp/inet", "smtpd_milters has unix:/run/old/socket",
          f"expected smtpd_milters = {own.socket} and ")


def test_other_milters_stay_in_the_line_that_is_advised(own):
    postfix(own, "inet:127.0.0.1:8891, { unix:/run/mailfrom/old, default_action=tempfail }")
    found(check(own), "error", f"expected smtpd_milters = inet:127.0.0.1:8891, {{ {own.socket}, "
                               "default_action=tempfail }")


@pytest.mark.parametrize("runs", [True, False])
def test_the_same_socket_by_a_symbolic_link(own, runs, tmp_path):
    """Not one more to add: the milter would see each message twice."""
    if runs:
        own.use()
        (tmp_path / "link").symlink_to(path_of(own))
        postfix(own, f"unix:{tmp_path}/link")
        leads_here(check(own))
    (tmp_path / "run").symlink_to(own.base)
    postfix(own, f"unix:{tmp_path}/run/{os.path.basename(path_of(own))}")
    leads_here(check(own))
    result = sendmail(own, f"Xmine, S=unix:{tmp_path}/run/{os.path.basename(path_of(own))}, F=T\n"
                           "O InputMailFilters=mine\n", tmp_path)
    found(result, "ok", "the filter mine leads to this milter")


def test_a_link_does_not_lead_out_of_the_chroot(own):
    os.makedirs(f"{own.base}/spool")
    os.symlink(own.base, f"{own.base}/spool/mailfrom-milter")
    postfix(own, f"unix:mailfrom-milter/{os.path.basename(path_of(own))}", chroot="y")
    found(check(own), "error", "postfix smtp/inet, pickup/unix: ", "since the service is chrooted")
    postfix(own, f"unix:mailfrom-milter/{os.path.basename(path_of(own))}")
    leads_here(check(own))


def test_a_main_cf_that_does_not_know_of_milters(own):
    postfix(own, "")
    found(check(own), "warning", "postfix smtp/inet, pickup/unix: neither smtpd_milters nor "
                                 "non_smtpd_milters names this milter",
          f"expected smtpd_milters = {own.socket} and non_smtpd_milters = $smtpd_milters")
    postfix(own, "inet:127.0.0.1:8891")
    found(check(own), "warning", f"smtpd_milters = inet:127.0.0.1:8891, {own.socket}")
    postfix(own, f"inet:127.0.0.1:8891, {{ {own.socket}, default_action=tempfail }}", "")
    found(check(own), "warning", "postfix pickup/unix: non_smtpd_milters does not name this milter, "
                                 "so mail of sendmail(1)")


def test_a_service_with_milters_of_its_own(own):
    postfix(own, "", own.socket, submission=f"-o smtpd_milters={own.socket}")
    result = check(own)
    found(result, "ok", "postfix submission/inet: smtpd_milters leads to this milter")
    found(result, "warning", "postfix smtp/inet: smtpd_milters does not name this milter")
    postfix(own, submission="-o smtpd_milters=unix:/run/mailfrom-milter/old")
    result = check(own)
    found(result, "error", "postfix submission/inet: smtpd_milters has unix:/run/mailfrom-milter/old",
          f"postconf -P 'submission/inet/smtpd_milters={own.socket}'")
    leads_here(result)


@pytest.mark.parametrize("options, level, words", [
    ("-o smtpd_milters=", "warning",
     "smtpd_milters in master.cf does not name this milter, so mail that comes in there does not "
     "meet it; postconf -PX submission/inet/smtpd_milters"),
    ("-o smtpd_milters=inet:127.0.0.1:8891", "warning", "does not name this milter"),
    ("-o receive_override_options=no_address_mappings,no_milters", "warning",
     "receive_override_options in master.cf has no_milters"),
    ("-o milter_default_action=accept", "warning",
     "milter_default_action is accept, so mail leaves with its old sender while the milter is away, "
     "expected milter_default_action=tempfail"),
    ("-o milter_default_action=reject", "warning", "so mail is refused for good while"),
    ("-o milter_protocol=2", "error", "milter_protocol is 2, and a milter can change the sender from 6"),
    ("-o smtpd_milter_maps=cidr:/etc/postfix/milters", "warning", "may give a client other milters"),
    ("-o smtpd_milters={{own.socket},protocol=4}", "error", "protocol is 4"),
    ("-o smtpd_milters={{own.socket},default_action=quarantine}", "warning",
     "default_action is quarantine"),
])
def test_each_listener_is_judged_by_itself(own, options, level, words):
    postfix(own, submission=options.replace("{own.socket}", own.socket))
    result = check(own)
    found(result, level, "postfix submission/inet: ", words)
    leads_here(result)


def test_a_parameter_of_main_cf_is_one_cause(own):
    postfix(own, main_cf=MAIN_CF + "milter_default_action = accept\n", submission="", smtps="")
    result = check(own)
    found(result, "warning", "postfix smtp/inet, pickup/unix, submission/inet, smtps/inet: "
                             "milter_default_action is accept")
    assert "leads to this milter" not in result.text
    postfix(own, f"{{ {own.socket}, default_action=tempfail }}",
            main_cf=MAIN_CF + "milter_default_action = accept\n")
    leads_here(check(own))


def test_mail_of_sendmail_goes_by_the_cleanup_of_pickup(own):
    postfix(own, "", own.socket)
    with open(f"{own.postfix}/master.cf", "a", encoding="ascii") as file:
        file.write("other unix n - n - 0 cleanup\n  -o non_smtpd_milters=\n"
                   "qmqp inet n - n - - qmqpd\n  -o cleanup_service_name=other\n")
    result = check(own)
    found(result, "ok", "postfix pickup/unix: non_smtpd_milters leads")
    found(result, "warning", "postfix qmqp/inet: non_smtpd_milters in master.cf does not name")


@pytest.mark.parametrize("off", ["receive_override_options=no_milters", "smtpd_milters="])
def test_the_way_back_from_a_content_filter(own, off):
    port = "127.0.0.1:10026"
    postfix(own, **{port: f"-o {off}"})
    found(check(own), "warning", f"postfix {port}/inet: ", "does not meet")
    postfix(own, main_cf=MAIN_CF + "content_filter = scan:[127.0.0.1]:10024\n",
            **{port: f"-o {off} -o content_filter="})
    found(check(own), "ok", f"postfix {port}/inet: ", "take mail back")


def test_monitor_mode(own, nsd):
    settle(own, nsd, {"milter": {"mode": "monitor"}})
    found(check(own), "warning", 'settings: mode is "monitor", so mail passes as it is')


def test_a_main_cf_that_cannot_be_read(own):
    os.remove(f"{own.postfix}/main.cf")
    found(check(own), "error", "postfix: postconf fails")


# Sendmail

def sendmail(own, text, tmp_path):
    file = tmp_path / "sendmail.cf"
    file.write_text(text)
    done = own.ctl("check", "--postfix-config", own.postfix, "--sendmail-cf", str(file))
    return SimpleNamespace(text=done.stdout, lines=done.stdout.splitlines())


@pytest.mark.parametrize("text, level, words", [
    ("O InputMailFilters=other, mine\nXmine, S={socket}, F=T, T=S:10s\n", "ok", "the filter mine leads"),
    ("Xmine, S={socket}, F=T\nO DaemonPortOptions=Port=25, InputFilter=mine\n", "ok", "the filter mine leads"),
    ("Xmine, S={socket}\nO InputMailFilters=mine\n", "warning", "mine has no F=, so mail passes while"),
    ("Xmine, S={socket}, F=T\nO InputMailFilters=miner\n", "warning", "mine leads to this milter, and is not used"),
    ("Xmine, S=unix:/run/other, F=T\nO InputMailFilters=mine\n", "warning", "INPUT_MAIL_FILTER(`mailfrom-milter', `S={socket}"),
    ("", "warning", "leads to this milter"),
    ("Xmine, S={socket}, F=R\nO InputMailFilters=mine\n", "warning", "mine has F=R, so mail is refused for good"),
    ("Xmine, S={socket}, F=4\nO InputMailFilters=mine\n", "ok", "the filter mine leads"),
    ("Xmine, S={socket}, F=T\nO InputMailFilters=mine\nO InputMailFilters=other\n", "warning", "is not used"),
])
def test_filters_of_sendmail(own, tmp_path, text, level, words):
    result = sendmail(own, text.format(socket=own.socket), tmp_path)
    found(result, level, "sendmail", words.format(socket=own.socket))


def test_each_daemon_of_sendmail_is_judged_by_itself(own, tmp_path):
    result = sendmail(own, f"""\
O DaemonPortOptions=Name=MTA, Family=inet
O DaemonPortOptions=Name=MTA6, Family=inet6
O DaemonPortOptions=Name=MSA, Port=587, M=Ea, InputMailFilters=other
O DaemonPortOptions=Port=465, M=s, I=
O DaemonPortOptions=Name=TLS, InputMailFilters=other;mine, Port=466
O InputMailFilters=mine, other
Xmine, S={own.socket}, F=T
Xother, S=inet:1@127.0.0.1, F=T
""", tmp_path)
    found(result, "ok", "sendmail MTA, MTA6: the filter mine leads to this milter")
    found(result, "warning", "sendmail MSA: its own filters (other) do not include mine")
    found(result, "warning", "sendmail 465: its own filters (none) do not include mine")
    found(result, "ok", "sendmail TLS: the filter mine leads to this milter")


def test_sendmail_refuses_a_directory_that_others_may_write_to(own, tmp_path):
    text = f"Xmine, S={own.socket}, F=T\nO InputMailFilters=mine\n"
    assert "unsafe" not in sendmail(own, text, tmp_path).text
    os.chmod(own.base, 0o775)
    found(sendmail(own, text, tmp_path), "error", "sendmail: it refuses the socket as unsafe",
          f"{own.base} has mode 0775", f"; chmod go-w {own.base}")


@pytest.mark.parametrize("mode, path", [(0o1777, "milter.sock"), (0o775, "inner/milter.sock")])
def test_a_directory_that_is_not_for_the_socket_alone_stays_as_it_is(own, tmp_path, mode, path):
    shared = f"{own.base}/shared"
    os.makedirs(f"{shared}/inner")
    os.chmod(shared, mode)
    own.write_settings({"milter": {"socket": f"unix:{shared}/{path}"}})
    result = sendmail(own, f"Xmine, S=unix:{shared}/{path}, F=T\nO InputMailFilters=mine\n", tmp_path)
    line = found(result, "error", f"{shared} has mode {mode:04o}", f"leave {shared} as it is, and move")
    assert "chmod" not in line


def test_the_mtas_of_the_laboratory(laboratory, milter):
    """Configurations that really work; the second port of each has a milter of its own."""
    directory = f"{laboratory.base}/sendmail"
    cf = next(f"{directory}/{name}" for name in os.listdir(directory) if name.endswith(".cf"))
    done = milter.ctl("check", "--postfix-config", laboratory.mtas["postfix"].config,
                      "--sendmail-cf", cf, "plain.example")
    result = SimpleNamespace(text=done.stdout, lines=done.stdout.splitlines())
    found(result, "ok", "sendmail MTA: the filter first leads to this milter")
    found(result, "warning", "sendmail MTA2: its own filters (second) do not include first")
    found(result, "ok", f"postfix 127.0.0.1:{laboratory.mtas['postfix'].port}/inet: smtpd_milters leads")
    found(result, "ok", "postfix pickup/unix: non_smtpd_milters leads")


# The command line

def test_json(own):
    own.import_records(record("right.example") | record("wrong.example"))
    done = check(own, "--json", "--address", GATEWAY)
    document = json.loads(done.text)
    assert document.keys() == {"findings", "ok", "warnings", "errors"}
    for level, count in (("ok", "ok"), ("warning", "warnings"), ("error", "errors")):
        assert sum(one["level"] == level for one in document["findings"]) == document[count] > 0
    one, = (one for one in document["findings"]
            if one["subject"] == "wrong.example" and one["check"] == "mx")
    assert one == {
        "level": "error", "subject": "wrong.example", "check": "mx",
        "found": "MX of bounce.wrong.example is MX 10 mx.other.example, status Success",
        "expected": f"MX 10 {MX}", "advice": "publish it in place of MX 10 mx.other.example (mailfromctl records wrong.example)"}
    assert done.code == 2


@pytest.mark.parametrize("arguments", [
    ["--address", "192.0.2"], ["--address"], ["--address", "mx.example"], ["--nonsense"],
    ["--json=1"],
])
def test_wrong_usage(own, arguments):
    done = own.ctl("check", *arguments)
    assert done.returncode == EX_USAGE and done.stdout == "" and done.stderr.count("\n") == 1


def test_what_is_no_identity(own):
    assert own.ctl("check", "not an identity").returncode == EX_DATAERR


def test_settings_that_are_wrong(own):
    own.write_settings_text("nonsense\n")
    assert own.ctl("check").returncode == EX_CONFIG


def test_without_addresses_those_of_the_host(own):
    """Or a warning that there are none: either is right, depending on where this runs."""
    own.import_records(record("open.example", source="file"))
    result = check(own)
    found(result, "warning", "authorises everybody")
    assert ("give --address IP" in result.text) == ("addresses: " in result.text)
