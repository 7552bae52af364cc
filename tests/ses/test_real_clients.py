# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""The stand-in itself: real clients of SES, which sign on their own, must be content with it."""

import json
import shutil
import subprocess
import time

import boto3
import botocore.config
import botocore.exceptions
import pytest

from conftest import KEYS, NOWHERE
from standin.ses import Fault, Identity

PUT = ["put-email-identity-mail-from-attributes", "--email-identity", "user+tag@example.com",
       "--mail-from-domain", "bounces.example.com", "--behavior-on-mx-failure", "REJECT_MESSAGE"]


def aws(ses, *arguments, **environment):
    if not shutil.which("aws"):
        pytest.skip("awscli is not installed")
    return subprocess.run(
        ["aws", "--endpoint-url", ses.url, "--output", "json", *arguments], timeout=60,
        env={"PATH": "/usr/bin:/bin", "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
             "AWS_PAGER": "", **KEYS, **NOWHERE, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, text=True)


def client(ses, service, **more):
    return boto3.client(service, region_name="us-east-1", endpoint_url=ses.url, **more,
                        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
                        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
                        config=botocore.config.Config(retries={"total_max_attempts": 1}))


def test_the_aws_cli_puts_and_gets(ses):
    assert aws(ses, "sesv2", *PUT).returncode == 0
    got = aws(ses, "ses", "get-identity-mail-from-domain-attributes", "--identities",
              "user+tag@example.com", "nobody@example.com")
    assert json.loads(got.stdout) == {"MailFromDomainAttributes": {"user+tag@example.com": {
        "MailFromDomain": "bounces.example.com", "MailFromDomainStatus": "Pending",
        "BehaviorOnMXFailure": "RejectMessage"}}}


def test_the_aws_cli_is_refused_with_a_wrong_secret(ses):
    for service, arguments in (("sesv2", PUT), ("ses", ["list-identities"])):
        refused = aws(ses, service, *arguments, AWS_SECRET_ACCESS_KEY="wrong")
        assert refused.returncode != 0
        assert "InvalidSignatureException" in refused.stderr or \
            "SignatureDoesNotMatch" in refused.stderr


def test_boto3_gets_what_the_table_says(ses):
    v1, v2 = client(ses, "ses"), client(ses, "sesv2")
    assert v1.get_identity_mail_from_domain_attributes(
        Identities=["user+tag@example.com"])["MailFromDomainAttributes"] == {
            "user+tag@example.com": {"BehaviorOnMXFailure": "UseDefaultValue"}}
    assert v1.get_identity_verification_attributes(Identities=["new.example"])[
        "VerificationAttributes"] == {"new.example": {"VerificationStatus": "Pending"}}
    got = v2.get_email_identity(EmailIdentity="user+tag@example.com")
    assert got["MailFromAttributes"] == {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    assert got["VerifiedForSendingStatus"] and got["IdentityType"] == "EMAIL_ADDRESS"


def test_boto3_walks_the_pages(ses):
    ses.identities = {name: Identity(name) for name in (f"d{i}.example" for i in range(25))}
    names, token = [], {}
    while True:
        page = client(ses, "sesv2").list_email_identities(PageSize=10, **token)
        names += [item["IdentityName"] for item in page["EmailIdentities"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert names == sorted(ses.identities)


@pytest.mark.parametrize("service, call, code", [
    ("sesv2", lambda c: c.get_email_identity(EmailIdentity="nobody@x.org"), "NotFoundException"),
    ("sesv2", lambda c: c.put_email_identity_mail_from_attributes(EmailIdentity="nobody@x.org"),
     "BadRequestException"),
    ("sesv2", lambda c: c.put_email_identity_mail_from_attributes(
        EmailIdentity="example.com", MailFromDomain="evilexample.com"), "BadRequestException"),
])
def test_boto3_understands_the_errors(ses, service, call, code):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(client(ses, service))
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("kind, v1, v2", [
    ("throttle", "Throttling", "TooManyRequestsException"),
    ("expired", "ExpiredToken", "ExpiredTokenException"),
    ("500", "InternalFailure", "InternalServiceError")])
def test_boto3_understands_the_faults(ses, kind, v1, v2):
    ses.faults = [Fault(kind, times=None)]
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client(ses, "ses").list_identities()
    assert refused.value.response["Error"]["Code"] == v1
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client(ses, "sesv2").list_email_identities()
    assert refused.value.response["Error"]["Code"] == v2


def test_the_rate_is_one_a_second_for_each_operation(ses):
    ses.rate = 1.0
    v1 = client(ses, "ses")
    v1.list_identities()
    v1.get_identity_verification_attributes(Identities=["example.com"])
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        v1.list_identities()
    assert refused.value.response["Error"]["Code"] == "Throttling"
    time.sleep(1)
    v1.list_identities()


def test_a_poisoned_identity_spoils_its_batch(ses):
    ses.poisoned = {"bad id"}
    with pytest.raises(botocore.exceptions.ClientError):
        client(ses, "ses").get_identity_mail_from_domain_attributes(
            Identities=["example.com", "bad id"])


def test_a_session_token_must_be_the_right_one(ses):
    ses.accounts["AKIDEXAMPLE"].token = "right/+="
    client(ses, "ses", aws_session_token="right/+=").list_identities()
    with pytest.raises(botocore.exceptions.ClientError):
        client(ses, "ses", aws_session_token="wrong").list_identities()
