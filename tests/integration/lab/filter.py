# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A content filter that finds nothing: what comes to its port goes on to another, and back."""

import socket
import threading


class Filter:
    def __init__(self, back, port=0):
        """back: the port where the MTA takes mail back."""
        self._back = back
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            try:
                mta = socket.create_connection(("127.0.0.1", self._back))
            except OSError:
                client.close()  # who connected tries again
                continue
            for ends in ((client, mta), (mta, client)):
                threading.Thread(target=_copy, args=ends, daemon=True).start()


def _copy(source, target):
    try:
        while octets := source.recv(65536):
            target.sendall(octets)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()
