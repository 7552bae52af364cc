# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""mailfromctl check and return paths: a real mailfrom-milter, and configurations of Postfix and Sendmail
that lack what brings bounces back."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from lab import check as lab
from lab.check import GATEWAY, MX, found, gateway, record, settle
from lab.nsd import Nsd
from lab.process import free_port
from lab.sendmail import MC, OPEN_RELAY

SECRET = "5f0c6ee1d5b0431c8f27cf2f1a2b9d5c"
OTHER_SECRET = "0123456789abcdef0123456789abcdef"
M4 = Path(__file__).parents[2] / "conf/return-path.m4"

ZONE = """\
bounce.right MX 10 mx.gateway
bounce.default MX 10 mx.gateway
bounce.ses MX 10 feedback-smtp.eu-west-1.amazonses.com.
bounce.file MX 10 mx.gateway
"""

SOCKETMAP = "socketmap:unix:mailfrom-milter/return.sock"
# The lines of the manual.
RETURN_PATH_CF = f"""\
virtual_alias_maps = {SOCKETMAP}:return
smtpd_recipient_restrictions = check_recipient_access {SOCKETMAP}:check
smtpd_restriction_classes = mailfrom_bounces_only
mailfrom_bounces_only = check_sender_access inline:{{<>=OK}}, reject
"""
BASE_CF = """\
compatibility_level = 3.6
queue_directory = {base}/spool
smtpd_milters = {smtpd}
non_smtpd_milters = {submitted}
"""


@pytest.fixture(scope="module")
def nsd():
    with Nsd({"example": ZONE}) as server:
        yield server


@pytest.fixture
def plain(laboratory, nsd, tmp_path):
    """A gateway without return paths."""
    with gateway(laboratory, nsd, tmp_path / "postfix") as milter:
        yield milter


@pytest.fixture
def own(plain, nsd):
    """A gateway with return paths, all of it right; the milter runs once it is used."""
    plain.return_socket = f"{plain.base}/spool/mailfrom-milter/return.sock"
    plain.secrets = f"{plain.base}/secrets"
    os.makedirs(f"{plain.base}/spool/mailfrom-milter")
    write_secrets(plain, f"{SECRET} # created {day(-10)}")
    settle(plain, nsd, {"return-path": {
        "socket": f"unix:{plain.return_socket}", "socket-group": "postfix", "secrets-file": plain.secrets}})
    postfix(plain)
    plain.import_records(record("right.example"))
    yield plain


def day(offset):
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + offset * 86400))


def write_secrets(milter, *lines, mode=0o640):
    with open(milter.secrets, "w", encoding="ascii") as file:
        file.write("".join(f"{line}\n" for line in lines))
    os.chmod(milter.secrets, mode)


def postfix(milter, main_cf=RETURN_PATH_CF, extra="", **options):
    """options: as of lab.check.postfix."""
    lab.postfix(milter, main_cf=BASE_CF + main_cf + extra, **options)


def line_of(finding):
    expected = f", expected {finding['expected']}" if finding["expected"] else ""
    advice = f"; {finding['advice']}" if finding["advice"] else ""
    return f"{finding['level']:8} {finding['subject']}: {finding['found']}{expected}{advice}"


def check(milter, *arguments, **options):
    """Only what is about return paths, as lines; --json tells which these are."""
    result = lab.check(milter, "--json", "--address", GATEWAY, *arguments, **options)
    result.lines = [line_of(one) for one in json.loads(result.text)["findings"] if one["check"] == "return-path"]
    result.text = "\n".join(result.lines)
    return result


def is_fine(result, lines):
    """Nothing but ok."""
    assert len(result.lines) == lines and all(line.startswith("ok ") for line in result.lines), result.text


def only(result, level, *words):
    """That is the one thing that is wrong."""
    line = found(result, level, *words)
    assert [one for one in result.lines if not one.startswith("ok ")] == [line], result.text
    return line


# Without return paths

LOST = "so its bounces are lost; set up section return-path; see RETURN PATHS in mailfrom-milter(8)"


