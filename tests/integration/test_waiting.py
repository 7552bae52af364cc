# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A client that pauses for 40 s in the middle of DATA. The pause begins with the first test and
is looked at by the last, so it costs no time."""


def test_a_pause_in_the_middle_of_data(mta, paused_messages, sink):
    sent = paused_messages[mta.name].result(timeout=120)
    assert sink.delivery_of(sent).sender == "info@bounce.shop.example"
