# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What the soak runs: Postfix, both daemons on one store, and stand-ins for SES and the DNS."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import ExitStack

from bounces import is_signed, unsigned
from journal import Journal
from lab import life
from lab.clock import Clock
from lab.postfix import Postfix
from lab.programs import Milter, Programs
from lab.sink import TOKEN_HEADER, Sink
from lab.sync import QUICK, Sync
from standin.dns import Dns
from standin.ses import Ses

EXPECTED_MX = ("mx1.gateway.example", "mx2.gateway.example")
DEFAULT_DOMAIN = "bounce.default.example"
DISK_SIZE = "8m"
FILLERS = 100
GONE = "gone"  # recipients that begin with it: the next hop refuses them, in the session
MAIN_CF = """\
mynetworks = 127.0.0.1/32, 127.0.0.2/32
relay_domains =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
virtual_alias_maps = socketmap:unix:mailfrom-milter/return.sock:return
smtpd_recipient_restrictions = check_recipient_access socketmap:unix:mailfrom-milter/return.sock:check
smtpd_restriction_classes = mailfrom_bounces_only
mailfrom_bounces_only = check_sender_access inline:{<>=OK}, reject
"""


class CountingSink(Sink):
    """Keeps of each message its addresses alone, so that a long run stays small."""

    def __init__(self):
        self.senders = {}  # by token, each sender it came with, without its signature
        self.return_paths = []  # token, and the sender with its signature
        self.bounces = {}  # by token: each recipient of a bounce from outside
        self.notices = {}  # by the token of the message that it is about: of a notice of Postfix
        super().__init__()

    def refuses(self, address):
        return "550 5.1.1 gone" if address.startswith(GONE) else None

    def take(self, delivery):
        token = delivery.header(TOKEN_HEADER)
        with self._arrived:
            if delivery.returned_token:
                self.notices.setdefault(delivery.returned_token, []).extend(delivery.addresses)
            elif delivery.header("From") == "MAILER-DAEMON@far.test":
                self.bounces.setdefault(token, []).extend(delivery.addresses)
            else:
                self._take_message(token, delivery.sender)
            self._arrived.notify_all()

    def _take_message(self, token, sender):
        self.senders.setdefault(token, []).append(unsigned(sender))
        if is_signed(sender):
            self.return_paths.append((token, sender))

    def wait_for_token(self, token, seconds=120.0):
        with self._arrived:
            if not self._arrived.wait_for(lambda: token in self.senders, seconds):
                raise AssertionError(f"no message {token} came to the next hop in {seconds:g} s")


def filler(number):
    """An identity that tests/bench/load sends from: see tests/bench/message.h."""
    if number % 10 == 9:
        return f"user{number:07}@a{number:07}.bench.example"
    return f"d{number:07}.bench.example"


def fillers():
    return {name: {"MailFromDomain": "bounce." + name.rpartition("@")[2],
                   "MailFromDomainStatus": "Success", "BehaviorOnMXFailure": "UseDefaultValue"}
            for name in map(filler, range(FILLERS))}


def stage_of(build, base):
    """The programs of a build, where the laboratory looks for them."""
    stage = f"{base}/stage"
    for place in ("sbin/mailfrom-milter", "sbin/mailfrom-sync", "bin/mailfromctl"):
        os.makedirs(os.path.dirname(f"{stage}/{place}"), exist_ok=True)
        os.symlink(f"{os.path.abspath(build)}/{os.path.basename(place)}", f"{stage}/{place}")
    return stage


