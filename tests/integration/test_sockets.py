# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The milter's socket, user and negotiation; no MTA is needed for it."""

import grp
import os
import pwd
import socket
import stat
import subprocess

import pytest

from lab.milter_client import ALL_ACTIONS, MilterClient
from lab.process import free_port, has_ipv6
from lab.programs import Milter

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
