# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A store that is moved, damaged or replaced while mail flows: never a crash, and recovery."""

import contextlib
import os
import pathlib
import random
import re
import shutil
import subprocess

import pytest

from lab.client import send
from lab.laboratory import SAMPLE, sample_records
from lab.load import Load
from lab.process import mount_namespace
from lab.programs import Milter, Programs

SHOP = ("info@shop.example", "From: info@shop.example")
MOVED = "info@bounce.shop.example"
TROUBLE = "error: .*store"
IN_USE = "in use"


@pytest.fixture
def broken(milter):
    """The milter with a store that the test may break; it is whole again afterwards."""
    whole = f"{milter.base}/whole-store"
    milter.stop()
    shutil.copytree(milter.store, whole)
    milter.use()
    yield milter
    shutil.rmtree(milter.store, ignore_errors=True)
    os.rename(whole, milter.store)
    milter.stop()


def data_file(milter):
    return f"{milter.store}/data.mdb"


def save(milter):
    """A copy of the store's data, and how to bring it back as an administrator would."""
    copy = f"{milter.base}/saved-data"
    shutil.copy2(data_file(milter), copy)

    def restore():
        shutil.copy2(copy, data_file(milter) + ".new")
        os.rename(data_file(milter) + ".new", data_file(milter))
    return restore


def assert_deferred(mta):
    assert str(send(mta.port, *SHOP).reply).startswith("451 4.3.0")


def assert_moved(mta, sink):
    assert sink.delivery_of(send(mta.port, *SHOP)).sender == MOVED


def test_removed_and_restored_under_load(mta, broken, sink):
    """What is accepted has the right sender, always; and each change is logged once."""
    mark = broken.log_size()
    away = broken.store + ".away"
    with Load(mta.port) as load:
        for _ in range(2):
            os.rename(broken.store, away)
            load.wait_for(lambda reply: not reply.ok, "mail to be deferred")
            load.go_on()
            os.rename(away, broken.store)
            load.wait_for(lambda reply: reply.ok, "mail to go out")
            load.go_on()
    assert broken.running
    for sent in load.sent:
        if sent.reply.ok:
            assert sink.delivery_of(sent).sender == MOVED
        else:
            assert str(sent.reply).startswith("451 4.3.0"), sent.reply
    log = broken.log_text(mark)
    assert log.count("error: ") == 2
    assert log.count(IN_USE) == 2


def garbage(milter):
    with open(data_file(milter), "wb") as data:
        data.write(random.Random(1).randbytes(65536))


def cut_short(milter):
    os.truncate(data_file(milter), 4096 * 3)


def emptied(milter):
    os.truncate(data_file(milter), 0)


def deleted(milter):
    os.unlink(data_file(milter))


def a_directory_instead(milter):
    os.unlink(data_file(milter))
    os.mkdir(data_file(milter))


def rebuild(milter, change):
    """Replaces the store by one that is sound for LMDB, with the contents changed as text."""
    new = f"{milter.base}/rebuilt"
    dump = subprocess.run(["mdb_dump", "-a", milter.store], check=True, capture_output=True,
                          text=True).stdout
    changed = change(dump)
    assert changed != dump
    os.mkdir(new)
    subprocess.run(["mdb_load", new], input=changed, text=True, check=True)
    os.rename(f"{new}/data.mdb", data_file(milter))
    shutil.rmtree(new)


