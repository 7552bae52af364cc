#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Stands in for systemctl on a machine without systemd: runs the units of mailfrom-milter as they
say, with their users, groups, umask, directories, environment and commands, until they are ready
(Type=notify). What the units shut out is left open here; tests/package/boot has the real one.

A file of its own, which lab/sandbox.py puts into /usr/local/bin there.
"""

import grp
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

UNITS = Path("/usr/lib/systemd/system")
WANTS = Path("/etc/systemd/system/multi-user.target.wants")
STATE = Path("/run/systemctl-standin")
PATIENCE = 60


class Unit:
    def __init__(self, name):
        self.name = name.removesuffix(".service")
        self.file = UNITS / f"{self.name}.service"
        self._values = {}
        for line in self.file.read_text(encoding="utf-8").splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.startswith(("#", "[")):
                self._values.setdefault(key, []).append(value)
        self._user = pwd.getpwnam(self.one("User"))

    def all(self, key):
        return self._values.get(key, [])

    def one(self, key, default=""):
        return self.all(key)[-1] if self.all(key) else default

    @property
    def pid(self):
        """Of what runs, or None. One that nobody waited for is gone too."""
        try:
            pid = int((STATE / self.name).read_text(encoding="ascii"))
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        return None if state.rpartition(")")[2].split()[0] == "Z" else pid

    def _environment(self):
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8",
                       "HOME": self._user.pw_dir, "USER": self._user.pw_name}
        # So that a build with sanitizers tells where to.
        environment |= {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        for name in self.all("EnvironmentFile"):
            file = Path(name.removeprefix("-"))
            if file.exists():
                environment |= dict(line.split("=", 1) for line in
                                    file.read_text(encoding="utf-8").splitlines() if "=" in line)
        return environment

    def _options(self):
        extra = [grp.getgrnam(name).gr_gid for name in self.one("SupplementaryGroups").split()]
        return {"user": self._user.pw_uid, "group": grp.getgrnam(self.one("Group")).gr_gid,
                "extra_groups": os.getgrouplist(self._user.pw_name, self._user.pw_gid) + extra,
                "umask": int(self.one("UMask", "0022"), 8), "cwd": "/",
                "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}

    def _run(self, key):
        for command in self.all(key):
            words = [word.replace("$MAINPID", str(self.pid)) for word in shlex.split(command)]
            done = subprocess.run(words, env=self._environment(), stderr=subprocess.PIPE, text=True,
                                  **self._options())
            if done.returncode:
                sys.exit(f"{self.name}: {key} failed with {done.returncode}: {done.stderr}")

    def _make_directories(self):
        for key, parent in (("RuntimeDirectory", "/run"), ("StateDirectory", "/var/lib")):
            for name in self.all(key):
                path = Path(parent, name)
                path.mkdir(exist_ok=True)
                shutil.chown(path, self._user.pw_name, self.one("Group"))
                path.chmod(int(self.one(f"{key}Mode", "0755"), 8))

    def start(self):
        if self.pid:
            return
        self._make_directories()
        self._run("ExecStartPre")
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        place = STATE / f"{self.name}.notify"
        place.unlink(missing_ok=True)
        notify.bind(str(place))
        place.chmod(0o666)
        reading, writing = os.pipe()
        status = os.fstat(writing)
        child = subprocess.Popen(
            shlex.split(self.one("ExecStart")), stderr=writing, start_new_session=True,
            env=self._environment() | {"NOTIFY_SOCKET": str(place),
                                       "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"},
            **self._options())
        subprocess.Popen(["logger", "--prio-prefix", "-p", "mail.info", "-t", self.name,
                          f"--id={child.pid}"], stdin=reading, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
        (STATE / self.name).write_text(str(child.pid), encoding="ascii")
        notify.settimeout(0.2)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if "READY=1" in notify.recv(4096).decode():
                    return
            except TimeoutError:
                if child.poll() is not None:
                    sys.exit(f"{self.name} ended with {child.returncode}; see the log")
        sys.exit(f"{self.name} is not ready")

    def stop(self):
        pid = self.pid
        if not pid:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while self.pid:
            if time.monotonic() > deadline:
                sys.exit(f"{self.name} does not stop")
            time.sleep(0.05)
        for name in self.all("RuntimeDirectory"):
            shutil.rmtree(f"/run/{name}", ignore_errors=True)

    def restart(self):
        self.stop()
        self.start()

    def reload(self):
        if not self.pid:
            sys.exit(f"{self.name} is not active")
        self._run("ExecReload")

    def enable(self):
        WANTS.mkdir(parents=True, exist_ok=True)
        link = WANTS / self.file.name
        if not link.is_symlink():
            link.symlink_to(self.file)


def main(words):
    now = "--now" in words
    verb, *names = [word for word in words if not word.startswith("-")]
    if verb == "daemon-reload":
        return
    STATE.mkdir(exist_ok=True)
    for unit in [Unit(name) for name in names]:
        if verb == "is-active":
            print("active" if unit.pid else "inactive")
        elif verb in ("start", "stop", "restart", "reload", "enable"):
            getattr(unit, verb)()
        else:
            sys.exit(f"systemctl {verb} is not known here")
        if now:
            unit.start()


main(sys.argv[1:])
