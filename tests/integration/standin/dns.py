# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A stand-in for a nameserver, for what a real one never does. UDP and TCP on one loopback port.

    with Dns({"a.example": ["MX 10 mx.example", "TXT text"], "b.example": ["CNAME a.example"]}) as dns:
        dns.mode = "drop"

Names that are not in the table do not exist. A CNAME is answered alone: its target is left to the
one who asks. All attributes may be changed while it runs.

mode, and by_name[name] for a name that has another one:

    answer          from the table             servfail, refused, notimp, formerr
    drop            nothing                    garbage         octets that are no message
    wrong-id, wrong-question, wrong-source     a forged answer first, then the right one
    truncate        over UDP only "truncated", over TCP the answer
    echo            the query itself           referral        nothing, neither final nor recursive
    cut             half of the answer         cut-off         "truncated", over TCP as well
    portal          an address, whatever was asked for         other-owner     another name's MX
    no-edns         the answer, but FORMERR to a query with EDNS (RFC 6891)
    drop-edns, formerr-edns, notimp-edns, badvers-edns
                    the answer, but nothing or this, with an OPT, to a query with EDNS
"""

import ipaddress
import socket
import struct
import threading
import time

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
NAMES = {number: name for name, number in TYPES.items()}
RCODES = {"formerr": 1, "servfail": 2, "notimp": 4, "refused": 5}
EDNS_ERRORS = {"formerr-edns": (1, 0), "notimp-edns": (4, 0), "badvers-edns": (0, 1)}
RESPONSE, FINAL, TRUNCATED, WANTED, RECURSES = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
FORGED = "MX 10 forged.example"


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode("latin1")
                    for label in name.split(".") if label) + b"\0"


def encode_data(type_, text):
    if type_ in ("A", "AAAA"):
        return ipaddress.ip_address(text).packed
    if type_ == "TXT":
        octets = text.encode("latin1")
        return b"".join(bytes([len(octets[at:at + 255])]) + octets[at:at + 255]
                        for at in range(0, max(len(octets), 1), 255))
    if type_ == "MX":
        preference, _, host = text.partition(" ")
        return struct.pack("!H", int(preference)) + encode_name(host)
    return encode_name(text)


def encode_record(owner, record):
    """record: "MX 10 mx.example"."""
    type_, _, text = record.partition(" ")
    data = encode_data(type_, text)
    return encode_name(owner) + struct.pack("!2HIH", TYPES[type_], 1, 60, len(data)) + data


class Query:
    def __init__(self, octets, protocol):
        self.octets = octets
        self.protocol = protocol  # "udp" or "tcp"
        self.identifier = struct.unpack("!H", octets[:2])[0]
        labels = []
        at = 12
        while octets[at]:
            labels.append(octets[at + 1:at + 1 + octets[at]].decode("latin1"))
            at += 1 + octets[at]
        self.name = ".".join(labels).lower()
        self.type = NAMES.get(struct.unpack("!H", octets[at + 1:at + 3])[0], "other")
        self.question = octets[12:at + 5]
        # of EDNS: the root, the type OPT, and how much the one who asks can take
        additional = octets[at + 5:]
        self.payload = struct.unpack("!H", additional[3:5])[0] \
            if additional[:3] == b"\0\0\x29" else None

    def reply(self, flags, answers=(), identifier=None, question=None, edns=b""):
        """answers: pairs of owner and record. edns: an OPT."""
        identifier = self.identifier if identifier is None else identifier
        return struct.pack("!6H", identifier, RESPONSE | WANTED | flags, 1, len(answers), 0,
                           1 if edns else 0) + \
            (question or self.question) + b"".join(encode_record(*answer) for answer in answers) + \
            edns


class Dns:
    def __init__(self, records=None, mode="answer"):
        self.records = dict(records or {})
        self.mode = mode
        self.by_name = {}
        self.extra = []  # pairs of owner and record that stand in every answer
        self.delay = 0.0  # seconds before the answer
        self._asked = []
        self._peers = []
        self._payloads = []
        self._lock = threading.Lock()
        self._threads = []
        self._closing = False
        self._open()

    def _open(self):
        """The same port for both protocols."""
        while True:
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.bind(("127.0.0.1", 0))
            self.port = self._udp.getsockname()[1]
            self._tcp = socket.socket()
            self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self._tcp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self._udp.close()
                self._tcp.close()
        self._tcp.listen(64)
        self._elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._elsewhere.bind(("127.0.0.1", 0))

    @property
    def server(self):
        return f"127.0.0.1:{self.port}"

    @property
    def asked(self):
        """What came so far: triples of name, type and protocol."""
        with self._lock:
            return list(self._asked)

    @property
    def peers(self):
        """The port that each question came from over UDP."""
        with self._lock:
            return list(self._peers)

    @property
    def payloads(self):
        """The payload that each question allowed with EDNS; None for one without."""
        with self._lock:
            return list(self._payloads)

    def count(self, name=None, protocol=None):
        return sum(name in (None, asked[0]) and protocol in (None, asked[2])
                   for asked in self.asked)

    def __enter__(self):
        for serve in (self._serve_udp, self._serve_tcp):
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_):
        self._closing = True
        # What wakes them up: a datagram, and a connection.
        self._elsewhere.sendto(b"", ("127.0.0.1", self.port))
        socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in self._threads:
            thread.join(10)
        for sock in (self._udp, self._tcp, self._elsewhere):
            sock.close()

    def _serve_udp(self):
        while True:
            octets, peer = self._udp.recvfrom(65535)
            if self._closing:
                return
            with self._lock:
                self._peers.append(peer[1])
            self._later(self._answer_udp, self._note(Query(octets, "udp")), peer)

    def _serve_tcp(self):
        while True:
            connection, _ = self._tcp.accept()
            if self._closing:
                connection.close()
                return
            threading.Thread(target=self._serve_connection, args=(connection,),
                             daemon=True).start()

    def _serve_connection(self, connection):
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(20)
            try:
                while len(size := stream.read(2)) == 2:
                    query = self._note(Query(stream.read(struct.unpack("!H", size)[0]), "tcp"))
                    time.sleep(self.delay)
                    for octets in self._replies(query):
                        connection.sendall(struct.pack("!H", len(octets)) + octets)
            except OSError:
                return

    def _note(self, query):
        with self._lock:
            self._asked.append((query.name, query.type, query.protocol))
            self._payloads.append(query.payload)
        return query

    def _later(self, call, *arguments):
        if self.delay:
            timer = threading.Timer(self.delay, call, arguments)
            timer.daemon = True
            timer.start()
        else:
            call(*arguments)

    def _answer_udp(self, query, peer):
        if self._mode(query) == "wrong-source":
            self._elsewhere.sendto(query.reply(FINAL, [(query.name, FORGED)]), peer)
        for octets in self._replies(query):
            try:
                self._udp.sendto(octets, peer)
            except OSError:
                return  # the one who asked has gone, or so have we

    def _mode(self, query):
        return self.by_name.get(query.name, self.mode)

    def _replies(self, query):
        """What goes out, one after the other."""
        mode = self._mode(query)
        right = self._right(query)
        forged = [(query.name, FORGED)]
        if mode in RCODES:
            return [query.reply(RECURSES | RCODES[mode])]
        if mode == "cut-off" or (mode == "truncate" and query.protocol == "udp"):
            return [query.reply(FINAL | TRUNCATED)]
        if mode == "no-edns" and query.payload is not None:
            return [query.reply(RECURSES | RCODES["formerr"])]
        if mode.endswith("-edns") and query.payload is not None:
            lower, upper = EDNS_ERRORS.get(mode, (None, None))
            return [] if lower is None else [query.reply(RECURSES | lower, edns=struct.pack(
                "!BHHBBHH", 0, 41, 1232, upper, 0, 0, 0))]
        return {"drop": [],
                "garbage": [query.octets[:2] + b"\x84\x00" + b"\xff" * 40],
                "echo": [query.octets],
                "referral": [query.reply(0)],
                "portal": [query.reply(RECURSES, [(query.name, "A 192.0.2.80")])],
                "other-owner": [query.reply(RECURSES, [("other.example", "MX 10 mx.example.net")])],
                "cut": [query.octets[:2] + right[2:len(query.question) + 16]],
                "wrong-id": [query.reply(FINAL, forged, identifier=query.identifier ^ 1), right],
                "wrong-question": [query.reply(FINAL, forged, question=encode_name("other.example")
                                               + query.question[-4:]), right],
                }.get(mode, [right])

    def _right(self, query):
        if query.name not in self.records:
            return query.reply(FINAL | 3, self.extra)
        records = self.records[query.name]
        wanted = [record for record in records if record.split()[0] in (query.type, "CNAME")]
        return query.reply(FINAL, [(query.name, record) for record in wanted] + self.extra)
