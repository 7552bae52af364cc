# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Where the credentials come from, with stand-ins for everything that hands them out."""

import json
import time

import pytest

from conftest import KEYS, NOWHERE
from standin.credentials import Container, Imds, Keys, Sts
from standin.server import Reply
from standin.ses import Account, Fault

HERE = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
OFF = {"AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture
def imds():
    with Imds() as server:
        yield server


@pytest.fixture
def container():
    with Container() as server:
        yield server


@pytest.fixture
def sts(ses):
    with Sts({"AKIDEXAMPLE": Account(KEYS["AWS_SECRET_ACCESS_KEY"])},
             Keys("ASIAROLE")) as server:
        ses.accounts["ASIAROLE"] = Account(server.keys.secret, server.keys.token)
        yield server


def metadata(imds, **more):
    return HERE | {"AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url} | more


def full(container, **more):
    return HERE | OFF | {"AWS_CONTAINER_CREDENTIALS_FULL_URI":
                         container.url + "/v1/credentials?role=mail"} | more


def files(tmp_path, config="", credentials="", **more):
    (tmp_path / "config").write_text(config)
    (tmp_path / "credentials").write_text(credentials)
    return OFF | {"AWS_CONFIG_FILE": str(tmp_path / "config"),
                  "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")} | more


# Instance metadata

def test_instance_metadata_version_2(driver, imds):
    [line] = driver.run("keys", **metadata(imds))
    assert line.startswith("keys AKIDEXAMPLE imds") and line.token == "15"
    assert [request.method for request in imds.requests] == ["PUT", "GET", "GET"]
    assert len({request.connection for request in imds.requests}) == 1


@pytest.mark.parametrize("status", [403, 404, 405])
def test_version_1_where_there_is_no_token(driver, imds, status):
    imds.token_status, imds.require_token = status, False
    assert driver.run("keys", **metadata(imds))[0].startswith("keys AKIDEXAMPLE imds")
    [line] = driver.run("keys", **metadata(imds, AWS_EC2_METADATA_V1_DISABLED="true"))
    assert line.startswith("keys none") and "version 1 is disabled" in line


def test_version_1_where_the_token_takes_too_long(driver, imds):
    imds.hang, imds.require_token = True, False
    begin = time.monotonic()
    assert driver.run("keys", **metadata(imds))[0].startswith("keys AKIDEXAMPLE imds")
    assert time.monotonic() - begin < 4


def test_a_400_for_the_token_is_an_error(driver, imds):
    imds.token_status, imds.require_token = 400, False
    [line] = driver.run("keys", **metadata(imds))
    assert line.startswith("keys none") and "HTTP 400" in line and len(imds.requests) == 1


def test_an_error_within_a_200(driver, imds):
    imds.error = {"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role"}
    [line] = driver.run("keys", **metadata(imds))
    assert "AssumeRoleUnauthorizedAccess: EC2 cannot assume the role" in line


@pytest.mark.parametrize("role", [None, "a/../b", "a b", "x" * 300])
def test_an_instance_without_a_usable_role(driver, imds, role):
    imds.role = role
    assert driver.run("keys", **metadata(imds))[0].startswith("keys none")


def test_metadata_may_be_switched_off(driver, imds):
    [line] = driver.run("keys", **metadata(imds, AWS_EC2_METADATA_DISABLED="TRUE"))
    assert line.startswith("keys none") and not imds.requests


def test_metadata_never_go_through_a_proxy(driver, imds):
    [line] = driver.run("keys", **metadata(imds, http_proxy="http://127.0.0.1:1",
                                           all_proxy="http://127.0.0.1:1"))
    assert line.startswith("keys AKIDEXAMPLE imds")


def test_the_region_comes_from_the_metadata_last(driver, imds, ses):
    [line] = driver.run("list=10", **KEYS, SES_CALL_ENDPOINT=ses.url, **metadata(imds))
    assert line.outcome == "ok" and line.region == "eu-west-1"
    [line] = driver.run("list=10", **KEYS, SES_CALL_ENDPOINT=ses.url,
                        **metadata(imds, AWS_DEFAULT_REGION="us-east-1"))
    assert line.region == "us-east-1"
    [line] = driver.run("list=10", **KEYS, SES_CALL_ENDPOINT=ses.url, **metadata(
        imds, AWS_EC2_METADATA_DISABLED="true"))
    assert line.outcome == "local" and "no region" in line


def test_keys_that_the_metadata_hand_out_too_late_are_used(driver, imds):
    imds.keys.life = -600
    lines = driver.run("keys", "keys", "advance=600", "keys", "advance=1200", "keys",
                       **metadata(imds))
    assert all(line.startswith("keys AKIDEXAMPLE imds") for line in lines if line)
    assert len(imds.requests) == 6, "asked again after 17 to 25 minutes, and not before"


def test_overdue_keys_stay_while_the_metadata_are_down(driver, imds):
    imds.keys.life = -600
    check = imds.answer
    imds.answer = lambda request: check(request) if len(imds.requests) <= 3 else Reply(500)
    lines = driver.run("keys", "advance=1600", "keys", "advance=30", "keys", **metadata(imds))
    assert [line.split()[1] for line in lines if line] == ["AKIDEXAMPLE"] * 3
    assert "cannot be refreshed" in driver.log and "are kept, overdue for" in driver.log


# The container

def test_the_container_endpoint(driver, container, tmp_path):
    (tmp_path / "token").write_text("file token")
    assert driver.run("keys", **full(container))[0].startswith("keys AKIDEXAMPLE container")
    container.authorization = "plain token"
    token = {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "plain token"}
    assert driver.run("keys", **full(container, **token))[0].startswith("keys AKIDEXAMPLE")
    container.authorization = "file token"
    token["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(tmp_path / "token")
    assert driver.run("keys", **full(container, **token))[0].startswith("keys AKIDEXAMPLE")
    container.authorization = "another"
    assert "HTTP 401" in driver.run("keys", **full(container, **token))[0]


@pytest.mark.parametrize("token", ["a\nX-Evil: 1", "a\r\n", "a\n"])
def test_a_token_with_a_line_break_is_not_sent(driver, container, token):
    [line] = driver.run("keys", **full(container, AWS_CONTAINER_AUTHORIZATION_TOKEN=token))
    assert line.startswith("keys none") and not container.requests


@pytest.mark.parametrize("url", ["http://192.0.2.1/", "http://169.254.170.3/x", "http://evil/x",
                                 "http://127.0.0.1@evil/x", "file:///etc/passwd",
                                 "http://[fd00:ec2::24]/"])
def test_a_container_host_that_is_not_allowed(driver, url):
    begin = time.monotonic()
    [line] = driver.run("keys", **HERE, **OFF, AWS_CONTAINER_CREDENTIALS_FULL_URI=url)
    assert line.startswith("keys none exit=78") and time.monotonic() - begin < 2


def test_the_container_is_tried_three_times(driver, container):
    container.failures = 2
    assert driver.run("keys", **full(container))[0].startswith("keys AKIDEXAMPLE container")
    container.failures = 3
    assert driver.run("keys", **full(container))[0].startswith("keys none")
    assert len(container.requests) == 6


@pytest.mark.parametrize("change, complaint", [
    ({"Expiration": 1893456000}, "the Expiration of the credentials is not a time"),
    ({"Expiration": "tomorrow"}, "the Expiration of the credentials is not a time"),
    ({"Token": 5}, "the Token of the credentials is not a text"),
])
def test_keys_that_are_half_readable_are_not_used(driver, container, change, complaint):
    """Or they would be held for ever, or sent without their token."""
    container.answer = lambda _: Reply(200, json.dumps(container.keys.document() | change))
    [line] = driver.run("keys", **full(container))
    assert line.startswith("keys none") and complaint in line


def test_the_container_comes_before_the_metadata(driver, container, imds):
    both = full(container) | metadata(imds, AWS_EC2_METADATA_DISABLED="false")
    assert " container " in driver.run("keys", **both)[0] and not imds.requests


# Roles

ROLE = """
[profile mail]
role_arn = arn:aws:iam::1:role/mail
external_id = e/x=1
duration_seconds = 900
{source}
[profile base]
region = eu-west-1
"""
BASE = ("[base]\naws_access_key_id = AKIDEXAMPLE\n"
        f"aws_secret_access_key = {KEYS['AWS_SECRET_ACCESS_KEY']}\n")


def test_a_role_by_the_keys_of_another_profile(driver, ses, sts, tmp_path):
    [line] = driver.run("mail-from=example.com", AWS_PROFILE="mail", AWS_REGION="us-east-1",
                        AWS_ENDPOINT_URL_STS=sts.url, AWS_ENDPOINT_URL=ses.url,
                        **files(tmp_path, ROLE.format(source="source_profile = base"), BASE))
    assert line.outcome == "ok", line
    [call] = sts.calls
    assert call["RoleArn"] == "arn:aws:iam::1:role/mail" and call["ExternalId"] == "e/x=1"
    assert call["DurationSeconds"] == "900" and call["RoleSessionName"].startswith("mailfrom-")
    assert ses.requests[0].headers["X-Amz-Security-Token"] == sts.keys.token


@pytest.mark.parametrize("source", ["Environment", "Ec2InstanceMetadata", "EcsContainer"])
def test_a_role_by_a_credential_source(driver, sts, imds, container, tmp_path, source):
    sts.accounts["AKIDEXAMPLE"].token = "" if source == "Environment" else imds.keys.token
    environment = full(container) | metadata(imds, AWS_EC2_METADATA_DISABLED="false") | files(
        tmp_path, ROLE.format(source=f"credential_source = {source}"))
    environment["AWS_EC2_METADATA_DISABLED"] = "false"
    [line] = driver.run("keys", SES_CALL_PROFILE="mail", AWS_REGION="eu-west-1",
                        AWS_ENDPOINT_URL_STS=sts.url, **KEYS, **environment)
    assert line.startswith("keys ASIAROLE assume-role"), line


@pytest.mark.parametrize("source, complaint", [
    ("", "either source_profile or credential_source"),
    ("source_profile = base\ncredential_source = Environment", "either"),
    ("source_profile = nowhere", "no such profile"),
    ("source_profile = mail", "circle"),
    ("source_profile = loop\n[profile loop]\nrole_arn = x\nsource_profile = mail", "circle"),
    ("credential_source = Moon", '"Moon" is not'),
    ("source_profile = base\nmfa_serial = x", "mfa_serial"),
    ("source_profile = sso\n[profile sso]\nsso_start_url = https://x", "single sign-on"),
    ("source_profile = late\n[profile late]\ncredential_process = echo '{\"Version\": 1, "
     "\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\", "
     "\"Expiration\": \"2020-01-01T00:00:00Z\"}'", "credential_process: the keys expired "),
])
def test_a_role_that_cannot_be_assumed(driver, sts, tmp_path, source, complaint):
    [line] = driver.run("keys", SES_CALL_PROFILE="mail", AWS_REGION="eu-west-1",
                        AWS_ENDPOINT_URL_STS=sts.url,
                        **files(tmp_path, ROLE.format(source=source), BASE))
    assert line.startswith("keys none") and complaint in line, line
    assert not sts.calls


def test_a_role_by_a_role(driver, sts, tmp_path):
    sts.accounts["ASIAROLE"] = Account(sts.keys.secret, sts.keys.token)
    config = ROLE.format(source="source_profile = middle") + \
        "[profile middle]\nrole_arn = arn:middle\nsource_profile = base\n"
    [line] = driver.run("keys", SES_CALL_PROFILE="mail", AWS_REGION="eu-west-1",
                        AWS_ENDPOINT_URL_STS=sts.url, **files(tmp_path, config, BASE))
    assert line.startswith("keys ASIAROLE assume-role"), line
    assert [call["RoleArn"] for call in sts.calls] == ["arn:middle", "arn:aws:iam::1:role/mail"]


def test_a_role_that_is_denied(driver, sts, tmp_path):
    config = ROLE.format(source="source_profile = base").replace("role/mail", "role/denied")
    [line] = driver.run("keys", SES_CALL_PROFILE="mail", AWS_REGION="eu-west-1",
                        AWS_ENDPOINT_URL_STS=sts.url, **files(tmp_path, config, BASE))
    assert "AssumeRole arn:aws:iam::1:role/denied: AccessDenied: not authorized" in line
    assert line.exit == "77"


def test_a_wrong_clock_does_not_keep_sts_from_it(driver, sts, tmp_path):
    sts.skew = 7200
    [line] = driver.run("keys", SES_CALL_PROFILE="mail", AWS_REGION="eu-west-1",
                        AWS_ENDPOINT_URL_STS=sts.url,
                        **files(tmp_path, ROLE.format(source="source_profile = base"), BASE))
    assert line.startswith("keys ASIAROLE"), line


def test_a_web_identity(driver, sts, tmp_path):
    (tmp_path / "web").write_text(sts.web_token)
    web = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "web"), "AWS_ROLE_ARN": "arn:web",
           "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_STS": sts.url}
    assert driver.run("keys", **NOWHERE, **web)[0].startswith("keys ASIAROLE web-identity")
    assert sts.calls[0]["RoleArn"] == "arn:web"
    (tmp_path / "web").write_text("stale")
    assert "InvalidIdentityToken" in driver.run("keys", **NOWHERE, **web)[0]
    del web["AWS_ROLE_ARN"]
    assert "AWS_ROLE_ARN is not" in driver.run("keys", **NOWHERE, **web)[0]
    config = f"[default]\nrole_arn = arn:p\nweb_identity_token_file = {tmp_path / 'web'}\n"
    (tmp_path / "web").write_text(sts.web_token)
    del web["AWS_WEB_IDENTITY_TOKEN_FILE"]
    assert driver.run("keys", **web, **files(tmp_path, config))[0].startswith("keys ASIAROLE")


