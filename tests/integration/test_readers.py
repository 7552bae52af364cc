# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Programs that read the store for long, and programs that hold it: nobody else suffers."""

import fcntl
import json
import os
import struct
import subprocess
import termios

import pytest

from lab.process import wait_until

COUNT = 3000
PIPE_SIZE = 4096


class Store:
    def __init__(self, program, base):
        self.program = program
        self.path = f"{base}/store"
        self.settings = f"{base}/settings.conf"
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(f'store = "{self.path}"\n')

    def command(self, *arguments):
        return [self.program, "-c", self.settings, *arguments]

    def ctl(self, *arguments, **options):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120,
                              check=False, **options)

    def fill(self, count=COUNT):
        records = {f"d{number:05}.example": {
            "MailFromDomain": f"bounce.d{number:05}.example", "MailFromDomainStatus": "Success",
            "BehaviorOnMXFailure": "RejectMessage"} for number in range(count)}
        done = self.ctl("import", "-", input=json.dumps({"MailFromDomainAttributes": records}))
        assert done.returncode == 0, done.stderr

    def readers(self):
        """The processes that have a snapshot open. The exit status of mdb_stat means nothing."""
        listed = subprocess.run(["mdb_stat", "-r", self.path], capture_output=True, text=True,
                                check=False).stdout
        assert listed.startswith("Reader Table")
        return [int(line.split()[0]) for line in listed.splitlines()
                if line.split()[0].isdigit() and line.split()[-1] != "-"]


@pytest.fixture
def store(milter, tmp_path):
    """milter: only for its programs."""
    return Store(milter._programs.ctl, tmp_path)


def octets_in(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


@pytest.mark.parametrize("arguments", [("list",), ("list", "--json"), ("export",),
                                       ("list", "--mail-from-domains")], ids=" ".join)
def test_a_pager_that_is_left_open_keeps_no_snapshot(store, arguments):
    store.fill()
    with subprocess.Popen(store.command(*arguments), stdout=subprocess.PIPE) as child:
        fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        wait_until(lambda: octets_in(child.stdout) == PIPE_SIZE, "the pipe to be full")
        # It waits to write now, or is about to read a page more.
        wait_until(lambda: child.pid not in store.readers(), "the snapshot to be closed", 30)
        assert store.ctl("remove", "d02999.example").returncode == 0
        text = child.stdout.read().decode()
    assert child.returncode == 0
    assert text.count(".example") >= COUNT - 1
    assert "d00000.example" in text and "d02998.example" in text
    assert ("d02999.example" in text) == (arguments == ("list", "--mail-from-domains"))


def test_compact_gives_room_back(store):
    store.fill(20)
    before = json.loads(store.ctl("status", "--json").stdout)["Store"]
    done = store.ctl("compact")
    if done.returncode == 69:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    after = json.loads(store.ctl("status", "--json").stdout)["Store"]
    assert "takes" in done.stdout
    assert after["Size"] <= before["Size"] and after["Used"] <= after["Size"]
    assert after["Readers"] == 0 and "OldestReader" not in after
    assert len(json.loads(store.ctl("list", "--json").stdout)) == 20
    assert os.path.getsize(f"{store.path}/data.mdb") >= after["Size"]
