# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The laboratory: real MTAs on loopback, with everything they write in one private directory.

Nothing of the system's own mail set-up is read or changed, and only processes that were started
here are stopped. Needs root, Debian's Postfix and, for the second MTA, an unpacked Sendmail.
"""
