# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The settings file, as an administrator meets it."""

import os
import shutil
import subprocess
import tempfile

import pytest

EX_CONFIG = 78

WRONG = {
    "value missing": ("store = \n", 1, "where a value should stand"),
    "value missing, more follows": ("store = \nmilter {\n}\n", 2, ""),
    "brace missing": ("milter {\n  mode = \"monitor\"\n", 2, "} is missing"),
    "unknown key": ('store = "/x"\ncolour = "red"\n', 2, "colour"),
    "unknown key in a section": ('milter {\n  colour = "red"\n}\n', 2, "colour"),
    "unknown section": ('\nmiller {\n}\n', 2, "miller"),
    "word": ('milter {\n  on-unknown-identity = "perhaps"\n}\n', 2, "pass, default, reject"),
    "identity-from": ('milter { identity-from = "body" }\n', 1, "header or envelope"),
    "mode": ('milter { mode = "off" }\n', 1, "enforce or monitor"),
    "temporary-failure": ('milter { temporary-failure = "pass" }\n', 1, "reject or defer"),
    "network": ('milter { outbound-networks = {"127.0.0.0/8", "10.0.0.1/8"} }\n', 1, "10.0.0.1/8"),
    "socket mode": ('milter { socket-mode = "rw" }\n', 1, "0660"),
    "socket": ('milter { socket = "tcp:1" }\n', 1, "inet:port@host"),
    "relative store": ('store = "here"\n', 1, "here"),
    "domain": ('default-mail-from-domain = "a..b"\n', 1, "default-mail-from-domain"),
    "reply without a code": ('milter { reject-reply = "no" }\n', 1, "reject-reply"),
    "reply of the other class": ('milter { reject-reply = "451 4.7.1 no" }\n', 1, "reject-reply"),
    "reply with classes mixed": ('milter { reject-reply = "554 4.7.1 no" }\n', 1, "reject-reply"),
    "reply with an unknown placeholder": (
        'milter { defer-reply = "451 4.7.1 {colour}" }\n', 1, "colour"),
}


@pytest.mark.parametrize("text, line, word", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_told_with_file_and_line(milter, text, line, word):
    milter.write_settings_text(text)
    for done in (milter.check(), milter.ctl("settings"), subprocess.run(
            milter.command, capture_output=True, text=True, timeout=30)):
        assert done.returncode == EX_CONFIG
        assert f"{milter.settings_file}:{line}:" in done.stderr
        assert word in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_file_that_is_missing_is_told(milter):
    os.unlink(milter.settings_file)
    for done in (milter.check(), milter.ctl("settings")):
        assert done.returncode == EX_CONFIG
        assert milter.settings_file in done.stderr


def test_check_and_settings_print_the_effective_values(milter):
    milter.write_settings({"milter": {"on-expired": "pass", "mode": "monitor"}})
    check, settings = milter.check(), milter.ctl("settings")
    assert check.returncode == settings.returncode == 0
    assert check.stdout == settings.stdout
    lines = [line.strip() for line in check.stdout.splitlines()]
    for expected in (f'store = "{milter.store}"', 'on-expired = "pass"', 'mode = "monitor"',
                     'on-unavailable = "defer"', 'default-mail-from-domain = '
                     '"bounce.default.example"'):
        assert expected in lines


def test_what_is_printed_is_a_settings_file(milter):
    printed = milter.check().stdout
    milter.write_settings_text(printed)
    again = milter.check()
    assert again.returncode == 0
    assert again.stdout == printed


def test_defaults(milter):
    milter.write_settings_text(f'milter {{ socket = "unix:{milter.base}/check" }}\n')
    lines = [line.strip() for line in milter.check().stdout.splitlines()]
    for expected in ('identity-from = "header"', 'outbound-authenticated = true',
                     'on-unknown-identity = "pass"', 'on-unavailable = "defer"',
                     'on-expired = "defer"', 'temporary-failure = "reject"', 'mode = "enforce"',
                     'strip-label = true', 'default-mail-from-domain = ""'):
        assert expected in lines


def test_version(laboratory):
    for program in (laboratory.programs.milter, laboratory.programs.ctl):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0
        assert any(letter.isdigit() for letter in done.stdout)


def test_an_unknown_option_is_a_usage_error(laboratory):
    for program in (laboratory.programs.milter, laboratory.programs.ctl):
        done = subprocess.run([program, "--colour"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 64
        assert "--colour" in done.stderr


# --check finds what a start would

@pytest.mark.parametrize("changes, code, words", [
    ({"user": "nobody-of-that-name"}, EX_CONFIG, 'there is no user "nobody-of-that-name"'),
    ({"socket-group": "no-such-group"}, EX_CONFIG, 'socket-group: there is no group "no-such-group"'),
    ({"socket": "unix:/nonexistent/milter.sock"}, os.EX_UNAVAILABLE,
     "socket /nonexistent/milter.sock cannot be created: No such file or directory"),
    ({"socket": f"unix:/tmp/{'x' * 120}"}, EX_CONFIG, "the path is too long"),
])
def test_check_finds_what_a_start_would(milter, changes, code, words):
    milter.write_settings({"milter": changes})
    done = milter.check()
    assert done.returncode == code and words in done.stderr and done.stdout == ""
    started = subprocess.run(milter.command, capture_output=True, text=True, timeout=30)
    assert started.returncode not in (0, None)


def test_check_finds_it_for_the_socket_of_return_paths_too(milter):
    secrets = f"{milter.base}/secrets"
    milter.write_settings({"return-path": {"socket": "unix:/nonexistent/return.sock",
                                           "secrets-file": secrets}})
    assert milter.ctl("return-path", "key", "new").returncode == 0
    done = milter.check()
    os.unlink(secrets)
    assert done.returncode == os.EX_UNAVAILABLE
    assert "socket /nonexistent/return.sock cannot be created" in done.stderr


@pytest.mark.parametrize("user, code", [("root", os.EX_NOPERM), ("nobody", 0)])
def test_check_of_one_who_cannot_become_the_user(milter, user, code):
    """As the unit runs it: what passes as root may fail there."""
    milter.write_settings({"milter": {"user": user, "socket": "inet:8899@127.0.0.1"}})
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:  # which everybody may execute
        os.chmod(place, 0o755)
        program = shutil.copy(milter.command[0], place)
        done = subprocess.run([program, "-c", milter.settings_file, "--check"], user="nobody",
                              group="nogroup", extra_groups=[], capture_output=True, text=True,
                              timeout=30)
    assert done.returncode == code, done.stderr
    assert code == 0 or 'cannot become the user "root"' in done.stderr


def test_check_leaves_nothing_and_bothers_no_one(milter):
    milter.use()
    before = sorted(os.listdir(milter.base))
    assert milter.check().returncode == 0
    assert sorted(os.listdir(milter.base)) == before and milter.running
