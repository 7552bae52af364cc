# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""mailfrom-sync, as `make install` left it, with a directory of its own: settings, store, log."""

import json
import os
import re
import signal
import subprocess
import threading
from contextlib import contextmanager

from .process import stop, tail, wait_until
from .programs import settings_text

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
SURROUNDINGS = {"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}

# An account that is asked as fast as it answers, and whose answers do not hold for long.
QUICK = {"requests-per-second": "1000", "list-every": "200ms", "refresh-after": "300ms",
         "refresh-unsettled-after": "200ms", "expire-after": "1d", "timeout": "500ms",
         "connect-timeout": "500ms"}


class Sync:
    def __init__(self, stage, base):
        self.program = f"{stage}/sbin/mailfrom-sync"
        self.ctl_program = f"{stage}/bin/mailfromctl"
        self.base = base
        self.store = f"{base}/store"
        self.settings_file = f"{base}/settings.conf"
        self.log = f"{base}/log"
        self.environment = KEYS | SURROUNDINGS | {
            name: os.environ[name] for name in os.environ
            if name.startswith(("ASAN", "UBSAN", "LSAN", "TSAN", "PATH"))}
        self._child = None

    def configure(self, *accounts, local=None):
        """accounts: the settings of sections `ses`; a title comes under the name "title". local:
        those of section `local`."""
        text = settings_text({"store": self.store} | ({"local": local} if local else {}))
        for account in accounts:
            title = account.get("title", "")
            values = {name: value for name, value in account.items() if name != "title"}
            text += f'ses {json.dumps(title) if title else ""} {{\n{settings_text(values)}}}\n'
        with open(self.settings_file, "w", encoding="utf-8") as file:
            file.write(text)
        return self

    # The process

    def start(self, wrapper=()):
        """wrapper: the command that is to exec the program, and its arguments."""
        log = open(self.log, "a", encoding="utf-8")
        self._child = subprocess.Popen([*wrapper, self.program, "-c", self.settings_file, "-f"],
                                       env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log)
        log.close()
        return self

    def stop(self):
        """TERM; the exit status must be 0, so that no report of a sanitizer passes unseen."""
        if self._child:
            status = stop(self._child)
            self._child = None
            assert status == 0, f"mailfrom-sync exited with {status}:\n{tail(self.log)}"
        assert KEYS["AWS_SECRET_ACCESS_KEY"] not in self.log_text()

    @property
    def running(self):
        return self._child is not None and self._child.poll() is None

    def kill(self):
        self._child.kill()
        self._child.wait()
        self._child = None

    def send_signal(self, number):
        self._child.send_signal(number)

    @contextmanager
    def reloading(self, times=1000, every=0.002):
        """Meanwhile it is sent HUP after HUP; they end by themselves, so that work gets done."""
        over = threading.Event()

        def reload():
            for _ in range(times):
                self.send_signal(signal.SIGHUP)
                if over.wait(every):
                    return
        thread = threading.Thread(target=reload)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def run(self, *arguments, seconds=60):
        return subprocess.run([self.program, "-c", self.settings_file, *arguments],
                              env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=seconds)

    def once(self):
        done = self.run("--once")
        assert done.returncode == 0, done.stderr
        return done.stdout

    # The log

    def log_size(self):
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def log_text(self, mark=0):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, "rb") as log:
            log.seek(mark)
            return log.read().decode("utf-8", "backslashreplace")

    def log_lines(self, pattern, mark=0):
        return [line for line in self.log_text(mark).splitlines() if re.search(pattern, line)]

    def wait_for_log(self, pattern, mark=0, seconds=30.0):
        """The first line after `mark` that matches."""
        return wait_until(lambda: next(iter(self.log_lines(pattern, mark)), None),
                          f"{pattern!r} in\n{tail(self.log)}", seconds)

    # The store

    def ctl(self, *arguments, **options):
        return subprocess.run([self.ctl_program, "-c", self.settings_file, *arguments],
                              capture_output=True, text=True, timeout=120, **options)

    def records(self):
        """identity -> what `mailfromctl list --json` says of it."""
        listed = self.ctl("list", "--json")
        if listed.returncode != 0:
            return {}
        return {record["Identity"]: record for record in json.loads(listed.stdout)}

    def status(self, identity):
        record = self.records().get(identity)
        return record and record["MailFromDomainStatus"]

    def wait_for_status(self, identity, status, seconds=30.0):
        wait_until(lambda: self.status(identity) == status,
                   f"{identity} to be {status}\n{tail(self.log)}", seconds)