# What passes by itself, and what needs a person

PASSING = {
    "503": (lambda: Reply(503, "trouble"), "server-error"),
    "throttled": (lambda: Reply(429), "throttled"),
    "reset": (lambda: Reply(200, "x" * 5000, fault="reset", sent=100), "network"),
    "hang": (lambda: Reply(200, fault="hang", sent=-1), "network"),
    "garbage": (lambda: Reply(200, "x"), "malformed-reply"),
}


@pytest.fixture(params=["imds", "container", "sts"])
def giver(request, tmp_path):
    """Who hands out the keys, and the environment that leads there."""
    server = request.getfixturevalue(request.param)
    if request.param == "sts":
        return server, files(tmp_path, ROLE.format(source="source_profile = base"), BASE,
                             AWS_PROFILE="mail", AWS_ENDPOINT_URL_STS=server.url)
    return server, metadata(server) if request.param == "imds" else full(server)


@pytest.mark.parametrize("kind", PASSING)
def test_the_trouble_of_who_gives_the_keys_keeps_its_class(driver, ses, giver, kind):
    """Or it would pass for a lack of credentials, which only a person can mend."""
    server, environment = giver
    ses.accounts["AKIDEXAMPLE"].token = "session/token+="
    reply, outcome = PASSING[kind]
    check, good = server.answer, []
    server.answer = lambda request: check(request) if good or "api/token" in request.path \
        else reply()
    [line] = driver.run("list=10", SES_CALL_ENDPOINT=ses.url, AWS_REGION="us-east-1",
                        SES_CALL_TIMEOUT="1500", **environment)
    assert line.outcome == outcome and not ses.requests, line
    assert line.exit == ("76" if kind == "garbage" else "75")
    good.append(True)
    [line] = driver.run("list=10", SES_CALL_ENDPOINT=ses.url, AWS_REGION="us-east-1", **environment)
    assert line.outcome == "ok", line


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_of_who_gives_the_keys_is_for_a_person(driver, ses, giver, status):
    server, environment = giver
    check = server.answer
    server.answer = lambda request: check(request) if "api/token" in request.path \
        else Reply(status)
    [line] = driver.run("list=10", SES_CALL_ENDPOINT=ses.url, AWS_REGION="us-east-1", **environment)
    assert line.outcome == "no-credentials" and line.exit == "78" and not ses.requests, line


