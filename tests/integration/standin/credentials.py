# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Stand-ins for the places that hand out credentials: instance metadata, container, STS."""

import json
import time
from urllib.parse import parse_qsl

from standin.server import Reply, Server
from standin.signature import Refused, check


def timestamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Keys:
    """What is handed out. Each fetch may give other keys: `access_key` may be a callable."""

    def __init__(self, access_key="AKIDEXAMPLE", token="session/token+=", life=6 * 3600):
        self.access_key = access_key
        self.secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
        self.token = token
        self.life = life

    def document(self, token_name="Token"):
        return {"AccessKeyId": self.access_key, "SecretAccessKey": self.secret,
                token_name: self.token, "Expiration": timestamp(time.time() + self.life)}


class Imds(Server):
    def __init__(self, keys=None, role="mail-role"):
        super().__init__()
        self.keys = keys or Keys()
        self.role = role
        self.token_status = 200
        self.hang = False  # of the token
        self.require_token = True
        self.error = None  # a document instead of the keys
        self.region = "eu-west-1"

    def answer(self, request):
        if request.path == "/latest/api/token":
            return self.give_token(request)
        token = request.headers.get("x-aws-ec2-metadata-token")
        if token != "imds/token==" and (self.require_token or token is not None):
            return Reply(401)
        if request.path == "/latest/meta-data/placement/region":
            return Reply(200, self.region)
        base = "/latest/meta-data/iam/security-credentials/"
        if request.path == base:
            return Reply(200, self.role) if self.role else Reply(404)
        if request.path == base + (self.role or "?"):
            return Reply(200, json.dumps(self.error or {"Code": "Success", "Type": "AWS-HMAC",
                                                        **self.keys.document()}))
        return Reply(404)

    def give_token(self, request):
        if self.hang:
            return Reply(200, fault="hang", sent=-1)
        if request.method != "PUT" or not request.headers.get(
                "x-aws-ec2-metadata-token-ttl-seconds"):
            return Reply(400)
        return Reply(self.token_status, "imds/token==" if self.token_status == 200 else "")


class Container(Server):
    def __init__(self, keys=None):
        super().__init__()
        self.keys = keys or Keys()
        self.authorization = None  # what has to be sent
        self.failures = 0  # so many 500 first

    def answer(self, request):
        if self.failures > 0:
            self.failures -= 1
            return Reply(500, "trouble")
        if self.authorization is not None and \
                request.headers.get("Authorization") != self.authorization:
            return Reply(401, "no")
        if request.target != "/v1/credentials?role=mail":
            return Reply(404)
        return Reply(200, json.dumps(self.keys.document()))


class Sts(Server):
    NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"

    def __init__(self, accounts, keys=None):
        super().__init__()
        self.accounts = accounts
        self.keys = keys or Keys()
        self.calls = []
        self.web_token = "eyJ.web.token"

    def answer(self, request):
        form = dict(parse_qsl(request.body.decode()))
        self.calls.append(form)
        try:
            return self.assume(request, form)
        except Refused as refused:
            return Reply(refused.status, f'<ErrorResponse xmlns="{self.NAMESPACE}"><Error>'
                         f"<Type>Sender</Type><Code>{refused.code}</Code>"
                         f"<Message>{refused.message}</Message></Error>"
                         "<RequestId>1</RequestId></ErrorResponse>")

    def assume(self, request, form):
        action = form["Action"]
        if form["Version"] != "2011-06-15" or not form["RoleSessionName"]:
            raise Refused("ValidationError", "no", 400)
        if action == "AssumeRole":
            check(request, self.accounts, self.now(), ("us-east-1", "eu-west-1"), "sts")
        elif "Authorization" in request.headers:
            raise Refused("ValidationError", "signed", 400)
        elif form.get("WebIdentityToken") != self.web_token:
            raise Refused("InvalidIdentityToken", "Couldn't retrieve verification key", 400)
        if form["RoleArn"].endswith("/denied"):
            raise Refused("AccessDenied", "not authorized to perform: sts:AssumeRole")
        keys = "".join(f"<{name}>{text}</{name}>"
                       for name, text in self.keys.document("SessionToken").items())
        return Reply(200, f'<{action}Response xmlns="{self.NAMESPACE}"><{action}Result>'
                     f"<AssumedRoleUser><Arn>{form['RoleArn']}</Arn></AssumedRoleUser>"
                     f"<Credentials>{keys}</Credentials></{action}Result></{action}Response>")
