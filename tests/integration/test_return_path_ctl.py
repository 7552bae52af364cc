# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""mailfromctl return-path, and list --mail-from-domains: the file of secrets as root changes it,
and the addresses that they sign. No MTA, and only where it says so a milter."""

import datetime
import fcntl
import grp
import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import threading
import time

import pytest

from lab.clock import Clock
from lab.milter_client import MilterClient
from lab.programs import Milter

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_UNAVAILABLE, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = (
    64, 65, 66, 69, 75, 77, 78)

ENTRY = re.compile(r"[0-9a-f]{64}   # created (\d{4}-\d\d-\d\d)")
LIFETIME = 21
NOT_NEEDED = LIFETIME + 2  # days after the one in front of it was created
OTHER = "fedcba9876543210fedcba9876543210"


def day(ago):
    """In UTC, as the programs have it."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return (today - datetime.timedelta(days=ago)).isoformat()


def secret(letter):
    return letter * 32


class Gateway(Milter):
    def default_settings(self):
        return {"store": self.store, "default-mail-from-domain": "bounce.default.example",
                "return-path": {"secrets-file": self.secrets},
                "milter": {"socket": self.socket, "outbound-networks": ["127.0.0.1/32"]}}

    @property
    def program(self):
        return self._programs.ctl

    @property
    def secrets(self):
        return f"{self.base}/keys/secrets"

    def done(self, *arguments, **options):
        done = self.ctl(*arguments, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def key(self, *arguments, **options):
        """What it says; never with a secret, nor on a failure."""
        done = self.ctl("return-path", "key", *arguments, **options)
        assert not any(text in done.stdout + done.stderr for text in self.texts())
        return done

    def made(self, *arguments):
        done = self.key(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def refused(self, status, *words, command=("new",)):
        """And the file is as it was."""
        before = self.read()
        done = self.key(*command)
        assert (done.returncode, done.stdout) == (status, ""), done.stderr
        assert done.stderr.count("\n") == 1
        for word in words:
            assert word in done.stderr
        assert self.read() == before
        assert self.leftovers() == []

    def read(self):
        try:
            with open(self.secrets, encoding="utf-8") as file:
                return file.read()
        except OSError:
            return None

    def texts(self):
        return [line.split()[0] for line in (self.read() or "").splitlines()
                if line and not line.startswith("#")]

    def leftovers(self):
        folder = os.path.dirname(self.secrets)
        return [name for name in os.listdir(folder) if name != "secrets"]

    def write(self, text, mode=0o640):
        with open(self.secrets, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.secrets, mode)

    def write_keys(self, *keys):
        """keys: (letter, days ago or None)."""
        self.write("".join(
            f"{secret(letter)}{'' if ago is None else f'  # created {day(ago)}'}\n"
            for letter, ago in keys))

    def letters(self):
        """Those of write_keys that are there, in order; + for another."""
        return "".join(text[0] if len(set(text)) == 1 else "+" for text in self.texts())

    def ids(self):
        return [key["Id"] for key in json.loads(self.made("list", "--json"))]

    def encode(self, address, identity="shop.example", *options):
        return self.done("return-path", "encode", address, "--identity", identity,
                         *options).removesuffix("\n")

    def decode(self, address, status=0):
        done = self.ctl("return-path", "decode", address, "--json")
        assert (done.returncode, done.stderr) == (status, "")
        text = self.ctl("return-path", "decode", address)
        assert (text.returncode, text.stderr) == (status, "")
        answer = json.loads(done.stdout)
        assert answer["Accepted"] == (status == 0)
        assert ("refused" in text.stdout) == (status != 0)
        return answer


@pytest.fixture
def gateway(laboratory):
    gateway = Gateway(laboratory.programs, f"{laboratory.base}/return-{os.urandom(4).hex()}")
    os.mkdir(os.path.dirname(gateway.secrets), 0o755)
    yield gateway
    gateway.stop()


def entry(domain, **record):
    return {"MailFromDomain": domain, "MailFromDomainStatus": "Success",
            "BehaviorOnMXFailure": "UseDefaultValue", "Record": {"Source": "local"} | record}


@pytest.fixture
def shop(gateway):
    """Keys, and identities of all kinds."""
    gateway.import_records({
        "shop.example": entry("bounce.shop.example"),
        "file.example": entry("bounce.file.example", Source="file"),
        "ses.example": entry("bounce.ses.example", Source="ses",
                             ExpireAfter="2099-01-01T00:00:00Z"),
        "pending.example": entry("bounce.pending.example") | {"MailFromDomainStatus": "Pending"},
        "strict.example": entry("bounce.strict.example") | {
            "MailFromDomainStatus": "Failed", "BehaviorOnMXFailure": "RejectMessage"},
        "bare.example": {"Record": {"Source": "local"}}})
    gateway.made("new")
    return gateway


# key new

def test_the_first_key_is_for_root_and_the_group_of_the_milter(gateway):
    user = pwd.getpwnam("postfix")
    gateway.write_settings({"milter": {"user": "postfix"}})
    said = gateway.made("new")
    status = os.stat(gateway.secrets)
    assert (status.st_uid, status.st_gid) == (0, user.pw_gid)
    assert stat.S_IMODE(status.st_mode) == 0o640
    assert ENTRY.fullmatch(gateway.read().removesuffix("\n"))[1] == day(0)
    assert said.startswith(f"created key {gateway.ids()[0]}, which signs\n")
    assert "systemctl reload mailfrom-milter" in said and f"copy {gateway.secrets}" in said
    assert "kept" not in said and "dropped" not in said and "chgrp" not in said
    assert gateway.leftovers() == []


def test_without_a_user_the_first_key_is_for_root_alone_and_it_says_so(gateway):
    if any(user.pw_name == "mailfrom-milter" for user in pwd.getpwall()):
        pytest.skip("the packages' user is there")
    said = gateway.made("new")
    assert stat.S_IMODE(os.stat(gateway.secrets).st_mode) == 0o600
    assert f"Only root can read {gateway.secrets}" in said


def test_a_user_that_does_not_exist(gateway):
    gateway.write_settings({"milter": {"user": "no-such-user"}})
    gateway.refused(EX_CONFIG, 'milter: user: there is no user "no-such-user"')
    assert gateway.read() is None


def test_rotating_twice_keeps_owner_group_and_mode(gateway):
    group = grp.getgrnam("mail").gr_gid
    gateway.made("new")
    first = gateway.texts()
    os.chown(gateway.secrets, 0, group)
    os.chmod(gateway.secrets, 0o440)
    inode = os.stat(gateway.secrets).st_ino
    said = gateway.made("new")
    status = os.stat(gateway.secrets)
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, group, 0o440)
    assert status.st_ino != inode
    second = gateway.texts()
    assert second[1:] == first and second[0] != first[0]
    new, old = gateway.ids()
    assert said.startswith(f"created key {new}, which signs\n"
                           f"kept key {old}, which verifies; from {day(-NOT_NEEDED)} on, ")
    gateway.made("new")
    assert gateway.texts()[1:] == second


def test_what_is_not_needed_any_more_is_dropped(gateway):
    gateway.write_keys(("a", 2), ("b", NOT_NEEDED), ("c", 90), ("d", 200))
    dropped = gateway.ids()[2:]
    said = gateway.made("new")
    assert gateway.letters() == "+ab"
    assert [line for line in said.splitlines() if "dropped" in line] == [
        f"dropped key {id}: no bounce that it signed can still come" for id in dropped]


@pytest.mark.parametrize("keys, left", [
    ((("a", NOT_NEEDED - 1), ("b", 90)), "+ab"),
    ((("a", NOT_NEEDED), ("b", 90)), "+a"),
    ((("a", None), ("b", 90)), "+ab"),
    ((("a", 90),), "+a"),
])
def test_dates_decide(gateway, keys, left):
    gateway.write_keys(*keys)
    gateway.made("new")
    assert gateway.letters() == left


def test_a_longer_lifetime_keeps_them_longer(gateway):
    gateway.write_settings({"return-path": {"lifetime": "60d"}})
    gateway.write_keys(("a", 61), ("b", 90))
    gateway.made("new")
    assert gateway.letters() == "+ab"


def test_a_fifth_key_is_refused_until_one_is_not_needed(gateway):
    gateway.write_keys(("a", 1), ("b", 3), ("c", 6), ("d", 9))
    gateway.refused(EX_TEMPFAIL, gateway.secrets, f"created from {day(6 - NOT_NEEDED)} on")
    gateway.refused(EX_TEMPFAIL, f"created from {day(6 - NOT_NEEDED)} on",
                    command=("new", "--verify-only"))
    gateway.write_keys(("a", None), ("b", None), ("c", None), ("d", None))
    gateway.refused(EX_CONFIG, "no date tells", "delete the line")


def test_comments_at_the_start_stay_and_others_become_a_date(gateway):
    gateway.write(f"# ours\n  # and mine\n{secret('a')} # of Joe, created {day(4)}, ok\n# last\n")
    gateway.made("new")
    lines = gateway.read().splitlines()
    assert lines[:2] == ["# ours", "  # and mine"]
    assert ENTRY.fullmatch(lines[2])
    assert lines[3:] == [f"{secret('a')}   # created {day(4)}"]


def test_a_comment_that_hides_its_end_takes_no_secret_with_it(gateway):
    gateway.write(f"# ours\0\n{secret('a')}\n")
    gateway.made("new")
    assert gateway.letters() == "+a"


@pytest.mark.parametrize("text", ["", "short\n", f"{secret('a')} {secret('b')}\n",
                                  f"{secret('a')}\n{secret('a')}\n"])
def test_a_bad_file_is_kept(gateway, text):
    gateway.write(text)
    gateway.refused(EX_CONFIG, gateway.secrets)
    gateway.refused(EX_CONFIG, gateway.secrets, command=("promote", "1234"))


@pytest.mark.parametrize("mode", [0o644, 0o660])
def test_a_file_that_others_get_at_is_kept(gateway, mode):
    gateway.write(f"{secret('a')}\n", mode)
    gateway.refused(EX_NOPERM, "set it to 0640")


def test_a_file_of_another_user_is_kept(gateway):
    gateway.write(f"{secret('a')}\n")
    os.chown(gateway.secrets, pwd.getpwnam("postfix").pw_uid, -1)
    gateway.refused(EX_NOPERM, "must belong to root")


def test_a_symbolic_link_is_not_followed(gateway):
    elsewhere = f"{gateway.base}/elsewhere"
    for text in (None, f"{secret('a')}\n"):
        if text:
            with open(elsewhere, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(elsewhere, 0o600)
        else:
            os.symlink(elsewhere, gateway.secrets)
        gateway.refused(EX_CONFIG, f"{gateway.secrets}: a symbolic link")
        assert os.path.islink(gateway.secrets) and os.path.exists(elsewhere) == bool(text)


def test_what_is_no_file_is_refused(gateway):
    os.mkfifo(gateway.secrets, 0o600)
    done = gateway.ctl("return-path", "key", "new")
    assert done.returncode == EX_CONFIG and "not a regular file" in done.stderr
    assert stat.S_ISFIFO(os.stat(gateway.secrets).st_mode)


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_directory_that_others_may_write_to_is_refused(gateway, mode):
    folder = os.path.dirname(gateway.secrets)
    os.chmod(folder, mode)
    gateway.refused(EX_NOPERM, f"{folder}: others than root may write to it (mode {mode:04o})")
    assert gateway.read() is None


def test_a_directory_of_another_user_is_refused(gateway):
    folder = os.path.dirname(gateway.secrets)
    os.chown(folder, pwd.getpwnam("postfix").pw_uid, -1)
    gateway.refused(EX_NOPERM, f"{folder}: belongs to user number")


def test_directories_above_count_too(gateway):
    """A sticky one is fine; where others could put another directory, not."""
    above = f"{gateway.base}/above"
    os.makedirs(f"{above}/keys")
    gateway.write_settings({"return-path": {"secrets-file": f"{above}/keys/secrets"}})
    os.chmod(above, 0o777)
    assert f"{above}: others than root" in gateway.ctl("return-path", "key", "new").stderr
    os.chmod(above, 0o1777)
    assert gateway.ctl("return-path", "key", "new").returncode == 0
    os.symlink(above, f"{gateway.base}/link")
    gateway.write_settings({"return-path": {"secrets-file": f"{gateway.base}/link/keys/secrets"}})
    done = gateway.ctl("return-path", "key", "new")
    assert done.returncode == EX_CONFIG and f"{gateway.base}/link: a symbolic link" in done.stderr
    gateway.write_settings({"return-path": {"secrets-file": f"{above}/missing/secrets"}})
    done = gateway.ctl("return-path", "key", "new")
    assert done.returncode == EX_NOINPUT and f"{above}/missing: No such file" in done.stderr


def test_what_a_killed_program_has_left_is_in_nobodys_way(gateway):
    trap = f"{gateway.base}/trap"
    os.symlink(trap, f"{os.path.dirname(gateway.secrets)}/.secrets.new")
    gateway.made("new")
    assert gateway.leftovers() == [] and not os.path.exists(trap)


def test_a_disk_that_is_full_leaves_the_old_file(gateway):
    gateway.write_keys(("a", 1))
    before = gateway.read()
    done = gateway.key("new", preexec_fn=limit_files_to_nothing)
    assert (done.returncode, done.stdout) == (74, "") and "File too large" in done.stderr
    assert gateway.read() == before and gateway.leftovers() == []


def limit_files_to_nothing():
    import resource
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))