def test_metadata_that_are_known_to_be_there_are_missed(driver):
    [line] = driver.run("keys", "keys", **HERE,
                        AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:1")[:1]
    assert line.kind == "network", line


def test_a_region_that_the_metadata_cannot_give_now(driver, imds, ses):
    check = imds.answer
    imds.answer = lambda request: Reply(503) if "region" in request.path else check(request)
    [line] = driver.run("list=10", **KEYS, SES_CALL_ENDPOINT=ses.url, **metadata(imds))
    assert line.outcome == "server-error" and "no region" in line


def test_a_token_that_does_not_come_is_told_beside_the_401(driver, imds):
    """In a container, one hop further away than the instance allows."""
    imds.hang = True
    [line] = driver.run("keys", **metadata(imds))
    assert line.kind == "network" and "HTTP 401" in line, line
    assert "http-put-response-hop-limit 2" in line
    imds.hang, imds.token_status = False, 403
    [line] = driver.run("keys", **metadata(imds))
    assert line.kind == "no-credentials", line
    assert "/latest/api/token answers HTTP 403" in line and "HTTP 401" in line


def test_a_renewal_that_fails_keeps_its_class(driver, ses, container):
    ses.faults = [Fault("expired", times=None)]
    ses.accounts["AKIDEXAMPLE"].token = "session/token+="
    check = container.answer
    container.answer = lambda request: check(request) if not ses.requests else Reply(503)
    [line] = driver.run("list=10", SES_CALL_ENDPOINT=ses.url, AWS_REGION="us-east-1",
                        **full(container))
    assert line.outcome == "server-error" and "ExpiredToken" in line and "HTTP 503" in line, line


# Refresh

def process(tmp_path, access_key, life, token="session/token+="):
    """A credential_process that prints what a file says, or fails if there is none."""
    expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + life))
    (tmp_path / "out.json").write_text(json.dumps({
        "Version": 1, "AccessKeyId": access_key, "SecretAccessKey": Keys().secret,
        "SessionToken": token, "Expiration": expiration}))
    return files(tmp_path, "[default]\ncredential_process = cat "
                           f'"{tmp_path / "out.json"}"\n', AWS_REGION="us-east-1")


