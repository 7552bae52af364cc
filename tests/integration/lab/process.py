# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Waiting, ports and child processes."""

import os
import random
import signal
import socket
import subprocess
import time


class TimedOut(AssertionError):
    """Something that had to happen did not happen in time."""


def wait_until(condition, what, seconds=30.0):
    """Polls until condition() is true, and returns its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimedOut(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)
    return value


def free_port():
    """A port below the ephemeral range, so that no outgoing connection takes it meanwhile."""
    while True:
        port = random.randint(20000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def has_ipv6():
    """Is ::1 an address of this machine?"""
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as addresses:
            return any(line.startswith(31 * "0" + "1 ") for line in addresses)
    except FileNotFoundError:
        return False


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def mount_namespace():
    """The options of unshare(1) for mounts that nobody else sees; None where there can be none. In a
    chroot, whose root is no mount, they stay unseen only if nothing around it is shared."""
    for options in (["--mount"], ["--mount", "--propagation", "unchanged"]):
        try:
            done = subprocess.run(["unshare", *options, "true"], capture_output=True, timeout=10,
                                  check=False)
        except FileNotFoundError:
            return None
        if done.returncode == 0:
            break
    else:
        return None
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        is_shared = any(" shared:" in line for line in mounts)
    return None if is_shared and len(options) > 1 else options


def stop(child, seconds=20.0):
    """TERM, then KILL for a process that does not listen. Returns the exit status."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise TimedOut(f"process {child.pid} did not stop on TERM") from None
    return child.returncode


def tail(path, lines=40):
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as log:
            return "".join(log.readlines()[-lines:])
    except FileNotFoundError:
        return f"{os.path.basename(path)}: no such file\n"
