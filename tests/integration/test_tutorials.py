# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Each command line in the tutorials of doc/ is run, in order, and prints what the tutorial shows.

Each tutorial is run from both states that README's Install leaves, that of the package and that of
a clone, and at its end the enabled units are started again, as by a boot. systemctl is a stand-in
(lab/systemctl.py), which runs the units of conf/ as they say.

Each tutorial has a machine of its own (lab/sandbox.py): commands, paths and ports are taken from
the text as they are, nothing is substituted. Its root is an overlay over the root of this machine,
so that `useradd` and `postconf -e` write into memory; network and process ids are its own. What
differs from a reader's machine: a next hop at 127.0.0.2 takes all mail, but for one user that it
does not know; in ses.md the stand-in takes the place of Amazon's endpoint (AWS_ENDPOINT_URL in the
environment of every command; `aws` is told of it too), in local.md NSD that of the resolver; and
what `mailfromctl records` prints is published at once, which a reader has to see to. In postfix.md
a content filter that finds nothing takes mail at ports 10024 and 10026, and hands it back at the
next one.

Commands are the lines with a `# ` in front in blocks marked `console`, with what belongs to them: a
here-document up to END, and the line after a backslash. All other lines are what they print; `...`
stands for any lines, and times, process ids, queue ids, sizes, durations, signatures and the ids of
their keys may be others. A command that cannot be run here ends with `# not run by the tests`, and
stands in NOT_RUN with its reason.
"""

import re
import shutil
from pathlib import Path

import pytest

from lab import sandbox

DOC = Path(__file__).parents[2] / "doc"
MARK = re.compile(r"\s+# not run by the tests$")
PACKAGES = "installs packages, which takes a network"
AWS = "changes an AWS account"

MACHINES = {
    "postfix.md": ["postfix", "filter"],
    "sendmail.md": ["sendmail"],
    "ses.md": ["postfix", "ses"],
    "local.md": ["postfix", "nsd"],
}

TOOLS = {
    "postfix.md": ["swaks"],
    "sendmail.md": ["swaks"],
    "ses.md": ["swaks", "aws"],
    "local.md": ["swaks", "nsd"],
}

NOT_RUN = {
    "postfix.md": {"apt-get install postfix swaks": PACKAGES},
    "sendmail.md": {"apt-get install sendmail swaks": PACKAGES},
    "ses.md": {
        "aws iam put-user-policy --user-name mail-gateway --policy-name mailfrom-sync \\\n"
        "    --policy-document file:///usr/share/doc/mailfrom-milter/iam-policy-daemon.json": AWS,
    },
    "local.md": {},
}


def steps_of(block):
    """Dicts of command and shown."""
    steps = []
    lines = iter(block.splitlines())
    for line in lines:
        if not line.startswith("# "):
            assert steps, f"{line!r} comes before any command"
            steps[-1]["shown"] += line + "\n"
            continue
        command = line[2:]
        while command.endswith("\\"):
            command += "\n" + next(lines)
        while "<<'END'" in command and not command.endswith("\nEND"):
            command += "\n" + next(lines)
        steps.append({"command": command, "shown": ""})
    return steps


def steps_of_tutorial(name):
    """Those that are run, and the commands that are not."""
    text = (DOC / name).read_text(encoding="utf-8")
    steps = [step for block in re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S)
             for step in steps_of(block)]
    left_out = [step for step in steps if MARK.search(step["command"])]
    return [step for step in steps if step not in left_out], [
        MARK.sub("", step["command"]) for step in left_out]


@pytest.mark.parametrize("name", MACHINES)
def test_what_is_not_run_has_its_reason(name):
    run, left_out = steps_of_tutorial(name)
    assert left_out == list(NOT_RUN[name])
    assert len(run) >= 10 > 5 * len(left_out)


@pytest.mark.parametrize("name", MACHINES)
def test_no_command_stands_outside_of_the_blocks(name):
    """It would not be run."""
    text = (DOC / name).read_text(encoding="utf-8")
    rest = re.sub(r"^```console\n.*?^```$", "", text, flags=re.M | re.S)
    assert "```" not in rest
    assert not re.search(r"^    ", rest, re.M)


@pytest.mark.parametrize("start", ["package", "clone"])
@pytest.mark.parametrize("name", MACHINES)
def test_the_commands_do_what_the_tutorial_shows(name, start, request):
    """And the machine comes up again after them."""
    for tool in TOOLS[name]:
        if not shutil.which(tool, path="/usr/sbin:/usr/bin"):
            pytest.skip(f"{tool} is not installed; ./quickstart test provides it")
    run, _ = steps_of_tutorial(name)
    status, report = sandbox.run(300, stage=request.config.getoption("--stage"),
                                 sendmail_tree=request.config.getoption("--sendmail-tree"),
                                 start=start, machine=MACHINES[name], steps=run)
    assert status == 0, report


@pytest.mark.parametrize("shown, output, same", [
    ("Nov 22 09:41:08 gateway x[1]: 4BCFBA76514: a", "Jan  1 00:00:00 gateway x[77]: 9BCFBA7651: a",
     True),
    ("4 identities: 1 Pending", "4 identities: 2 Pending", False),
    ("a\n...\nz", "a\nb\nc\nz", True),
    ("a\n...\nz", "a\nz", True),
    ("a\n...\nz", "a\nb", False),
    ("a", "a\nb", False),
    ("SINCE  CHECKED\n2m     20s", "SINCE   CHECKED\n112ms   2h", True),
    ("reason=verified", "reason=expired", False),
    ("to=<prvs=4c09eec4f0=a@x> key=1f3a age=2d", "to=<prvs=0000000000=a@x> key=beef age=0d", True),
    ("to=<prvs=4c09eec4f0=a@x>", "to=<prvs=4c09eec4f0=b@x>", False),
    ("to=<prvs=4c09eec4f0=a@x>", "to=<a@x>", False),
    ("key=1f3a", "key=-", False),
])
def test_shown_is_compared_with_what_is_printed(shown, output, same):
    assert sandbox.is_as_shown(shown + "\n", output + "\n") is same
