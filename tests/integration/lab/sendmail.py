# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A private Sendmail, run out of the tree that fetch-sendmail unpacked.

Milters are met only by its SMTP server; it logs to the system's log, where there is one.
"""

import glob
import os
import subprocess

from .process import free_port, is_listening, mount_namespace, stop, tail, wait_until

# A filter of its own for each port; F=T defers mail while the milter is away.
MC = """\
divert(-1)
define(`_CF_DIR_', `{tree}/usr/share/sendmail/cf/')
include(`{tree}/usr/share/sendmail/cf/m4/cf.m4')
divert(0)dnl
VERSIONID(`mailfrom-milter laboratory')
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `sm.lab.test')dnl
define(`QUEUE_DIR', `{base}/mqueue')dnl
define(`STATUS_FILE', `{base}/statistics')dnl
define(`confPID_FILE', `{base}/sendmail.pid')dnl
define(`confCW_FILE', `{base}/local-host-names')dnl
define(`confSERVICE_SWITCH_FILE', `{base}/service.switch')dnl
define(`HELP_FILE', `')dnl
define(`ALIAS_FILE', `')dnl
define(`confDELIVERY_MODE', `background')dnl
define(`confTO_IDENT', `0')dnl
define(`confDONT_PROBE_INTERFACES', `true')dnl
define(`confREFUSE_LA', `999')dnl
define(`confQUEUE_LA', `999')dnl
define(`confDELAY_LA', `0')dnl
define(`confMAX_DAEMON_CHILDREN', `0')dnl
define(`confCONNECTION_RATE_THROTTLE', `0')dnl
define(`confMAX_HEADERS_LENGTH', `4000000')dnl
define(`confBAD_RCPT_THROTTLE', `0')dnl
define(`SMART_HOST', `smtp:[127.0.0.1]')dnl
define(`SMTP_MAILER_ARGS', `TCP $h {relay}')dnl
define(`ESMTP_MAILER_ARGS', `TCP $h {relay}')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {relay}')dnl
define(`LOCAL_MAILER_PATH', `/bin/false')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
{relaying}
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr=127.0.0.1, Port={port}, InputFilter=first')dnl
DAEMON_OPTIONS(`Name=MTA2, Family=inet, Addr=127.0.0.1, Port={second_port}, InputFilter=second')dnl
CLIENT_OPTIONS(`Family=inet, Addr=127.0.0.1')dnl
MAIL_FILTER(`first', `S={socket}, F=T, T=C:20s;S:20s;R:60s;E:120s')dnl
MAIL_FILTER(`second', `S={second_socket}, F=T, T=C:20s;S:20s;R:60s;E:120s')dnl
define(`confINPUT_MAIL_FILTERS', `first')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
"""

OPEN_RELAY = "FEATURE(`promiscuous_relay')dnl"


class Sendmail:
    name = "sendmail"

    def __init__(self, base, relay_port, socket, second_socket, tree, relaying=OPEN_RELAY):
        """tree: where Debian's packages were unpacked. relaying: who may relay where."""
        self.base = base
        self.tree = tree
        self.log = f"{base}/output"
        self.port = free_port()
        self.second_port = free_port()
        self._child = None
        os.makedirs(f"{base}/mqueue")
        os.chmod(f"{base}/mqueue", 0o700)
        for name in ("statistics", "local-host-names"):
            self._write(name, "")
        # No name service: hosts only from files.
        self._write("hosts", "127.0.0.1 localhost sm.lab.test\n::1 localhost\n")
        self._write("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
        self._write("service.switch", "hosts files\naliases files\npasswd files\n")
        self._write("lab.mc", MC.format(
            base=base, tree=tree, relay=relay_port, port=self.port, socket=socket,
            second_port=self.second_port, second_socket=second_socket, relaying=relaying))
        config = subprocess.run(["m4", f"{base}/lab.mc"], check=True, capture_output=True,
                                text=True).stdout
        self._write("sendmail.cf", config)

    def start(self):
        program = f"{self.tree}/usr/libexec/sendmail/sendmail"
        libraries = ":".join(glob.glob(f"{self.tree}/usr/lib/*-linux-gnu"))
        # A host name without a dot would make it sleep for a minute, and names are looked up at
        # the start: it gets a name, and where that can be, a hosts file and a name service switch
        # of its own; elsewhere it takes as long as the resolver does.
        # Without a queue runner a delivery that is put off once would never be tried again.
        namespace = mount_namespace()
        mounts = f"""
            mount --bind "{self.base}/hosts" /etc/hosts
            mount --bind "{self.base}/nsswitch.conf" /etc/nsswitch.conf""" if namespace else ""
        command = f"""
            hostname sm.lab.test{mounts}
            exec "{program}" -C "{self.base}/sendmail.cf" -bD -q5s"""
        with open(self.log, "w", encoding="utf-8") as output:
            self._child = subprocess.Popen(
                ["unshare", "--uts", *(namespace or []), "sh", "-ec", command], stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, env={**os.environ, "LD_LIBRARY_PATH": libraries})
        wait_until(lambda: self._child.poll() is not None or
                   is_listening(self.port) and is_listening(self.second_port),
                   "Sendmail to listen", 120)
        if self._child.poll() is not None:
            raise RuntimeError(f"Sendmail did not start:\n{tail(self.log)}")

    def stop(self):
        stop(self._child)

    def is_idle(self):
        """Is there nothing in the queue?"""
        return not os.listdir(f"{self.base}/mqueue")

    def queue(self):
        """What waits in the queue, and why: its control files."""
        return "\n".join(tail(path) for path in sorted(glob.glob(f"{self.base}/mqueue/qf*")))

    def _write(self, name, text):
        with open(f"{self.base}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