def test_keys_are_refreshed_ahead_of_their_end(driver, tmp_path):
    (tmp_path / "count").write_text("")
    expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    (tmp_path / "keys").write_text(f"""#!/bin/sh
echo >>{tmp_path}/count
[ $(wc -l <{tmp_path}/count) -gt 2 ] && exit 1
echo '{{"Version": 1, "AccessKeyId": "AKID'$(wc -l <{tmp_path}/count)'", "SecretAccessKey": "s",
"Expiration": "{expiration}"}}'
""")
    (tmp_path / "keys").chmod(0o755)
    lines = driver.run("keys", "advance=2600", "keys", "advance=200", "keys", "keys", "advance=500",
                       "keys", "advance=70", "keys", "advance=400", "keys",
                       **files(tmp_path, f"[default]\ncredential_process = {tmp_path}/keys\n"))
    assert [line.split()[1] for line in lines if line] == [
        "AKID1", "AKID1", "AKID2", "AKID2", "AKID2", "AKID2", "none"]
    assert "cannot be refreshed" in driver.log and "exit status 1" in driver.log


def test_expired_keys_are_replaced_by_fresh_ones_once(driver, ses, tmp_path):
    ses.accounts = {"ASIAOLD": Account(Keys().secret, "session/token+=", expired=True),
                    "ASIANEW": Account(Keys().secret, "session/token+=")}
    environment = process(tmp_path, "ASIAOLD", 3600)
    ses_check, swapped = ses.answer, []

    def answer(request):
        reply = ses_check(request)
        if not swapped:
            swapped.append(process(tmp_path, "ASIANEW", 3600))
        return reply

    ses.answer = answer
    first, second = driver.run("mail-from=example.com", "list=10", SES_CALL_ENDPOINT=ses.url,
                               **environment)
    assert first.outcome == "ok" and first.requests == "2" and second.requests == "3"


