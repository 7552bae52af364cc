# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Everything together: the next hop, two milters, and the MTAs between."""

import json
import os
import shutil
import stat
import tempfile
from contextlib import ExitStack
from pathlib import Path

from .postfix import Postfix
from .programs import Milter, Programs
from .sendmail import Sendmail
from .sink import Sink

SAMPLE = Path(__file__).parent.parent / "sample.json"


def sample_records():
    """The identities that all cases are about."""
    return json.loads(SAMPLE.read_text(encoding="utf-8"))["MailFromDomainAttributes"]


def _safe_directory():
    """Sendmail refuses a socket below a directory that others may write to: /tmp is one, and in
    some containers /run is another."""
    others_write = os.stat("/run").st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return "/var/lib" if others_write else "/run"


class Laboratory:
    """Use as a context manager: what was started is stopped, what was written is removed."""

    def __init__(self, stage, sendmail_tree=None):
        """Without a tree of Sendmail there is only Postfix."""
        self.base = tempfile.mkdtemp(prefix="mailfrom-milter-lab-", dir=_safe_directory())
        os.chmod(self.base, 0o755)
        self.programs = Programs(stage)
        self.sink = Sink()
        self.milter = Milter(self.programs, f"{self.base}/milter")
        # Behind the second port of each MTA, for what takes long.
        self.second_milter = Milter(self.programs, f"{self.base}/second-milter")
        sockets = self.milter.socket, self.second_milter.socket
        self.mtas = {}
        self._add(Postfix(f"{self.base}/postfix", self.sink.port, *sockets))
        if sendmail_tree:
            self._add(Sendmail(f"{self.base}/sendmail", self.sink.port, *sockets, sendmail_tree))

    def __enter__(self):
        with ExitStack() as closing:
            closing.callback(shutil.rmtree, self.base)
            closing.callback(self.sink.close)
            for milter in (self.milter, self.second_milter):
                milter.import_records(sample_records())
                closing.callback(milter.stop)
            for mta in self.mtas.values():
                mta.start()
                closing.callback(mta.stop)
            self._closing = closing.pop_all()
        return self

    def __exit__(self, *_):
        self._closing.close()

    def _add(self, mta):
        self.mtas[mta.name] = mta
