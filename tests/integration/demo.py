#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The demonstration of `./quickstart run`: a message for every row of the decision table, then the
life of an identity whose MX record the gateway checks by itself, then bounces on their way back.

The exit status is 0 only if everything came out as it should.
"""

import argparse
import os
import shutil
import signal
import sys
import textwrap
import time
from pathlib import Path

from lab import cases, life, way_back
from lab.laboratory import Laboratory, sample_records
from lab.nsd import Nsd
from lab.process import TimedOut
from lab.returns import Returns
from lab.sync import Sync

SENDER = Path(__file__).with_name("send")
HEADINGS = ("#", "From", "Identity", "Status", "Behaviour", "Verdict")
WIDTH_MAX = 120


class Screen:
    def __init__(self):
        terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._colour = terminal and "NO_COLOR" not in os.environ
        self.width = min(shutil.get_terminal_size((100, 24)).columns, WIDTH_MAX)

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self._colour else text

    def step(self, text):
        print(self.paint("1", f"==> {text}"), flush=True)


def describe(case, outcome):
    """The cells of a case's line."""
    identity = outcome.logged["identity"]
    attributes = sample_records().get(identity, {})
    status = attributes.get("MailFromDomainStatus", "-")
    behaviour = attributes.get("BehaviorOnMXFailure", "-")
    return case.row, outcome.logged["from"], identity, status, behaviour, outcome.logged["verdict"]


def conditions(case):
    """What is not as in the other rows: "[client 127.0.0.2]"."""
    client = [f"client {case.client}"] if case.client != "127.0.0.1" else []
    settings = case.settings | case.settings.get("milter", {})
    changes = [f"{name} = {value}" for name, value in settings.items() if name != "milter"]
    return "".join(f" [{text}]" for text in client + changes)


def result(outcome):
    if outcome.delivery:
        return f"next hop received MAIL FROM:<{outcome.delivery.sender}>"
    return f"client received {outcome.reply}"


def print_table(screen, rows):
    """rows: (case, outcome, differences)"""
    lines = [describe(case, outcome) for case, outcome, _ in rows]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *lines)]

    def aligned(cells):
        return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths))

    print("\n" + screen.paint("1", aligned(HEADINGS)))
    for cells, (case, outcome, wrong) in zip(lines, rows):
        mark = screen.paint("31;1", "WRONG") if wrong else screen.paint("32", "ok")
        print(f"{aligned(cells)}  {mark}")
        story = f"{outcome.logged['reason']}{conditions(case)}: {result(outcome)}"
        for text in [story, *wrong]:
            print(textwrap.fill(text, screen.width, initial_indent="    ",
                                subsequent_indent="      ", break_long_words=False,
                                break_on_hyphens=False))
    print()


def run_cases(laboratory):
    mta = laboratory.mtas["postfix"]
    rows = []
    for case in cases.load("postfix"):
        if case.row:
            outcome = cases.carry_out(case, laboratory, mta)
            rows.append((case, outcome, cases.differences(case, outcome)))
    return rows


# The second part

def print_stage(screen, stage, outcome, wrong):
    mark = screen.paint("31;1", "WRONG") if wrong else screen.paint("32", "ok")
    status = outcome.record["MailFromDomainStatus"]
    print(f"{stage.what:46} {status:16}  {mark}")
    story = (f"next hop received MAIL FROM:<{outcome.sender}>" if outcome.sender
             else f"client received {outcome.sent.reply}")
    lookup = outcome.record.get("Found")
    for text in [f"looked up: {lookup}; {story}" if lookup else story, *wrong]:
        print(textwrap.fill(text, screen.width, initial_indent="    ", subsequent_indent="      ",
                            break_long_words=False, break_on_hyphens=False), flush=True)


