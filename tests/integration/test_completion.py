# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Completion as `make install` installed it, in a real bash and a real zsh that sit at a terminal."""

import os
import pty
import re
import shutil
import subprocess
import termios
import time

import pytest

from lab.process import TimedOut
from lab.programs import Milter

SECONDS = 60


@pytest.fixture
def own(laboratory):
    own = Milter(laboratory.programs, f"{laboratory.base}/complete-{os.urandom(4).hex()}")
    own.import_records({"shop.example": {}, "info@shop.example": {}, "zebra.example": {}})
    return own


class Shell:
    """An interactive one. It shows what a Tab makes of a line, which is never run."""

    def __init__(self, command, environment):
        self.master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        self.child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                      start_new_session=True, env=environment)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.shown = ""

    def write(self, text):
        os.write(self.master, text.encode())

    def wait_for(self, pattern):
        deadline = time.monotonic() + SECONDS
        while not re.search(pattern, self.shown):
            if time.monotonic() > deadline:
                raise TimedOut(f"waited for {pattern!r} in\n{self.shown!r}")
            try:
                self.shown += os.read(self.master, 65536).decode(errors="replace")
            except BlockingIOError:
                time.sleep(0.02)
        self.shown = re.split(pattern, self.shown)[-1]

    def close(self):
        self.child.kill()
        self.child.wait()
        os.close(self.master)


def programs_first(own):
    """mailfromctl by its name, as a user has it."""
    return {"PATH": f"{os.path.dirname(own._programs.ctl)}:{os.environ['PATH']}", "TERM": "dumb",
            "HOME": own.base, "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null"}


def installed(own, name):
    prefix = os.path.dirname(os.path.dirname(own._programs.ctl))
    for share in ("usr/local/share", "usr/share", "share"):
        if os.path.exists(path := f"{prefix}/{share}/{name}"):
            return path
    raise AssertionError(f"{name} was not installed below {prefix}")


@pytest.fixture
def bash(own):
    script = installed(own, "bash-completion/completions/mailfromctl")
    shell = Shell(["bash", "--norc", "--noprofile", "-i"], programs_first(own) | {"PS1": "ready> "})
    shell.wait_for("ready> ")
    # A line that is complete shows itself when a comment is put before it.
    shell.write(f"bind 'set enable-bracketed-paste off'; bind 'set show-all-if-ambiguous on'; "
                f"bind 'set completion-query-items 0'; . {script}; echo loa''ded\n")
    shell.wait_for("loaded\r\n")
    yield shell
    shell.close()


@pytest.fixture
def zsh(own):
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed; ./quickstart test provides it")
    folder = os.path.dirname(installed(own, "zsh/site-functions/_mailfromctl"))
    shell = Shell(["zsh", "-f", "-i"], programs_first(own) | {"PS1": "ready> ", "PROMPT_EOL_MARK": ""})
    shell.wait_for("ready> ")
    shell.write(f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; unsetopt zle_bracketed_paste;"
                f" setopt interactivecomments list_ambiguous; echo loa''ded\n")
    shell.wait_for("loaded\r\n")
    yield shell
    shell.close()


def completes(shell, own, line, whole):
    """Tab after the line makes it the whole one, which then is a word of echo."""
    shell.write(f"mailfromctl {line}\t")
    shell.write("\x01echo \"<\x05>\"\n")  # to the beginning of the line, and to its end
    shell.wait_for(re.escape(f"<mailfromctl {whole}") + r" ?>\r\n")


def check(shell, own):
    own_settings = f"-c {own.settings_file}"
    for line, whole in (("expl", "explain"), ("import --rep", "import --replace"),
                        ("return-path key p", "return-path key promote"),
                        ("list --status Te", "list --status TemporaryFailure"),
                        ("put x.example --feedback-forwarding of",
                         "put x.example --feedback-forwarding off"),
                        (f"{own_settings} get ze", f"{own_settings} get zebra.example"),
                        (f"{own_settings} get info@sh", f"{own_settings} get info@shop.example"),
                        (f"import {own.base}/sett", None)):
        if whole is None:
            name = os.path.basename(own.settings_file)
            line = f"import {own.settings_file[:-len(name) + 3]}"
            whole = f"import {own.settings_file}"
        completes(shell, own, line, whole)


def test_bash(bash, own):
    check(bash, own)


def test_zsh(zsh, own):
    check(zsh, own)
