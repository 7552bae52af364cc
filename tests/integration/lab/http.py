# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What the milter serves over HTTP."""

import http.client
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    status: int
    type: str
    text: str


def request(address, path, method="GET", body=None, timeout=30):
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=timeout)
    try:
        connection.request(method, path, body)
        reply = connection.getresponse()
        return Page(reply.status, reply.getheader("Content-Type"), reply.read().decode("utf-8"))
    finally:
        connection.close()


def metrics(address):
    """By series: name, or name{label="value",..} as it is written there."""
    page = request(address, "/metrics")
    assert page.status == 200, page
    series = {}
    for line in page.text.splitlines():
        if not line.startswith("#"):
            name, value = re.fullmatch(r"([a-z_]+(?:\{.*\})?) (\S+)", line).groups()
            assert name not in series, name
            series[name] = float(value)
    return series