def run_life(screen, laboratory, sync, nsd):
    """How many stages came out as they should."""
    gateway = life.begin(sync, nsd, laboratory.milter, laboratory.mtas["postfix"],
                         laboratory.sink)
    heading = f"{'What happens to ' + life.IDENTITY:46} {'Status':16}"
    print("\n" + screen.paint("1", heading))
    right = 0
    for stage in life.STAGES:
        try:
            outcome = life.live(gateway, stage)
        except TimedOut as error:
            print(f"{stage.what:46} {screen.paint('31;1', 'WRONG')}: {error}")
            break
        wrong = life.differences(stage, outcome)
        print_stage(screen, stage, outcome, wrong)
        right += not wrong
    return right


def show_life(screen, laboratory, stage_directory):
    screen.step("Starting mailfrom-sync and a name server (NSD) on 127.0.0.1")
    base = f"{laboratory.base}/local"
    os.makedirs(base)
    sync = Sync(stage_directory, base)
    with Nsd({life.IDENTITY: ""}) as nsd:
        screen.step("Leading an identity through its life, with a message in every stage")
        try:
            right = run_life(screen, laboratory, sync, nsd)
        finally:
            sync.stop()
    print(f"\n{right} of {len(life.STAGES)} stages came out as they should.")
    return len(life.STAGES) - right


# The third part

def print_step(screen, step):
    mark = screen.paint("32", "ok") if step.is_right else screen.paint("31;1", "WRONG")
    print(f"{step.what:46} {mark}")
    print(textwrap.fill(step.story, screen.width, initial_indent="    ", subsequent_indent="      ",
                        break_long_words=False, break_on_hyphens=False), flush=True)


def show_way_back(screen, laboratory, stage_directory):
    screen.step("Starting a milter that signs return paths, and a Postfix that asks it about bounces")
    right = 0
    with Returns(laboratory, stage_directory) as returns:
        print("\n" + screen.paint("1", f"What happens to bounces for {way_back.SENDER}"))
        try:
            for step in way_back.walk(returns.gateways["postfix"]):
                print_step(screen, step)
                right += step.is_right
        except (AssertionError, TimedOut) as error:
            print(f"{screen.paint('31;1', 'WRONG')}: {error}")
    print(f"\n{right} of {way_back.STEPS} steps came out as they should.")
    return way_back.STEPS - right


def print_delivery(delivery):
    print(f"next hop received MAIL FROM:{delivery.mail}   From: {delivery.header('From')}",
          flush=True)


def stay(screen, laboratory):
    """Until somebody stops us."""
    laboratory.milter.use()
    postfix = laboratory.mtas["postfix"]
    screen.step("Staying up; what comes to the next hop is shown here")
    print(textwrap.dedent(f"""
        send     {SENDER} --port {postfix.port} anna@shop.example
                 (any sender; --from for another From header, --client 127.0.0.2 for inbound mail)
        settings {laboratory.milter.settings_file}  (reload: kill -USR1 {laboratory.milter.pid})
        logs     {laboratory.milter.log}  {postfix.log}
        stop     Ctrl-C here, or: kill {os.getpid()}
        """), flush=True)
    while True:
        time.sleep(3600)


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", required=True, help="where the programs are installed")
    parser.add_argument("--keep", action="store_true", help="stay up afterwards")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)

    screen = Screen()
    wrong = None
    try:
        screen.step("Starting mailfrom-milter, a private Postfix and a next hop on 127.0.0.1")
        with Laboratory(options.stage) as laboratory:
            screen.step("Sending a message for every row of the decision table")
            rows = run_cases(laboratory)
            print_table(screen, rows)
            wrong = sum(1 for *_, differences in rows if differences)
            print(f"{len(rows) - wrong} of {len(rows)} messages came out as the table says.")
            wrong += show_life(screen, laboratory, options.stage)
            wrong += show_way_back(screen, laboratory, options.stage)
            if options.keep:
                laboratory.sink.on_delivery = print_delivery
                stay(screen, laboratory)
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
    return 0 if wrong == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