class Gateway:
    """Use as a context manager. no_disk and no_clock say why a fault cannot be had here, or None."""

    def __init__(self, build, preload=True):
        """preload: with a wall clock of its own for mailfrom-sync, and a journal of what is
        written."""
        self.load_program = f"{os.path.abspath(build)}/tests/bench/load"
        self.base = tempfile.mkdtemp(prefix="mailfrom-milter-soak-")
        os.chmod(self.base, 0o755)
        stage = stage_of(build, self.base)
        self.sink = CountingSink()
        self.ses = Ses()
        self.ses.httpd.handle_error = lambda *_: None  # mailfrom-sync hangs up when it is reloaded
        self.dns = Dns()
        self.milter = Milter(Programs(stage), f"{self.base}/milter")
        self.sync = Sync(stage, f"{self.base}/sync")
        self.disk = f"{self.base}/disk"
        for directory in (self.disk, self.sync.base):
            os.makedirs(directory)
        self.milter.store = self.sync.store = f"{self.disk}/store"
        self.postfix = Postfix(f"{self.base}/postfix", self.sink.port, self.milter.socket,
                               self.milter.socket, MAIN_CF)
        self.returning = {"return-path": self._return_path()}
        self.returning["log-level"] = "debug"  # with the transaction that it was judged by
        self.milter.write_settings(self.returning)
        self.down = set()  # programs that were killed on purpose
        self.crowded = False  # a thousand connections are open
        self.store_there = threading.Lock()  # held by who writes, and while there is none
        self.refusals = []  # what mailfromctl said
        self.clock = Clock(f"{os.path.abspath(build)}/tests/integration/lab/set_clock.so",
                           f"{self.base}/clock")
        self.journal = Journal(f"{os.path.abspath(build)}/tests/soak/journal.so",
                               f"{self.base}/journal", ".soak.example")
        self.ctl_environment = os.environ | (self.journal.environment(os.environ) if preload else {})
        self.no_disk = None
        self.no_clock = None if preload else "not asked for"

    def __enter__(self):
        with ExitStack() as closing:
            closing.callback(shutil.rmtree, self.base, ignore_errors=True)
            closing.callback(self.sink.close)
            self._mount(closing)
            closing.enter_context(self.ses)
            closing.enter_context(self.dns)
            self._configure_sync()
            self.import_records(fillers())
            closing.callback(self.sync.stop)
            self.sync.start()
            closing.callback(self.milter.stop)
            self.milter.use(self.returning)
            self.postfix.start()
            closing.callback(self.postfix.stop)
            self._closing = closing.pop_all()
        return self

    def __exit__(self, *_):
        self._closing.close()

    def _return_path(self):
        directory = f"{self.base}/postfix/spool/mailfrom-milter"
        secrets = f"{self.base}/secrets"
        os.makedirs(directory)
        with open(os.open(secrets, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write("a-secret-of-the-soak\n")
        return {"socket": f"unix:{directory}/return.sock", "socket-group": "postfix",
                "secrets-file": secrets}

    def _mount(self, closing):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE},mode=755", "soak",
                               self.disk], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.no_disk = f"no file system of its own: {done.stderr.strip()}"
            return
        closing.callback(subprocess.run, ["umount", "-l", self.disk], check=False)

    def _configure_sync(self):
        self.sync.configure(QUICK | {"endpoint": self.ses.url},
                            local=life.settings(self.dns.port, match="any-of-these",
                                                pending_window="4s", timeout="1s",
                                                temporary_failure_window="4s") |
                            {"expected-mx": list(EXPECTED_MX)})
        if not self.no_clock:
            self.sync.environment |= self.clock.environment(self.sync.environment)
            self.sync.environment |= self.journal.environment(self.sync.environment)

    # What an administrator does; it may fail while a fault is on, and is done again then.

    def import_records(self, records):
        self._give("import", "-", records=records)

    def put(self, records):
        """As local identities, also those that there are not yet."""
        self._give("put", "--from", "-", "--add", records=records)

    def _give(self, *arguments, records):
        done = self.sync.ctl(*arguments, env=self.ctl_environment,
                             input=json.dumps({"MailFromDomainAttributes": records}))
        if done.returncode != 0:
            self.refusals.append(f"{arguments[0]}: {done.stderr.strip()}")

    def back_up(self):
        """A copy of the store beside it, as it is now; the path. The journal has its state."""
        copy = f"{self.disk}/backup"
        shutil.copytree(self.milter.store, copy, ignore=lambda *_: os.listdir(self.milter.store))
        status = os.stat(self.milter.store)
        os.chown(copy, status.st_uid, status.st_gid)
        os.chmod(copy, status.st_mode & 0o7777)
        subprocess.run(["mdb_copy", self.milter.store, copy], check=True)
        settings = f"{self.base}/backup.conf"
        with open(settings, "w", encoding="utf-8") as file:
            file.write(f'store = "{copy}"\n')
        subprocess.run([self.sync.ctl_program, "-c", settings, "list"], check=True,
                       stdout=subprocess.DEVNULL, env=self.ctl_environment)
        return copy

    @property
    def daemons(self):
        return {"milter": self.milter, "sync": self.sync}

    def process(self, name):
        return self.daemons[name]._child