@pytest.fixture
def small(request, tmp_path):
    """A milter whose store is on a file system of one megabyte, which nobody else sees: that, the
    programs, and the path by which the test sees it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", str(disk)]
    options = mount_namespace()
    if options is None:
        pytest.skip("a file system of its own needs a mount namespace")
    with subprocess.Popen(["unshare", *options, "sh", "-c", '"$@" && echo && exec cat', "sh",
                           *mount], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"\n"
        programs = Programs(request.config.getoption("--stage"))
        milter = Milter(programs, str(tmp_path / "milter"))
        milter.wrapper = ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt"]
        milter.store = f"{disk}/store"
        milter.write_settings()
        yield milter, programs, pathlib.Path(f"/proc/{holder.pid}/root{disk}")
        milter.stop()
        holder.stdin.close()


def test_a_full_disk_is_not_damage(small):
    """A restored backup has no lock.mdb, and there is no room for one."""
    milter, programs, disk = small

    def ctl(*arguments):
        return subprocess.run([*milter.wrapper, programs.ctl, "-c", milter.settings_file,
                               *arguments], capture_output=True, text=True)
    assert ctl("import", str(SAMPLE)).returncode == 0
    (disk / "store/lock.mdb").unlink()
    with open(disk / "fill", "wb", buffering=0) as fill, contextlib.suppress(OSError):
        while fill.write(bytes(4096)) > 0:
            pass
    done = ctl("list")
    assert done.returncode == 74 and "the file system is full" in done.stderr
    assert "restore it" not in done.stderr
    milter.start()
    milter.wait_for_log("the file system is full")
    mark = milter.log_size()
    (disk / "fill").unlink()
    milter.wait_for_log(IN_USE, mark)
    assert milter.log_text().count("error: ") == 1
    assert ctl("list").returncode == 0


def of_a_newer_schema(milter):
    schema = "schema".encode("ascii").hex()
    rebuild(milter, lambda dump: dump.replace(f" {schema}\n 01\n", f" {schema}\n 02\n"))


def of_another_program(milter):
    rebuild(milter, lambda dump: dump.replace("database=meta", "database=weather"))


DAMAGES = pytest.mark.parametrize("damage", [garbage, cut_short, emptied, deleted],
                                  ids=lambda damage: damage.__name__)


@DAMAGES
def test_damaged_while_in_use(mta, broken, sink, damage):
    restore = save(broken)
    assert_moved(mta, sink)
    mark = broken.log_size()
    damage(broken)
    broken.wait_for_log(TROUBLE, mark)
    for _ in range(3):
        assert_deferred(mta)
    assert broken.log_text(mark).count("error: ") == 1
    mark = broken.log_size()
    restore()
    broken.wait_for_log(IN_USE, mark)
    assert_moved(mta, sink)


@pytest.mark.parametrize("damage", [garbage, cut_short, emptied, deleted, a_directory_instead],
                         ids=lambda damage: damage.__name__)
def test_damaged_before_the_start(postfix, broken, sink, damage):
    restore = save(broken)
    broken.stop()
    damage(broken)
    mark = broken.log_size()
    broken.start()
    assert_deferred(postfix)
    assert broken.log_text(mark).count("error: ") == 1
    if os.path.isdir(data_file(broken)):
        os.rmdir(data_file(broken))
    mark = broken.log_size()
    restore()
    broken.wait_for_log(IN_USE, mark)
    assert_moved(postfix, sink)


@pytest.mark.parametrize("seed", range(12))
def test_random_octets_changed(postfix, broken, sink, seed):
    """Whatever is hit: a sender is moved rightly, or the mail is deferred."""
    chance = random.Random(seed)
    restore = save(broken)
    broken.stop()
    with open(data_file(broken), "r+b") as data:
        size = os.path.getsize(data_file(broken))
        for _ in range(200):
            data.seek(chance.randrange(size))
            data.write(chance.randbytes(1))
    broken.start()
    for _ in range(3):
        sent = send(postfix.port, *SHOP)
        if sent.reply.ok:
            assert sink.delivery_of(sent).sender == MOVED
        else:
            assert str(sent.reply).startswith("451 4.3.0"), sent.reply
    assert broken.running
    assert broken.ctl("list").returncode >= 0, "mailfromctl was killed by a signal"
    mark = broken.log_size()
    restore()
    broken.wait_for_log(IN_USE, mark)
    assert_moved(postfix, sink)


@pytest.mark.parametrize("change, sentence", [
    (of_a_newer_schema, "schema 2.*newer version"),
    (of_another_program, "not one of mailfrom-milter"),
], ids=["newer schema", "another program"])
def test_a_store_that_is_not_ours_to_read(mta, broken, sink, change, sentence):
    restore = save(broken)
    mark = broken.log_size()
    change(broken)
    broken.wait_for_log(sentence, mark)
    assert_deferred(mta)
    done = broken.ctl("import", str(SAMPLE))
    assert done.returncode == 65 and re.search(sentence, done.stderr)
    assert broken.log_text(mark).count("error: ") == 1
    restore()
    broken.wait_for_log(IN_USE, mark)
    assert_moved(mta, sink)


def test_filled_for_the_first_time_while_running(postfix, broken, sink):
    broken.stop()
    shutil.rmtree(broken.store)
    broken.start()
    assert_deferred(postfix)
    mark = broken.log_size()
    broken.import_records(sample_records())
    broken.wait_for_log(IN_USE, mark)
    assert_moved(postfix, sink)


def test_emptied_with_mailfromctl_is_unavailable(postfix, broken, sink):
    assert broken.ctl("remove", *sample_records()).returncode == 0
    assert_deferred(postfix)
    broken.import_records(sample_records())
    assert_moved(postfix, sink)


def test_changes_are_seen_at_once(mta, broken, sink):
    broken.import_records({"shop.example": {
        "MailFromDomain": "other.shop.example", "MailFromDomainStatus": "Success",
        "BehaviorOnMXFailure": "RejectMessage"}})
    assert sink.delivery_of(send(mta.port, *SHOP)).sender == "info@other.shop.example"
    assert broken.ctl("remove", "shop.example").returncode == 0
    assert sink.delivery_of(send(mta.port, *SHOP)).sender == "info@shop.example"
