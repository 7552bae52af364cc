# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Checks a SigV4 signature with botocore's own signer."""

import calendar
import datetime
import re
import time
from unittest import mock
from urllib.parse import quote, unquote

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

WINDOW = 5 * 60
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})")


class Refused(Exception):
    def __init__(self, code, message, status=403):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def canonical_query(query):
    """As a server sees it: decoded and encoded anew, so that no client's spelling counts."""
    pairs = [item.partition("=")[::2] for item in query.split("&") if item]
    encoded = sorted((quote(unquote(name), safe="-._~"), quote(unquote(value), safe="-._~"))
                     for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def expected_signature(request, key, secret, region, service, signed):
    query = canonical_query(request.query)
    headers = {name: request.headers[name] for name in signed if name in request.headers}
    url = f"http://{request.headers['Host']}{request.path}" + ("?" + query if query else "")
    aws_request = AWSRequest(request.method, url, headers, request.body)
    aws_request.context["timestamp"] = request.headers["X-Amz-Date"]
    signer = auth.SigV4Auth(Credentials(key, secret), service, region)
    with mock.patch.object(signer, "headers_to_sign",
                           lambda _: auth.HTTPHeaders.from_dict(headers)):
        canonical = signer.canonical_request(aws_request)
        text = signer.string_to_sign(aws_request, canonical)
        return signer.signature(text, aws_request), canonical


def check(request, accounts, now, regions, service):
    """Returns the access key. accounts: by access key, an object with secret, token, expired."""
    match = AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if not match:
        raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token")
    key, day, region, scope, signed, signature = match.groups()
    signed = signed.split(";")
    account = accounts.get(key)
    if account is None:
        raise Refused("InvalidClientTokenId",
                      "The security token included in the request is invalid.")
    check_scope(request, signed, day, region, scope, regions, service)
    expected, canonical = expected_signature(request, key, account.secret, region, scope, signed)
    if signature != expected:
        raise Refused("SignatureDoesNotMatch",
                      "The request signature we calculated does not match the signature you "
                      "provided. Check your AWS Secret Access Key and signing method. Consult the "
                      "service documentation for details.\n\nThe Canonical String for this request "
                      f"should have been\n'{canonical}'")
    check_time(request.headers["X-Amz-Date"], now)
    if (request.headers.get("X-Amz-Security-Token") or "") != account.token:
        raise Refused("InvalidClientTokenId",
                      "The security token included in the request is invalid.")
    if account.expired:
        raise Refused("ExpiredToken", "The security token included in the request is expired")
    return key


def check_scope(request, signed, day, region, scope, regions, service):
    wanted = {"host"} | {name.lower() for name in request.headers
                         if name.lower().startswith("x-amz-")}
    if not wanted <= set(signed) or signed != sorted(signed):
        raise Refused("SignatureDoesNotMatch", f"not signed: {wanted - set(signed)}")
    if scope != service:
        raise Refused("SignatureDoesNotMatch",
                      f"Credential should be scoped to correct service: '{service}'.")
    if region not in regions:
        raise Refused("SignatureDoesNotMatch",
                      f"Credential should be scoped to a valid region, not '{region}'.")
    if not request.headers.get("X-Amz-Date", "").startswith(day):
        raise Refused("SignatureDoesNotMatch", "Date in Credential scope does not match")


def check_time(date, now):
    signed_at = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    shown = datetime.datetime.utcfromtimestamp(now).strftime("%Y%m%dT%H%M%SZ")
    if signed_at < now - WINDOW:
        raise Refused("SignatureDoesNotMatch",
                      f"Signature expired: {date} is now earlier than {shown} ({shown} - 5 min.)")
    if signed_at > now + WINDOW:
        raise Refused("SignatureDoesNotMatch",
                      f"Signature not yet current: {date} is still later than {shown} "
                      f"({shown} + 5 min.)")
