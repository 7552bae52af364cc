# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The next hop: an SMTP server that takes every message and remembers what it was given. Only the
recipients that a test names are refused."""

import socketserver
import threading
from dataclasses import dataclass, field

TOKEN_HEADER = "X-Lab-Token"
RETURNED_TOKEN = f"{TOKEN_HEADER}:".encode()
EHLO_REPLY = ("250-sink\r\n250-SIZE 50000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
              "250-ENHANCEDSTATUSCODES\r\n250 PIPELINING\r\n")


def text_of(octets):
    return octets.decode("utf-8", "backslashreplace")


def address_of(argument):
    """What stands between the angle brackets in the argument of a command."""
    return argument[1:argument.rindex(">")]


@dataclass
class Delivery:
    """One message as the next hop received it."""
    mail: str  # the argument of MAIL FROM: "<a@b.test> SIZE=12"
    recipients: list = field(default_factory=list)
    headers: list = field(default_factory=list)  # folded lines are lines of their own
    body_size: int = 0
    returned_token: str = None  # of the message that a notice has in its body

    @property
    def sender(self):
        return address_of(self.mail)

    @property
    def addresses(self):
        """Of the recipients, without the angle brackets and parameters."""
        return [address_of(recipient) for recipient in self.recipients]

    @property
    def parameters(self):
        return self.mail[self.mail.rindex(">") + 1:].split()

    def header(self, name):
        prefix = name.lower() + ":"
        for line in self.headers:
            if line.lower().startswith(prefix):
                return line[len(prefix):].strip()
        return None


class _Session(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True  # or each of pipelined replies waits 40 ms for an ACK

    def handle(self):
        self._delivery = None
        self._say("220 sink ESMTP")
        while line := self.rfile.readline():
            verb = line.strip().split(b" ")[0].upper()
            if verb == b"QUIT":
                self._say("221 2.0.0 bye")
                return
            self._answer(verb, text_of(line.strip()))

    def _answer(self, verb, line):
        if verb == b"EHLO":
            self.wfile.write(EHLO_REPLY.encode())
        elif verb == b"MAIL":
            self._delivery = Delivery(mail=line.split(":", 1)[1].strip())
            self._say("250 2.1.0 ok")
        elif verb == b"RCPT":
            self._take_recipient(line.split(":", 1)[1].strip())
        elif verb == b"DATA":
            if self._delivery.recipients:
                self._say("354 go on")
                self._read_message()
                self._say("250 2.0.0 ok")
            else:
                self._say("554 5.5.1 no recipients")
        elif verb in (b"RSET", b"HELO", b"NOOP"):
            self._say("250 2.0.0 ok")
        else:
            self._say("502 5.5.1 what?")

    def _take_recipient(self, argument):
        refusal = self.server.sink.refuses(address_of(argument))
        if not refusal:
            self._delivery.recipients.append(argument)
        self._say(refusal or "250 2.1.5 ok")

    def _read_message(self):
        in_headers = True
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            if line == b"\r\n":
                in_headers = False
            if in_headers:
                self._delivery.headers.append(text_of(line.rstrip(b"\r\n")))
            else:
                self._delivery.body_size += len(line)
                if line.startswith(RETURNED_TOKEN):
                    self._delivery.returned_token = text_of(line[len(RETURNED_TOKEN):].strip())
        self.server.sink.take(self._delivery)
        self._delivery = None

    def _say(self, line):
        self.wfile.write(line.encode() + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128  # the 5 of Python are fewer than an MTA opens at once


class Sink:
    def __init__(self, address=("127.0.0.1", 0)):
        self.on_delivery = None  # called with each Delivery, in the thread of its session
        self.refusals = {}  # address: the reply to RCPT
        self.refused = []  # addresses, in order
        self._arrived = threading.Condition()
        self._by_token = {}
        self._all = []
        self._server = _Server(address, _Session)
        self._server.sink = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, delivery):
        with self._arrived:
            self._all.append(delivery)
            self._by_token.setdefault(delivery.header(TOKEN_HEADER), []).append(delivery)
            self._arrived.notify_all()
        if self.on_delivery:
            self.on_delivery(delivery)

    def wait_for(self, token, seconds=60.0):
        """The message with this token; fails when it does not come."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: token in self._by_token, seconds):
                raise AssertionError(f"no message {token} came to the next hop in {seconds:g} s")
            return self._by_token[token][0]

    def wait_for_recipient(self, address, seconds=60.0):
        """The first message to this address, as bounces have no token."""
        def find():
            return next((each for each in self._all if address in each.addresses), None)
        with self._arrived:
            if not self._arrived.wait_for(find, seconds):
                raise AssertionError(f"no message to {address} came to the next hop in {seconds:g} s")
            return find()

    def delivery_of(self, sent):
        """The message that a client sent, and that was accepted from it."""
        assert sent.reply.ok, sent.reply
        return self.wait_for(sent.token)

    def deliveries(self, token):
        with self._arrived:
            return list(self._by_token.get(token, []))

    def all_deliveries(self):
        with self._arrived:
            return list(self._all)

    def refuses(self, address):
        """The reply that refuses it, or None."""
        refusal = self.refusals.get(address)
        if refusal:
            self.refused.append(address)
        return refusal

    def close(self):
        self._server.shutdown()
        self._server.server_close()
