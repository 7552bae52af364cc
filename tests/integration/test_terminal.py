# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What mailfromctl shows on a terminal, which this has the master's end of."""

import fcntl
import os
import struct
import subprocess
import termios

import pytest

from lab.programs import Milter


@pytest.fixture
def own(laboratory):
    return Milter(laboratory.programs, f"{laboratory.base}/terminal-{os.urandom(4).hex()}")


def on_terminal(own, columns, *arguments, locale="C"):
    """The lines that a terminal of so many columns got."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [own._programs.ctl, "-c", own.settings_file, *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE,
                          env={**os.environ, "LC_ALL": locale}) as child:
        os.close(slave)
        shown = b""
        try:
            while part := os.read(master, 65536):
                shown += part
        except OSError:  # Linux: the other end is closed
            pass
        error = child.stderr.read()
    os.close(master)
    assert child.returncode == 0, error
    return shown.decode().replace("\r\n", "\n").splitlines()


def domain(name, status="Success"):
    return {"MailFromDomain": name, "MailFromDomainStatus": status}


def test_list_fits_into_80_columns(own):
    long = "a-customer-with-a-rather-long-name@of-a-customer.example"
    own.import_records({"shop.example": domain("bounce.mail.shop.example", "TemporaryFailure"),
                        "s.example": {"Record": {"Verified": False}},
                        long: domain("bounce.of-a-customer.example")})
    lines = on_terminal(own, 80, "list")
    assert max(map(len, lines)) <= 80, "\n".join(lines)
    assert lines[0].split() == ["IDENTITY", "STATUS", "SOURCE", "SINCE", "CHECKED"]
    at = lines[0].index("STATUS")
    assert lines[1].split() == ["MAIL", "FROM", "DOMAIN", "BEHAVIOR"]
    shop = next(i for i, line in enumerate(lines) if line.startswith("shop.example "))
    assert lines[shop][at:].startswith("TemporaryFailure  file ")
    assert lines[shop + 1].split() == ["bounce.mail.shop.example", "UseDefaultValue"]
    unverified = next(i for i, line in enumerate(lines) if line.startswith("s.example "))
    assert lines[unverified + 2].strip() == "unverified"
    broken = lines.index(long)
    assert lines[broken + 1][:at].strip() == "" and lines[broken + 1][at:].startswith("Success ")
    assert lines[-1].startswith("3 identities: ")

    # Where there is room, and where there is no terminal, each has its line.
    wide = on_terminal(own, 200, "list")
    assert wide[0].split()[:4] == ["IDENTITY", "MAIL", "FROM", "DOMAIN"] and len(wide) == 5
    assert own.ctl("list").stdout.count("\n") == 5


def test_names_are_shown_as_they_are_written(own):
    own.import_records({"xn--bcher-kva.example": domain("bounce.xn--bcher-kva.example"),
                        "a@xn--fiqs8s.example": {},
                        "xn--no-such.example": {}})
    lines = on_terminal(own, 200, "list", locale="C.UTF-8")
    assert any(line.startswith("bücher.example       bounce.bücher.example  Success")
               for line in lines), "\n".join(lines)
    assert any(line.startswith("a@中国.example       -  ") for line in lines), "\n".join(lines)
    assert any(line.startswith("xn--no-such.example  -  ") for line in lines), "\n".join(lines)
    explained = "\n".join(on_terminal(own, 80, "explain", "x@bücher.example", locale="C.UTF-8"))
    assert "bücher.example (domain, source file)" in explained
    assert any("bücher.example" in line for line in
               on_terminal(own, 200, "list", "--match", "bü*", locale="C.UTF-8"))

    # Neither in another locale nor to a program.
    assert "xn--bcher-kva.example" in "\n".join(on_terminal(own, 200, "list"))
    assert "xn--bcher-kva.example" in own.ctl("list", env={"LC_ALL": "C.UTF-8"}).stdout
    assert "xn--bcher-kva" in "\n".join(on_terminal(own, 80, "list", "--json", locale="C.UTF-8"))
