# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What becomes of return paths when settings, secrets, identities or the store change; and what log
and metrics say of them. Bounces as such are in test_return_path.py."""

import hashlib
import json
import os
import signal
import subprocess

import pytest

from lab import signature
from lab.http import metrics
from lab.process import wait_until
from lab.programs import Milter, settings_text
from lab.returns import SECRET, new_domain, new_name, record
from lab.signature import today

SHOP = "bounce.shop.example"


def done(milter, *arguments):
    process = milter.ctl(*arguments)
    assert process.returncode == 0, process.stderr
    return process.stdout


# Each is asked for once only: smtpd of Postfix remembers for as long as it lives, through sessions,
# where an address belongs, and also that this was not to be found out.

def signed(form=signature.prvs, days_ago=0):
    """An original sender, and its return path."""
    sender = f"{new_name()}@shop.example"
    return sender, form(SECRET, sender, SHOP, today() - days_ago)


def good():
    return signed()[1]


def forged():
    return signature.prvs("the-secret-of-another-gateway", f"{new_name()}@shop.example", SHOP)


def is_refused(reply, start, words):
    assert str(reply).startswith(start) and words in reply.text, reply
    return True


# Settings

def test_without_the_section_nothing_is_signed_and_bounces_are_lost(gateway, sink):
    """As it was before there were return paths, whatever the MTA asks: the contrast to all else."""
    sender, gone = f"{new_name()}@shop.example", f"{new_name('gone')}@next.test"
    under_way = gateway.return_path(sender)
    gateway.milter.drop_return_paths()
    local = sender.split("@")[0]
    assert gateway.return_path(sender) == f"{local}@{SHOP}"
    for lost in (good(), f"{local}@{SHOP}"):
        assert is_refused(gateway.call_out(lost), "55", "elay")
    # The notice about a recipient that was refused goes to the MAIL FROM domain, and not back.
    sink.refusals[gone] = "550 5.1.1 No such user"
    assert gateway.send(sender, recipients=(gone,)).reply.ok
    notice = sink.wait_for_recipient(f"{local}@{SHOP}")
    assert notice.sender == ""
    gateway.milter.restore()
    assert gateway.returned_to(under_way) == sender


def test_in_monitor_mode_nothing_is_signed(gateway):
    sender = f"{new_name()}@shop.example"
    gateway.milter.change({"milter": {"mode": "monitor"}})
    mark = gateway.milter.log_size()
    assert gateway.return_path(sender) == sender
    [verdict] = gateway.milter.verdicts(mark)
    assert verdict["monitor"] and verdict["new_sender"].startswith("<prvs=")
    # What was signed before comes back all the same.
    sender, return_path = signed()
    assert gateway.returned_to(return_path) == sender


def test_accept_from_null_refuses_replies_with_a_sender(gateway):
    assert gateway.call_out(good(), "away@far.test").ok
    gateway.milter.change_return_path(accept_from="null")
    assert is_refused(gateway.call_out(good(), "away@far.test"), "55", "5.7.1")
    sender, return_path = signed()
    assert gateway.returned_to(return_path) == sender
    # A postmaster is written to by people.
    assert gateway.call_out(f"postmaster@{SHOP}", "joe@far.test").ok


def test_foreign_only_leaves_senders_of_the_own_domain_unsigned(gateway):
    gateway.milter.change_return_path(tag="foreign-only")
    local = new_name()
    plain = gateway.return_path(f"{local}@shop.example")
    assert plain == f"{local}@{SHOP}"
    assert gateway.returned_to(plain) == f"{local}@shop.example"
    assert is_refused(gateway.call_out(plain, "away@far.test"), "55", "5.7.1")
    foreign = gateway.return_path(f"{local}@x.example", "From: info@shop.example")
    assert foreign == signature.srs(SECRET, f"{local}@x.example", SHOP)
    assert gateway.returned_to(foreign, "away@far.test") == f"{local}@x.example"
    assert is_refused(gateway.call_out(forged()), "550 5.1.1", "forged")


def test_return_domains_get_the_short_form(gateway):
    sender = f"{new_name()}@x.example"
    before = gateway.return_path(sender, "From: info@shop.example")
    gateway.milter.change_return_path(return_domains=["other.example", "x.example"])
    return_path = gateway.return_path(sender, "From: info@shop.example")
    assert return_path == signature.prvs(SECRET, sender, SHOP)
    assert gateway.returned_to(return_path) == sender
    assert gateway.returned_to(before) == sender


def test_lifetime_ends_return_paths(gateway):
    assert gateway.call_out(signed(days_ago=5)[1]).ok
    gateway.milter.change_return_path(lifetime="3d")
    assert is_refused(gateway.call_out(signed(days_ago=5)[1]), "550 5.1.1", "Return path expired on 20")
    assert gateway.call_out(good()).ok


@pytest.mark.parametrize("policy", ["send", "reject"])
def test_what_cannot_come_back_is_sent_or_refused(gateway, policy):
    """A local part too long to be signed, in a domain that nothing tells."""
    sender = new_name("long-" * 10) + "@x.example"
    gateway.milter.change_return_path(on_unreturnable=policy)
    mark = gateway.milter.log_size()
    sent = gateway.send(sender, "From: info@shop.example")
    [verdict] = gateway.milter.verdicts(mark)
    assert verdict["return_form"] == "none"
    if policy == "reject":
        assert is_refused(sent.reply, "553 5.1.7", "")
        return
    plain = gateway.sink.delivery_of(sent).sender
    assert plain == sender.replace("x.example", SHOP)
    assert is_refused(gateway.call_out(plain, "away@far.test"), "55", "5.7.1")
    # Its own domain is the only one that is possible: a bounce would go to the wrong mailbox.
    assert gateway.returned_to(plain) == sender.replace("x.example", "shop.example")


# Secrets

def test_bounces_under_way_outlive_two_new_secrets(gateway):
    milter = gateway.milter
    secrets, under_way = [SECRET], {}
    for number in (2, 3, None):
        sender = f"{new_name()}@shop.example"
        under_way[sender] = gateway.return_path(sender)
        assert under_way[sender] == signature.prvs(secrets[0], sender, SHOP)
        if number:
            secrets.insert(0, f"secret-number-{number}-of-the-laboratory")
            milter.write_secrets(*secrets)
            milter.reload(signal.SIGHUP)
            milter.settings = None  # so that they are put back
    for sender, return_path in under_way.items():
        mark = milter.log_size()
        assert gateway.returned_to(return_path) == sender
        used = secrets[2 - list(under_way).index(sender)]
        assert {line["key"] for line in milter.returns(mark)} == {
            hashlib.sha256(used.encode("ascii")).hexdigest()[:4]}
    # Once the oldest is gone, so are its return paths.
    milter.write_secrets(*secrets[:2])
    milter.reload(signal.SIGHUP)
    first, *others = under_way.values()
    assert is_refused(gateway.call_out(first), "550 5.1.1", "forged")
    assert all(gateway.call_out(return_path).ok for return_path in others)


def too_short(milter):
    milter.write_secrets("short")


def empty(milter):
    milter.write_secrets()


def missing(milter):
    os.unlink(milter.secrets_file)


def of_others(milter):
    os.chown(milter.secrets_file, 65534, 0)


def readable_by_others(milter):
    os.chmod(milter.secrets_file, 0o644)


def writable_by_the_group(milter):
    os.chmod(milter.secrets_file, 0o660)


def too_many(milter):
    milter.write_secrets(*(f"secret-number-{number}-of-many" for number in range(5)))


BAD_SECRETS = {  # exit status of the program that finds them, and the complaint
    too_short: (78, "secrets:1: a secret has 16 to 256 printable ASCII characters"),
    empty: (78, "there is no secret in it; `mailfromctl return-path key new` creates one"),
    too_many: (78, "secrets:5: more than 4 secrets"),
    missing: (66, "No such file or directory"),
    of_others: (77, "must belong to root or to the user who reads it, not to user number 65534"),
    readable_by_others: (77, "its mode 0644 lets others at the secrets; set it to 0640"),
    writable_by_the_group: (77, "its mode 0660 lets others at the secrets; set it to 0640"),
}
EACH_BAD = pytest.mark.parametrize("damage", BAD_SECRETS, ids=lambda damage: damage.__name__)


@pytest.fixture
def spare(laboratory, returns):
    """A milter that no MTA asks, not started."""
    milter = type(returns.milter)(laboratory.programs, f"{laboratory.base}/{new_name('spare')}",
                                  f"{laboratory.base}/{new_name('return')}.sock", "")
    yield milter
    milter.stop()


@EACH_BAD
def test_a_bad_secrets_file_is_refused_at_the_start_and_by_check(spare, damage):
    damage(spare)
    for arguments in ([], ["--check"]):
        process = subprocess.run([*spare.command, *arguments], capture_output=True, text=True,
                                 timeout=60)
        status, complaint = BAD_SECRETS[damage]
        assert (process.returncode, process.stdout) == (status, ""), process.stderr
        [line] = [line for line in process.stderr.splitlines() if "secrets" in line]
        assert spare.secrets_file in line and complaint in line
        assert not any(secret in process.stderr for secret in spare.secrets)
    assert not os.path.exists(spare.socket.partition(":")[2])


def test_check_shows_the_section_and_no_secret(spare):
    process = spare.check()
    assert process.returncode == 0, process.stderr
    assert "return-path {" in process.stdout and spare.secrets_file in process.stdout
    assert SECRET not in process.stdout


def test_a_bad_secrets_file_at_a_reload_leaves_the_old_secrets_in_force(gateway):
    milter = gateway.milter
    sender = f"{new_name()}@shop.example"
    for damage, (_, complaint) in BAD_SECRETS.items():
        mark = milter.log_size()
        damage(milter)
        milter.send_signal(signal.SIGHUP)
        line = milter.wait_for_log("the old settings stay in force", mark)
        assert complaint in line and milter.secrets_file in line
        milter.write_secrets(SECRET)
        os.chown(milter.secrets_file, 0, 0)
    return_path = gateway.return_path(sender)
    assert return_path == signature.prvs(SECRET, sender, SHOP)
    assert gateway.returned_to(return_path) == sender


# Identities

@pytest.mark.parametrize("source", ["local", "file"])
def test_feedback_forwarding_that_is_off(gateway, source):
    milter, domain = gateway.milter, new_domain()
    milter.import_records({domain: record(f"b.{domain}", source)})
    sender = f"{new_name()}@{domain}"
    own = gateway.return_path(sender)
    foreign = gateway.return_path(f"{new_name()}@x.example", f"From: info@{domain}")
    assert gateway.call_out(own).ok
    if source == "local":
        done(milter, "put", domain, "--feedback-forwarding", "off")
    else:
        milter.import_records({domain: record(f"b.{domain}", FeedbackForwardingStatus=False)})
    for return_path in (own, foreign):
        assert is_refused(gateway.call_out(return_path), "550 5.7.1",
                          "The sender does not want bounces")
    assert gateway.call_out(good()).ok
    milter.change_return_path(feedback_address="complaints@x.example")
    for return_path in (own, foreign):
        assert gateway.returned_to(return_path) == "complaints@x.example"
    if source == "local":
        done(milter, "put", domain, "--feedback-forwarding", "on")
        assert gateway.returned_to(own) == sender


@pytest.mark.parametrize("source", ["local", "file"])
def test_an_identity_removed_after_sending_gets_its_bounces(gateway, source):
    milter, domain = gateway.milter, new_domain()
    milter.import_records({domain: record(f"b.{domain}", source)})
    sender, foreign = f"{new_name()}@{domain}", f"{new_name()}@x.example"
    paths = {sender: gateway.return_path(sender),
             foreign: gateway.return_path(foreign, f"From: info@{domain}")}
    done(milter, *(["identity", "remove"] if source == "local" else ["remove"]), domain)
    assert gateway.return_path(sender) == sender
    for original, return_path in paths.items():
        assert gateway.returned_to(return_path) == original


def test_a_mail_from_domain_that_moved_to_another_identity(gateway):
    milter, domain = gateway.milter, new_domain()
    shared = f"b.mail.{domain}"
    old, new = f"{new_name('Old')}@mail.{domain}", f"{new_name('New')}@{domain}"
    milter.import_records({f"mail.{domain}": record(shared, "local")})
    path_of_old = gateway.return_path(old)
    assert path_of_old == signature.prvs(SECRET, old, shared)
    done(milter, "put", f"mail.{domain}", "--mail-from-domain", f"c.mail.{domain}")
    assert gateway.returned_to(path_of_old) == old
    milter.import_records({domain: record(shared, "local")})
    path_of_new = gateway.return_path(new)
    assert path_of_new == signature.prvs(SECRET, new, shared)
    assert gateway.returned_to(path_of_new) == new
    assert gateway.returned_to(path_of_old) == old
    # The same local part under the other domain is somebody else.
    assert is_refused(gateway.call_out(path_of_new.replace("New", "Old")), "550", "forged")


def test_two_identities_with_one_mail_from_domain(gateway):
    milter, domain = gateway.milter, new_domain()
    shared = f"b.mail.{domain}"
    milter.import_records({domain: record(shared), f"mail.{domain}": record(shared)})
    local = new_name()
    paths = {sender: gateway.return_path(sender)
             for sender in (f"{local}@{domain}", f"{local}@mail.{domain}")}
    assert len(set(paths.values())) == 2
    for sender, return_path in paths.items():
        assert return_path == signature.prvs(SECRET, sender, shared)
        assert gateway.returned_to(return_path) == sender
    # Unsigned, nobody knows which of them is meant.
    long = new_name("long-" * 10)
    assert gateway.return_path(f"{long}@{domain}") == f"{long}@{shared}"
    assert is_refused(gateway.call_out(f"{long}@{shared}"), "550 5.1.1", "No such return path")


def test_the_bounces_of_an_identity_of_ses_are_those_of_ses(gateway):
    milter, domain = gateway.milter, new_domain()
    milter.import_records({domain: record(f"b.{domain}", "ses", ExpireAfter=None)})
    sender = f"{new_name()}@{domain}"
    mark = milter.log_size()
    assert gateway.return_path(sender) == sender.replace("@", "@b.")
    [verdict] = milter.verdicts(mark)
    assert verdict["return_form"] is None
    assert is_refused(gateway.call_out(sender.replace("@", "@b.")), "55", "elay")
    assert gateway.milter.ask("domain", f"b.{domain}") == ("NOTFOUND", "")


# The store

def test_while_the_store_is_away_bounces_are_deferred(gateway):
    milter, away = gateway.milter, f"{gateway.milter.store}.away"
    os.rename(milter.store, away)
    try:
        wait_until(lambda: not gateway.call_out(good()).ok, "the store to be missed")
        for address in (good(), forged(), signed(signature.srs)[1], f"postmaster@{SHOP}"):
            assert gateway.call_out(address).code == 451, address
    finally:
        os.rename(away, milter.store)
    wait_until(lambda: gateway.call_out(good()).ok, "the store to be found again")
    sender, return_path = signed()
    assert gateway.returned_to(return_path) == sender
    assert gateway.call_out(forged()).code == 550


def test_while_the_milter_is_away_bounces_are_deferred(gateway):
    milter = gateway.milter
    sender, return_path = signed()
    assert gateway.returned_to(return_path) == sender
    milter.stop()
    assert gateway.from_outside(good()).reply.code == 451
    milter.use()
    sender, return_path = signed()
    assert gateway.returned_to(return_path) == sender


def test_after_a_restart_of_the_milter_no_bounce_is_deferred(gateway):
    """The connections of Postfix to the one before are gone: it connects anew, and asks again."""
    for _ in range(3):
        sender, return_path = signed()
        assert gateway.returned_to(return_path) == sender
        gateway.milter.stop()
        gateway.milter.use()


# Log and metrics

@pytest.fixture
def milter(returns):
    """Just started: it has not left out a line yet."""
    returns.milter.restore()
    returns.milter.stop()
    return returns.milter.use()


def test_each_answer_has_a_line_and_failures_have_one_a_minute(milter, gateway):
    mark = milter.log_size()
    sender, return_path = signed()
    assert milter.ask("return", return_path) == ("OK", sender)
    assert milter.ask("virtuser", return_path) == ("OK", sender)
    assert milter.ask("check", return_path) == ("OK", "DUNNO")
    key = hashlib.sha256(SECRET.encode("ascii")).hexdigest()[:4]
    assert milter.returns(mark) == 2 * [{
        "rcpt": f"<{return_path}>", "original": f"<{sender}>", "form": "prvs", "key": key,
        "age": "0d", "result": "ok"}]
    mark = milter.log_size()
    bad, expired, unsigned = forged(), signed(signature.srs, 30)[1], f"{new_name()}@{SHOP}"
    for address in 20 * (bad, expired, unsigned, "info@elsewhere.example"):
        assert milter.ask("return", address) == ("NOTFOUND", "")
    for address in (bad, expired, unsigned):
        assert gateway.call_out(address).code == 550
    assert milter.returns(mark) == [
        {"rcpt": f"<{bad}>", "original": "<>", "form": "prvs", "key": "-", "age": "-",
         "result": "forged"},
        {"rcpt": f"<{expired}>", "original": "<>", "form": "srs", "key": key, "age": "30d",
         "result": "expired"},
        {"rcpt": f"<{unsigned}>", "original": "<>", "form": "plain", "key": "-", "age": "-",
         "result": "unknown"}]
    milter.stop()
    assert {line["result"] for line in milter.returns(mark)[3:]} == {"forged", "expired", "unknown"}
    assert milter.log_text(mark).count("(repeated ") == 3
    milter.use()


def test_what_the_maps_answer(milter):
    """What is not to be seen through an MTA."""
    for name in ("return", "virtuser", "domain"):
        assert milter.ask(name, "Bounce.Shop.EXAMPLE") == ("OK", SHOP)
        assert milter.ask(name, "bounce.default.example") == ("OK", "bounce.default.example")
        assert milter.ask(name, "shop.example") == ("NOTFOUND", "")
    for key in ("", "@", f"@{SHOP}", "info@shop.example", "info", "x" * 9000):
        assert milter.ask("return", key) == milter.ask("check", key) == ("NOTFOUND", ""), key
    mark = milter.log_size()
    for _ in range(5):
        assert milter.ask("returns", SHOP) == ("NOTFOUND", "")
    assert milter.log_text(mark).count('asks for the map "returns"; there are return, domain') == 1


def test_what_an_attacker_writes_is_escaped_in_the_log(milter):
    mark = milter.log_size()
    milter.ask("check", f'prvs=0123456789=a\n"\x1b> key=1@{SHOP}')
    [line] = milter.returns(mark)
    assert line["rcpt"] == f'<prvs=0123456789=a\\x0a"\\x1b\\x3e\\x20key=1@{SHOP}>'
    assert line["result"] == "forged"


def test_answers_in_the_log_as_json(milter):
    milter.change({"log-format": "json"})
    mark = milter.log_size()
    sender, return_path = signed()
    assert milter.ask("return", return_path)[0] == "OK"
    [line] = [json.loads(line) for line in milter.log_text(mark).splitlines() if '"rcpt"' in line]
    assert line.items() >= {"return": "ok", "rcpt": return_path, "original": sender,
                            "form": "prvs", "age": "0d"}.items()


def test_metrics_count_return_paths_and_answers(gateway):
    milter = gateway.milter

    def grown(name, do):
        """By the labels of its series, how a counter has grown."""
        before = metrics(milter.metrics)
        do()
        after = metrics(milter.metrics)
        return {series.removeprefix(name): after[series] - before[series] for series in after
                if series.startswith(name) and after[series] != before[series]}

    sender, foreign = f"{new_name()}@shop.example", f"{new_name()}@x.example"
    paths, messages = [], [(sender, "prvs"), (foreign, "srs"), (f"{'a' * 60}@shop.example", "plain"),
                           (f"{'a' * 60}@x.example", "none")]
    for original, form in messages:
        assert grown("mailfrom_return_paths_total", lambda: paths.append(
            gateway.return_path(original, "From: info@shop.example"))) == {f'{{form="{form}"}}': 1}
    for return_path, result, form in (
            (paths[0], "ok", "prvs"), (paths[1], "ok", "srs"), (paths[2], "ok", "plain"),
            (f"abuse@{SHOP}", "postmaster", "plain"), (forged(), "forged", "prvs"),
            (signed(days_ago=30)[1], "expired", "prvs"), (f"info@{SHOP}", "unknown", "plain")):
        counted = grown("mailfrom_return_total", lambda: gateway.from_outside(return_path))
        assert counted.keys() == {f'{{result="{result}",form="{form}"}}'}
        assert set(counted.values()) <= {1, 2, 3}


@pytest.mark.parametrize("domain", ["shop.example", "x.example"])
def test_explain_shows_the_very_return_path(gateway, domain):
    sender = f"{new_name()}@{domain}"
    return_path = gateway.return_path(sender, "From: info@shop.example")
    told = done(gateway.milter, "explain", "info@shop.example", "--envelope", sender)
    assert f"MAIL FROM:<{return_path}>\n" in told
    assert done(gateway.milter, "return-path", "encode", sender, "--identity",
                "shop.example") == f"{return_path}\n"


def test_the_sandbox_was_on_in_all_of_this(returns):
    """Of a build with sanitizers there is none: the program says so, and nothing else."""
    said = {line.rpartition("mailfrom-milter: ")[2] for line in returns.milter.log_text().splitlines()
            if "seccomp filter" in line}
    assert said in ({"seccomp filter in force"}, {"no seccomp filter: built without one"})
