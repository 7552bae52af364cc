#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""A stand-in for Amazon SES: v1 and v2 of what mailfrom-milter calls, over a table of identities.

It checks every signature, keeps to one request a second for each operation and account, answers
page by page, and fails as it is told to. Only what is known of the real service is imitated; see
section 1, 2 and 5 of the facts that the issue names, and test_real_clients.py.
"""

import argparse
import base64
import json
import sys
import uuid
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl, unquote
from xml.sax.saxutils import escape

from standin.server import Reply, Server
from standin.signature import Refused, check

NAMESPACE = "http://ses.amazonaws.com/doc/2010-12-01/"
STATUSES = {"Pending": "PENDING", "Success": "SUCCESS", "Failed": "FAILED",
            "TemporaryFailure": "TEMPORARY_FAILURE", "NotStarted": "NOT_STARTED"}
BEHAVIORS = {"UseDefaultValue": "USE_DEFAULT_VALUE", "RejectMessage": "REJECT_MESSAGE"}
V2_BEHAVIORS = {v2: v1 for v1, v2 in BEHAVIORS.items()}
HUGE = 100 * 1024 * 1024
# v1 and v2 have their own names for the same refusals.
V2_CODES = {"ExpiredToken": "ExpiredTokenException", "Throttling": "TooManyRequestsException",
            "SignatureDoesNotMatch": "InvalidSignatureException",
            "InvalidClientTokenId": "UnrecognizedClientException",
            "InternalFailure": "InternalServiceError",
            "ServiceUnavailable": "ServiceUnavailableException",
            "InvalidParameterValue": "BadRequestException",
            "MissingAuthenticationToken": "MissingAuthenticationTokenException"}
BOMB = ('<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
        + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
        + "]><r>&j;</r>")


@dataclass
class Identity:
    name: str
    verification: str = "Success"
    domain: str = ""
    status: str = ""
    behavior: str = "UseDefaultValue"

    @property
    def kind(self):
        return "EMAIL_ADDRESS" if "@" in self.name else "DOMAIN"

    @property
    def own_domain(self):
        return self.name.rpartition("@")[2].lower()


@dataclass
class Account:
    secret: str
    token: str = ""
    expired: bool = False


@dataclass
class Fault:
    """kind: see Ses.fault_*. operation: the one it hits, None for all. times: how often, None: ever.
    after: how many calls it lets pass before."""

    kind: str
    operation: str | None = None
    times: int | None = 1
    after: int = 0
    hits: int = field(default=0)


class Ses(Server):
    def __init__(self, identities=(), port=0, regions=("us-east-1", "eu-west-1"), rate=0.0):
        super().__init__(port)
        self.identities = {identity.name: identity for identity in identities}
        self.accounts = {"AKIDEXAMPLE": Account("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")}
        self.regions = regions
        self.rate = rate  # requests a second, for each operation and account; 0 for any
        self.page_max = 1000
        self.faults = []
        self.poisoned = set()  # a v1 batch with one of these is a 400 as a whole
        self.calls = []  # (time, operation, account, outcome), of what was authenticated
        self.last = {}
        self.alter = None  # (operation, what a v2 call is to answer) -> what it answers

    # What comes in

    def answer(self, request):
        v2 = request.path.startswith("/v2/")
        refuse = self.refuse_v2 if v2 else self.refuse_v1
        operation = None
        try:
            operation, arguments = (self.route_v2 if v2 else self.route_v1)(request)
            account = check(request, self.accounts, self.now(), self.regions, "ses")
            self.keep_rate(operation, account, request.time)
            reply = self.fail(operation, v2) or getattr(self, operation)(v2, *arguments)
            self.calls.append((request.time, operation, account, reply.status))
            return reply
        except Refused as refused:
            self.calls.append((request.time, operation, None, refused.code))
            return refuse(refused)

    def route_v1(self, request):
        text = request.body.decode() if request.method == "POST" else request.query
        form = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)))
        if form.get("Version") != "2010-12-01" or request.path != "/":
            raise Refused("InvalidAction", "Could not find operation", 400)
        operation = form.get("Action", "")
        if operation in ("GetIdentityMailFromDomainAttributes",
                         "GetIdentityVerificationAttributes"):
            return operation, (self.members(form),)
        if operation == "ListIdentities":
            return operation, (form.get("MaxItems", "1000"), form.get("NextToken", ""),
                               form.get("IdentityType"))
        raise Refused("InvalidAction", f"Could not find operation {operation}", 400)

    @staticmethod
    def members(form):
        names = []
        while f"Identities.member.{len(names) + 1}" in form:
            names.append(form[f"Identities.member.{len(names) + 1}"])
        if not names or len(names) != len(form) - 2:
            raise Refused("ValidationError", "Value null at 'identities' failed", 400)
        if len(names) > 100:
            raise Refused("InvalidParameterValue", "Too many identities", 400)
        return names

    def route_v2(self, request):
        parts = request.path.split("/")[3:]
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        if request.method == "GET" and parts == ["identities"]:
            return "ListEmailIdentities", (query.get("PageSize", "1000"),
                                           query.get("NextToken", ""))
        if request.method == "POST" and parts == ["list-identities"]:
            body = json.loads(request.body or b"{}")
            return "ListEmailIdentities", (body.get("PageSize", 1000), body.get("NextToken", ""))
        if request.method == "GET" and len(parts) == 2 and parts[0] == "identities":
            return "GetEmailIdentity", (unquote(parts[1]),)
        if request.method == "PUT" and len(parts) == 3 and parts[2] == "mail-from":
            return "PutEmailIdentityMailFromAttributes", (unquote(parts[1]),
                                                          json.loads(request.body))
        raise Refused("UnknownOperationException", "", 404)

    def keep_rate(self, operation, account, now):
        last = self.last.get((operation, account))
        if self.rate and last is not None and now - last < 0.98 / self.rate:
            raise Refused("Throttling", "Rate exceeded", 400)
        self.last[operation, account] = now

    # How it fails

    def fail(self, operation, v2):
        for fault in self.faults:
            if fault.operation not in (None, operation) or fault.times == 0:
                continue
            fault.after -= 1
            if fault.after < 0:
                fault.times = None if fault.times is None else fault.times - 1
                fault.hits += 1
                return getattr(self, "fault_" + fault.kind)(v2)
        return None

    def fault_500(self, v2):
        raise Refused("InternalFailure", "The service is in trouble", 500)

    def fault_503(self, v2):
        raise Refused("ServiceUnavailable", "Service is temporarily unavailable", 503)

    def fault_throttle(self, v2):
        raise Refused("Throttling", "Rate exceeded", 400)

    def fault_denied(self, v2):
        raise Refused("AccessDenied", "User `arn:aws:iam::1:user/x' is not authorized to perform "
                      "`ses:GetIdentityMailFromDomainAttributes'", 403)

    def fault_expired(self, v2):
        raise Refused("ExpiredToken", "The security token included in the request is expired", 403)

    def fault_hang(self, v2):
        return Reply(200, fault="hang", sent=-1)

    def fault_hang_in_body(self, v2):
        return Reply(200, "<a>" + " " * 5000, fault="hang", sent=100)

    def fault_reset(self, v2):
        return Reply(200, "<a>" + " " * 5000, fault="reset", sent=100)

    def fault_truncated(self, v2):
        return Reply(200, '{"EmailIdentities": [' if v2 else
                     f'<GetIdentityMailFromDomainAttributesResponse xmlns="{NAMESPACE}"><GetIden')

    def fault_garbage(self, v2):
        return Reply(200, bytes(range(1, 256)) * 4)

    def fault_other_json(self, v2):
        return Reply(200, "[1, 2, {}]")

    def fault_huge(self, v2):
        return Reply(200, (b"[" if v2 else b"<a>") + b" " * HUGE)

    def fault_bomb(self, v2):
        return Reply(200, "[" * 100000 + "]" * 100000 if v2 else BOMB)

    def fault_redirect(self, v2):
        return Reply(301, headers={"Location": self.url + "/elsewhere"})

    def fault_empty_400(self, v2):
        return Reply(400)

    def fault_null_message(self, v2):
        return Reply(400, '{"message":null}', {"x-amzn-ErrorType": "BadRequestException:http://x/"})

    # What goes out

    @staticmethod
    def refuse_v1(refused):
        kind = "Receiver" if refused.status >= 500 else "Sender"
        return Reply(refused.status, f'<ErrorResponse xmlns="{NAMESPACE}">\n  <Error>\n'
                     f"    <Type>{kind}</Type>\n    <Code>{refused.code}</Code>\n"
                     f"    <Message>{escape(refused.message)}</Message>\n  </Error>\n"
                     f"  <RequestId>{uuid.uuid4()}</RequestId>\n</ErrorResponse>\n",
                     {"Content-Type": "text/xml"})

    @staticmethod
    def refuse_v2(refused):
        code = V2_CODES.get(refused.code, refused.code)
        status = 429 if code == "TooManyRequestsException" else refused.status
        return Reply(status, json.dumps({"message": refused.message}),
                     {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid.uuid4()),
                      "x-amzn-ErrorType": code})

    @staticmethod
    def succeed_v1(operation, result):
        return Reply(200, f'<{operation}Response xmlns="{NAMESPACE}">\n'
                     f"  <{operation}Result>\n{result}  </{operation}Result>\n"
                     f"  <ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>\n"
                     f"</{operation}Response>\n", {"Content-Type": "text/xml"})

    @staticmethod
    def succeed_v2(value):
        return Reply(200, json.dumps(value), {"Content-Type": "application/json",
                                              "x-amzn-RequestId": str(uuid.uuid4())})

    # The operations

    def batch(self, names):
        if self.poisoned & set(names):
            raise Refused("InvalidParameterValue", "Invalid identity", 400)
        return [self.identities[name] for name in dict.fromkeys(names) if name in self.identities]

    @staticmethod
    def entry(identity, members):
        value = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in members if text)
        return f"<entry><key>{escape(identity.name)}</key><value>{value}</value></entry>\n"

    def GetIdentityMailFromDomainAttributes(self, _, names):
        entries = "".join(self.entry(identity, [
            ("MailFromDomain", identity.domain),
            ("MailFromDomainStatus", identity.domain and identity.status),
            ("BehaviorOnMXFailure", identity.behavior)]) for identity in self.batch(names))
        return self.succeed_v1("GetIdentityMailFromDomainAttributes",
                               f"<MailFromDomainAttributes>{entries}</MailFromDomainAttributes>\n")

    def GetIdentityVerificationAttributes(self, _, names):
        entries = "".join(self.entry(identity, [("VerificationStatus", identity.verification)])
                          for identity in self.batch(names))
        return self.succeed_v1("GetIdentityVerificationAttributes",
                               f"<VerificationAttributes>{entries}</VerificationAttributes>\n")

    def page(self, size, token):
        if not str(size).isdigit() or not 0 <= int(size) <= 1000:
            raise Refused("InvalidParameterValue", "Invalid page size", 400)
        size = min(int(size) or self.page_max, self.page_max)
        try:
            start = int(base64.b64decode(token, validate=True)) if token else 0
        except ValueError:
            raise Refused("InvalidNextTokenException", "Invalid token", 400) from None
        names = sorted(self.identities)
        # The odd characters of a token have to survive the query string.
        more = base64.b64encode(b"%08d" % (start + size)).decode() if start + size < len(names) else ""
        return [self.identities[name] for name in names[start:start + size]], more

    def ListIdentities(self, _, size, token, kind):
        identities, more = self.page(size, token)
        members = "".join(f"<member>{escape(identity.name)}</member>" for identity in identities
                          if kind in (None, {"EMAIL_ADDRESS": "EmailAddress",
                                             "DOMAIN": "Domain"}[identity.kind]))
        token = f"<NextToken>{more}</NextToken>" if more else ""
        return self.succeed_v1("ListIdentities", f"<Identities>{members}</Identities>{token}")

    def ListEmailIdentities(self, _, size, token):
        identities, more = self.page(size, token)
        if token and self.fail("ListEmailIdentities:later-page", True):
            raise AssertionError("a fault of a later page has to be one that is raised")
        items = [{"IdentityName": identity.name, "IdentityType": identity.kind,
                  "SendingEnabled": identity.verification == "Success",
                  "VerificationStatus": STATUSES[identity.verification]}
                 for identity in identities]
        return self.succeed_v2(self.altered("ListEmailIdentities", {
            "EmailIdentities": items, **({"NextToken": more} if more else {})}))

    def altered(self, operation, value):
        return self.alter(operation, value) if self.alter else value

    def find(self, name, code, status):
        if name not in self.identities:
            raise Refused(code, f"Identity <{name}> does not exist.", status)
        return self.identities[name]

    def GetEmailIdentity(self, _, name):
        identity = self.find(name, "NotFoundException", 404)
        mail_from = {"BehaviorOnMxFailure": BEHAVIORS[identity.behavior]}
        if identity.domain:
            mail_from |= {"MailFromDomain": identity.domain,
                          "MailFromDomainStatus": STATUSES[identity.status]}
        return self.succeed_v2(self.altered("GetEmailIdentity", {
            "IdentityType": identity.kind, "FeedbackForwardingStatus": True,
            "VerifiedForSendingStatus": identity.verification == "Success",
            "VerificationStatus": STATUSES[identity.verification],
            "MailFromAttributes": mail_from}))

    def PutEmailIdentityMailFromAttributes(self, _, name, body):
        behavior = body.get("BehaviorOnMxFailure") or "USE_DEFAULT_VALUE"
        domain = (body.get("MailFromDomain") or "").lower()
        if behavior not in V2_BEHAVIORS:
            raise Refused("BadRequestException", f"Value {behavior} at 'behaviorOnMxFailure'", 400)
        identity = self.find(name, "BadRequestException", 400)
        if domain and not domain.endswith("." + identity.own_domain):
            raise Refused("BadRequestException", f"Provided MAIL-FROM domain <{domain}> is not "
                          "subdomain of the domain of the identity <" + identity.own_domain + ">.",
                          400)
        if domain and identity.verification != "Success":
            raise Refused("BadRequestException", f"Provided MAIL-FROM domain <{domain}> or its "
                          f"parents are not verified for identity <{name}>.", 400)
        identity.domain, identity.status = domain, "Pending" if domain else ""
        identity.behavior = V2_BEHAVIORS[behavior] if domain else "UseDefaultValue"
        return self.succeed_v2({})


def main():
    parser = argparse.ArgumentParser(description="Serves a table of identities as SES does.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rate", type=float, default=1.0, help="requests a second; 0: any")
    parser.add_argument("table", nargs="?", help="JSON: a list of objects with name, verification, "
                        "domain, status and behavior")
    arguments = parser.parse_args()
    table = json.load(open(arguments.table)) if arguments.table else []
    with Ses([Identity(**row) for row in table], arguments.port, rate=arguments.rate) as ses:
        print(ses.url, flush=True)
        sys.stdin.read()  # until whoever started it closes the pipe


if __name__ == "__main__":
    main()
