# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""mailfromctl check follows mail through content filters: configurations of Postfix that nobody runs,
read with real programs. The ones that are right are those that test_reinjection.py sends mail
through."""

import pytest

from lab.check import MAIN_CF, check, found, gateway, postfix, settle
from lab.nsd import Nsd

AFTER = "content_filter = scan:[127.0.0.1]:10024\n"
BEFORE = "-o smtpd_proxy_filter=127.0.0.1:10024"
BACK = "127.0.0.1:10025"
OFF = "-o content_filter= -o receive_override_options=no_milters"
STRANGER = "may be refused with a bounce to a stranger"
INBOUND = "-o smtpd_relay_restrictions=reject_unauth_destination"
SUBMISSION = "-o smtpd_relay_restrictions=permit_sasl_authenticated,reject"


@pytest.fixture(scope="module")
def nsd():
    with Nsd({"example": ""}) as server:
        yield server


@pytest.fixture
def own(laboratory, nsd, tmp_path):
    with gateway(laboratory, nsd, tmp_path / "postfix") as milter:
        yield milter


def lines_about_filters(result):
    return [line for line in result.lines if "filter" in line]


# After the queue

def test_what_comes_back_after_the_queue_counts_as_outbound(own):
    postfix(own, main_cf=MAIN_CF + AFTER, **{BACK: "-o content_filter="})
    result = check(own)
    line = found(result, "error", f"postfix {BACK}/inet: inbound mail comes back", STRANGER)
    assert 'put reinjection-ports = {"10025"} into section milter' in line
    assert f"postconf -P {BACK}/inet/receive_override_options=no_milters" in line
    assert len(lines_about_filters(result)) == 1, result.text


@pytest.mark.parametrize("options, settings", [
    (OFF, {}),
    ("-o content_filter= -o smtpd_milters=", {}),
    ("-o content_filter=", {"reinjection-ports": ["10025"]}),
    ("-o content_filter=", {"outbound-networks": ["192.0.2.0/24"]}),
])
def test_what_comes_back_after_the_queue_passes(own, nsd, options, settings):
    settle(own, nsd, {"milter": settings})
    postfix(own, main_cf=MAIN_CF + AFTER, **{BACK: options})
    result = check(own)
    for name in ("smtp/inet", "pickup/unix"):
        found(result, "ok", f"postfix {name}: mail goes through the content filter "
                            f"scan:[127.0.0.1]:10024 and comes back at {BACK}/inet; it is judged "
                            "before")
    assert STRANGER not in result.text and "does not meet" not in result.text


def test_a_filter_of_submitted_mail_alone(own):
    """It is judged twice, but it is outbound both times."""
    postfix(own, submission=f"{SUBMISSION} -o content_filter=scan:[127.0.0.1]:10024",
            **{BACK: ""})
    result = check(own)
    found(result, "warning", f"postfix {BACK}/inet: mail that comes back", "is judged again")
    assert STRANGER not in result.text


def test_a_filter_of_submitted_mail_that_is_judged_when_it_comes_back(own):
    postfix(own, submission=f"{SUBMISSION} -o smtpd_milters= "
                            "-o content_filter=scan:[127.0.0.1]:10024", **{BACK: ""})
    assert "judged again" not in check(own).text


def test_a_filter_on_another_host(own):
    postfix(own, main_cf=MAIN_CF + "content_filter = smtp:[192.0.2.99]:10024\n",
            **{"10025": "-o content_filter="})
    found(check(own), "error", "postfix 10025/inet: inbound mail comes back", STRANGER)


def test_a_port_whose_mail_is_not_filtered_is_no_way_back(own):
    postfix(own, main_cf=MAIN_CF + AFTER, submission="-o content_filter=", **{BACK: OFF})
    result = check(own)
    found(result, "ok", "postfix smtp/inet: mail goes through the content filter",
          f"comes back at {BACK}/inet")
    found(result, "ok", "postfix submission/inet: smtpd_milters leads to this milter")
    assert STRANGER not in result.text


# Before the queue

def test_before_the_queue_no_milter_sees_the_message(own):
    postfix(own, main_cf=MAIN_CF + "smtpd_proxy_filter = 127.0.0.1:10024\n",
            **{BACK: "-o smtpd_proxy_filter= -o receive_override_options=no_milters"})
    found(check(own), "error", "postfix smtp/inet: smtpd_proxy_filter = 127.0.0.1:10024 shows "
                               f"milters no message, and {BACK}/inet, where it comes back, does "
                               "not judge it, so outbound mail leaves as it came")


def test_before_the_queue_one_way_back_is_not_enough(own):
    postfix(own, main_cf=MAIN_CF + "smtpd_proxy_filter = 127.0.0.1:10024\n",
            **{BACK: "-o smtpd_proxy_filter="})
    line = found(check(own), "error", f"postfix {BACK}/inet: inbound mail comes back", STRANGER)
    assert "at a port of its own" in line


def test_before_the_queue_with_two_ways_back(own):
    main_cf = MAIN_CF + "smtpd_proxy_filter = 127.0.0.1:10024\n" \
                        "smtpd_relay_restrictions = reject_unauth_destination\n"
    postfix(own, main_cf=main_cf, **{
        BACK: "-o smtpd_proxy_filter= -o receive_override_options=no_milters",
        "submission": f"-o smtpd_proxy_filter=127.0.0.1:10026 {SUBMISSION}",
        "127.0.0.1:10027": "-o smtpd_proxy_filter="})
    result = check(own)
    found(result, "ok", "postfix smtp/inet: mail goes through the content filter 127.0.0.1:10024 "
                        f"and comes back at {BACK}/inet; it is inbound mail, which is not judged")
    found(result, "ok", "postfix submission/inet: mail goes through", "127.0.0.1:10027/inet; it is "
                        "judged then")
    assert STRANGER not in result.text


def test_before_the_queue_with_the_ways_back_mixed_up(own):
    main_cf = MAIN_CF + "smtpd_proxy_filter = 127.0.0.1:10024\n" \
                        "smtpd_relay_restrictions = reject_unauth_destination\n"
    postfix(own, main_cf=main_cf, **{
        BACK: "-o smtpd_proxy_filter=",
        "submission": f"-o smtpd_proxy_filter=127.0.0.1:10026 {SUBMISSION}",
        "127.0.0.1:10027": "-o smtpd_proxy_filter= -o receive_override_options=no_milters"})
    result = check(own)
    found(result, "error", f"postfix {BACK}/inet: inbound mail comes back", STRANGER)
    found(result, "error", "postfix submission/inet: smtpd_proxy_filter", "does not judge it")


def test_before_the_queue_without_a_way_back(own):
    postfix(own, main_cf=MAIN_CF + "smtpd_proxy_filter = 192.0.2.99:10024\n")
    found(check(own), "warning", "postfix smtp/inet: smtpd_proxy_filter", "no way back is known")


# By a program

@pytest.mark.parametrize("off, level, words", [
    ("", "warning", "inbound mail, if any, comes back from the content filter program:"),
    ("\n  -o receive_override_options=no_milters", "ok", "take mail back"),
])
def test_a_program_hands_mail_back_by_sendmail(own, off, level, words):
    postfix(own)
    path = f"{own.postfix}/master.cf"
    with open(path, encoding="ascii") as file:
        text = file.read()
    with open(path, "w", encoding="ascii") as file:
        file.write(text.replace("smtpd\n", "smtpd\n  -o content_filter=program:\n")
                   .replace("60 1 pickup", f"60 1 pickup{off}")
                   + "program unix - n n - 10 pipe\n  flags=Rq user=nobody argv=/bin/true\n")
    found(check(own), level, "postfix pickup/unix: ", words)
