# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Everything together: the next hop, two milters, and the MTAs between."""

import json
import os
import shutil
import tempfile
from pathlib import Path

from .postfix import Postfix
from .programs import Milter, Programs
from .sendmail import Sendmail
from .sink import Sink

SAMPLE = Path(__file__).parent.parent / "sample.json"


def sample_records():
    """The identities that all cases are about."""
    return json.loads(SAMPLE.read_text(encoding="utf-8"))["MailFromDomainAttributes"]


class Laboratory:
    """Use as a context manager: what was started is stopped, what was written is removed."""

    def __init__(self, stage, sendmail_tree=None, on_delivery=None):
        """Without a tree of Sendmail there is only Postfix."""
        # Not below /tmp: Sendmail refuses a socket below a directory that others may write to.
        self.base = tempfile.mkdtemp(prefix="mailfrom-milter-lab-", dir="/run")
        os.chmod(self.base, 0o755)
        programs = Programs(stage)
        self.sink = Sink(on_delivery)
        self.milter = Milter(programs, f"{self.base}/milter")
        # Behind the second port of each MTA, for what takes long.
        self.second_milter = Milter(programs, f"{self.base}/second-milter")
        sockets = self.milter.socket, self.second_milter.socket
        self.mtas = {}
        self._started = []
        self._add(Postfix(f"{self.base}/postfix", self.sink.port, *sockets))
        if sendmail_tree:
            self._add(Sendmail(f"{self.base}/sendmail", self.sink.port, *sockets, sendmail_tree))

    def __enter__(self):
        try:
            for milter in (self.milter, self.second_milter):
                milter.import_records(sample_records())
            for mta in self.mtas.values():
                mta.start()
                self._started.append(mta)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            for running in (*self._started, self.milter, self.second_milter):
                running.stop()
        finally:
            self.sink.close()
            shutil.rmtree(self.base)

    def _add(self, mta):
        self.mtas[mta.name] = mta