def test_keys_that_were_rotated_away_are_read_anew(driver, ses, tmp_path):
    ses.accounts = {"AKIDNEW": Account("new-secret")}
    environment = files(tmp_path, "", "[default]\naws_access_key_id=AKIDOLD\n"
                                      "aws_secret_access_key=old\n", AWS_REGION="us-east-1")
    check = ses.answer

    def answer(request):
        files(tmp_path, "", "[default]\naws_access_key_id=AKIDNEW\n"
                            "aws_secret_access_key=new-secret\n")
        return check(request)

    ses.answer = answer
    [line] = driver.run("list=10", SES_CALL_ENDPOINT=ses.url, **environment)
    assert line.outcome == "ok" and line.requests == "2"


def test_expired_keys_of_a_process_are_not_used(driver, ses, tmp_path):
    [line] = driver.run("list=10", SES_CALL_ENDPOINT=ses.url, **process(tmp_path, "AKIDEXAMPLE", -9))
    assert line.outcome == "no-credentials" and "the keys expired " in line and not ses.requests


def test_a_services_section_that_is_not_there(driver, ses, tmp_path):
    """Or the public endpoint would be called in place of the one that was meant."""
    config = (f"[default]\nservices = {{}}\n{BASE.partition(chr(10))[2]}[services private]\nses =\n"
              f"  endpoint_url = {ses.url}\nsesv2 =\n  endpoint_url = {ses.url}\n")
    wrong = files(tmp_path, config.format("priv"), AWS_REGION="us-east-1")
    [line] = driver.run("list=10", **wrong)
    assert line.outcome == "local" and line.exit == "78" and "[services priv]" in line, line
    [line] = driver.run("list=10", **wrong, AWS_ENDPOINT_URL=ses.url)
    assert line.outcome == "ok", "it is not needed then"
    [line] = driver.run("list=10", **files(tmp_path, config.format("private"),
                                           AWS_REGION="us-east-1"))
    assert line.outcome == "ok", line
    (tmp_path / "config").write_text("[default]\nservices = empty\n[services empty]\n")
    assert "[services" not in driver.run("list=10", **wrong, SES_CALL_ENDPOINT=ses.url, **KEYS)[0]


