# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The programs under test, as `make install` left them, and their settings file."""

import json
import os
import re
import signal
import socket
import subprocess

from .process import stop, tail, wait_until

LOG_LINE = re.compile(
    r"(?P<queue_id>\S+): sender=<(?P<sender>[^>]*)> from=<(?P<from>[^>]*)>"
    r" identity=(?P<identity>\S+) status=(?P<status>\S+) verdict=(?P<verdict>\S+)"
    r" reason=(?P<reason>\S+) new-sender=(?P<new_sender><[^>]*>|-)"
    r"( return=(?P<return_form>\S+))?(?P<monitor> mode=monitor)?"
    r"( snapshot=(?P<snapshot>\S+))?( detail=\".*\")?$", re.MULTILINE)


def escaped(text):
    """As the log shows what came from outside."""
    return "".join(chr(octet) if 0x20 < octet < 0x7f and octet not in b"<>\\" else f"\\x{octet:02x}"
                   for octet in text.encode("utf-8", "surrogateescape"))


def settings_text(settings):
    """settings: a dict in the shape of the file; a dict in it is a section."""
    lines = []
    for name, value in settings.items():
        if isinstance(value, dict):
            lines.append(f"{name} {{\n{settings_text(value)}}}")
        else:
            lines.append(f"{name} = {_literal(value)}")
    return "\n".join(lines) + "\n"


def _literal(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "{" + ", ".join(map(_literal, value)) + "}"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Programs:
    def __init__(self, stage):
        """stage: holds sbin/mailfrom-milter, sbin/mailfrom-sync and bin/mailfromctl."""
        self.milter = f"{stage}/sbin/mailfrom-milter"
        self.sync = f"{stage}/sbin/mailfrom-sync"
        self.ctl = f"{stage}/bin/mailfromctl"


class Milter:
    """One mailfrom-milter with a directory of its own: settings, store, socket and log."""

    def __init__(self, programs, base):
        self._programs = programs
        self._child = None
        self._log_file = None
        self.wrapper = ()  # the command that is to exec the program, and its arguments
        self.base = base
        self.settings_file = f"{base}/settings.conf"
        self.store = f"{base}/store"
        self.socket = f"unix:{base}/socket"
        self.log = f"{base}/log"
        self.settings = None
        os.makedirs(base, 0o755)
        self.write_settings()

    # Settings

    def default_settings(self):
        """127.0.0.2 plays the client that is not ours."""
        return {
            "store": self.store,
            "default-mail-from-domain": "bounce.default.example",
            "milter": {
                "socket": self.socket,
                "socket-mode": "0660",
                "socket-group": "postfix",
                "outbound-networks": ["127.0.0.1/32", "::1/128"],
            },
        }

    def write_settings(self, changes=None):
        """The defaults of the laboratory, with changes of the same shape."""
        settings = self.default_settings()
        for name, value in (changes or {}).items():
            if isinstance(value, dict):
                settings[name] = settings.get(name, {}) | value
            else:
                settings[name] = value
        self.settings = settings
        self.write_settings_text(settings_text(settings))

    def write_settings_text(self, text):
        with open(self.settings_file, "w", encoding="utf-8") as file:
            file.write(text)

    def use(self, changes=None, pass_fds=()):
        """Runs with these settings: starts the milter, or restarts it if it has others."""
        before = self.settings
        self.write_settings(changes)
        if self.running and before == self.settings:
            return self
        self.stop()
        return self.start(pass_fds)

    # The process

    @property
    def command(self):
        return [self._programs.milter, "-c", self.settings_file, "-f"]

    def start(self, pass_fds=()):
        mark = self.log_size()
        self._log_file = open(self.log, "a", encoding="utf-8")
        self._child = subprocess.Popen([*self.wrapper, *self.command], stdin=subprocess.DEVNULL,
                                       stdout=self._log_file, stderr=self._log_file,
                                       pass_fds=pass_fds)
        # The socket is there before its group and mode are: the first log line comes after both.
        wait_until(lambda: "version " in self.log_text(mark) or not self.running,
                   "the milter to listen")
        if not self.running:
            raise RuntimeError(f"the milter did not start:\n{tail(self.log)}")
        return self

    def stop(self):
        """TERM; the exit status must be 0, so that no report of a sanitizer passes unseen."""
        if self._child:
            status = stop(self._child)
            self._child = None
            self._log_file.close()
            assert status == 0, f"the milter exited with {status}:\n{tail(self.log)}"

    def kill(self):
        self._child.kill()
        self._child.wait()
        self._child = None
        self._log_file.close()

    def send_signal(self, number):
        self._child.send_signal(number)

    def reload(self, number=signal.SIGUSR1):
        """Asks for a reload, and returns what was logged about it."""
        mark = self.log_size()
        self.send_signal(number)
        return self.wait_for_log("settings reloaded", mark)

    @property
    def running(self):
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self):
        return self._child.pid

    # The log

    def log_size(self):
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def log_text(self, mark=0):
        with open(self.log, "rb") as log:
            log.seek(mark)
            return log.read().decode("utf-8", "backslashreplace")

    def wait_for_log(self, pattern, mark=0, seconds=30.0):
        """The first line after `mark` that matches."""
        def find():
            return next((line for line in self.log_text(mark).splitlines()
                         if re.search(pattern, line)), None)
        return wait_until(find, f"{pattern!r} in the milter's log", seconds)

    def verdicts(self, mark=0):
        """What was logged about messages, in order: dicts of the fields of the log line."""
        return [found.groupdict() for found in LOG_LINE.finditer(self.log_text(mark))]

    # mailfromctl, with the same settings

    def ctl(self, *arguments, **options):
        """Runs mailfromctl; options are those of subprocess.run."""
        return subprocess.run([self._programs.ctl, "-c", self.settings_file, *arguments],
                              capture_output=True, text=True, timeout=120, **options)

    def import_records(self, records):
        """records: identity -> attributes."""
        done = self.ctl("import", "-", input=json.dumps({"MailFromDomainAttributes": records}))
        assert done.returncode == 0, done.stderr

    def check(self):
        """mailfrom-milter --check"""
        return subprocess.run([self._programs.milter, "-c", self.settings_file, "--check"],
                              capture_output=True, text=True, timeout=60)


def connect(kind, where):
    """A connection to a milter socket: unix:/path, inet:port@host, inet6:port@host."""
    if kind in ("unix", "local"):
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(where)
        except OSError:
            connection.close()
            raise
        return connection
    port, _, host = where.partition("@")
    return socket.create_connection((host, int(port)), timeout=10)
