# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A private Postfix instance: own configuration, queue, data and log; nothing chrooted."""

import os
import shutil
import subprocess

from .process import free_port, is_alive, is_listening, tail, wait_until

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {base}/spool
data_directory = {base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {base}/maillog
maillog_file_prefixes = {base}
syslog_name = postfix
myhostname = mx.lab.test
mydomain = lab.test
myorigin = lab.test
mydestination =
local_recipient_maps =
relay_domains = static:all
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = all
relayhost = [127.0.0.1]:{relay}
disable_dns_lookups = yes
smtp_host_lookup = native
smtp_tls_security_level = none
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 10000
smtpd_hard_error_limit = 10000
default_database_type = texthash
alias_maps =
alias_database =
biff = no
in_flow_delay = 0
minimal_backoff_time = 2s
queue_run_delay = 2s
smtpd_milters = {socket}
non_smtpd_milters = {socket}
milter_default_action = tempfail
milter_protocol = 6
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - 100 smtpd
127.0.0.1:{second_port} inet n - n - 100 smtpd -o smtpd_milters={second_socket}
pickup unix n - n 2 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 2 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def _with(config, lines):
    """The text of main.cf with lines that count instead of its own."""
    def name(line):
        return line.partition("=")[0].strip()

    names = {name(line) for line in lines.splitlines()}
    kept = [line for line in config.splitlines() if name(line) not in names]
    return "\n".join([*kept, *lines.splitlines(), ""])


class Postfix:
    name = "postfix"

    def __init__(self, base, relay_port, socket, second_socket, main_cf="", master_cf=""):
        """socket, second_socket: the milter's, behind `port` and `second_port`. main_cf: lines that
        count instead of those above; master_cf: more services."""
        self.base = base
        self.config = f"{base}/etc"
        self.log = f"{base}/maillog"
        self.port = free_port()
        self.second_port = free_port()
        for directory in ("etc", "spool", "data"):
            os.makedirs(f"{base}/{directory}", 0o755)
        shutil.chown(f"{base}/data", "postfix")
        values = {"base": base, "relay": relay_port, "port": self.port, "socket": socket,
                  "second_port": self.second_port, "second_socket": second_socket}
        for name, text in (("main.cf", _with(MAIN_CF.format(**values), main_cf)),
                           ("master.cf", MASTER_CF.format(**values) + master_cf)):
            with open(f"{self.config}/{name}", "w", encoding="ascii") as config:
                config.write(text)

    def start(self):
        self._postfix("start")
        wait_until(lambda: is_listening(self.port) and is_listening(self.second_port),
                   "Postfix to listen")
        with open(f"{self.base}/spool/pid/master.pid", encoding="ascii") as pid:
            self._master = int(pid.read())

    def stop(self):
        self._postfix("stop")
        wait_until(lambda: not is_alive(self._master), "Postfix to stop")

    def submit(self, sender, octets, recipient="rcpt@next.test"):
        """Submission through sendmail(1), which never meets the SMTP server."""
        subprocess.run(["/usr/sbin/sendmail", "-C", self.config, "-f", sender, "-i", recipient],
                       input=octets, check=True, timeout=60)

    def queue(self):
        """The queue as postqueue(1) prints it."""
        return subprocess.run(["/usr/sbin/postqueue", "-c", self.config, "-p"], check=True,
                              capture_output=True, text=True, timeout=60).stdout

    def is_idle(self):
        """Is there nothing in the queue?"""
        return "Mail queue is empty" in self.queue()

    def _postfix(self, command):
        done = subprocess.run(["/usr/sbin/postfix", "-c", self.config, command], text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"postfix {command} failed:\n{done.stderr}{tail(self.log)}")
