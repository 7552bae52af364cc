# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What the tests of `mailfromctl check` share: a gateway of their own, and how findings are read."""

import os
import shutil
from contextlib import contextmanager
from types import SimpleNamespace

from .programs import Milter

GATEWAY = "192.0.2.10"
MX = "mx.gateway.example"

# A configuration that leads to the milter, and takes the bounces of all that the tests have.
MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {base}/spool
relay_domains = example
smtpd_milters = {smtpd}
non_smtpd_milters = {submitted}
"""


def record(name, status="Success", source="local", behavior="UseDefaultValue", **other):
    """An identity of the zone, in the form that import takes."""
    attributes = {"MailFromDomain": f"bounce.{name}", "MailFromDomainStatus": status,
                  "BehaviorOnMXFailure": behavior, "Record": {"Source": source} | other}
    return {name: attributes}


@contextmanager
def gateway(laboratory, nsd, postfix_directory):
    """Settings and store of its own; no milter, and nobody's Postfix."""
    milter = Milter(laboratory.programs, f"{laboratory.base}/check-{os.urandom(4).hex()}")
    settle(milter, nsd)
    milter.postfix = str(postfix_directory)
    os.mkdir(milter.postfix)
    postfix(milter)
    yield milter
    milter.stop()
    shutil.rmtree(milter.base)


def settle(milter, nsd, changes=None):
    """The defaults of the laboratory, a section local, and these changes."""
    local = {"expected-mx": [MX], "nameservers": [nsd.server], "timeout": "500ms"}
    settings = Milter.default_settings(milter) | {"local": local}
    for section, values in (changes or {}).items():
        settings[section] = settings.get(section, {}) | values
    milter.default_settings = lambda: dict(settings)
    milter.write_settings()


def postfix(milter, smtpd=None, submitted=None, chroot="n", main_cf=MAIN_CF, **services):
    """Writes a configuration of Postfix; without arguments one that leads to the milter. services:
    more that listen, with their options."""
    smtpd = milter.socket if smtpd is None else smtpd
    submitted = smtpd if submitted is None else submitted
    with open(f"{milter.postfix}/main.cf", "w", encoding="ascii") as file:
        file.write(main_cf.replace("{base}", milter.base).replace("{smtpd}", smtpd)
                   .replace("{submitted}", submitted))
    with open(f"{milter.postfix}/master.cf", "w", encoding="ascii") as file:
        file.write(f"smtp inet n - {chroot} - - smtpd\n"
                   f"pickup unix n - {chroot} 60 1 pickup\n"
                   f"cleanup unix n - {chroot} - 0 cleanup\n"
                   f"rewrite unix - - {chroot} - - trivial-rewrite\n")
        for name, options in services.items():
            file.write(f"{name} inet n - {chroot} - - smtpd\n  {options}\n")


def check(milter, *arguments, sendmail_cf="/nonexistent"):
    """The findings; each line is read, so that a test may ask for words in any of them."""
    plain = ["--postfix-config", milter.postfix, "--sendmail-cf", str(sendmail_cf)]
    done = milter.ctl("check", *plain, *arguments)
    assert done.stderr == "", done.stderr
    lines = done.stdout.splitlines()
    counts = SimpleNamespace(ok=0, warning=0, error=0)
    for line in lines[:-1] if "--json" not in arguments else []:
        level = line.split()[0]
        setattr(counts, level, getattr(counts, level) + 1)
    if "--quiet" not in arguments and "--json" not in arguments:
        assert lines[-1] == (f"{counts.ok} ok, {counts.warning} warning{'s' * (counts.warning != 1)}, "
                             f"{counts.error} error{'s' * (counts.error != 1)}")
        assert done.returncode == (2 if counts.error else 1 if counts.warning else 0)
    return SimpleNamespace(code=done.returncode, text=done.stdout, lines=lines)


def found(result, level, *words):
    """One line of that level has all of these words."""
    lines = [line for line in result.lines
             if line.startswith(f"{level} ") and all(word in line for word in words)]
    assert len(lines) == 1, f"{level} {words}: {len(lines)} lines\n{result.text}"
    return lines[0]
