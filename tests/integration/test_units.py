# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Under a supervisor, within the filter of system calls, and in a container. Nothing here needs a
systemd that runs; tests/lint/units has it judge the units."""

import grp
import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab.laboratory import sample_records
from lab.life import settings as local_settings
from lab.milter_client import MilterClient
from lab.process import free_port, is_listening, mount_namespace, tail, wait_until
from lab.programs import Milter, settings_text
from lab.supervisor import Supervisor
from lab.sync import KEYS, Sync

MOVED = (b"e", b"<info@bounce.shop.example>\0")
WITHOUT = "no seccomp filter: built without one"


@pytest.fixture
def base(laboratory):
    """A directory that any user may look into."""
    directory = f"{laboratory.base}/units-{os.urandom(4).hex()}"
    os.makedirs(directory)
    return directory


@pytest.fixture
def own(laboratory, base):
    """A milter of the test's own, stopped."""
    milter = Milter(laboratory.programs, f"{base}/milter")
    milter.import_records(sample_records())
    yield milter
    milter.stop()


@pytest.fixture
def sync(request, base):
    """A mailfrom-sync with local identities, of which there are none."""
    os.makedirs(f"{base}/sync")
    sync = Sync(request.config.getoption("--stage"), f"{base}/sync")
    yield sync.configure(local=local_settings(free_port()))
    sync.stop()


@pytest.fixture
def supervisor(base, monkeypatch, sync):
    with Supervisor(f"{base}/notify") as supervisor:
        for name, value in supervisor.environment.items():
            monkeypatch.setenv(name, value)
        sync.environment |= supervisor.environment
        yield supervisor


