# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A bare Debian to install packages on, and steps to be taken there."""

import subprocess
import traceback
from pathlib import Path

TWO_LINES = ("smtpd_milters = { unix:mailfrom-milter/milter.sock, default_action=tempfail }",
             "non_smtpd_milters = $smtpd_milters")
SOCKET = "/run/mailfrom-milter/milter.sock"  # that of the settings that it comes with
SETTINGS = "/etc/mailfrom-milter.conf"
SECRETS = "/etc/mailfrom-milter.secrets"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


class Machine:
    def __init__(self, root):
        self.root = root
        self.enter = ["chroot", root]  # what runs a command there

    def path(self, name):
        return Path(self.root + name)

    def start(self, command, **options):
        return subprocess.Popen([*self.enter, *command], text=True, env=ENVIRONMENT,
                                stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, **options)

    def run(self, *command):
        """Exit status and output."""
        child = self.start(command, stdout=subprocess.PIPE)
        output = child.communicate(timeout=300)[0]
        return child.returncode, output

    def must(self, *command):
        status, output = self.run(*command)
        assert status == 0, f"{' '.join(command)}: exit status {status}\n{output}"
        return output

    def owner(self, name):
        """Mode, user and group, as it calls them."""
        return self.must("stat", "-c", "%a %U %G", name).strip()


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def install(machine, name):
    return machine.must("apt-get", "-q", "-y", "--no-install-recommends", "install",
                        "-o", "Dpkg::Use-Pty=0", name)


def run_steps(machine, steps):
    """steps: pairs of what should be so, and a function that finds out. A line for each; returns 1 if
    one is not so, else 0."""
    failed = False
    for what, step in steps:
        try:
            step(machine)
            print(f"PASS: {what}", flush=True)
        except Exception:  # pylint: disable=broad-except # whatever it is, the next step is due
            failed = True
            print(f"FAIL: {what}\n{traceback.format_exc()}", flush=True)
    return 1 if failed else 0
