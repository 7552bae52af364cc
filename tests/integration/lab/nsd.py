# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A private NSD: an authoritative nameserver with zones of the test, on the loopback."""

import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

from lab.process import free_port, has_ipv6, stop, tail, wait_until

PROGRAM = "/usr/sbin/nsd"
SOA = 6

CONFIG = """\
server:
    ip-address: {address}@{port}
    ip-address: ::1@{port}
    username: ""
    chroot: ""
    zonesdir: "{directory}"
    database: ""
    zonelistfile: "{directory}/zone.list"
    xfrdfile: "{directory}/xfrd.state"
    xfrdir: "{directory}"
    pidfile: "{directory}/nsd.pid"
    logfile: "{directory}/nsd.log"
    server-count: 1
    verbosity: 1
    rrl-ratelimit: 0
    zonefiles-check: yes
remote-control:
    control-enable: no
"""

ZONE = """\
$TTL 60
@ SOA ns.invalid. hostmaster.invalid. {serial} 3600 600 86400 60
@ NS ns.invalid.
"""


def question(name, type_):
    """A query, with its id."""
    identifier = random.randrange(65536)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
    return identifier, struct.pack("!6H", identifier, 0, 1, 0, 0, 0) + labels + \
        b"\0" + struct.pack("!2H", type_, 1)


def served_serial(address, port, zone):
    """The serial number in the SOA record that the server gives; None without one."""
    identifier, query = question(zone, SOA)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        try:
            sock.connect((address, port))
            sock.send(query)
            reply = sock.recv(4096)
        except OSError:
            return None
    answered, flags, _, answers = struct.unpack("!4H", reply[:8])
    if answered != identifier or flags & 0xF or not answers:
        return None
    # owner (a pointer), type, class, TTL, length; the two names; then the serial and four more
    record = reply[len(query):]
    length = struct.unpack("!H", record[10:12])[0]
    return struct.unpack("!I", record[12 + length - 20:12 + length - 16])[0]


class Nsd:
    """zones: {"example.com": "@ MX 10 mx\\n.."}, records relative to the zone, without SOA and NS. A
    zone with None for its records is configured, but has no data: NSD says SERVFAIL."""

    def __init__(self, zones, address="127.0.0.1"):
        self.address = address
        self.port = free_port()
        self.zones = dict(zones)
        self.serials = {}
        self.directory = None
        self.process = None

    @property
    def server(self):
        """As the setting nameservers wants it."""
        return f"{self.address}:{self.port}"

    @property
    def log(self):
        return f"{self.directory}/nsd.log"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def start(self):
        """Starts it, or starts it again with the zones as they are by now."""
        self.directory = self.directory or tempfile.mkdtemp(prefix="nsd-")
        self._configure()
        # NSD makes its server processes its children: a group of its own, so that none remains.
        with open(f"{self.directory}/output", "ab") as output:
            self.process = subprocess.Popen([PROGRAM, "-d", "-c", f"{self.directory}/nsd.conf"],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            start_new_session=True)
        self._wait_for(next(zone for zone in self.zones if self.zones[zone] is not None))
        return self

    def stop(self):
        """The port is closed afterwards; start() opens the same one again."""
        if self.process is not None:
            stop(self.process)
            wait_until(self._is_gone, "the processes of NSD to end")
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def publish(self, zone, records):
        """Replaces the records of a zone, and waits until they are served. For a new zone NSD is
        stopped and started."""
        is_new = zone not in self.zones
        self.zones[zone] = records
        self._reload(is_new, zone)

    def withdraw(self, zone):
        """Takes a zone away: its names are refused, or are those of the zone above it."""
        del self.zones[zone]
        del self.serials[zone]
        self._reload(True, next(other for other in self.zones if self.zones[other] is not None))

    def _reload(self, list_changed, zone):
        """NSD takes up changed zone files on HUP, but its list of zones only when it starts."""
        if list_changed:
            self.stop()
            self.start()
            return
        self._write_zone(zone)
        self.process.send_signal(signal.SIGHUP)
        self._wait_for(zone)

    def _configure(self):
        config = CONFIG.format(address=self.address, port=self.port, directory=self.directory)
        if not has_ipv6():
            config = "".join(line for line in config.splitlines(True) if "::1@" not in line)
        for zone in self.zones:
            config += f'zone:\n    name: "{zone}"\n    zonefile: "{zone}.zone"\n'
            self._write_zone(zone)
        with open(f"{self.directory}/nsd.conf", "w", encoding="ascii") as file:
            file.write(config)

    def _write_zone(self, zone):
        records = self.zones[zone]
        if records is None:
            return
        serial = self.serials[zone] = self.serials.get(zone, 0) + 1
        path = f"{self.directory}/{zone}.zone"
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(f"$ORIGIN {zone}.\n" + ZONE.format(serial=serial) + records + "\n")
        # NSD compares times of files: each version gets one of its own
        os.utime(path + ".new", (10**9 + serial, 10**9 + serial))
        os.rename(path + ".new", path)

    def _wait_for(self, zone):
        try:
            wait_until(lambda: served_serial(self.address, self.port, zone) == self.serials[zone],
                       f"NSD to serve {zone}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{tail(self.log)}{tail(self.directory + '/output')}") \
                from None

    def _is_gone(self):
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False
