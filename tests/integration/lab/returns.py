# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Gateways that bounces come back to: a milter that signs return paths, and behind it a Postfix and
a Sendmail with the lines for them. Their own clients come from 127.0.0.1, the others from 127.0.0.2;
those may write to the mailboxes and to return paths, and nowhere else.

The next hop plays the mailboxes as well.
"""

import itertools
import os
import re
import socket
from contextlib import ExitStack

from .client import Client, send
from .process import free_port, is_listening, wait_until
from .postfix import Postfix
from .programs import Milter, connect, settings_text
from .sendmail import Sendmail

OUTSIDE = "127.0.0.2"
SECRET = "the first secret of the laboratory".replace(" ", "-")

# Domains with mailboxes: shop.example has an identity from the start; the numbered ones, and
# mail.dNUMBER.example, are for tests that bring their own.
NUMBERED = [f"d{number}.example" for number in range(1, 200)]
MAILBOXES = ["shop.example", "x.example", "lab.test", *NUMBERED,
             *(f"mail.{domain}" for domain in NUMBERED)]

MAIN_CF = """\
mynetworks = 127.0.0.1/32
relay_domains = {base}/mailboxes
parent_domain_matches_subdomains =
recipient_delimiter = +
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
virtual_alias_maps = socketmap:unix:mailfrom-milter/return.sock:return
smtpd_recipient_restrictions = check_recipient_access socketmap:unix:mailfrom-milter/return.sock:check
smtpd_restriction_classes = mailfrom_bounces_only
mailfrom_bounces_only = check_sender_access inline:{{<>=OK}}, reject
"""
# A smtpd for each recipient_delimiter; and two that send mail through a content filter, which does
# nothing: before or behind it addresses are left alone.
MASTER_CF = """\
127.0.0.1:{minus} inet n - n - 100 smtpd -o recipient_delimiter=- -o cleanup_service_name=minus
minus unix n - n - 0 cleanup -o recipient_delimiter=-
127.0.0.1:{equals} inet n - n - 100 smtpd -o recipient_delimiter== -o cleanup_service_name=equals
equals unix n - n - 0 cleanup -o recipient_delimiter==
127.0.0.1:{mapped_behind} inet n - n - 100 smtpd -o content_filter=smtp:[127.0.0.1]:{maps} -o receive_override_options=no_address_mappings
127.0.0.1:{maps} inet n - n - 100 smtpd -o myhostname=behind.lab.test -o smtpd_milters=
127.0.0.1:{mapped_before} inet n - n - 100 smtpd -o content_filter=smtp:[127.0.0.1]:{maps_not}
127.0.0.1:{maps_not} inet n - n - 100 smtpd -o myhostname=behind.lab.test -o smtpd_milters= -o receive_override_options=no_address_mappings
"""
POSTFIX_PORTS = ("minus", "equals", "mapped_behind", "maps", "mapped_before", "maps_not")

# What is for a mailbox of its own goes to the next hop as well, without the domain.
RELAYING = """\
FEATURE(`relay_hosts_only')dnl
RELAY_DOMAIN_FILE(`{base}/mailboxes')dnl
define(`LOCAL_MAILER_PATH', `[IPC]')dnl
define(`LOCAL_MAILER_ARGS', `TCP [127.0.0.1] {relay}')dnl
define(`LOCAL_MAILER_FLAGS', `muX')dnl
define(`LOCAL_MAILER_EOL', `\\r\\n')dnl
MODIFY_MAILER_FLAGS(`LOCAL', `-w5:/|@As')dnl
define(`confRETURN_PATH_SOCKET', `local:{socket}')dnl
include(`{m4}')dnl"""

_serial = itertools.count(1)


def new_name(start="Anna"):
    """A local part that no other test has."""
    return f"{start}{next(_serial)}"


_domains = iter(NUMBERED)


def new_domain():
    """One with mailboxes, and without an identity so far."""
    return next(_domains)


def record(domain, source="file", **of_record):
    """A MAIL FROM domain that is in order."""
    return {"MailFromDomain": domain, "MailFromDomainStatus": "Success",
            "BehaviorOnMXFailure": "UseDefaultValue", "Record": {"Source": source} | of_record}


class ReturnMilter(Milter):
    """It keeps running: what a test changes, a reload takes up."""

    def __init__(self, programs, base, return_socket, metrics):
        self._return_socket = return_socket
        self.metrics = metrics
        self.secrets_file = f"{base}/secrets"
        super().__init__(programs, base)
        self.write_secrets(SECRET)

    def default_settings(self):
        settings = super().default_settings()
        settings["milter"]["metrics"] = self.metrics
        settings["return-path"] = {
            "socket": f"unix:{self._return_socket}", "socket-mode": "0660",
            "socket-group": "postfix", "secrets-file": self.secrets_file}
        return settings

    def write_secrets(self, *secrets, mode=0o640):
        with open(self.secrets_file, "w", encoding="ascii") as file:
            file.writelines(f"{secret}\n" for secret in secrets)
        os.chmod(self.secrets_file, mode)
        self.secrets = secrets

    def change(self, changes=None):
        before = self.settings
        self.write_settings(changes)
        if self.settings != before:
            self.reload()

    def change_return_path(self, **changes):
        """accept_from="null" for the setting accept-from, and so on."""
        self.change({"return-path": {name.replace("_", "-"): value
                                     for name, value in changes.items()}})

    def drop_return_paths(self):
        """The section away, the MTA's lines still there."""
        self.settings = {name: value for name, value in self.default_settings().items()
                         if name != "return-path"}
        self.write_settings_text(settings_text(self.settings))
        self.reload()

    def restore(self):
        """What a test may have changed."""
        if self.secrets != (SECRET,):
            self.write_secrets(SECRET)
            self.settings = None
        if not self.running:
            self.use()
        self.change()

    def returns(self, mark=0):
        """The log lines about return paths: dicts of their fields."""
        lines = re.findall(r" return: (rcpt=.*)", self.log_text(mark))
        return [dict(re.findall(r"([a-z]+)=(\S+)", line.partition(" (")[0])) for line in lines]

    def ask(self, name, key):
        """What an MTA does: a request for one of the maps. The status word and the text."""
        request = f"{name} {key}".encode("utf-8")
        with connect("unix", self._return_socket) as connection:
            connection.settimeout(30)
            connection.sendall(b"%d:%s," % (len(request), request))
            connection.shutdown(socket.SHUT_WR)
            reply = connection.makefile("rb").read().decode("utf-8")
        length, _, netstring = reply.partition(":")
        assert len(netstring) == int(length) + 1 and netstring.endswith(","), reply
        status, _, text = netstring[:-1].partition(" ")
        return status, text


class Gateway:
    """One of the MTAs, and how one writes to it."""

    def __init__(self, mta, milter, sink):
        self.mta = mta
        self.milter = milter
        self.sink = sink

    def send(self, sender, from_line=None, **more):
        """A message of a client of ours; more: see client.send."""
        return send(self.mta.port, sender, from_line or f"From: {sender}", **more)

    def return_path(self, sender, from_line=None, **more):
        """The envelope sender of such a message at the next hop."""
        return self.sink.delivery_of(self.send(sender, from_line, **more)).sender

    def from_outside(self, recipient, sender="", port=None, **more):
        """A message of another host: a bounce, if nothing else is said."""
        return send(port or self.mta.port, sender, "From: daemon@far.test", source=OUTSIDE,
                    recipients=(recipient,), **more)

    def returned_to(self, return_path, sender="", **more):
        """Who gets what comes from outside to a return path."""
        delivery = self.sink.delivery_of(self.from_outside(return_path, sender, **more))
        # As Sendmail calls the null sender in its own mailboxes.
        assert delivery.sender in (sender, sender or "MAILER-DAEMON")
        [address] = delivery.addresses
        return address

    def own_address(self, local):
        """Of the MTA itself, as it is written at the next hop."""
        return {"postfix": f"{local}@lab.test", "sendmail": local}[self.mta.name]

    def outside(self):
        return Client(self.mta.port, OUTSIDE)

    def call_out(self, recipient, sender=""):
        """The reply to RCPT from outside, which is as far as it goes."""
        with self.outside() as client:
            assert client.command(f"MAIL FROM:<{sender}>").ok
            return client.command(f"RCPT TO:<{recipient}>")


class Returns:
    """Use as a context manager, within that of the laboratory."""

    def __init__(self, laboratory, stage, sendmail_tree=None):
        """Without a tree of Sendmail there is only Postfix."""
        self.base = f"{laboratory.base}/returns"
        self.sink = laboratory.sink
        # Postfix knows it by the name that it has below its queue directory.
        where = f"{self.base}/postfix/spool/mailfrom-milter/return.sock"
        self.ports = {name: free_port() for name in POSTFIX_PORTS}
        os.makedirs(self.base)
        with open(f"{self.base}/mailboxes", "w", encoding="ascii") as file:
            file.writelines(f"{domain}\n" for domain in MAILBOXES)
        self.milter = ReturnMilter(laboratory.programs, f"{self.base}/milter", where,
                                   f"127.0.0.1:{free_port()}")
        sockets = 2 * (self.milter.socket,)
        mtas = [Postfix(f"{self.base}/postfix", self.sink.port, *sockets,
                        MAIN_CF.format(base=self.base), MASTER_CF.format(**self.ports))]
        if sendmail_tree:
            m4 = f"{stage}/share/mailfrom-milter/return-path.m4"
            relaying = RELAYING.format(base=self.base, socket=where, relay=self.sink.port, m4=m4)
            mtas.append(Sendmail(f"{self.base}/sendmail", self.sink.port, *sockets, sendmail_tree,
                                 relaying))
        os.makedirs(os.path.dirname(where), 0o755)
        self.gateways = {mta.name: Gateway(mta, self.milter, self.sink) for mta in mtas}

    def __enter__(self):
        with ExitStack() as closing:
            self.milter.import_records({"shop.example": record("bounce.shop.example")})
            closing.callback(self.milter.stop)
            self.milter.use()
            for gateway in self.gateways.values():
                gateway.mta.start()
                closing.callback(gateway.mta.stop)
            wait_until(lambda: all(map(is_listening, self.ports.values())), "Postfix to listen")
            self._closing = closing.pop_all()
        return self

    def __exit__(self, *_):
        self._closing.close()
