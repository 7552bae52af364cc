# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The milter's socket, user and negotiation; no MTA is needed for it."""

import grp
import os
import pwd
import re
import socket
import stat
import struct
import subprocess
import threading
from pathlib import Path

import pytest

from lab.http import request
from lab.milter_client import ALL_ACTIONS, MilterClient
from lab.process import free_port, has_ipv6, wait_until
from lab.programs import Milter

CONF = Path(__file__).parent.parent.parent / "conf"
CHGFROM = 0x40
NOBODY = 0x10
NO_REPLIES = 0xFF080  # SMFIP_NR_HDR, and SMFIP_NR_CONN to SMFIP_NR_BODY


@pytest.fixture
def own(laboratory):
    """A milter of the test's own, stopped; its store is that of the laboratory's."""
    milter = Milter(laboratory.programs, f"{laboratory.base}/own-{os.urandom(4).hex()}")
    milter.store = laboratory.milter.store
    milter.write_settings()
    yield milter
    milter.stop()


def moves_the_sender(kind, where):
    with MilterClient(kind, where) as client:
        replies = client.send("info@shop.example", "info@shop.example")
    return (b"e", b"<info@bounce.shop.example>\0") in replies


def path_of(milter):
    return milter.socket.partition(":")[2]


def start_second(milter):
    """What becomes of a second instance with the same settings."""
    return subprocess.run(milter.command, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("spelling", ["unix:", "local:"])
def test_unix_socket(own, spelling):
    own.use({"milter": {"socket": spelling + path_of(own)}})
    assert moves_the_sender("unix", path_of(own))


def test_inet_socket(own):
    address = f"{free_port()}@127.0.0.1"
    own.use({"milter": {"socket": f"inet:{address}"}})
    assert moves_the_sender("inet", address)


if has_ipv6():
    def test_inet6_socket(own):
        address = f"{free_port()}@::1"
        own.use({"milter": {"socket": f"inet6:{address}"}})
        assert moves_the_sender("inet6", address)


def test_socket_activation(own):
    """fd:3, as systemd passes it; the socket stays when the milter stops."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path_of(own))
        listener.listen()
        os.set_inheritable(listener.fileno(), True)
        own.use({"milter": {"socket": f"fd:{listener.fileno()}"}},
                pass_fds=[listener.fileno()])
        assert moves_the_sender("unix", path_of(own))
        own.stop()
    assert os.path.exists(path_of(own))


def asked_for_return_paths(path):
    """The reply of the map `domain`, as it comes over the wire."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(path)
        client.sendall(b"24:domain elsewhere.example,")
        return client.recv(1000)


def test_socket_activation_of_both_sockets(own):
    """Return paths have the other descriptor, and each stays what it is."""
    path, return_path, secrets = path_of(own), f"{own.base}/return", f"{own.base}/secrets"
    with open(os.open(secrets, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
        file.write("the-secret-of-a-test\n")
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        for listener, at in ((first, return_path), (second, path)):
            listener.bind(at)
            listener.listen()
            os.set_inheritable(listener.fileno(), True)
        own.use({"milter": {"socket": f"fd:{second.fileno()}"},
                 "return-path": {"socket": f"fd:{first.fileno()}", "secrets-file": secrets}},
                pass_fds=[first.fileno(), second.fileno()])
        assert asked_for_return_paths(return_path) == b"9:NOTFOUND ,"
        with MilterClient("unix", path) as client:
            replies = client.send("info@shop.example", "info@shop.example")
        assert any(code == b"e" and data.startswith(b"<prvs=") for code, data in replies)
        own.stop()
    assert os.path.exists(path) and os.path.exists(return_path)


def test_a_stale_socket_is_replaced(own):
    own.use()
    own.kill()
    assert stat.S_ISSOCK(os.stat(path_of(own)).st_mode)
    own.use()
    assert moves_the_sender("unix", path_of(own))


def test_a_live_socket_is_not(own):
    own.use()
    second = start_second(own)
    assert second.returncode != 0
    assert path_of(own) in second.stderr
    assert moves_the_sender("unix", path_of(own))


def test_a_file_that_is_no_socket_is_not(own):
    with open(path_of(own), "w", encoding="ascii") as file:
        file.write("precious")
    second = start_second(own)
    assert second.returncode != 0
    assert path_of(own) in second.stderr
    with open(path_of(own), encoding="ascii") as file:
        assert file.read() == "precious"


def test_a_directory_that_is_missing_is_told(own):
    own.write_settings({"milter": {"socket": "unix:/nonexistent/socket"}})
    second = start_second(own)
    assert second.returncode != 0
    assert "/nonexistent/socket" in second.stderr


@pytest.mark.parametrize("mode, group", [("0660", "postfix"), ("0600", "mail"), ("0666", "root")])
def test_mode_and_group_of_the_socket(own, mode, group):
    own.use({"milter": {"socket-mode": mode, "socket-group": group}})
    status = os.stat(path_of(own))
    assert stat.S_IMODE(status.st_mode) == int(mode, 8)
    assert status.st_gid == grp.getgrnam(group).gr_gid


def test_the_socket_is_gone_after_a_stop(own):
    own.use()
    own.stop()
    assert not os.path.exists(path_of(own))


def test_the_user_setting_drops_privileges(own):
    """Of every kind; the store is opened to the user's group, as an administrator would."""
    user = pwd.getpwnam("mail")
    for path in (own.store, *(f"{own.store}/{name}" for name in os.listdir(own.store))):
        os.chown(path, -1, user.pw_gid)
    own.use({"milter": {"user": "mail"}})
    assert moves_the_sender("unix", path_of(own))
    assert process_status(own.pid, "Uid") == [str(user.pw_uid)] * 4
    assert process_status(own.pid, "Gid") == [str(user.pw_gid)] * 4
    assert "0" not in process_status(own.pid, "Groups")
    for capabilities in ("CapPrm", "CapEff"):
        assert int(process_status(own.pid, capabilities)[0], 16) == 0


def test_an_unknown_user_is_told(own):
    own.write_settings({"milter": {"user": "nobody-of-that-name"}})
    second = start_second(own)
    assert second.returncode != 0
    assert "nobody-of-that-name" in second.stderr


def process_status(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(line.split()[1:] for line in status if line.startswith(f"{name}:"))


def test_only_what_is_needed_is_negotiated(own):
    """One round trip for a message: no reply before its end, and no body."""
    own.use()
    with MilterClient("unix", path_of(own)) as client:
        assert client.steps & NO_REPLIES == NO_REPLIES
        assert client.steps & NOBODY
        assert client.actions & CHGFROM
        assert client.actions & ~ALL_ACTIONS == 0


def test_a_connection_that_talks_nonsense_harms_nobody(own):
    own.use()
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(path_of(own))
        stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert moves_the_sender("unix", path_of(own))


# What peers can use up: each limit of the unit, in small

def flood(path, count, octets=b""):
    """Connections that send octets and wait."""
    connections = []
    for _ in range(count):
        connections.append(socket.socket(socket.AF_UNIX))
        connections[-1].connect(path)
        try:
            connections[-1].sendall(octets)
        except BrokenPipeError:
            pass  # hung up on already
    return connections


def hung_up(connection):
    connection.settimeout(30)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_descriptors_are_left_for_store_and_metrics(own):
    address = f"127.0.0.1:{free_port()}"
    own.wrapper = ("prlimit", "--nofile=80:80")
    own.store = f"{own.base}/store"
    own.use({"milter": {"metrics": address}})
    path = path_of(own)
    with MilterClient("unix", path) as early:
        crowd = flood(path, 100)
        mark = own.log_size()
        assert all(hung_up(connection) for connection in crowd[-20:])
        # A new store is opened, and who was there before is served from it.
        own.import_records({"shop.example": {
            "MailFromDomain": "bounce.shop.example", "MailFromDomainStatus": "Success",
            "BehaviorOnMXFailure": "RejectMessage"}})
        own.wait_for_log("in use, 1 identity", mark)
        assert (b"e", b"<info@bounce.shop.example>\0") in early.send("info@shop.example",
                                                                     "info@shop.example")
        assert request(address, "/healthz").status == 200
        for connection in crowd:
            connection.close()
        wait_until(lambda: len(os.listdir(f"/proc/{own.pid}/fd")) < 40, "the crowd to be gone")
    assert moves_the_sender("unix", path)
    own.stop()
    lines = re.findall("too many connections.*", own.log_text())
    assert "repeated" not in lines[0] and all("repeated" in line for line in lines[1:]), lines


def test_out_of_descriptors_it_does_not_spin(own):
    """Where others took even those that are kept: ENFILE, or a limit that was lowered."""
    own.use()
    path = path_of(own)
    answers = []

    def limit(count):
        subprocess.run(["prlimit", f"--pid={own.pid}", f"--nofile={count}:"], check=True,
                       timeout=30)
    limit(len(os.listdir(f"/proc/{own.pid}/fd")))
    mark = own.log_size()
    client = threading.Thread(target=lambda: answers.append(moves_the_sender("unix", path)))
    client.start()
    own.wait_for_log("cannot accept connections: Too many open files", mark)
    limit(1000)
    client.join()
    assert answers == [True]
    own.stop()
    again = re.search(r"cannot accept .*repeated (\d+) times in (\d+) s", own.log_text(mark))
    assert again is None or int(again[1]) <= 10 * (int(again[2]) + 1), again[0]


def test_out_of_threads_who_comes_waits(own):
    """Half packets have a thread each. Of a user other than root the system counts threads."""
    own.wrapper = ("prlimit", "--nproc=24:24")
    own.use({"milter": {"user": "games", "socket-group": ""}})
    path = path_of(own)
    half = struct.pack("!IcIII", 13, b"O", 6, ALL_ACTIONS, 0) + b"\0\0\0"
    crowd = flood(path, 100, half)

    def are_used_up(before=[0]):
        now = len(os.listdir(f"/proc/{own.pid}/task"))
        before[0], was = now, before[0]
        return 2 < now == was
    wait_until(are_used_up, "no more threads to be started")
    assert len(os.listdir(f"/proc/{own.pid}/task")) <= 24
    replies = []

    def send():
        with MilterClient("unix", path) as client:
            replies.extend(client.send("info@shop.example", "info@shop.example"))
    client = threading.Thread(target=send)
    client.start()
    for connection in crowd:
        connection.close()
    client.join()
    assert replies[-1][0] in (b"c", b"y") and own.running  # y: it may not read that store


def test_the_units_set_each_limit():
    units = {name: dict(re.findall(r"^(\w+)=(.*)$", (CONF / name).read_text(), re.M))
             for name in ("mailfrom-milter.service.in", "mailfrom-sync.service.in")}
    text = (CONF.parent / "doc/systemd.md").read_text()
    for name, unit in units.items():
        assert {"TasksMax", "MemoryMax"} <= set(unit) and unit["Restart"] == "on-failure", name
        for limit in ("LimitNOFILE", "TasksMax", "MemoryMax"):
            assert limit not in unit or f"`{limit}={unit[limit]}`" in text, (name, limit)
    assert "LimitNOFILE" in units["mailfrom-milter.service.in"]
