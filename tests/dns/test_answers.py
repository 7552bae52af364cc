# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What a real NSD says, and what becomes of it."""

import pytest

from lab.nsd import Nsd

JUDGED = {
    "right.example.com": "found: MX 10 mx.example.net",
    "two.example.com": "gone: MX 10 mx.example.net, MX 20 mx2.example.net",
    "wrong.example.com": "gone: MX 10 mx.elsewhere.example",
    "plain.example.com": "gone: no MX",
    "missing.example.com": "gone: NXDOMAIN",
    "null.example.com": "gone: null MX",
    "upper.example.com": "found: MX 10 mx.example.net",
    "RIGHT.Example.COM": "found: MX 10 mx.example.net",
    "xn--bcher-kva.example.com": "gone: MX 10 mx.xn--bcher-kva.example",
    "alias.example.com": "found: MX 10 mx.example.net",
    "away.example.com": "found: MX 10 mx.example.net",
    "nowhere.example.com": "gone: NXDOMAIN",
    "bare.example.com": "gone: no MX",
    "chain4.example.com": "found: MX 10 mx.example.net",
    "any.wild.example.com": "found: MX 10 mx.example.net",
}


def test_an_mx_is_judged(driver, nsd):
    answers = driver.ask([nsd.server], *("mx/" + name for name in JUDGED))
    assert {name: answers["mx/" + name].judged for name in JUDGED} == JUDGED


@pytest.mark.parametrize("name, text", [
    ("broken.example", "SERVFAIL from"),
    ("elsewhere.example", "refused by"),
    ("outside.example.com", "refused by"),
    ("chain3.example.com", "unintelligible answer from"),
    ("loop1.example.com", "unintelligible answer from"),
])
def test_what_says_nothing_is_unclear(driver, nsd, name, text):
    assert driver.ask([nsd.server], "mx/" + name).judged == f"unclear: {text} {nsd.server}"


@pytest.mark.parametrize("name", ["a..example.com", ".", "example.com.", 64 * "a" + ".com",
                                  "\xc3.example", "a\\.example", ".example", 64 * "abc." + "com"])
def test_nobody_is_asked_for_what_is_no_name(driver, standin, name):
    answer = driver.ask([standin.server], "txt/" + name, options=())
    assert (answer.result, answer.servers) == ("malformed", "")
    assert standin.asked == []


def test_an_empty_name_is_no_name(driver, standin):
    assert driver.ask([standin.server], "mx/").judged == "unclear: a name that cannot be asked for"


@pytest.mark.parametrize("match, expected, judged", [
    ("exactly-one", ["mx.example.net", "mx2.example.net"], "gone"),
    ("only-these", ["mx.example.net", "mx2.example.net"], "found"),
    ("only-these", ["mx.example.net"], "gone"),
    ("any-of-these", ["mx2.example.net"], "found"),
    ("any-of-these", ["mx3.example.net"], "gone"),
])
def test_matches(driver, nsd, match, expected, judged):
    options = ["-m", match] + [word for host in expected for word in ("-e", host)]
    answer = driver.ask([nsd.server], "mx/two.example.com", options=options)
    assert answer.judged.split(":")[0] == judged


def test_odd_hosts_never_look_like_others(driver, nsd):
    answer = driver.ask([nsd.server], "mx/odd.example.com")
    assert answer.records == ["10 \\xC3\\xBC.example.net", "10 a\\.b.example.net"]


@pytest.mark.parametrize("question, records", [
    ("a/plain.example.com", ["0 192.0.2.1", "0 192.0.2.2"]),
    ("aaaa/plain.example.com", ["0 2001:db8::1"]),
    ("ptr/1.2.0.192.in-addr.arpa", ["0 host.example.com"]),
    ("ptr/2.2.0.192.in-addr.arpa", ["0 classless.example.com"]),
    ("txt/text.example.com", ["0 v=spf1 include:example.net -all"]),
    ("txt/octets.example.com", ["0 a\\xC3\\xBCb\\x00\"c\\"]),
])
def test_other_types(driver, nsd, question, records):
    answer = driver.ask([nsd.server], question, options=())
    assert answer.result == "found" and sorted(answer.records) == records


@pytest.mark.parametrize("name, records", [("many", 40), ("too-many", 64)])
def test_many_records_come_over_tcp(driver, nsd, name, records):
    answer = driver.ask([nsd.server], f"mx/{name}.example.com")
    assert len(answer.records) == records
    assert answer.truncated == str(int(records == 64))
    assert answer.judged.startswith("gone: MX 1 ") and " more" in answer.judged
    assert len(answer.judged) <= len("gone: ") + 200


def test_long_texts(driver, nsd):
    answers = driver.ask([nsd.server], "txt/long.example.com", "txt/longest.example.com")
    assert answers["txt/long.example.com"].records == \
        ["0 " + "".join(250 * letter for letter in "abcdefgh")]
    assert answers["txt/longest.example.com"].records == ["0 " + 4096 * "x"]


def test_a_thousand_questions_at_once(driver, nsd):
    summary = driver.run("-s", nsd.server, "-t", "20000", "-n", "1000", "-o", "1000",
                         "mx/wild.example.com")[0]
    assert summary.found == "1000"


def test_over_ipv6(driver, nsd):
    if not nsd.server_ipv6:
        pytest.skip("no IPv6 here")
    answer = driver.ask([nsd.server_ipv6], "mx/right.example.com")
    assert (answer.result, answer.servers) == ("found", nsd.server_ipv6)


def test_a_zone_that_changes(driver):
    with Nsd({"changing.example": "@ MX 10 mx.elsewhere.example.\n"}) as nsd:
        def judged():
            return driver.ask([nsd.server], "mx/changing.example").judged
        assert judged() == "gone: MX 10 mx.elsewhere.example"
        nsd.publish("changing.example", "@ MX 10 mx.example.net.\n")
        assert judged() == "found: MX 10 mx.example.net"
        nsd.stop()
        assert judged() == f"unclear: no connection to {nsd.server}"
        nsd.publish("new.example", "@ MX 10 mx.example.net.\n")
        assert driver.ask([nsd.server], "mx/new.example").result == "found"
        nsd.withdraw("changing.example")
        assert judged() == f"unclear: refused by {nsd.server}"
