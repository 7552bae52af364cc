# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Which keys and which region are found, beside botocore, in environments that are put together
from parts: variables, sections of the config file and of the credentials file, a container."""

import itertools
import os
import time
from urllib.parse import parse_qsl

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import BotoCoreError

from conftest import KEYS
from standin.credentials import Container, Keys, Sts, timestamp
from standin.ses import Account

SECRET = KEYS["AWS_SECRET_ACCESS_KEY"]


def keys(name):
    return f"aws_access_key_id = {name}\naws_secret_access_key = {SECRET}\n"


def process(name, life=3600):
    return (f"credential_process = echo '{{\"Version\":1,\"AccessKeyId\":\"{name}\","
            f"\"SecretAccessKey\":\"{SECRET}\",\"SessionToken\":\"t\","
            f"\"Expiration\":\"{timestamp(time.time() + life)}\"}}'\n")


VARIABLES = {
    "no variables": {},
    "keys": {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": SECRET},
    "half of the keys": {"AWS_ACCESS_KEY_ID": "AKIDENV"},
    "a profile": {"AWS_PROFILE": "mail"},
    "a default profile": {"AWS_DEFAULT_PROFILE": "mail"},
    "a profile and keys": {"AWS_PROFILE": "mail", "AWS_ACCESS_KEY_ID": "AKIDENV",
                           "AWS_SECRET_ACCESS_KEY": SECRET},
    "a profile that is not there": {"AWS_PROFILE": "nobody"},
}
ROLE = "role_arn = arn:aws:iam::1:role/R{}\n"
CONFIGS = {
    "no config": "",
    "[default]": "[default]\nregion = eu-west-1\n" + keys("AKIDDEFAULT"),
    "[profile default]": "[profile default]\nregion = eu-west-2\n" + keys("AKIDPROFILE"),
    "[default] first": "[default]\nregion = eu-west-1\n" + keys("AKIDDEFAULT")
                       + "[profile default]\n" + keys("AKIDPROFILE"),
    "[profile default] first": "[profile default]\nregion = eu-west-2\n" + keys("AKIDPROFILE")
                               + "[default]\n" + keys("AKIDDEFAULT"),
    "a process": "[default]\n" + process("AKIDPROCESS") + "[profile mail]\nregion = eu-west-3\n"
                 + process("AKIDMAILPROCESS"),
    "an expired process": "[default]\n" + process("AKIDPROCESS", -60),
    "a process and keys": "[profile mail]\n" + process("AKIDPROCESS") + keys("AKIDCONFIG"),
    "a role by keys": "[profile mail]\nsource_profile = base\n" + ROLE.format(1)
                      + "[profile base]\n" + keys("AKIDBASE"),
    "a role by itself": "[profile mail]\nsource_profile = mail\n" + ROLE.format(2)
                        + keys("AKIDMAIL"),
    "a role by a role": "[profile mail]\nsource_profile = mid\n" + ROLE.format(3)
                        + "[profile mid]\nsource_profile = base\n" + ROLE.format(4)
                        + "[profile base]\n" + keys("AKIDBASE"),
    "a role by a process": "[profile mail]\nsource_profile = base\n" + ROLE.format(5)
                           + "[profile base]\n" + process("AKIDPROCESS"),
    "a role by a process that expired": "[profile mail]\nsource_profile = base\n"
                                        + ROLE.format(5) + "[profile base]\n"
                                        + process("AKIDPROCESS", -60),
    "a role by the environment": "[profile mail]\ncredential_source = Environment\n"
                                 + ROLE.format(6),
    "a role by the container": "[profile mail]\ncredential_source = EcsContainer\n"
                               + ROLE.format(7),
    "a role by nothing": "[profile mail]\n" + ROLE.format(8),
    "a role in a circle": "[profile mail]\nsource_profile = mid\n" + ROLE.format(9)
                          + "[profile mid]\nsource_profile = mail\n" + ROLE.format(10),
    "a role by a profile without keys": "[profile mail]\nsource_profile = base\n"
                                        + ROLE.format(11) + "[profile base]\nregion = eu-west-1\n",
    "a name in quotes": "[profile \"mail\"]\nregion = eu-central-1\n" + keys("AKIDQUOTED"),
}
CREDENTIALS = {
    "no credentials": "",
    "default and mail": "[default]\n" + keys("AKIDSHARED") + "[mail]\n" + keys("AKIDSHAREDMAIL"),
    "half a pair": "[default]\naws_access_key_id = AKIDHALF\n",
    "the base": "[base]\n" + keys("AKIDSHAREDBASE"),
    "not a profile": "[profile mail]\n" + keys("AKIDNOT"),
}


def environments():
    """Every pair of parts at least once; all of them would be 1330."""
    yield from itertools.product(VARIABLES, CONFIGS, ["no credentials"], [False])
    yield from itertools.product(["no variables", "a profile"], CONFIGS, CREDENTIALS, [False])
    yield from itertools.product(VARIABLES, ["no config", "a role by the container"],
                                 CREDENTIALS, [True])


@pytest.fixture
def servers():
    """A container, and STS, whose keys tell the role and who asked for it."""
    with Container(Keys("AKIDCONTAINER")) as container, Sts({}) as sts:
        names = ["ENV", "BASE", "MAIL", "PROCESS", "MAILPROCESS", "SHARED", "SHAREDMAIL",
                 "SHAREDBASE", "CONTAINER"]
        sts.accounts |= {f"AKID{name}": Account(SECRET, {"PROCESS": "t", "MAILPROCESS": "t",
                                                         "CONTAINER": container.keys.token}
                                                .get(name, "")) for name in names}
        check = sts.assume

        def assume(request, form):
            signer = request.headers["Authorization"].split("Credential=")[1].split("/")[0]
            sts.accounts[given(form["RoleArn"], signer)] = Account(sts.keys.secret, sts.keys.token)
            sts.keys.access_key = given(form["RoleArn"], signer)
            return check(request, form)

        sts.assume = assume
        yield container, sts


def given(arn, signer):
    return f"ASIA{arn.rpartition('/')[2]}BY{signer}"


def ask_botocore(environment):
    """The access key, "" for none, and the region."""
    def give(request, **_):
        text = request.body.decode() if isinstance(request.body, bytes) else request.body
        body = dict(parse_qsl(text))
        authorization = request.headers["Authorization"]
        if isinstance(authorization, bytes):
            authorization = authorization.decode()
        name = given(body["RoleArn"],
                     authorization.split("Credential=")[1].split("/")[0])
        response = AWSResponse(request.url, 200, {}, None)
        response._content = (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<AssumeRoleResult><Credentials><AccessKeyId>{name}</AccessKeyId>"
            f"<SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>t</SessionToken>"
            f"<Expiration>{timestamp(time.time() + 3600)}</Expiration></Credentials>"
            "</AssumeRoleResult></AssumeRoleResponse>").encode()
        return response

    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        session = botocore.session.Session()
        session.register("before-send.sts.*", give)
        found = session.get_credentials()
        region = session.get_config_variable("region")
        return (found.get_frozen_credentials().access_key if found else ""), region or ""
    except (BotoCoreError, RuntimeError):
        return "", None
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_botocore_finds_the_same(driver, servers, tmp_path):
    container, sts = servers
    different, count = [], 0
    for count, (variables, config, credentials, has_container) in enumerate(environments(), 1):
        (tmp_path / "config").write_text(CONFIGS[config])
        (tmp_path / "credentials").write_text(CREDENTIALS[credentials])
        environment = {"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": str(tmp_path / "config"),
                       "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
                       "AWS_EC2_METADATA_DISABLED": "true"} | VARIABLES[variables]
        if has_container:
            environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = \
                container.url + "/v1/credentials?role=mail"
        theirs, region = ask_botocore(environment)
        [line] = driver.run("keys", **environment, AWS_ENDPOINT_URL_STS=sts.url,
                            SES_CALL_STS_REGION="us-east-1")
        ours = "" if line.startswith("keys none") else line.split()[1]
        if ours != theirs or (region is not None and ours and line.region != region):
            different.append((variables, config, credentials, has_container, theirs, region, line))
    assert not different, "\n".join(map(str, different))
    assert count >= 60, count