@pytest.mark.parametrize("mention", ["$HOME/aws", "${HOME}/aws", "~/aws", "$HERE/aws"])
def test_files_by_a_variable_or_the_home(driver, tmp_path, mention):
    (tmp_path / "aws").mkdir()
    environment = files(tmp_path / "aws", "[default]\nregion = eu-west-1\n",
                        BASE.replace("[base]", "[default]"))
    environment["AWS_CONFIG_FILE"] = mention + "/config"
    environment["AWS_SHARED_CREDENTIALS_FILE"] = mention + "/credentials"
    [line] = driver.run("keys", HOME=str(tmp_path), HERE=str(tmp_path), **environment)
    assert line.startswith("keys AKIDEXAMPLE") and line.region == "eu-west-1", line


def test_the_config_file_says_where_the_metadata_are(driver, imds, tmp_path):
    config = f"[default]\nec2_metadata_service_endpoint = {imds.url}\n"
    environment = files(tmp_path, config, AWS_EC2_METADATA_DISABLED="false")
    assert driver.run("keys", **environment)[0].startswith("keys AKIDEXAMPLE imds")
    imds.token_status, imds.require_token = 403, False
    assert driver.run("keys", **environment)[0].startswith("keys AKIDEXAMPLE imds")
    files(tmp_path, config + "ec2_metadata_v1_disabled = true\n")
    assert "version 1 is disabled" in driver.run("keys", **environment)[0]


def test_files_in_utf_16_are_told_from_broken_ones(driver, tmp_path):
    environment = files(tmp_path)
    for name in ("config", "credentials"):
        (tmp_path / name).write_text("[default]\nregion = eu-west-1\n", encoding="utf-16")
        [line] = driver.run("keys", **environment)
        assert line.exit == "78" and "if the file is UTF-16, save it as UTF-8" in line, line
        (tmp_path / name).write_text("")


def test_tokens_that_are_shown_are_cut(driver, sts, container, tmp_path):
    """The driver's fixture looks for them."""
    (tmp_path / "web").write_text(sts.web_token)
    sts.answer = lambda _: Reply(400, "<E><Error><Code>InvalidIdentityToken</Code><Message>the token "
                                      f"{sts.web_token} is none</Message></Error></E>")
    [line] = driver.run("keys", **NOWHERE, AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "web"),
                        AWS_ROLE_ARN="arn:web", AWS_REGION="eu-west-1", AWS_ENDPOINT_URL_STS=sts.url)
    assert "InvalidIdentityToken: the token" in line and sts.web_token not in line
    container.answer = lambda request: Reply(200, json.dumps(
        {"Code": "Denied", "Message": "no " + request.headers["Authorization"]}))
    [line] = driver.run("keys", **full(container, AWS_CONTAINER_AUTHORIZATION_TOKEN="a-plain-token"))
    assert "Denied: no" in line and "a-plain-token" not in line