def status_of(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(line.split()[1] for line in status if line.startswith(f"{name}:"))


# The supervisor

def test_milter_tells_what_becomes_of_it(own, supervisor):
    own.use()
    at_start = supervisor.listen()[:supervisor.after("READY=1")]
    assert at_start == [f"STATUS={len(sample_records())} identities in {own.store}", "READY=1"]
    supervisor.wait_for("WATCHDOG=1")

    mark = len(supervisor.listen())
    before = time.monotonic_ns() // 1000
    own.write_settings({"milter": {"mode": "monitor"}})
    own.reload(signal.SIGHUP)
    said = supervisor.listen()[mark:supervisor.after("READY=1", mark)]
    assert "RELOADING=1" in said[-2] and said[-1] == "READY=1"
    assert before <= int(said[-2].partition("MONOTONIC_USEC=")[2]) <= time.monotonic_ns() // 1000
    supervisor.wait_for("STATUS=monitor mode; ", mark)

    mark = len(supervisor.listen())
    own.write_settings_text("nonsense\n")
    own.send_signal(signal.SIGHUP)
    mark = supervisor.after("READY=1", supervisor.after("RELOADING=1", mark))
    supervisor.wait_for("STATUS=monitor mode; settings of before the last reload; ", mark)

    os.rename(own.store, own.store + ".away")
    assert "there is no store" in supervisor.wait_for("STATUS=monitor mode; settings", mark + 1)
    own.stop()
    assert supervisor.wait_for("STOPPING=1")


def test_the_watchdog_is_fed_in_time(own, sync, supervisor):
    """Its interval is 3 s here."""
    for start in (own.use, sync.start):
        program = start()
        supervisor.wait_for("WATCHDOG=1", len(supervisor.listen()))
        begin, mark = time.monotonic(), len(supervisor.listen())
        for _ in range(3):
            mark = supervisor.after("WATCHDOG=1", mark)
        assert time.monotonic() - begin < 9
        program.stop()


def test_sync_tells_what_becomes_of_it(sync, supervisor):
    sync.start()
    assert supervisor.listen()[:supervisor.after("READY=1")][-1] == "READY=1"
    assert supervisor.wait_for("STATUS=") == "STATUS=local: 0 identities, no success yet"
    with open(sync.settings_file, "a", encoding="utf-8") as file:
        file.write("nonsense\n")
    mark = len(supervisor.listen())
    sync.send_signal(signal.SIGHUP)
    mark = supervisor.after("READY=1", supervisor.after("RELOADING=1", mark))
    supervisor.wait_for("STATUS=settings of before the last reload; local: ", mark)
    sync.stop()
    assert supervisor.wait_for("STOPPING=1")


def test_sync_tells_the_state_of_each_account(sync, supervisor):
    closed = f"http://127.0.0.1:{free_port()}"
    sync.configure({"title": "eu", "endpoint": closed}, local=local_settings(free_port())).start()
    told = supervisor.wait_for("STATUS=eu: 0 identities, failing since ")
    assert "no success yet: " in told and told.endswith("; local: 0 identities, no success yet")


def test_a_program_of_sync_cannot_speak_for_it(sync, supervisor, base):
    """The supervisor's variables are not for children."""
    process = f"{base}/keys"
    with open(process, "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\nenv >{base}/environment.new\n"
                   f"mv {base}/environment.new {base}/environment\nexit 1\n")
    os.chmod(process, 0o755)
    with open(f"{base}/config", "w", encoding="ascii") as file:
        file.write(f"[default]\ncredential_process = {process}\n")
    for name in KEYS:
        del sync.environment[name]
    sync.environment["AWS_CONFIG_FILE"] = f"{base}/config"
    sync.configure({"endpoint": f"http://127.0.0.1:{free_port()}"}).start()
    wait_until(lambda: os.path.exists(f"{base}/environment"), "the program to run")
    environment = Path(f"{base}/environment").read_text(encoding="ascii")
    assert "AWS_REGION" in environment
    assert "NOTIFY" not in environment and "WATCHDOG" not in environment


# The filter

def test_the_filter_is_on_by_default(own, sync):
    """Seccomp 2 is a filter."""
    own.use()
    if WITHOUT in own.log_text():
        sync.start().wait_for_log(f"version .*, {WITHOUT}$")
        return
    sync.start().wait_for_log("version .*, seccomp filter in force")
    for pid in (own.pid, sync._child.pid):
        assert status_of(pid, "Seccomp") == "2"
        assert status_of(pid, "NoNewPrivs") == "1"
    own.wait_for_log("seccomp filter in force")


def test_the_filter_can_be_left_out(own, sync):
    own.use({"seccomp": False})
    with open(sync.settings_file, "a", encoding="utf-8") as file:
        file.write("seccomp = false\n")
    sync.start().wait_for_log("version .*, no seccomp filter$")
    for pid in (own.pid, sync._child.pid):
        assert status_of(pid, "Seccomp") == "0"
        assert status_of(pid, "NoNewPrivs") == "0"
    own.wait_for_log("no seccomp filter$")


def test_leaving_it_out_takes_a_restart(own):
    own.use()
    own.write_settings({"seccomp": False})
    own.reload()
    own.wait_for_log("warning: seccomp has changed; restart to apply it")


# Core files

def test_sync_leaves_no_core_file(sync, base):
    """Its memory belongs to root whoever it is, so that a debugger of the same user is kept out too."""
    user = pwd.getpwnam("mail")
    os.chown(f"{base}/sync", user.pw_uid, user.pw_gid)
    with open(sync.settings_file, "a", encoding="utf-8") as file:
        file.write('store-group = "mail"\nsync {\n user = "mail"\n}\n')
    sync.start().wait_for_log("version ")
    pid = sync._child.pid
    assert status_of(pid, "Uid") == str(user.pw_uid)
    assert os.stat(f"/proc/{pid}/mem").st_uid == 0
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)


# Users

READER = {"user": "mail", "group": "mail", "extra_groups": []}


def owner_of(path):
    status = os.stat(path)
    return (f"{status.st_mode & 0o7777:o}", pwd.getpwuid(status.st_uid).pw_name,
            grp.getgrgid(status.st_gid).gr_name)


def may_write(path, **user):
    done = subprocess.run(["sh", "-c", 'exec 3<>"$0"', path], check=False, capture_output=True, **user)
    return done.returncode == 0


