# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Programs that read the store for long, and programs that hold it: nobody else suffers."""

import fcntl
import json
import os
import struct
import signal
import subprocess
import sys
import termios

import pytest

from lab.process import wait_until
from lab.sync import QUICK, Sync
from standin.ses import Ses

COUNT = 3000
PIPE_SIZE = 4096


class Store:
    def __init__(self, program, base):
        self.program = program
        self.path = f"{base}/store"
        self.settings = f"{base}/settings.conf"
        with open(self.settings, "w", encoding="utf-8") as file:
            # A name server that refuses, for check.
            file.write(f'store = "{self.path}"\n'
                       'local { nameservers = {"127.0.0.1:1"} timeout = "200ms" }\n')

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


HOLD = """
import fcntl, os, signal, sys
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX, 1, 1)
os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.fixture
def stopped_writer(store):
    """A program that writes, as far as others can tell, and was stopped (Ctrl-Z). A transaction in
    progress has just this lock."""
    store.fill(20)
    with subprocess.Popen([sys.executable, "-c", HOLD, f"{store.path}/write.lock"]) as child:
        os.waitpid(child.pid, os.WUNTRACED)
        yield child
        child.kill()


@pytest.mark.parametrize("arguments", [("remove", "d00000.example"), ("import", "-"),
                                       ("identity", "add", "new.example"), ("compact",)],
                         ids=" ".join)
def test_a_stopped_writer_is_named(store, stopped_writer, arguments):
    done = store.ctl(*arguments, input='{"MailFromDomainAttributes": {}}')
    assert done.returncode == 75, done
    assert f"process {stopped_writer.pid} (" in done.stderr and "stopped)" in done.stderr
    assert f"kill -CONT {stopped_writer.pid}" in done.stderr
    assert len(json.loads(store.ctl("list", "--json").stdout)) == 20
    stopped_writer.send_signal(signal.SIGCONT)
    stopped_writer.wait()
    assert store.ctl("remove", "d00001.example").returncode == 0


def test_status_and_check_name_a_stopped_writer(store, stopped_writer):
    told = store.ctl("status")
    assert told.returncode == 1
    assert f"process {stopped_writer.pid} (" in told.stdout and "does not go on" in told.stdout
    answer = json.loads(store.ctl("status", "--json").stdout)
    assert answer["Store"]["Writer"] == {"Process": stopped_writer.pid, "Stopped": True}
    assert not answer["Well"]
    assert f"process {stopped_writer.pid} (" in store.ctl("check").stdout


def test_term_ends_mailfrom_sync_beside_a_stopped_writer(store, milter, tmp_path):
    sync = Sync(os.path.dirname(os.path.dirname(milter._programs.sync)), tmp_path)
    with Ses() as ses:
        sync.configure(QUICK | {"endpoint": ses.url})
        sync.start()
        try:
            sync.wait_for_log("version ")
            with subprocess.Popen([sys.executable, "-c", HOLD,
                                   f"{sync.store}/write.lock"]) as child:
                os.waitpid(child.pid, os.WUNTRACED)
                sync.wait_for_log(f"process {child.pid} .*kill -CONT", seconds=60)
                sync.send_signal(signal.SIGHUP)
                sync.stop()  # with TERM, in time, while it cannot write
                child.kill()
        finally:
            if sync.running:
                sync.kill()
