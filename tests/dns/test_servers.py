# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Servers that fail, lie or are silent, and what several servers are good for."""

import contextlib
import subprocess
import threading
import time

import pytest

from lab.process import free_port
from standin.dns import Dns

RIGHT = "mx/right.example"
FOUND = "found: MX 10 mx.example.net"


@pytest.fixture
def other():
    with Dns({"right.example": ["MX 10 mx.example.net"]}) as server:
        yield server


@pytest.fixture
def nobody():
    """A server that does not listen."""
    return f"127.0.0.1:{free_port()}"


@pytest.mark.parametrize("mode, text", [
    ("servfail", "SERVFAIL from"),
    ("refused", "refused by"),
    ("notimp", "refused by"),
    ("formerr", "refused by"),
    ("referral", "refused by"),
    ("echo", "unintelligible answer from"),
    ("cut", "unintelligible answer from"),
    ("cut-off", "unintelligible answer from"),
    ("portal", "unintelligible answer from"),
    ("other-owner", "unintelligible answer from"),
])
def test_what_a_server_may_say(driver, standin, mode, text):
    standin.mode = mode
    assert driver.ask([standin.server], RIGHT).judged == f"unclear: {text} {standin.server}"


@pytest.mark.parametrize("mode", ["drop", "garbage"])
def test_silence_ends_with_the_timeout(driver, standin, mode):
    standin.mode = mode
    answer = driver.ask([standin.server], RIGHT, milliseconds=600)
    assert answer.judged == f"unclear: timeout from {standin.server}"
    assert standin.count() == 3


def test_the_timeout_is_for_the_whole_question(driver, standin):
    """The last attempt, which begins at 3 s, does not get 4.5 s more."""
    standin.mode = "drop"
    begin = time.monotonic()
    answer = driver.ask([standin.server], RIGHT, milliseconds=4500)
    assert answer.judged == f"unclear: timeout from {standin.server}"
    assert 4.4 < time.monotonic() - begin < 7


@pytest.mark.parametrize("mode", ["wrong-id", "wrong-question", "wrong-source"])
def test_a_forged_answer_is_ignored(driver, standin, mode):
    standin.mode = mode
    assert driver.ask([standin.server], RIGHT).judged == FOUND


def test_a_truncated_answer_is_fetched_over_tcp(driver, standin):
    standin.mode = "truncate"
    assert driver.ask([standin.server], RIGHT).judged == FOUND
    assert [asked[2] for asked in standin.asked] == ["udp", "tcp"]


def test_a_server_that_does_not_know_edns(driver, standin):
    standin.mode = "no-edns"
    assert driver.ask([standin.server], RIGHT).judged == FOUND
    assert standin.payloads == [1232, None]


@pytest.mark.parametrize("mode, payloads", [("drop-edns", [1232, 1232, None]),
                                            ("formerr-edns", [1232, None]),
                                            ("notimp-edns", [1232, None]),
                                            ("badvers-edns", [1232, None])])
def test_a_firewall_that_does_not_like_edns(driver, standin, mode, payloads):
    standin.mode = mode
    assert driver.ask([standin.server], RIGHT, milliseconds=1500).judged == FOUND
    assert standin.payloads == payloads


@pytest.mark.parametrize("mode", ["drop-edns", "notimp-edns"])
def test_what_was_learned_of_edns_is_used(driver, standin, mode):
    """Only those that are asked before the first answer have to find out."""
    standin.mode = mode
    [summary] = driver.run("-s", standin.server, "-t", 900, "-n", 1200, "-o", 5, "mx/wild.example")
    assert summary.NXDOMAIN == "1200"
    assert 1000 < standin.payloads.count(None) <= 1200
    assert float(summary.seconds) < 5


def test_records_of_other_names_do_not_count(driver, standin):
    standin.records["bare.example"] = ["TXT x"]
    standin.extra = [("other.example", "MX 20 mx.example.net")]
    assert driver.ask([standin.server], RIGHT).judged == FOUND
    assert driver.ask([standin.server], "mx/bare.example").judged == \
        f"unclear: unintelligible answer from {standin.server}"