@pytest.fixture
def lonely(plain, nsd):
    """Without a default MAIL FROM domain, which would be asked for too."""
    settings = plain.default_settings() | {"default-mail-from-domain": ""}
    plain.default_settings = lambda: dict(settings)
    plain.write_settings()
    postfix(plain, "")
    return plain


@pytest.mark.parametrize("source", ["local", "file"])
def test_bounces_that_no_one_takes(lonely, source):
    lonely.import_records(record("right.example", source=source))
    line = only(check(lonely), "warning", "bounces: no MTA here takes mail for the MAIL FROM domain "
                                          "bounce.right.example")
    assert line.endswith(LOST)


@pytest.mark.parametrize("line", [
    "relay_domains = right.example",
    "relay_domains = .right.example\nparent_domain_matches_subdomains =",
    "relay_domains = inline:{right.example=x}",
    "mydestination = localhost, bounce.right.example",
    "mydestination = !bounce.wrong.example, {base}/domains",
    "virtual_alias_domains = inline:{bounce.right.example=x}",
    "virtual_alias_maps = regexp:{base}/regexp",
    "virtual_mailbox_domains = texthash:{base}/table",
])
def test_bounces_that_postfix_takes(lonely, line):
    for name, text in (("domains", "# ours\nbounce.right.example\n"), ("table", "bounce.right.example x\n"),
                       ("regexp", "/^bounce\\.right/ x\n")):
        Path(f"{lonely.base}/{name}").write_text(text, encoding="ascii")
    lonely.import_records(record("right.example"))
    postfix(lonely, f"{line}\n")
    is_fine(check(lonely), 1)


@pytest.mark.parametrize("line", [
    "mydestination = right.example",  # not a list of domains
    "relay_domains = right.example\nparent_domain_matches_subdomains =",
    "mydestination = !bounce.right.example, static:all",
    "virtual_alias_domains = inline:{bounce.right.example.org=x}",
])
def test_bounces_that_postfix_does_not_take(lonely, line):
    lonely.import_records(record("right.example"))
    postfix(lonely, f"{line}\n")
    only(check(lonely), "warning", LOST)


def test_bounces_of_several(lonely):
    lonely.import_records(record("right.example") | record("file.example") | record("other.example"))
    postfix(lonely, "relay_domains = file.example\n")
    only(check(lonely), "warning", "takes mail for 2 of 3 MAIL FROM domains, such as bounce.other.example, "
                                   "so their bounces are lost")


def test_only_so_many_are_asked_for(lonely):
    names = [f"i{number:02}.right.example" for number in range(25)]
    lonely.import_records({key: value for name in names for key, value in record(name).items()})
    only(check(lonely, names[0]), "warning", "takes mail for 20 of the first 20 MAIL FROM domains, such as")


def test_the_default_domain_counts_too(plain):
    plain.import_records(record("right.example"))
    postfix(plain, "relay_domains = bounce.right.example\n")
    only(check(plain), "warning", "1 of 2 MAIL FROM domains, such as bounce.default.example")


def test_identities_of_ses_have_no_return_path(plain, nsd):
    settle(plain, nsd, {"ses": {"region": "eu-west-1"}})
    postfix(plain, "")
    plain.import_records(record("ses.example", source="ses") | record("file.example", source="file"))
    assert check(plain).lines == []


@pytest.mark.parametrize("name, lines", [("ses.example", 0), ("file.example", 1)])
def test_the_mx_tells_whose_an_imported_identity_is(lonely, nsd, name, lines):
    settings = lonely.default_settings() | {"local": {"nameservers": [nsd.server], "timeout": "500ms"}}
    lonely.default_settings = lambda: dict(settings)
    lonely.write_settings()
    lonely.import_records(record(name, source="file"))
    assert len(check(lonely).lines) == lines


def test_a_table_that_cannot_be_asked(lonely):
    lonely.import_records(record("right.example"))
    postfix(lonely, "relay_domains = hash:/nonexistent/relay\n")
    only(check(lonely), "warning", "bounces: whether all of them are taken is not known for certain: "
                                   "hash:/nonexistent/relay: open database")