def test_the_milter_cannot_write_what_sync_writes(own, sync):
    """Made by root, with the users of the settings."""
    shutil.rmtree(own.store)
    own.write_settings({"store-group": "mail", "milter": {"user": "mail"}, "sync": {"user": "daemon"}})
    own.import_records(sample_records())
    daemon = grp.getgrgid(pwd.getpwnam("daemon").pw_gid).gr_name
    sync.store = own.store
    sync.configure(local=local_settings(free_port()))
    with open(sync.settings_file, "a", encoding="utf-8") as file:
        file.write('store-group = "mail"\nsync {\n user = "daemon"\n}\n')
    sync.start().wait_for_log("version ")
    assert owner_of(own.store) == ("2750", "daemon", "mail")
    assert owner_of(f"{own.store}/data.mdb") == ("664", "daemon", daemon)
    assert owner_of(f"{own.store}/lock.mdb") == ("660", "daemon", "mail")
    assert owner_of(f"{own.store}/sync.lock") == ("640", "daemon", "mail")
    assert not may_write(f"{own.store}/data.mdb", **READER)
    assert not may_write(f"{own.store}/new", **READER)
    assert may_write(f"{own.store}/lock.mdb", **READER)
    assert may_write(f"{own.store}/data.mdb", user=12345, group=12345, extra_groups=["mail", daemon])
    own.use({"store-group": "mail", "milter": {"user": "mail"}}).wait_for_log("in use")
    with MilterClient("unix", own.socket.partition(":")[2]) as client:
        assert MOVED in client.send("info@shop.example", "info@shop.example")


@pytest.mark.parametrize("owner", ["root", "daemon"])
@pytest.mark.parametrize("name", ["lock.mdb", "data.mdb", "sync.lock"])
def test_root_follows_no_link_of_a_member_of_the_group(sync, base, name, owner):
    """In a directory as early versions made it."""
    victim = Path(f"{base}/victim")
    victim.write_text("of root's", encoding="ascii")
    victim.chmod(0o600)

    def ctl(*words):
        return subprocess.run([sync.ctl_program, "-c", sync.settings_file, *words], check=False,
                              capture_output=True, timeout=60)
    assert ctl("identity", "add", "one.example").returncode == 0
    shutil.chown(sync.store, owner, "mail")
    os.chmod(sync.store, 0o2770)
    subprocess.run(["ln", "-sfn", victim, f"{sync.store}/{name}"], check=True, **READER)
    for words in (["list"], ["status"], ["identity", "add", "two.example"], ["export"]):
        ctl(*words)
    done = subprocess.run([sync.program, "-c", sync.settings_file, "--once"], check=False,
                          env=sync.environment, capture_output=True, timeout=60)
    assert done.returncode != 0
    assert victim.read_text(encoding="ascii") == "of root's"
    assert owner_of(victim) == ("600", "root", "root")
    assert not may_write(f"{sync.store}/another", **READER)


# The units as they were installed

def unit(request, name):
    stage = Path(request.config.getoption("--stage"))
    found = list(stage.glob(f"**/systemd/system/{name}.service"))
    if not found:
        pytest.skip("this build was configured without a directory for units")
    return found[0].read_text(encoding="ascii")


def commands(text, name):
    return [shlex.split(command) for command in re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)]


@pytest.mark.parametrize("name", ["mailfrom-milter", "mailfrom-sync"])
def test_the_commands_of_the_unit_work(request, own, sync, name):
    """With the program of the stage and the settings of the test in their places."""
    text = unit(request, name)
    program = own.command[0] if name == "mailfrom-milter" else sync.program
    settings = own.settings_file if name == "mailfrom-milter" else sync.settings_file

    def words(command):
        assert Path(command[0]).name == name
        return [program] + [settings if word.endswith(".conf") else word for word in command[1:]]

    [before], [start] = commands(text, "ExecStartPre"), commands(text, "ExecStart")
    check, signal_reload = commands(text, "ExecReload")
    assert "-f" in start and signal_reload == ["/bin/sh", "-c", "kill -HUP $MAINPID"]
    assert [word for word in start if word != "-f"] == before[:-1]
    for command in (before, check):
        assert subprocess.run(words(command), capture_output=True, timeout=60).returncode == 0
    Path(settings).write_text("nonsense\n", encoding="ascii")
    for command in (before, check):
        done = subprocess.run(words(command), capture_output=True, timeout=60, text=True)
        assert done.returncode == os.EX_CONFIG and "settings.conf:1: " in done.stderr


# A container

CONTAINER = r"""
set -eu
root=$1
volume=$2
shift 2
mount --rbind / "$root"
mount --bind "$volume" "$root$volume"
[ ! -e /dev/log ] || mount --bind /dev/null "$root/dev/log"
# Whatever is mounted, but for the volume and the devices, is for reading only.
while read -r _ _ _ _ where _; do
    case $where in
    "$root$volume" | "$root/dev" | "$root"/dev/* | "$root/proc" | "$root"/proc/*) continue ;;
    "$root" | "$root"/*) mount -o remount,bind,ro "$where" 2>/dev/null || : ;;
    esac
done </proc/self/mountinfo
mount -t proc proc "$root/proc"
if (: >"$root/container-test") 2>/dev/null; then rm "$root/container-test"; exit 99; fi
exec chroot "$root" setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \
    --bounding-set=-all "$@"
"""