def test_a_name_that_is_an_alias_is_asked_for(driver, standin):
    standin.records |= {"first.example": ["CNAME Second.example"],
                        "second.example": ["CNAME right.example"]}
    assert driver.ask([standin.server], "mx/first.example").judged == FOUND
    assert [asked[0] for asked in standin.asked] == \
        ["first.example", "second.example", "right.example"]


@pytest.mark.parametrize("length, judged", [(8, FOUND), (9, "unclear: unintelligible answer from")])
def test_a_chain_of_aliases_has_an_end(driver, standin, length, judged):
    names = [f"c{number}.example" for number in range(length)] + ["right.example"]
    standin.records |= {name: [f"CNAME {after}"] for name, after in zip(names, names[1:])}
    assert driver.ask([standin.server], "mx/c0.example").judged.startswith(judged)


def test_an_alias_that_is_no_name(driver, standin):
    standin.records["odd.example"] = ["CNAME a\xc3.example"]
    assert driver.ask([standin.server], "mx/odd.example").judged == \
        f"unclear: unintelligible answer from {standin.server}"


def test_nobody_listens(driver, nobody):
    assert driver.ask([nobody], RIGHT).judged == f"unclear: no connection to {nobody}"


def test_a_dead_server_and_a_good_one(driver, standin, nobody):
    answer = driver.ask([nobody, standin.server], RIGHT)
    assert (answer.judged, answer.servers) == (FOUND, standin.server)


@pytest.mark.parametrize("mode", ["drop", "servfail", "refused", "garbage", "cut", "portal",
                                  "other-owner"])
def test_a_bad_server_and_a_good_one(driver, standin, other, mode):
    standin.mode = mode
    answer = driver.ask([standin.server, other.server], RIGHT, milliseconds=3000)
    assert (answer.judged, answer.servers) == (FOUND, other.server)
    assert standin.count() == 1


def test_the_server_that_answers_is_asked_first(driver, standin, other):
    standin.mode = "drop"
    other.records |= {f"q{number}.wild.example": ["MX 10 mx.example.net"] for number in range(200)}
    summary = driver.run("-s", standin.server, "-s", other.server, "-t", "3000", "-n", "200",
                         "-o", "10", "mx/wild.example")[0]
    assert summary.found == "200"
    assert standin.count() <= 20


def test_two_servers_that_both_fail(driver, standin, other):
    standin.mode = other.mode = "servfail"
    assert driver.ask([standin.server, other.server], RIGHT).servers == \
        f"{standin.server},{other.server}"


def test_the_server_that_said_most_is_named(driver, standin, other, nobody):
    standin.mode = "drop"
    other.mode = "refused"
    answer = driver.ask([nobody, standin.server, other.server], RIGHT, milliseconds=900)
    assert answer.judged == f"unclear: refused by {other.server}"
    answer = driver.ask([nobody, standin.server], RIGHT, milliseconds=900)
    assert answer.judged == f"unclear: timeout from {standin.server}"


def test_an_answer_that_is_late_counts(driver, standin):
    standin.delay = 1.5
    assert driver.ask([standin.server], RIGHT, milliseconds=3000).judged == FOUND
    assert standin.count() == 2


def test_a_server_that_was_down_for_a_while(driver, standin):
    standin.mode = "drop"
    recovery = threading.Timer(0.5, setattr, (standin, "mode", "answer"))
    recovery.start()
    assert driver.ask([standin.server], RIGHT, milliseconds=6000).judged == FOUND
    recovery.join()
    assert standin.count() == 2


def test_many_questions_to_a_server_that_drops(driver, standin):
    standin.mode = "drop"
    summary = driver.run("-s", standin.server, "-t", "900", "-n", "1000", "mx/wild.example")[0]
    assert summary.timeout == "1000"


@pytest.mark.parametrize("mode, servers, count", [("drop", 5, 20), ("servfail", 5, 40),
                                                  ("truncate", 1, 100), ("answer", 1, 200)])
