# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Mail that keeps coming while something happens."""

import threading

from .client import Client
from .process import wait_until

SENDER = "info@shop.example"


class Load:
    """Several clients, each sending one message after the other; after a refusal on a new
    connection, as an MTA does that has lost its milter. Use as a context manager; afterwards, or
    meanwhile, `sent` has every outcome in the order of the replies."""

    def __init__(self, port, clients=3):
        self.sent = []
        self._errors = []
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.go_on()
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if kind is None and self._errors:
            raise self._errors[0]

    def go_on(self, messages=15, seconds=60):
        """Waits until so many more messages have got their reply."""
        target = len(self.sent) + messages
        wait_until(lambda: len(self.sent) >= target or self._errors, "mail to flow", seconds)

    def wait_for(self, condition, what, seconds=30):
        """Waits for a reply that fits, to a message from now on."""
        mark = len(self.sent)
        wait_until(lambda: any(condition(sent.reply) for sent in self.sent[mark:]) or self._errors,
                   what, seconds)

    def _work(self):
        try:
            while not self._stop.is_set():
                with Client(self._port) as client:
                    self._send_until_refused(client)
        except Exception as error:  # told by __exit__, in the thread of the test
            self._errors.append(error)

    def _send_until_refused(self, client):
        while not self._stop.is_set():
            sent = client.send(SENDER, f"From: {SENDER}")
            self.sent.append(sent)
            if not sent.reply.ok:
                return
