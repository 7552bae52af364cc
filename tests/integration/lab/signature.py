# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What a signed return path looks like, worked out from its description in common/return_path.h: for
signatures of other days and other gateways. For local parts that need no quotes."""

import hashlib
import hmac
import time

HEXADECIMAL = "0123456789abcdef"
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


def today():
    return int(time.time()) // 86400


def _digits(number, count, alphabet):
    digits = ""
    for _ in range(count):
        number, digit = divmod(number, len(alphabet))
        digits = alphabet[digit] + digits
    return digits


def _signature(form, bits, secret, day, address, mail_from_domain):
    fields = (str(day), *address.rsplit("@", 1), mail_from_domain)
    # lower() of octets folds ASCII only.
    signed = b"\0".join([form, *(field.encode("utf-8").lower() for field in fields)])
    code = hmac.digest(secret.encode("ascii"), signed, hashlib.sha256)
    return int.from_bytes(code, "big") >> (256 - bits)


def prvs(secret, address, mail_from_domain, day=None):
    """The return path of an original sender whose domain the gateway can guess."""
    date = (today() if day is None else day) % 1024
    signature = _signature(b"A", 30, secret, date, address, mail_from_domain)
    local = address.rsplit("@", 1)[0]
    return f"prvs={_digits(date << 30 | signature, 10, HEXADECIMAL)}={local}@{mail_from_domain}"


def srs(secret, address, mail_from_domain, day=None):
    """The one of any other."""
    date = (today() if day is None else day) % 1024
    signature = _signature(b"B", 40, secret, date, address, mail_from_domain)
    local, domain = address.rsplit("@", 1)
    return (f"SRS0={_digits(signature, 8, BASE32)}={_digits(date, 2, BASE32)}={domain}={local}"
            f"@{mail_from_domain}")
