# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What is measured with: the private directory, the stores in it, and the programs that run on them."""
import argparse
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from figures import parse_figures, progress
from program import FLOOR_SENDER, SETTLE_SECONDS, Failed, Program, tail


def identity_names(number):
    """The identity and its domain. Every tenth is an address: see message.h."""
    if number % 10 == 9:
        domain = f"a{number:07}.bench.example"
        return f"user{number:07}@{domain}", domain
    domain = f"d{number:07}.bench.example"
    return domain, domain


def write_identities(path, numbers, subdomain):
    """As AWS prints them, but the MAIL FROM domain is this subdomain of each one's domain."""
    with open(path, "w", encoding="ascii") as out:
        out.write('{"MailFromDomainAttributes": {')
        for index, number in enumerate(numbers):
            identity, domain = identity_names(number)
            out.write(
                f'{"," if index else ""}\n"{identity}": {{"MailFromDomain": "{subdomain}.{domain}", '
                '"MailFromDomainStatus": "Success", '
                '"BehaviorOnMXFailure": "UseDefaultValue"}'
            )
        out.write("\n}}\n")


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return "%s:%d" % probe.getsockname()


class Bench:
    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.processes = []
        self.no_filter = getattr(options, "no_filter", False)
        self.metrics = getattr(options, "metrics", False)
        self.seed = 0

    def program_path(self, name):
        path = os.path.join(self.options.build, name)
        if not os.access(path, os.X_OK):
            raise Failed(f"{path} is missing: run `make bench`, or give its folder with --build")
        return os.path.abspath(path)

    def floor(self, name):
        path = os.path.join(self.directory, name + ".sock")
        options = ["--no-filter"] if self.no_filter else []
        return Program(self, name, [self.program_path("tests/bench/floor"), *options, "unix:" + path, FLOOR_SENDER], False)

    def ours(self, size, name):
        """mailfrom-milter on the store of this size."""
        path = os.path.join(self.directory, name + ".sock")
        metrics = f'metrics = "{free_address()}"' if self.metrics else ""
        conf = self.write_settings(name, size, f'milter {{ socket = "unix:{path}" {metrics} }}\n')
        return Program(self, name, [self.program_path("mailfrom-milter"), "-c", conf, "-f"], True)

    def write_settings(self, name, size, text):
        """The settings of a program on the store of this size. Returns the file."""
        path = os.path.join(self.directory, name + ".conf")
        with open(path, "w", encoding="utf-8") as out:
            out.write("seccomp = false\n" if self.no_filter else "")
            out.write(f'store = "{self.directory}/store{size}"\n{text}')
        return path

    def fill(self, size, numbers, *command, subdomain="bounce"):
        """Gives these identities to a command of mailfromctl. Returns the seconds that it took."""
        json = os.path.join(self.directory, "identities.json")
        write_identities(json, numbers, subdomain)
        begin = time.monotonic()
        self.ctl(size, *command, json)
        seconds = time.monotonic() - begin
        os.unlink(json)
        return seconds

    def ctl(self, size, *arguments):
        """What mailfromctl prints."""
        conf = self.write_settings(f"ctl{size}", size, "")
        result = subprocess.run(
            [self.program_path("mailfromctl"), "-c", conf, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise Failed(f"mailfromctl {arguments[0]}, {size} identities:"
                         f" exit {result.returncode}: {result.stderr.strip()}")
        return result.stdout

    def load_command(self, program, size, *more):
        return [self.program_path("tests/bench/load"), "--socket", program.socket, "--wait",
                "--identities", str(size), "--timeout", "120", *program.expect, *more]

    def load(self, program, size, messages, seed):
        """Messages per second, and CPU seconds of the milter per message."""
        command = self.load_command(program, size, "--messages", str(messages), "--seed", str(seed),
                                    "--connections", str(self.options.connections))
        before = program.cpu_seconds()
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        cpu = program.cpu_seconds() - before
        if result.returncode != 0:
            raise Failed(f"{program.name}: {result.stderr.strip() or result.stdout.strip()} ({tail(program.log)})")
        program.check_log(messages)
        figures = parse_figures(result.stdout)
        figures["rate"] = figures["messages"] / figures["seconds"]
        figures["cpu"] = cpu / messages
        return figures

    def pair(self, first, first_size, second, second_size, swap):
        """The same messages through both, one right after the other; who begins alternates, so
        that a drift of the machine cancels out."""
        self.seed += 1
        runs = [(0, first, first_size), (1, second, second_size)]
        figures = [None, None]
        for index, program, size in reversed(runs) if swap else runs:
            figures[index] = self.load(program, size, self.options.messages, self.seed)
        return figures

    def stop_all(self):
        """All at once: libmilter takes up to five seconds to stop."""
        for process in self.processes:
            process.terminate()
            process.send_signal(signal.SIGCONT)  # one that is held by SIGSTOP could not stop
        for process in self.processes:
            try:
                process.wait(SETTLE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()


def parser_of(description, rounds, messages, timeout):
    """The options that every script of the bench has, with its defaults."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--build", default=".", help="folder of the built programs (default: here)")
    parser.add_argument("--rounds", type=int, default=rounds, help="default: %(default)s")
    parser.add_argument("--messages", type=int, default=messages, help="in each measurement (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--starts", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--timeout", type=int, default=timeout, help="seconds for all of it (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    return parser


def allow_descriptors():
    """1,000 connections need more than the usual soft limit of 1,024, here and in the children."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def give_up(signal_number, _frame):
    raise Failed("out of time" if signal_number == signal.SIGALRM else "interrupted")


def run(options, measure):
    """Calls measure with a bench. Returns the exit code."""
    allow_descriptors()
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, give_up)
    signal.alarm(options.timeout)
    bench = Bench(options, tempfile.mkdtemp(prefix="mailfrom-bench-"))
    try:
        measure(bench)
    except (Failed, OSError, subprocess.SubprocessError) as problem:
        progress("")
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    finally:
        bench.stop_all()
        if options.keep:
            print(f"kept: {bench.directory}", file=sys.stderr)
        else:
            shutil.rmtree(bench.directory, ignore_errors=True)
    return 0
