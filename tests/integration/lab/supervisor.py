# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The part of systemd that a program with Type=notify speaks to."""

import socket

from .process import wait_until


class Supervisor:
    """Use as a context manager."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "3000000"}
        self.told = []  # what was said, in order

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def listen(self):
        """All of it up to now."""
        while True:
            try:
                self.told.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self.told

    def wait_for(self, start, mark=0):
        """The first that begins so, after the first `mark` ones."""
        return wait_until(lambda: next((text for text in self.listen()[mark:]
                                        if text.startswith(start)), None),
                          f"{start!r}; told were {self.told[mark:]}")

    def after(self, start, mark=0):
        """How many had been told when that came."""
        self.wait_for(start, mark)
        return next(index for index, text in enumerate(self.told)
                    if index >= mark and text.startswith(start)) + 1
