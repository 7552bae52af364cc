# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The MTA's side of the milter protocol, as far as one message needs it.

For what no MTA has to be there for: kinds of sockets, many connections, the negotiation.
"""

import struct

from .programs import connect

VERSION = 6
ALL_ACTIONS = 0x1FF
ALL_STEPS = 0x1FFFFF
FINAL = b"actrydf"  # accept, continue, tempfail, reject, reply, discard, connection failure


class MilterClient:
    def __init__(self, kind, where, client="127.0.0.1", actions=ALL_ACTIONS):
        self._socket = connect(kind, where)
        self._socket.settimeout(30)
        self._put(b"O", struct.pack("!III", VERSION, actions, ALL_STEPS))
        command, data = self._get()
        assert command == b"O", command
        self.version, self.actions, self.steps = struct.unpack("!III", data[:12])
        self._put(b"D", b"C" + _strings("{client_addr}", client))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, sender, from_address, queue_id="Q1"):
        """One message: the replies of the milter at its end, the final one last."""
        return self.send_fields(sender, [("From", from_address)], queue_id)

    def send_fields(self, sender, fields, queue_id="Q1"):
        """The same with any header: pairs of name and body."""
        self._put(b"D", b"M" + _strings("i", queue_id))
        self._put(b"M", _strings(f"<{sender}>"))
        for field in fields:
            self._put(b"L", _strings(*field))
        self._put(b"E", b"")
        replies = [self._get()]
        while replies[-1][0] not in (bytes([octet]) for octet in FINAL):
            replies.append(self._get())
        return replies

    def closed_by_peer(self):
        """Waits until the milter hangs up."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self._socket.close()

    def _put(self, command, data):
        self._socket.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def _get(self):
        packet = self._read(struct.unpack("!I", self._read(4))[0])
        return packet[:1], packet[1:]

    def _read(self, size):
        octets = b""
        while len(octets) < size:
            more = self._socket.recv(size - len(octets))
            if not more:
                raise EOFError("the milter hung up")
            octets += more
        return octets


def _strings(*texts):
    return b"".join(text.encode("utf-8") + b"\0" for text in texts)