def test_the_rate_counts_queries_whatever_they_are_for(driver, mode, servers, count):
    with contextlib.ExitStack() as stack:
        standins = [stack.enter_context(Dns({}, mode=mode)) for _ in range(servers)]
        named = [word for standin in standins for word in ("-s", standin.server)]
        begin = time.monotonic()
        [summary] = driver.run(*named, "-t", 2000, "-r", 100, "-n", count, "mx/wild.example")
        seconds = time.monotonic() - begin
        sent = sum(standin.count() for standin in standins)
    assert sent <= (seconds + 0.25) * 100 + 1
    assert {"drop": summary.timeout, "servfail": summary.SERVFAIL}.get(
        mode, summary.NXDOMAIN) == str(count)


def test_a_low_rate_still_reaches_the_server_that_answers(driver, standin):
    with Dns(mode="drop") as silent:
        [summary] = driver.run("-s", silent.server, "-s", standin.server, "-t", 3000, "-r", 5,
                               "-n", 8, "mx/wild.example")
        assert summary.NXDOMAIN == "8"


def test_many_questions_to_nobody(driver, nobody):
    """Sending may swallow the error that another question would have got; that one times out."""
    summary = driver.run("-s", nobody, "-t", "900", "-n", "1000", "mx/wild.example")[0]
    assert int(summary.unreachable) + int(summary.timeout) == 1000
    assert int(summary.unreachable) > 0


def test_many_questions_over_tcp(driver, standin):
    standin.mode = "truncate"
    standin.records |= {f"q{number}.wild.example": ["MX 10 mx.example.net"]
                        for number in range(300)}
    summary = driver.run("-s", standin.server, "-t", "20000", "-n", "300", "-o", "100",
                         "mx/wild.example")[0]
    assert summary.found == "300"


def test_the_source_port_changes(driver, standin):
    standin.records |= {f"q{number}.wild.example": ["MX 10 mx.example.net"]
                        for number in range(1000)}
    summary = driver.run("-s", standin.server, "-t", "20000", "-n", "1000", "-o", "100",
                         "mx/wild.example")[0]
    assert summary.found == "1000"
    ports = standin.peers
    assert len(set(ports)) >= 4
    assert max(ports.count(port) for port in set(ports)) <= 250


LINK_LOCAL = """
import socket, subprocess, sys, threading
from standin.dns import FINAL, Query
subprocess.run("ip link set lo up && ip addr add fe80::1/64 dev lo nodad", shell=True, check=True)
server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
server.bind(socket.getaddrinfo("fe80::1%lo", 0, socket.AF_INET6, socket.SOCK_DGRAM)[0][4])

def serve():
    octets, peer = server.recvfrom(4096)
    server.sendto(Query(octets, "udp").reply(FINAL | 3), peer)

threading.Thread(target=serve, daemon=True).start()
name = f"[fe80::1%lo]:{server.getsockname()[1]}"
subprocess.run([sys.argv[1], "-s", name, "-t", "3000", "mx/a.example"], check=True)
"""


def test_a_server_of_the_link(driver):
    """In a network namespace of its own: an address of the link means nothing without the interface."""
    if subprocess.run(["unshare", "-n", "true"], check=False).returncode != 0:
        pytest.skip("no network namespace here: it takes root")
    done = subprocess.run(["unshare", "-n", "/usr/bin/python3", "-c", LINK_LOCAL, driver.program],
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "result=NXDOMAIN servers=[fe80::1%lo]:" in done.stdout


@pytest.mark.parametrize("server", ["", "localhost", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
                                    "192.0.2.256", "[192.0.2.1]:53", "[::1", "[::1]x", "::1%lo",
                                    "192.0.2.1:5 3", "192.0.2.1:+53"])
def test_what_is_no_server(driver, server):
    with pytest.raises(AssertionError, match="is no nameserver"):
        driver.ask([server], RIGHT)


def test_too_many_servers(driver):
    with pytest.raises(AssertionError, match="at most 5 nameservers"):
        driver.ask(6 * ["192.0.2.1"], RIGHT)
