# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A machine of its own for commands that are meant for a whole machine: useradd, postconf -e, files
in /etc, port 25, a name server on port 53.

Its root is an overlay over that of this machine, so that what is written stays in memory; network,
process ids and host name are its own. This file is the program that run() starts there: it works
on that root from outside, and runs the commands in it.
"""

import fcntl
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from lab.process import mount_namespace

INTEGRATION = Path(__file__).parent.parent
HOST = "gateway.example"
NEXT_HOP = "127.0.0.2"
UNKNOWN = "nobody@next.example"  # refused there
NODES = ("null", "zero", "full", "random", "urandom")
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def run(seconds, **task):
    """Carries out a task (see main) on such a machine. Returns exit status and report."""
    command = ["unshare", *mount_namespace(), "--mount-proc", "--net", "--pid", "--uts", "--fork",
               "--kill-child", sys.executable, "-B", "-m", "lab.sandbox"]
    with tempfile.TemporaryDirectory(prefix="sandbox-") as base:
        done = subprocess.run(command, cwd=INTEGRATION, input=json.dumps(task | {"base": base}),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=seconds)
    return done.returncode, done.stdout


# The machine

def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def bring_up_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))


def make_root(base, below="/"):
    """An overlay over the tree below. Returns the root directory."""
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", base)
    for directory in ("upper", "work", "root"):
        os.mkdir(f"{base}/{directory}", 0o755)
    root = f"{base}/root"
    mount("-t", "overlay", "-o", f"lowerdir={below},upperdir={base}/upper,workdir={base}/work",
          "overlay", root)
    mount("-t", "proc", "proc", f"{root}/proc")
    for directory in ("dev", "run"):
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", f"{root}/{directory}")
    for node in NODES:
        open(f"{root}/dev/{node}", "w").close()
        mount("--bind", f"/dev/{node}", f"{root}/dev/{node}")
    os.symlink("/proc/self/fd", f"{root}/dev/fd")
    return root


def inside(root, name):
    """The path of a file there. A link that leads out of it would lead to the files of this one."""
    path = f"{root}/{name.lstrip('/')}"
    if not os.path.realpath(os.path.dirname(path)).startswith(os.path.realpath(root) + "/"):
        raise RuntimeError(f"/{name} is reached by a link, which cannot be followed here")
    return path


def forget(root, *names):
    """What this machine may have, and that one is to make anew."""
    for name in names:
        path = inside(root, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)


def install(root, stage):
    """The programs and their data, to where a package would put them. The settings are in /etc,
    whatever place the build has for them: a link leads there."""
    forget(root, "etc/mailfrom-milter.conf", "etc/mailfrom-milter.secrets", "var/lib/mailfrom-milter",
           "var/log/mail.log", "usr/share/mailfrom-milter", "var/lib/mailfrom-sync",
           "etc/default/mailfrom-sync")
    for directory in ("bin", "sbin"):
        shutil.copytree(f"{stage}/{directory}", f"{root}/usr/{directory}", dirs_exist_ok=True)
    [data] = Path(stage).glob("**/share/mailfrom-milter")
    shutil.copytree(data, f"{root}/usr/share/mailfrom-milter")
    overview = subprocess.run([f"{stage}/bin/mailfromctl", "--help"], check=True, text=True,
                              capture_output=True).stdout
    place = re.search(r"\(default:\s+(\S+)\)", overview).group(1)
    if place != "/etc/mailfrom-milter.conf":
        forget(root, place)
        os.makedirs(os.path.dirname(inside(root, place)), exist_ok=True)
        os.symlink("/etc/mailfrom-milter.conf", inside(root, place))


CONF = INTEGRATION.parents[1] / "conf"
INSTALLED = {
    "mailfrom-milter.service": "usr/lib/systemd/system/mailfrom-milter.service",
    "mailfrom-sync.service": "usr/lib/systemd/system/mailfrom-sync.service",
    "mailfrom-milter.sysusers": "usr/lib/sysusers.d/mailfrom-milter.conf",
    "mailfrom-milter.tmpfiles": "usr/lib/tmpfiles.d/mailfrom-milter.conf",
}
PLACES = {"@sbindir@": "/usr/sbin", "@sysconfdir@": "/etc", "@localstatedir@": "/var",
          "@docdir@": "/usr/share/doc/mailfrom-milter"}


def installed_texts(start):
    """By name: what the installation leaves beside the programs."""
    texts = {}
    for name, place in INSTALLED.items():
        texts[place] = (CONF / f"{name}.in").read_text(encoding="utf-8")
        for word, value in PLACES.items():
            texts[place] = texts[place].replace(word, value)
    sample = (CONF / "mailfrom-milter.conf").read_text(encoding="utf-8")
    if start == "package":
        sample = subprocess.run([CONF / "packaged"], input=sample, check=True, capture_output=True,
                                text=True).stdout
    return texts | {"etc/mailfrom-milter.conf": sample}


def provide_systemctl(root):
    write(root, "usr/local/bin/systemctl", (INTEGRATION / "lab/systemctl.py").read_text(encoding="utf-8"))
    os.chmod(f"{root}/usr/local/bin/systemctl", 0o755)


def install_package(gateway):
    """The real one, from a tree of tests/package. Its postinst finds no systemd to start the milter
    with, so that is done here; that it would is seen by tests/package/life."""
    provide_systemctl(gateway.root)
    write(gateway.root, "usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")  # no MTA starts by itself
    os.chmod(f"{gateway.root}/usr/sbin/policy-rc.d", 0o755)
    status, output = gateway.shell(
        "apt-get -q -y --no-install-recommends install -o Dpkg::Use-Pty=0 "
        "/root/mailfrom-milter.deb postfix swaks python3 && systemctl start mailfrom-milter")
    if status != 0:
        raise RuntimeError(f"the package was not installed:\n{output}")


def leave_as_installed(gateway, start):
    """The state that README's Install leaves. "clone": settings, units, users and the directory of
    the store are there, and nothing runs. "package": the milter runs, in monitor mode with an empty
    store, as its package has it (tests/package/life sees that it does)."""
    root = gateway.root
    for place, text in installed_texts(start).items():
        os.makedirs(os.path.dirname(inside(root, place)), exist_ok=True)
        write(root, place, text)
    provide_systemctl(root)
    commands = ["systemd-sysusers mailfrom-milter.conf",
                "systemd-tmpfiles --create mailfrom-milter.conf"]
    if start == "package":
        commands.append("systemctl enable --now mailfrom-milter")
    status, output = gateway.shell(" && ".join(commands))
    if status != 0:
        raise RuntimeError(f"the state after the installation was not reached:\n{output}")


def write(root, name, text):
    Path(inside(root, name)).write_text(text, encoding="utf-8")


class SystemLog:
    """/dev/log, into /var/log/mail.log."""

    def __init__(self, root):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"{root}/dev/log")
        os.chmod(f"{root}/dev/log", 0o666)
        self._file = open(f"{root}/var/log/mail.log", "a", encoding="utf-8")
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            text = self._socket.recv(65536).decode("utf-8", "backslashreplace")
            found = re.match(r"<\d+>(\w{3} [ \d]\d [\d:]{8}) (.*)", text.rstrip("\0\n"), re.S)
            if found:
                self._file.write(f"{found.group(1)} gateway {found.group(2)}\n")
                self._file.flush()


# What stands on it

def start_postfix(root):
    """As the installer leaves it, but that all mail goes to the next hop."""
    for name, origin in (("main.cf", "main.cf.debian"), ("master.cf", "master.cf.dist")):
        shutil.copy(f"/usr/share/postfix/{origin}", inside(root, f"etc/postfix/{name}"))
    forget(root, "var/spool/postfix", "var/lib/postfix")
    os.mkdir(inside(root, "var/spool/postfix"))
    os.mkdir(inside(root, "var/lib/postfix"))
    subprocess.run(["chroot", root, "chown", "postfix", "/var/lib/postfix"], check=True)
    with open(f"{root}/etc/postfix/main.cf", "a", encoding="ascii") as config:
        config.write(f"myhostname = {HOST}\nmydestination = localhost\nalias_maps =\n"
                     f"inet_interfaces = loopback-only\nrelayhost = [{NEXT_HOP}]\n"
                     "smtpd_peername_lookup = no\n")
    done = subprocess.run(["chroot", root, "postfix", "start"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        log = Path(root, "var/log/mail.log").read_text(encoding="utf-8")
        raise RuntimeError(f"Postfix did not start: {done.stdout}\n{log}")


SENDMAIL = """
set -e
groupadd --system smmsp
for user in smmta smmsp; do useradd --system --gid smmsp --no-create-home --home-dir / $user; done
chgrp smmsp /usr/libexec/sendmail/sendmail && chmod g+s /usr/libexec/sendmail/sendmail
ln -sf ../libexec/sendmail/sendmail /usr/sbin/sendmail
install -d -o smmta -g smmsp -m 2755 /run/sendmail /run/sendmail/mta
install -d -o smmta -g smmsp -m 0750 /var/spool/mqueue
install -d -o smmsp -g smmsp -m 0770 /var/spool/mqueue-client
install -d -o smmta -g smmsp -m 2750 /var/lib/sendmail/host_status
cd /etc/mail
cp /usr/share/sendmail/cf/debian/*.mc .
cat >>m4/provider.m4 <<'END'
define(`SMART_HOST', `[NEXT_HOP]')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
define(`confREFUSE_LA', `999')dnl
define(`confQUEUE_LA', `999')dnl
END
touch m4/dialup.m4 local-host-names trusted-users
cp service.switch-nodns service.switch
m4 sendmail.mc >sendmail.cf
m4 submit.mc >submit.cf
: | /usr/libexec/sendmail/makemap hash access
echo 'postmaster: root' >aliases
newaliases
/usr/sbin/sendmail -bd -q2s
"""


def start_sendmail(gateway, tree):
    """Debian's package, as far as it can be unpacked, as the installer leaves it; but that all mail
    goes to the next hop, and that no names are looked up."""
    root = gateway.root
    forget(root, "usr/sbin/sendmail", "usr/lib/sendmail", "etc/mail", "etc/aliases")
    subprocess.run(["cp", "-a", f"{tree}/.", root], check=True)
    write(root, "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
    status, output = gateway.shell(SENDMAIL.replace("NEXT_HOP", NEXT_HOP))
    if status != 0:
        raise RuntimeError(f"Sendmail did not start:\n{output}")


def serve_names(closing, gateway):
    """NSD, at the address that resolv.conf names."""
    from lab.nsd import Nsd
    nsd = Nsd({"shop.example": "", "firm.example": ""})
    nsd.port = 53
    nsd.start()
    closing.callback(shutil.rmtree, nsd.directory)  # its processes end with all others

    def publish(records):
        for zone in nsd.zones:
            ours = [line for line in records if line.split(". IN ")[0].endswith("." + zone)]
            if ours:
                nsd.publish(zone, "\n".join(ours))
    gateway.publish = publish


def serve_ses(closing, gateway):
    """The stand-in, in place of the region's endpoint. It finds the MX records once published."""
    from standin.ses import Account, Identity, Ses

    class LookingSes(Ses):
        published = ()

        def answer(self, request):
            for identity in self.identities.values():
                if identity.status == "Pending" and identity.domain in self.published:
                    identity.status = "Success"
            return super().answer(request)

    ses = closing.enter_context(LookingSes([
        Identity("shop.example", domain="bounce.shop.example", status="Success"),
        Identity("firm.example", domain="bounce.firm.example", status="Failed",
                 behavior="RejectMessage"),
        Identity("home.example")], regions=("eu-west-1",), rate=1.0))
    ses.accounts["AKIDADMIN"] = Account("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")
    gateway.environment |= {"AWS_ENDPOINT_URL": ses.url, "AWS_EC2_METADATA_DISABLED": "true"}
    os.makedirs(f"{gateway.root}/etc/default", exist_ok=True)
    write(gateway.root, "etc/default/mailfrom-sync", "".join(
        f"{name}={gateway.environment[name]}\n" for name in
        ("AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED")))
    # The one of Debian 12 does not know that variable yet.
    write(gateway.root, "usr/local/bin/aws",
          '#!/bin/sh\nexec /usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n')
    os.chmod(f"{gateway.root}/usr/local/bin/aws", 0o755)

    def publish(records):
        ses.published += tuple(line.split(". IN MX")[0] for line in records if ". IN MX " in line)
    gateway.publish = publish


def start_filters(closing):
    """What comes to these ports comes back at the next one."""
    from lab.filter import Filter
    for port in (10024, 10026):
        closing.callback(Filter(port + 1, port).close)


def set_up(task, root, closing):
    """Returns the gateway."""
    from lab.sink import Sink
    if "tree" not in task:
        install(root, task["stage"])
    write(root, "etc/resolv.conf", "nameserver 127.0.0.1\n")
    write(root, "etc/hosts", f"127.0.0.1 localhost {HOST} gateway\n::1 localhost\n")
    write(root, "etc/mailname", f"{HOST}\n")
    SystemLog(root)
    next_hop = Sink((NEXT_HOP, 25))
    next_hop.refusals[UNKNOWN] = "550 5.1.1 no such user"
    closing.callback(next_hop.close)
    gateway = Gateway(root)
    if "tree" in task:
        install_package(gateway)
    else:
        leave_as_installed(gateway, task["start"])
    for part in task["machine"]:
        if part == "postfix":
            start_postfix(root)
        elif part == "sendmail":
            start_sendmail(gateway, task["sendmail_tree"])
        elif part == "nsd":
            serve_names(closing, gateway)
        elif part == "ses":
            serve_ses(closing, gateway)
        elif part == "filter":
            start_filters(closing)
    return gateway


# The commands

VARIABLE = (
    (r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d", "TIME"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"\d{4}-\d\d-\d\d", "DATE"),
    (r"\[\d+\]|process \d+", "PID"),
    (r"\b[0-9A-F]{5,12}(?=: )", "QUEUE-ID"),    # Postfix
    (r"\b[0-9A-Za-z]{8}\d{6}(?=: )", "QUEUE-ID"),  # Sendmail
    (r"\b\d+ ?(?:ms|s|min|m|h|d)\b", "DURATION"),
    (r"size=\d+", "SIZE"),
    (r"prvs=[0-9a-f]{10}=(?=\S*@)", "prvs=TAG="),  # return paths, and what signed them when
    (r"SRS0=[a-z2-7]{8}=[a-z2-7]{2}=(?=\S*@)", "SRS0=TAG="),
    (r"\b(key[ =]|Key +)[0-9a-f]{4}\b", "KEY"),
    (r"^[0-9a-f]{4}(?= +DATE)", "KEY"),
    (r"\btoday\b", "DURATION"),
    (r"\bversion \d[\d.]*\d", "VERSION"),
    (r" +", " "),                               # columns are as wide as the durations in them
    (r" $", ""),
)
ANYTHING = "..."


def blur(text):
    """The lines, without what is different each time."""
    for pattern, word in VARIABLE:
        text = re.sub(pattern, word, text, flags=re.M)
    return text.splitlines()


def is_as_shown(shown, output):
    """A line of dots in what is shown stands for any lines."""
    pattern = "".join("(?:.*\n)*" if line == ANYTHING else re.escape(line) + "\n"
                      for line in blur(shown))
    return re.fullmatch(pattern, "".join(line + "\n" for line in blur(output))) is not None


class Gateway:
    """Where the commands are run."""

    def __init__(self, root):
        self.root = root
        self.publish = None  # called with the lines that `mailfromctl records` printed
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                            "HOME": "/root", "LC_ALL": "C.UTF-8",
                            "DEBIAN_FRONTEND": "noninteractive"}
        self.environment |= {name: value for name, value in os.environ.items()
                             if name.startswith(("ASAN", "UBSAN", "LSAN", "TSAN"))}

    def shell(self, command):
        """Its exit status and output; into a file, which a daemon may hold on to."""
        with tempfile.TemporaryFile("w+", dir=f"{self.root}/tmp") as output:
            status = subprocess.run(
                ["chroot", self.root, "sh", "-c", f"cd /root\n{command}"], timeout=300,
                env=self.environment, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output).returncode
            output.seek(0)
            text = output.read()
        if command.startswith("mailfromctl records") and self.publish:
            self.publish([line for line in text.splitlines() if ". IN " in line])
        return status, text

    def follow(self, step):
        """Carries out a step. A command may fail only where the text shows what it prints; one that
        only looks may look for a while. Returns what is wrong, or None."""
        only_looks = re.match(r"grep|mailfromctl (list|status)", step["command"])
        deadline = time.monotonic() + (60 if only_looks else 0)
        while True:
            status, output = self.shell(step["command"])
            if is_as_shown(step["shown"], output) if step["shown"] else status == 0:
                break
            if time.monotonic() >= deadline:
                return f"exit status {status}\n{output}"
            time.sleep(0.2)
        return None


def boot(gateway):
    """What is enabled is started again. Returns what is wrong, or None."""
    wants = Path(gateway.root, "etc/systemd/system/multi-user.target.wants")
    names = sorted(path.stem for path in wants.glob("mailfrom-*"))
    if "mailfrom-milter" not in names:
        return f"the milter does not start; enabled are {names}"
    status, output = gateway.shell(f"systemctl stop {' '.join(names)} && systemctl start {' '.join(names)}")
    return None if status == 0 else output


def main():
    """The task: base, an empty directory; stage and sendmail_tree; start, see leave_as_installed, or
    in place of these a tree with the package of Debian, see install_package;
    machine, what stands on it; steps, each with command and shown. only_print, for who writes a tutorial: compare nothing."""
    task = json.load(sys.stdin)
    bring_up_loopback()
    socket.sethostname(HOST)
    root = make_root(task["base"], task.get("tree", "/"))
    with ExitStack() as closing:
        gateway = set_up(task, root, closing)
        for step in task["steps"]:
            if task.get("only_print"):
                print(f"# {step['command']}\n{gateway.shell(step['command'])[1]}", end="")
                continue
            wrong = gateway.follow(step)
            if wrong is not None:
                log = Path(root, "var/log/mail.log").read_text(encoding="utf-8")
                print(f"# {step['command']}\n--- shown:\n{step['shown']}--- printed, with {wrong}"
                      f"--- mail log:\n{log}")
                return 1
        wrong = boot(gateway)
        if wrong is not None and not task.get("only_print"):
            print(f"after the next boot: {wrong}")
            return 1
    print(f"{len(task['steps'])} commands did what the text says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