def test_two_at_once_lose_none(gateway):
    gateway.made("new")
    first = gateway.texts()
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(
        gateway.ctl("return-path", "key", "new").returncode)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [0, 0, 0]
    assert len(gateway.texts()) == 4 and gateway.texts()[3:] == first


def test_it_waits_for_a_lock_and_gives_up_in_the_end(gateway):
    gateway.made("new")
    folder = os.open(os.path.dirname(gateway.secrets), os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    threading.Timer(1, os.close, (folder,)).start()
    started = time.monotonic()
    gateway.made("new")
    assert 0.8 < time.monotonic() - started < 8
    folder = os.open(os.path.dirname(gateway.secrets), os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    gateway.refused(EX_TEMPFAIL, "has kept its directory locked for 10 seconds")
    os.close(folder)


def test_only_root_may(gateway):
    gateway.write_keys(("a", 1))
    os.chmod(gateway.secrets, 0o600)
    program = shutil.copy(gateway.program, f"{gateway.base}/mailfromctl")  # where all may run it
    for command in (("key", "new"), ("key", "list"), ("decode", "a@b.example"),
                    ("encode", "a@shop.example", "--identity", "shop.example")):
        done = subprocess.run([program, "-c", gateway.settings_file, "return-path", *command],
                              user="nobody", group="nogroup", extra_groups=[], check=False,
                              capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (EX_NOPERM, ""), done.stderr
        assert "run this as root" in done.stderr
    assert gateway.letters() == "a" and gateway.leftovers() == []


def test_the_setting_has_to_be_there(gateway):
    gateway.write_settings({"return-path": {"secrets-file": ""}})
    for command in (("key", "new"), ("key", "list"), ("key", "promote", "1234"),
                    ("encode", "a@b.example", "--identity", "b.example"),
                    ("decode", "a@b.example")):
        done = gateway.ctl("return-path", *command)
        assert done.returncode == EX_CONFIG
        assert "secrets-file in section return-path" in done.stderr


def test_without_a_file_it_says_how_to_make_one(gateway):
    for command in ("key", "list"), ("decode", "a@b.example"):
        done = gateway.ctl("return-path", *command)
        assert done.returncode == EX_NOINPUT and "return-path key new' creates it" in done.stderr


# The order on several gateways

def test_a_key_that_only_verifies_is_promoted_later(gateway):
    gateway.write_keys(("a", 40), ("b", 90))
    said = gateway.made("new", "--verify-only")
    assert gateway.letters() == "a+"
    signing, waiting = gateway.ids()
    assert said.startswith(f"created key {waiting}, which only verifies\n"
                           f"kept key {signing}, which signs\ndropped key ")
    assert f"return-path key promote {waiting}'" in said
    said = gateway.made("promote", waiting)
    assert said.startswith(f"key {waiting} signs now\nkept key {signing}, which verifies; from "
                           f"{day(-NOT_NEEDED)} on")
    assert gateway.ids() == [waiting, signing]
    assert gateway.made("promote", waiting.upper()) == (
        f"key {waiting} signs already; nothing was changed\n")
    assert gateway.ids() == [waiting, signing]


def test_a_promoted_key_is_dated_by_when_it_signs(gateway):
    """Else what signed until today would seem to have stopped long ago."""
    gateway.write_keys(("a", 90), ("b", 30))
    gateway.made("promote", gateway.ids()[1])
    assert gateway.letters() == "ba"
    assert gateway.read().splitlines()[0].endswith(f"# created {day(0)}")
    gateway.made("new")
    assert gateway.letters() == "+ba"


def test_promote_of_what_is_not_there(gateway):
    gateway.write_keys(("a", 1))
    gateway.refused(EX_UNAVAILABLE, "there is no key 0000", command=("promote", "0000"))
    gateway.refused(EX_USAGE, "one ID is needed", command=("promote",))


def test_the_first_key_cannot_only_verify(gateway):
    gateway.refused(EX_NOINPUT, "leave out --verify-only", command=("new", "--verify-only"))
    assert gateway.read() is None


# key list

def test_list_shows_what_there_is_to_know(gateway):
    gateway.write_keys(("a", 0), ("b", 40), ("c", None))
    table = gateway.made("list").splitlines()
    assert table[0].split("  ")[0] == "KEY"
    ids = [line.split()[0] for line in table[1:]]
    assert [line.split()[1:] for line in table[1:]] == [
        [day(0), "today", "signs", "-"],
        [day(40), "40d", "ago", "verifies", day(-NOT_NEEDED)],
        ["-", "-", "verifies", day(40 - NOT_NEEDED)]]
    assert json.loads(gateway.made("list", "--json")) == [
        {"Id": ids[0], "Created": day(0), "AgeDays": 0, "Use": "signs", "NotNeededFrom": None},
        {"Id": ids[1], "Created": day(40), "AgeDays": 40, "Use": "verifies",
         "NotNeededFrom": day(-NOT_NEEDED)},
        {"Id": ids[2], "Created": None, "AgeDays": None, "Use": "verifies",
         "NotNeededFrom": day(40 - NOT_NEEDED)}]


# encode and decode

@pytest.mark.parametrize("address", [
    "anna@shop.example", "Anna.Lee+tag@shop.example", '"a b"@shop.example', '"a@b"@shop.example',
    "bücher@shop.example", "env@x.example", "prvs=0123456789=e@x.example",
    "SRS0=abcdefgh=ab=y.example=e@x.example"])
def test_what_is_signed_comes_back(shop, address):
    signed = shop.encode(address)
    assert re.fullmatch(r'"?(prvs|SRS0)=.*@bounce\.shop\.example', signed)
    answer = shop.decode(signed)
    assert (answer["Result"], answer["GoesTo"], answer["OriginalAddress"]) == (
        "ok", address, address)
    assert answer["Form"] == ("prvs" if address.endswith("@shop.example") else "srs")
    assert (answer["Key"], answer["KeySigns"]) == (shop.ids()[0], True)
    assert (answer["SignedOn"], answer["AcceptedUntil"]) == (day(0), day(-LIFETIME))
    assert answer["MailFromDomain"] == "bounce.shop.example" and answer["BouncesOnly"] is False
    if address.isascii():  # beyond it, nothing is folded
        folded = shop.decode(f"<{signed.upper()}>")
        assert folded["GoesTo"].upper() == address.upper()


def test_encode_says_what_the_milter_does(shop):
    shop.start()
    with MilterClient(*shop.socket.split(":")) as client:
        change, _ = client.send("env@x.example", "anna@shop.example")
    assert change == (b"e", f"<{shop.encode('<env@x.example>')}>\0".encode())


def test_encode_without_a_signature(shop):
    long = "l" * 60 + "@shop.example"
    done = shop.ctl("return-path", "encode", long, "--identity", "shop.example")
    assert done.stdout == "l" * 60 + "@bounce.shop.example\n"
    assert "not signed; bounces come back" in done.stderr
    answer = shop.decode(done.stdout.strip())
    assert (answer["Form"], answer["Key"], answer["BouncesOnly"]) == ("plain", None, True)
    done = shop.ctl("return-path", "encode", "l" * 60 + "@x.example", "--identity", "shop.example")
    assert done.returncode == 0 and "bounces are lost" in done.stderr
    at_home = "a@bounce.shop.example"
    done = shop.ctl("return-path", "encode", at_home, "--identity", "shop.example")
    assert done.stdout == at_home + "\n" and "unchanged" in done.stderr


def test_encode_of_an_identity_that_moves_to_the_default(shop):
    for identity in "pending.example", "bare.example":
        done = shop.ctl("return-path", "encode", f"a@{identity}", "--identity", identity)
        assert done.returncode == 0 and "default MAIL FROM domain" in done.stderr
        assert done.stdout.endswith("@bounce.default.example\n")
        assert shop.decode(done.stdout.strip())["GoesTo"] == f"a@{identity}"


@pytest.mark.parametrize("identity, word", [
    ("ses.example", "its bounces go to SES"),
    ("strict.example", "the milter answers 554"),
    ("none.example", 'no identity "none.example"'),
])
def test_encode_says_why_there_is_no_return_path(shop, identity, word):
    done = shop.ctl("return-path", "encode", "a@x.example", "--identity", identity)
    assert (done.returncode, done.stdout) == (EX_UNAVAILABLE, "") and word in done.stderr


def test_encode_without_any_mail_from_domain(shop):
    shop.write_settings({"default-mail-from-domain": ""})
    done = shop.ctl("return-path", "encode", "a@x.example", "--identity", "bare.example")
    assert (done.returncode, done.stdout) == (EX_UNAVAILABLE, "")
    assert "no MAIL FROM domain" in done.stderr


@pytest.mark.parametrize("arguments", [
    ("a@x.example",), ("--identity", "shop.example"), ("ax.example", "--identity", "shop.example"),
    ("a@x.example", "--identity", "shop.example", "--date", "yesterday"),
    ("a@x.example", "b@x.example", "--identity", "shop.example")])
def test_encode_misused(shop, arguments):
    done = shop.ctl("return-path", "encode", *arguments)
    assert (done.returncode, done.stdout) == (EX_USAGE, "")


def test_decode_of_an_expired_one(shop):
    last = shop.encode("a@shop.example", "shop.example", "--date", day(LIFETIME))
    assert shop.decode(last)["AcceptedUntil"] == day(0)
    expired = shop.encode("a@shop.example", "shop.example", "--date", day(LIFETIME + 1))
    answer = shop.decode(expired, EX_DATAERR)
    assert (answer["Result"], answer["Reason"]) == ("expired", f"it expired on {day(0)}")
    assert (answer["OriginalAddress"], answer["GoesTo"]) == ("a@shop.example", None)


@pytest.mark.parametrize("address, result, reason", [
    ("prvs=0123456789=a@bounce.shop.example", "forged", "signed by none of the keys"),
    ("prvs=0123=a@bounce.shop.example", "unknown", "damaged"),
    ("a@bounce.shop.example", "unknown", "not signed"),
    ("a@elsewhere.example", "elsewhere", "not at a MAIL FROM domain of this gateway"),
    ("prvs=0123456789=a@bounce.ses.example", "elsewhere", "not at a MAIL FROM domain"),
    ("a", "elsewhere", "not at a MAIL FROM domain"),
])
def test_decode_of_what_is_refused(shop, address, result, reason):
    answer = shop.decode(address, EX_DATAERR)
    assert answer["Result"] == result and reason in answer["Reason"]
    assert answer["OriginalAddress"] is None and answer["Key"] is None


def test_decode_of_what_another_gateway_signed(shop):
    signed = shop.encode("a@shop.example")
    shop.write(f"{OTHER}\n")
    assert shop.decode(signed, EX_DATAERR)["Result"] == "forged"


def test_decode_after_rotations(shop):
    signed = shop.encode("a@shop.example")
    shop.made("new")
    shop.made("new")
    answer = shop.decode(signed)
    assert (answer["Key"], answer["KeySigns"]) == (shop.ids()[2], False)
    assert "only verifies now" in shop.done("return-path", "decode", signed)


def test_decode_of_the_postmaster_and_of_bounces_only(shop):
    signed = shop.encode("a@shop.example")
    shop.write_settings({"return-path": {"postmaster": "pm@x.example", "accept-from": "null"}})
    answer = shop.decode("Abuse@bounce.shop.example")
    assert (answer["Result"], answer["GoesTo"]) == ("postmaster", "pm@x.example")
    assert shop.decode(signed)["BouncesOnly"] is True
    assert "bounces only (the null sender)" in shop.done("return-path", "decode", signed)


def test_decode_without_a_store(gateway):
    gateway.made("new")
    done = gateway.ctl("return-path", "decode", "a@bounce.shop.example")
    assert (done.returncode, done.stdout) == (EX_TEMPFAIL, "") and "no store" in done.stderr


def test_decode_of_octets_that_are_no_text(shop):
    done = shop.ctl("return-path", "decode", b"\xff@bounce.shop.example", "--json")
    assert (done.returncode, done.stdout) == (EX_DATAERR, "") and "UTF-8" in done.stderr


# The store

def forget_index(gateway):
    """Makes the store one of an early version, without the index of return paths."""
    dump = subprocess.run(["mdb_dump", "-a", gateway.store], capture_output=True, text=True,
                          check=True).stdout
    parts = re.split(r"(?=^VERSION=)", dump, flags=re.M)
    kept = "".join(part for part in parts if "database=returns" not in part)
    assert kept != dump
    for name in os.listdir(gateway.store):
        os.remove(f"{gateway.store}/{name}")
    subprocess.run(["mdb_load", gateway.store], input=kept, text=True, check=True)


def test_a_new_key_makes_the_index_of_an_early_store(shop):
    signed = shop.encode("a@shop.example")
    forget_index(shop)
    assert shop.ctl("return-path", "decode", signed).returncode == EX_TEMPFAIL
    done = shop.ctl("list", "--mail-from-domains")
    assert (done.returncode, done.stdout) == (EX_UNAVAILABLE, "") and "no index" in done.stderr
    shop.made("new")
    assert shop.decode(signed)["GoesTo"] == "a@shop.example"


def test_a_store_that_cannot_be_written_is_a_warning(shop):
    with open(f"{shop.store}/data.mdb", "wb") as file:
        file.write(b"not a store")
    done = shop.key("new")
    assert done.returncode == 0 and done.stdout.startswith("created key")
    assert "warning: the index of return paths could not be prepared" in done.stderr


# list --mail-from-domains

def test_the_domains_are_sorted_and_each_is_there_once(shop):
    shop.import_records({"a@shop.example": entry("bounce.shop.example")})
    domains = ["bounce.default.example", "bounce.file.example", "bounce.pending.example",
               "bounce.shop.example", "bounce.strict.example"]
    assert shop.done("list", "--mail-from-domains").splitlines() == domains
    for default in "", "a.example", "bounce.shop.example", "z.example":
        shop.write_settings({"default-mail-from-domain": default})
        assert shop.done("list", "--mail-from-domains").splitlines() == sorted(
            {*domains[1:], default} - {""})


def test_a_domain_that_went_stays_for_the_bounces_under_way(shop, request):
    shop.done("identity", "remove", "shop.example")
    clock = Clock(request.config.getoption("--clock-library"), f"{shop.base}/clock")
    environment = os.environ | clock.environment(os.environ)
    for days, listed in (0, True), (LIFETIME, True), (NOT_NEEDED, False):
        clock.set(days * 86400)
        domains = shop.done("list", "--mail-from-domains", env=environment).splitlines()
        assert ("bounce.shop.example" in domains) == listed
        assert "bounce.file.example" in domains


def test_the_domains_are_listed_alone(shop):
    done = shop.ctl("list", "--mail-from-domains", "--json")
    assert (done.returncode, done.stdout) == (EX_USAGE, "")