def test_what_was_mended_in_the_aws_files_is_seen(driver, ses, tmp_path):
    """By a program that runs for months, without a signal."""
    right = BASE.replace("[base]", "[default]")
    ses.accounts["AKIDWRONG"] = Account(Keys().secret)
    check = ses.answer

    def answer(request):
        """The wrong user may not; a reply later somebody has put the right keys there."""
        if "AKIDWRONG" in request.headers["Authorization"]:
            files(tmp_path, "[default]\nregion = us-east-1\n", right)
            return Reply(403, "{}", {"x-amzn-ErrorType": "AccessDeniedException"})
        return check(request)

    ses.answer = answer
    environment = files(tmp_path, "[default]\nregion = us-east-1\n", right.replace(
        "AKIDEXAMPLE", "AKIDWRONG"))
    first, second = driver.run("list=10", "list=10", SES_CALL_ENDPOINT=ses.url, **environment)
    assert first.outcome == "access-denied" and second.outcome == "ok", second


def test_region_and_endpoint_are_looked_up_again_after_a_failure(driver, ses, tmp_path):
    check, config = ses.answer, "[default]\nregion = {}\nendpoint_url = {}\n"
    right = BASE.replace("[base]", "[default]")

    def answer(request):
        files(tmp_path, config.format("eu-west-1", ses.url), right)
        return check(request)

    ses.answer = answer
    environment = files(tmp_path, config.format("mars-north-1", ses.url), right)
    first, second = driver.run("list=10", "list=10", **environment)
    assert first.outcome == "access-denied" and first.region == "mars-north-1"
    assert second.outcome == "ok" and second.region == "eu-west-1"


def test_keys_that_cannot_be_read_again_are_kept_and_that_is_told_once(driver, ses, tmp_path):
    right = BASE.replace("[base]", "[default]")
    ses.faults = [Fault("denied", times=3)]
    check = ses.answer

    def answer(request):
        files(tmp_path, "", "[default\n")
        return check(request)

    ses.answer = answer
    lines = driver.run("list=10", "advance=70", "list=10", "advance=70", "list=10", "advance=70",
                       "list=10", SES_CALL_ENDPOINT=ses.url, SES_CALL_REGION="us-east-1",
                       **files(tmp_path, "", right))
    assert [line.outcome for line in lines if line] == ["access-denied"] * 3 + ["ok"]
    assert driver.log.count("cannot be refreshed") == 1
    assert driver.log.count("region, endpoint and CA file stay as they were") == 1


def test_unknown_keys_that_stay_the_same_are_not_tried_again(driver, ses):
    ses.accounts = {}
    [line] = driver.call(ses, "list=10")
    assert line.outcome == "access-denied" and line.requests == "1"
    assert line.code == "UnrecognizedClientException"


def test_a_refresh_that_fails_after_expiry_is_told_with_its_cause(driver, ses, tmp_path):
    ses.faults = [Fault("expired", times=None)]
    ses.accounts = {"ASIAOLD": Account(Keys().secret, "session/token+=")}
    environment = process(tmp_path, "ASIAOLD", 3600)
    check = ses.answer

    def answer(request):
        (tmp_path / "out.json").unlink()
        return check(request)

    ses.answer = answer
    [line] = driver.run("mail-from=example.com", SES_CALL_ENDPOINT=ses.url, **environment)
    assert line.outcome == "expired-token" and line.requests == "1"
    assert "ExpiredToken" in line and "there are no others" in line and "exit status 1" in line


def test_nothing_anywhere(driver, ses):
    [line] = driver.run("list=10", SES_CALL_ENDPOINT=ses.url, AWS_REGION="us-east-1", **NOWHERE)
    assert line.outcome == "no-credentials" and "no AWS credentials" in line and not ses.requests