class Container:
    """A root for reading only, process 1 of its own, a user that nobody knows, no syslog."""

    def __init__(self, volume, *command, beside=None):
        """beside: a container whose process numbers it shares."""
        self.log = f"{volume}-{os.urandom(2).hex()}.log"
        root = f"{volume}-root"
        os.makedirs(root, exist_ok=True)
        enter = ["unshare", "--pid", "--fork"]
        if beside:
            enter = ["nsenter", f"--pid=/proc/{beside.pid}/ns/pid"]
        with open(self.log, "w", encoding="utf-8") as log:
            self._child = subprocess.Popen(
                [*enter, "unshare", *mount_namespace(), "/bin/sh", "-c", CONTAINER, "container", root,
                 volume, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def pid(self):
        """Of the program, as it is known outside."""
        with open(f"/proc/{self._child.pid}/task/{self._child.pid}/children",
                  encoding="ascii") as file:
            return int(file.read().split()[0])

    def wait_for_end(self):
        return self._child.wait(20)

    def wait_for_log(self, text):
        wait_until(lambda: text in tail(self.log, 1000) or self._child.poll() is not None, text)
        assert text in tail(self.log, 1000), tail(self.log)

    def stop(self):
        """TERM to process 1, as a container engine does. Returns its exit status."""
        os.kill(self.pid, signal.SIGTERM)
        return self._child.wait(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """The program by itself: becoming another user, it has lost what --kill-child set."""
        if self._child.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        self._child.wait(20)


def skip_without_namespaces():
    if mount_namespace() is None:
        pytest.skip("mount namespaces are not allowed here")


def give_away(directory):
    """To the user of the container, with all that is in it."""
    for path in (directory, *map(str, Path(directory).rglob("*"))):
        os.chown(path, 65534, 65534)


def test_milter_in_a_container(own, base):
    skip_without_namespaces()
    port = free_port()
    own.write_settings({"milter": {"socket": f"inet:{port}@127.0.0.1", "socket-group": ""}})
    give_away(own.base)
    with Container(own.base, *own.command) as container:
        container.wait_for_log(f"store {own.store}: in use")
        wait_until(lambda: is_listening(port), "the milter to listen")
        with MilterClient("inet", f"{port}@127.0.0.1") as client:
            assert MOVED in client.send("info@shop.example", "info@shop.example")
        container.wait_for_log("reason=verified")
        assert container.stop() == 0
        container.wait_for_log("stopped")


def test_sync_in_a_container(sync):
    skip_without_namespaces()
    give_away(sync.base)
    with Container(sync.base, sync.program, "-c", sync.settings_file, "-f") as container:
        container.wait_for_log("version ")
        assert container.stop() == 0
        container.wait_for_log("stopped")
    assert os.path.exists(f"{sync.store}/data.mdb")


def both_in_containers(own, sync, share):
    """A milter that is in use, and then a mailfrom-sync on the same store."""
    skip_without_namespaces()
    port = free_port()
    own.write_settings({"milter": {"socket": f"inet:{port}@127.0.0.1", "socket-group": ""}})
    sync.store = own.store
    sync.configure(local=local_settings(free_port()))
    give_away(own.base)
    with Container(own.base, *own.command) as milter:
        milter.wait_for_log("in use")
        wait_until(lambda: is_listening(port), "the milter to listen")
        with Container(own.base, sync.program, "-c", sync.settings_file, "-f",
                       beside=milter if share else None) as second:
            yield second
            with MilterClient("inet", f"{port}@127.0.0.1") as client:
                assert MOVED in client.send("info@shop.example", "info@shop.example")


def test_containers_that_share_their_process_numbers_share_a_store(own, sync):
    for container in both_in_containers(own, sync, share=True):
        container.wait_for_log("version ")
        assert container.stop() == 0


def test_containers_that_do_not_are_told(own, sync):
    """LMDB tells processes apart by number, and process 1 is there twice."""
    for container in both_in_containers(own, sync, share=False):
        assert container.wait_for_end() == os.EX_TEMPFAIL
        container.wait_for_log("must share their process numbers as well (--pid container:NAME)")