def test_a_table_that_hangs(lonely):
    """It is waited for once, not for each domain."""
    lonely.import_records(record("right.example") | record("file.example") | record("other.example"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        postfix(lonely, f"relay_domains = tcp:127.0.0.1:{silent.getsockname()[1]}\n")
        started = time.monotonic()
        result = check(lonely, "right.example")
        assert time.monotonic() - started < 8
    only(result, "warning", "bounces: whether all of them are taken is not known for certain: postmap takes too long")


def test_a_postfix_that_cannot_be_asked(lonely):
    lonely.import_records(record("right.example"))
    os.remove(f"{lonely.postfix}/main.cf")
    only(check(lonely), "warning", "bounces: it is not checked whether they are taken: postconf fails")


@pytest.mark.parametrize("text, level", [
    ("Cwlocalhost bounce.right.example\n", "ok"), ("C{VirtHost}bounce.right.example\n", "ok"),
    ("CRright.example\n", "ok"), ("FR-o {base}/domains\n", "ok"), ("Fw/nonexistent\n", "warning"),
    ("CRbounce.other.example\nFw-o /nonexistent\nCwright.example\n", "warning"),
])
def test_bounces_and_sendmail(lonely, tmp_path, text, level):
    lonely.import_records(record("right.example"))
    Path(f"{lonely.base}/domains").write_text("bounce.right.example\n", encoding="ascii")
    cf = tmp_path / "sendmail.cf"
    cf.write_text(text.replace("{base}", lonely.base), encoding="ascii")
    found(check(lonely, sendmail_cf=cf), level, "bounces: ")


# All is right

def test_nothing_is_wrong(own):
    own.use()
    result = check(own)
    is_fine(result, 3)
    found(result, "ok", own.secrets, "has 1 secret; ", " signs, and is 10d old")
    found(result, "ok", own.return_socket, "mailfrom-milter answers for return paths")
    found(result, "ok", "postfix: asks mailfrom-milter for return paths")


def test_nothing_is_wrong_in_a_chroot(own):
    own.use({"milter": {"socket": f"unix:{own.base}/spool/milter.sock"}})
    postfix(own, smtpd="unix:milter.sock", chroot="y")
    is_fine(check(own), 3)


def test_nothing_is_wrong_on_an_inet_socket(own):
    port = free_port()
    own.use({"return-path": {"socket": f"inet:{port}"}})
    postfix(own, RETURN_PATH_CF.replace("unix:mailfrom-milter/return.sock", f"inet:127.0.0.1:{port}"))
    is_fine(check(own), 3)


@pytest.mark.parametrize("lines", [
    f"virtual_alias_domains = {SOCKETMAP}:domain\n",
    f"virtual_alias_domains = example.org, proxy:{SOCKETMAP}:domain\n",
    "virtual_alias_domains = bounce.right.example bounce.default.example\n",
    f"virtual_alias_maps = texthash:/dev/null, pipemap:{{regexp:{{{{/^bounce/ ok}}}}, {SOCKETMAP}:return}}\n",
    "smtpd_recipient_restrictions = reject_non_fqdn_recipient, check_recipient_access\n"
    f"  {SOCKETMAP}:check, permit_mynetworks, reject_unauth_destination\n",
    f"smtpd_recipient_restrictions =\nsmtpd_relay_restrictions = check_recipient_access {SOCKETMAP}:check,\n"
    "  reject_unauth_destination\n",
    "mailfrom_bounces_only = check_sender_access  inline:{ <> = OK } reject\n",
    "smtpd_reject_unlisted_recipient = no\nsmtpd_sender_restrictions = reject_unlisted_recipient\n",
])
def test_other_lines_that_do(own, lines):
    own.use()
    postfix(own, extra=lines)
    is_fine(check(own), 3)


def test_a_listener_that_takes_known_clients_only(own):
    """Bounces do not come there, so it needs no line."""
    own.use()
    postfix(own, submission="-o smtpd_recipient_restrictions=permit_sasl_authenticated,reject "
                            "-o virtual_alias_maps= -o smtpd_reject_unlisted_recipient=no")
    is_fine(check(own), 3)


# The settings and the secrets

def test_half_a_section(own):
    own.write_settings({"return-path": {"socket": ""}})
    only(check(own), "warning", "settings: section return-path has no socket, so no MTA can ask here where a "
                                "bounce belongs; set it, unless other gateways take all bounces")


def test_secrets_that_are_missing(own):
    own.use()
    os.remove(own.secrets)
    only(check(own), "error", f"{own.secrets}: the secrets cannot be read: No such file or directory; create "
                              "them: mailfromctl return-path key new")


def test_secrets_that_are_none(own):
    own.use()
    write_secrets(own, "# nothing")
    only(check(own), "error", "secrets-file:", "there is no secret in it")
    write_secrets(own, SECRET, "too-short")
    only(check(own), "error", "secrets-file:", f"{own.secrets}:2: a secret has 16 to 256")


def test_secrets_that_others_may_read(own):
    own.use()
    os.chmod(own.secrets, 0o644)
    only(check(own), "error", f"{own.secrets}: has mode 0644, so mailfrom-milter refuses it, expected 0640; "
                              f"chmod 0640 {own.secrets}")


def test_secrets_of_somebody_else(own):
    own.use()
    shutil.chown(own.secrets, "mail")
    only(check(own), "error", f"{own.secrets}: belongs to user number ", "expected root")


def test_secrets_that_the_milter_cannot_read_again(own):
    """It read them as root, when it started."""
    for path in (own.store, *(f"{own.store}/{name}" for name in os.listdir(own.store))):
        shutil.chown(path, group="mail")
    own.use({"milter": {"user": "mail"}})
    only(check(own), "error", f"{own.secrets}: the milter's user mail may not read it: {own.secrets} has mode "
                              "0640, owner root, group root; give it to a group of that user")
    shutil.chown(own.secrets, group="mail")
    is_fine(check(own), 3)


@pytest.mark.parametrize("lines, level, words", [
    ([f"{SECRET} # created {day(-800)}"], "warning", "and is 800d old; replace it: mailfromctl return-path key new"),
    ([f"{SECRET} # created {day(-700)}"], "ok", "and is 700d old"),
    ([f"{SECRET} # created {day(-800)}", OTHER_SECRET], "ok", "has 2 secrets"),
    ([SECRET], "ok", "and is at least "),
])
def test_the_age_of_the_secret(own, lines, level, words):
    own.use()
    write_secrets(own, *lines)
    found(check(own), level, f"{own.secrets}: has ", words)


def test_the_age_of_a_secret_that_does_not_tell_it(own):
    own.use()
    write_secrets(own, SECRET)
    os.utime(own.secrets, (time.time() - 3 * 365 * 86400,) * 2)
    only(check(own), "warning", "has 1 secret; ", "and is at least 1095d old; replace it")


# The socket

def test_a_milter_that_does_not_run(own):
    only(check(own), "error", f"{own.return_socket}: there is no such socket; start mailfrom-milter")
    own.use()
    own.kill()
    only(check(own), "error", f"{own.return_socket}: nobody can connect: Connection refused")


def test_a_milter_with_another_secret(own):
    own.use()
    write_secrets(own, OTHER_SECRET)
    line = only(check(own), "error", f"{own.return_socket}: mailfrom-milter does not take what the secret ",
                f" of {own.secrets} signs; reload mailfrom-milter")
    assert SECRET not in line and OTHER_SECRET not in line
    own.reload()
    is_fine(check(own), 3)


def test_a_milter_that_has_forgotten_its_secrets(own):
    own.use()
    own.write_settings({"return-path": {"socket": "", "secrets-file": ""}})
    own.reload()
    own.write_settings()
    only(check(own), "error", "mailfrom-milter does not know the MAIL FROM domain bounce.right.example; reload")


def test_a_milter_with_another_store(own, nsd):
    own.use({"default-mail-from-domain": ""})
    os.rename(own.store, f"{own.store}.old")
    own.import_records(record("file.example"))
    os.rename(own.store, f"{own.store}.new")
    os.rename(f"{own.store}.old", own.store)
    own.write_settings({"store": f"{own.store}.new"})
    only(check(own), "error", "mailfrom-milter does not know the MAIL FROM domain bounce.file.example")


def test_a_milter_whose_store_is_gone(own):
    own.use()
    shutil.copytree(own.store, f"{own.base}/copy")
    shutil.rmtree(own.store)
    own.wait_for_log("store")
    own.write_settings({"store": f"{own.base}/copy"})
    time.sleep(2)
    only(check(own), "error", f"{own.return_socket}: cannot say where bounces belong: ")


@pytest.mark.parametrize("reply, words", [
    (None, "does not answer for return paths: no reply within 3 seconds"),
    (b"", "does not answer for return paths: it hangs up without a reply"),
    (b"HTTP/1.1 400\r\n", "does not answer for return paths: the reply is not one of a socketmap"),
    (b"99999:OK ", "does not answer for return paths: the reply is not one of a socketmap"),
    (b"11:PERM \x1b[2Jno,", "cannot say where bounces belong: \\x1b[2Jno"),
])
def test_somebody_else_at_the_socket(own, reply, words):
    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            client.recv(1000)
            if reply is not None:
                client.sendall(reply)
                client.close()
            else:
                clients.append(client)

    clients = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(own.return_socket)
        shutil.chown(own.return_socket, group="postfix")
        os.chmod(own.return_socket, 0o660)
        server.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            started = time.monotonic()
            result = lab.check(own, "--address", GATEWAY)
            assert time.monotonic() - started < 15
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for client in clients:
                client.close()
    found(result, "error", f"unix:{own.return_socket}: {words}")


def test_a_socket_of_systemd(own):
    own.write_settings({"return-path": {"socket": "fd:3"}})
    found(check(own), "ok", "fd:3: passed by systemd")


def test_feedback_forwarding_that_is_off(own):
    """A bounce is refused for that reason; it says nothing of the secret."""
    own.import_records({name: value | {"FeedbackForwardingStatus": False}
                        for name, value in record("right.example").items()})
    own.use({"default-mail-from-domain": ""})
    result = check(own)
    found(result, "ok", own.return_socket, "mailfrom-milter answers for return paths")


# Postfix

@pytest.mark.parametrize("mode, group, may", [
    ("0660", "postfix", True), ("0660", "mail", False), ("0600", "postfix", False),
])
def test_mode_and_group_decide_whether_postfix_may_connect(own, mode, group, may):
    own.use({"return-path": {"socket-mode": mode, "socket-group": group}})
    if may:
        is_fine(check(own), 3)
    else:
        only(check(own), "error", "postfix: its user postfix may not connect to the socket of return paths: "
                                  f"{own.return_socket} has mode {mode}, owner root, group {group}; set "
                                  'socket-group = "postfix" and socket-mode = "0660" in section return-path')


def test_a_main_cf_without_any_line(own):
    own.use()
    postfix(own, "")
    result = check(own)
    found(result, "error", "postfix: virtual_alias_maps does not ask mailfrom-milter, so bounces do not come "
                           f"back, expected virtual_alias_maps = ", f"{SOCKETMAP}:return; put that into main.cf")
    found(result, "warning", "postfix: smtpd_recipient_restrictions does not ask mailfrom-milter, so anyone may "
                             "write to an unsigned return path, expected smtpd_recipient_restrictions = "
                             f"check_recipient_access {SOCKETMAP}:check; put that into main.cf")
    assert [line.split()[0] for line in result.lines].count("ok") == 2, result.text
    assert len(result.lines) == 4, result.text


def test_maps_of_others_only(own):
    own.use()
    postfix(own, extra="virtual_alias_maps = texthash:/etc/aliases, socketmap:unix:srs:reverse\n")
    only(check(own), "error", "postfix: virtual_alias_maps does not ask mailfrom-milter",
         f"expected virtual_alias_maps = texthash:/etc/aliases, socketmap:unix:srs:reverse, {SOCKETMAP}:return")


@pytest.mark.parametrize("value, words", [
    ("socketmap:unix:/run/mailfrom-milter/return.sock:return",
     "and mailfrom-milter answers at unix:{base}/spool/mailfrom-milter/return.sock"),
    ("socketmap:unix:mailfrom-milter/return.sock:returns", "which is not the map for it"),
    ("socketmap:unix:mailfrom-milter/return.sock:check", "which is not the map for it"),
    ("socketmap:inet:127.0.0.1:1:return", "and mailfrom-milter answers at unix:"),
])
def test_a_map_that_leads_astray(own, value, words):
    own.use()
    postfix(own, extra=f"virtual_alias_maps = {value}\n")
    line = only(check(own), "error", f"postfix: virtual_alias_maps has {value}, {words}".replace("{base}", own.base))
    assert line.endswith(f", expected {SOCKETMAP}:return; put that in its place")


def test_a_chrooted_smtpd_looks_elsewhere(own):
    own.use()
    inside = f"socketmap:unix:{own.return_socket}"
    postfix(own, RETURN_PATH_CF.replace(SOCKETMAP, inside))
    is_fine(check(own), 3)
    postfix(own, RETURN_PATH_CF.replace(SOCKETMAP, inside), chroot="y")
    result = check(own)
    for parameter, name in (("virtual_alias_maps", "return"), ("smtpd_recipient_restrictions", "check")):
        found(result, "error", f"postfix smtp/inet: {parameter} has {inside}:{name}, which is "
                               f"{own.base}/spool{own.return_socket} since the service is chrooted, expected "
                               f"{SOCKETMAP}:{name}; put that in its place")
    assert len([line for line in result.lines if line.startswith("error")]) == 2, result.text


def test_a_chroot_without_the_socket(own):
    outside = f"{own.base}/return.sock"
    own.use({"return-path": {"socket": f"unix:{outside}"}})
    postfix(own, RETURN_PATH_CF.replace("unix:mailfrom-milter/return.sock", f"unix:{outside}"), chroot="y")
    found(check(own), "error", "postfix smtp/inet: virtual_alias_maps",
          f"expected {SOCKETMAP}:return; and socket = \"unix:{own.base}/spool/mailfrom-milter/return.sock\" in "
          "section return-path, or n in the chroot column of master.cf")


def test_alias_domains_of_their_own(own):
    own.use()
    postfix(own, extra="virtual_alias_domains = example.org\n")
    only(check(own), "error", "postfix: virtual_alias_domains does not ask mailfrom-milter, so mail for "
                              "bounce.default.example and 1 more is refused, expected virtual_alias_domains = "
                              f"example.org, {SOCKETMAP}:domain")
    postfix(own, extra="virtual_alias_domains = socketmap:unix:return.sock:domain\n")
    only(check(own), "error", "postfix: virtual_alias_domains has socketmap:unix:return.sock:domain, and "
                              "mailfrom-milter answers at")


@pytest.mark.parametrize("line, words", [
    ("relay_domains = right.example", "relay_domains has the MAIL FROM domain bounce.right.example too"),
    ("relay_domains = example", "relay_domains has the MAIL FROM domain bounce.default.example and 1 more too"),
    ("mydestination = bounce.right.example", "mydestination has the MAIL FROM domain bounce.right.example too"),
    ("virtual_mailbox_domains = inline:{bounce.right.example=x}", "virtual_mailbox_domains has the MAIL FROM"),
    (f"relay_domains = {SOCKETMAP}:domain", "relay_domains has the MAIL FROM domain bounce.default.example"),
])
def test_a_domain_in_two_classes(own, line, words):
    own.use()
    postfix(own, extra=f"{line}\n")
    only(check(own), "warning", f"postfix: {words}", "expected it in virtual_alias_domains only; take it out of")


def test_a_class_that_cannot_be_read(own):
    own.use()
    postfix(own, extra="relay_domains = hash:/nonexistent/relay\n")
    only(check(own), "warning", "postfix: which domains it takes is not known for certain: hash:/nonexistent/relay")


@pytest.mark.parametrize("before, permit", [
    ("permit_mynetworks", "permit_mynetworks"), ("permit_sasl_authenticated reject_rbl_client a.example",
                                                 "permit_sasl_authenticated"),
])
def test_the_check_comes_late(own, before, permit):
    own.use()
    postfix(own, extra=f"smtpd_recipient_restrictions = {before}, check_recipient_access {SOCKETMAP}:check\n")
    only(check(own), "warning", f"postfix: smtpd_recipient_restrictions has {permit} before the map check")


def test_the_check_is_missing(own):
    own.use()
    postfix(own, extra="smtpd_recipient_restrictions = permit_mynetworks\n")
    only(check(own), "warning", "postfix: smtpd_recipient_restrictions does not ask mailfrom-milter",
         f"expected smtpd_recipient_restrictions = check_recipient_access {SOCKETMAP}:check, permit_mynetworks")
    own.use({"return-path": {"accept-from": "null"}})
    only(check(own), "error", 'so accept-from = "null" is not enforced')


def test_the_check_is_under_another_restriction(own):
    own.use()
    postfix(own, extra=f"smtpd_recipient_restrictions = check_sender_access {SOCKETMAP}:check\n")
    found(check(own), "warning", "postfix: smtpd_recipient_restrictions does not ask mailfrom-milter")


def test_a_listener_of_its_own(own):
    own.use()
    postfix(own, smtps="-o smtpd_recipient_restrictions=permit_mynetworks")
    only(check(own), "warning", "postfix smtps/inet: smtpd_recipient_restrictions does not ask mailfrom-milter",
         "put that into master.cf")
    postfix(own, smtps="-o virtual_alias_maps=")
    only(check(own), "error", "postfix smtps/inet: virtual_alias_maps does not ask mailfrom-milter")


def test_the_restriction_class(own):
    own.use()
    postfix(own, extra="smtpd_restriction_classes = greylist\n")
    only(check(own), "error", "postfix: smtpd_restriction_classes does not have mailfrom_bounces_only, so bounces "
                              "to unsigned return paths are deferred, expected smtpd_restriction_classes = "
                              "greylist, mailfrom_bounces_only and mailfrom_bounces_only = check_sender_access "
                              "inline:{<>=OK}, reject; put both into main.cf")
    postfix(own, extra="mailfrom_bounces_only = permit\n")
    only(check(own), "warning", 'postfix: mailfrom_bounces_only is "permit", expected check_sender_access')
    postfix(own, extra="smtpd_null_access_lookup_key = null\n")
    only(check(own), "warning", "postfix: mailfrom_bounces_only is", "expected check_sender_access inline:{null=OK}")


def test_recipients_that_there_are_not(own):
    own.use()
    postfix(own, extra="smtpd_reject_unlisted_recipient = no\n")
    only(check(own), "warning", "postfix: smtpd_reject_unlisted_recipient = no, so forged return paths are "
                                "accepted, and bounce later, expected yes")


FILTERED = "content_filter = smtp-amavis:[127.0.0.1]:10024\nreceive_override_options = no_address_mappings\n"
BEHIND = "-o content_filter= -o smtpd_recipient_restrictions=permit_mynetworks,reject "


def test_a_content_filter(own):
    own.use()
    postfix(own, extra=FILTERED, **{"127.0.0.1:10025": BEHIND + "-o receive_override_options=no_header_body_checks"})
    is_fine(check(own), 3)
    postfix(own, extra=FILTERED, **{"127.0.0.1:10025": BEHIND})
    only(check(own), "error", "postfix: receive_override_options has no_address_mappings, and no service behind "
                              "the content filter maps either, so bounces do not come back")
    postfix(own, extra="receive_override_options = no_address_mappings\n")
    only(check(own), "error", "postfix: receive_override_options has no_address_mappings, and there is no content "
                              "filter with a service behind it that maps")


def test_a_cleanup_before_the_content_filter(own):
    own.use()
    postfix(own, extra="content_filter = amavis:\n", **{"127.0.0.1:10025": BEHIND})
    with open(f"{own.postfix}/master.cf", "r+", encoding="ascii") as file:
        text = file.read().replace("- smtpd\n", "- smtpd -o cleanup_service_name=pre-cleanup\n", 1)
        file.seek(0)
        file.write(text + "pre-cleanup unix n - n - 0 cleanup -o virtual_alias_maps=\n")
    is_fine(check(own), 3)
    with open(f"{own.postfix}/main.cf", "a", encoding="ascii") as file:
        file.write("content_filter =\n")
    only(check(own), "error", "postfix pre-cleanup/unix: virtual_alias_maps does not ask mailfrom-milter")


def test_no_postfix_configuration(own):
    own.use()
    os.remove(f"{own.postfix}/main.cf")
    result = lab.check(own, "--address", GATEWAY)
    found(result, "error", "postfix: postconf fails")


# Sendmail

@pytest.fixture
def sendmail_cf(request, own, tmp_path):
    tree = request.config.getoption("--sendmail-tree")

    def write(lines):
        base = tmp_path / "sendmail"
        base.mkdir(exist_ok=True)
        mc = MC.format(base=base, tree=tree, relay=1, port=2, second_port=3, socket=own.socket,
                       second_socket=own.socket, relaying=OPEN_RELAY)
        (base / "test.mc").write_text(mc + lines, encoding="ascii")
        done = subprocess.run(["m4", str(base / "test.mc")], check=True, capture_output=True, text=True, timeout=60)
        (base / "sendmail.cf").write_text(done.stdout, encoding="ascii")
        return base / "sendmail.cf"
    return write


def test_sendmail(own, sendmail_cf):
    own.use()
    line = f"define(`confRETURN_PATH_SOCKET', `local:{own.return_socket}')dnl\n"
    result = check(own, sendmail_cf=sendmail_cf(f"{line}include(`{M4}')dnl\n"))
    found(result, "ok", "sendmail: asks mailfrom-milter for return paths")
    is_fine(result, 4)


def test_sendmail_without_the_include(own, sendmail_cf):
    own.use()
    cf = sendmail_cf("")
    only(check(own, sendmail_cf=cf), "error",
         f"sendmail: {cf} does not ask mailfrom-milter for return paths, so bounces do not come back, expected "
         f"define(`confRETURN_PATH_SOCKET', `local:{own.return_socket}')dnl and "
         "include(`/usr/share/mailfrom-milter/return-path.m4')dnl; put that into sendmail.mc")


def test_sendmail_asks_elsewhere(own, sendmail_cf):
    own.use()
    only(check(own, sendmail_cf=sendmail_cf(f"include(`{M4}')dnl\n")), "error",
         "sendmail: asks for return paths at local:/run/mailfrom-milter/return.sock, and mailfrom-milter answers at "
         f"unix:{own.return_socket}", f"`local:{own.return_socket}')dnl and include(")


def test_sendmail_with_a_rule_taken_out(own, sendmail_cf):
    own.use()
    line = f"define(`confRETURN_PATH_SOCKET', `local:{own.return_socket}')dnl\n"
    cf = sendmail_cf(f"{line}include(`{M4}')dnl\n")
    cf.write_text("".join(one for one in cf.read_text().splitlines(True) if "$>ReturnPath" not in one))
    only(check(own, sendmail_cf=cf), "error", "does not ask mailfrom-milter for return paths")


def test_sendmail_with_a_virtusertable(own, sendmail_cf):
    own.use()
    table = f"FEATURE(`virtusertable', `socket -f -T<TMPF> local:{own.return_socket}')dnl\n"
    cf = sendmail_cf("")
    mc = cf.parent / "test.mc"
    mc.write_text(mc.read_text().replace("MAILER(`local')", table + "MAILER(`local')"))
    cf.write_text(subprocess.run(["m4", str(mc)], check=True, capture_output=True, text=True, timeout=60).stdout)
    only(check(own, sendmail_cf=cf), "warning", "sendmail: does not ask the map check, so anyone may write")


def test_sendmail_refuses_a_directory_that_others_may_write_to(own, sendmail_cf):
    own.use()
    line = f"define(`confRETURN_PATH_SOCKET', `local:{own.return_socket}')dnl\n"
    cf = sendmail_cf(f"{line}include(`{M4}')dnl\n")
    directory = os.path.dirname(own.return_socket)
    os.chmod(directory, 0o775)
    found(lab.check(own, "--address", GATEWAY, sendmail_cf=cf), "error",
          f"sendmail: it refuses the socket as unsafe: {directory} has mode 0775")
