# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""Connections: kept warm, bounded in time, verified, and never led elsewhere."""

import contextlib
import os
import socket
import ssl
import subprocess
import time

import pytest

from conftest import KEYS, NOWHERE
from standin.server import Reply, Server
from standin.ses import Fault, Ses


@contextlib.contextmanager
def bounded(least, most):
    begin = time.monotonic()
    yield
    assert least <= time.monotonic() - begin <= most


def test_one_connection_serves_all_calls(driver, ses):
    lines = driver.call(ses, "list=10", "mail-from=example.com", "get=example.com",
                        "put=user+tag@example.com,m.example.com,0", "get=nobody.example")
    assert len(lines) == 5 and len({request.connection for request in ses.requests}) == 1


def test_a_reply_that_never_begins(driver, ses):
    ses.faults = [Fault("hang", times=None)]
    with bounded(1, 6):
        [line] = driver.call(ses, "list=10", SES_CALL_FIRST_BYTE="1000", SES_CALL_TIMEOUT="20000")
    assert line.outcome == "network" and "no reply within 1000 ms" in line


def test_a_reply_that_never_ends(driver, ses):
    ses.faults = [Fault("hang_in_body", times=None)]
    with bounded(1, 6):
        [line] = driver.call(ses, "list=10", SES_CALL_FIRST_BYTE="1000", SES_CALL_TIMEOUT="2000")
    assert line.outcome == "network"


def test_a_connection_that_nobody_accepts(driver, ses):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        with bounded(0.5, 6):
            [line] = driver.call(ses, "list=10", SES_CALL_CONNECT_TIMEOUT="1000",
                                 SES_CALL_ENDPOINT="http://127.0.0.1:%d" % full.getsockname()[1])
        for one in waiting:
            one.close()
    assert line.outcome == "network"


def test_a_resolver_that_does_not_answer(driver, ses, tmp_path):
    """libcurl would wait for getaddrinfo(3) to return, long after the time-out."""
    (tmp_path / "slow.c").write_text("""#include <netdb.h>
#include <unistd.h>
int getaddrinfo(const char *n, const char *s, const struct addrinfo *h, struct addrinfo **r)
{ (void)n, (void)s, (void)h, (void)r; sleep(20); return EAI_AGAIN; }
""")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "slow.so", tmp_path / "slow.c"],
                   check=True, timeout=60)
    with bounded(0.9, 6):
        [line] = driver.call(ses, "list=10", SES_CALL_CONNECT_TIMEOUT="1000", SES_CALL_ENDPOINT="",
                             LD_PRELOAD=str(tmp_path / "slow.so"),
                             ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")
    assert line.outcome == "network" and "Resolving timed out" in line


def test_nobody_listens(driver, ses):
    [line] = driver.call(ses, "list=10", SES_CALL_ENDPOINT="http://127.0.0.1:1")
    assert line.outcome == "network" and line.exit == "75"


def test_a_program_that_ends_does_not_wait(driver, ses):
    ses.faults = [Fault("hang", times=None)]
    with bounded(0, 4):
        [line] = driver.call(ses, "list=10", SES_CALL_STOP="1")
    assert line.outcome == "stopped"


def test_endless_headers_are_cut_off(driver, ses):
    ses.fail = lambda *_: Reply(200, "", {f"X-{i}": "x" * 1000 for i in range(90)})
    [line] = driver.call(ses, "list=10")
    assert line.outcome == "malformed-reply" and "larger than 65536" in line


@pytest.mark.parametrize("endpoint", ["http://192.0.2.1", "http://ses.example", "ftp://127.0.0.1",
                                      "http://u@127.0.0.1", "http://127.0.0.1.example.com"])
def test_plain_http_goes_to_the_loopback_alone(driver, ses, endpoint):
    [line] = driver.call(ses, "list=10", SES_CALL_ENDPOINT=endpoint)
    assert line.outcome == "local" and line.exit == "78" and not ses.requests


def test_the_environment_names_the_endpoint_of_each_api(driver, ses):
    with Ses(ses.identities.values()) as other:
        driver.call(ses, "list=10", "mail-from=example.com", SES_CALL_ENDPOINT="",
                    AWS_ENDPOINT_URL_SES=ses.url, AWS_ENDPOINT_URL_SESV2=other.url + "/prefix/")
    assert [request.path for request in ses.requests] == ["/"]
    assert [request.path for request in other.requests] == ["/prefix/v2/email/identities"]


class Proxy(Server):
    def answer(self, request):
        return Reply(502)


def test_plain_http_is_never_given_to_a_proxy(driver, ses):
    with Proxy() as proxy:
        [line] = driver.call(ses, "list=10", http_proxy=proxy.url, all_proxy=proxy.url)
    assert line.outcome == "ok" and not proxy.requests


@pytest.mark.parametrize("status, outcome", [(403, "refused"), (407, "refused"), (503, "network")])
def test_a_proxy_that_refuses_is_for_a_person(driver, ses, status, outcome):
    with Proxy() as proxy:
        proxy.answer = lambda _: Reply(status)
        proxy.httpd.RequestHandlerClass.do_CONNECT = proxy.httpd.RequestHandlerClass.do_GET
        [line] = driver.call(ses, "list=10", https_proxy=proxy.url, SES_CALL_ENDPOINT="")
    assert line.outcome == outcome and str(status) in line, line


def test_https_goes_through_the_proxy_of_the_environment(driver, ses):
    with Proxy() as proxy:
        proxy.httpd.RequestHandlerClass.do_CONNECT = proxy.httpd.RequestHandlerClass.do_GET
        [line] = driver.call(ses, "list=10", https_proxy=proxy.url, AWS_REGION="eu-west-1",
                             SES_CALL_ENDPOINT="")
    assert line.outcome == "network"
    assert [request.target for request in proxy.requests] == [
        "email.eu-west-1.amazonaws.com:443"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    return folder


@pytest.fixture
def tls(ses, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    ses.httpd.socket = context.wrap_socket(ses.httpd.socket, server_side=True,
                                           do_handshake_on_connect=False)
    return ses


def test_certificates_are_verified(driver, tls, certificate):
    url = f"https://localhost:{tls.port}"
    known = {"AWS_CA_BUNDLE": str(certificate / "cert.pem")}
    [line] = driver.call(tls, "list=10", SES_CALL_ENDPOINT=url)
    assert line.outcome == "refused" and "certificate" in line
    [line] = driver.call(tls, "list=10", SES_CALL_ENDPOINT=url, **known)
    assert line.outcome == "ok"
    [line] = driver.call(tls, "list=10", SES_CALL_ENDPOINT=url, AWS_CA_BUNDLE="/nonexistent",
                         SES_CALL_CA_FILE=known["AWS_CA_BUNDLE"])
    assert line.outcome == "ok"
    [line] = driver.call(tls, "list=10", SES_CALL_ENDPOINT=f"https://127.0.0.1:{tls.port}", **known)
    assert line.outcome == "refused" and line.exit == "69"


def test_where_the_ca_file_is_named(driver, tls, certificate, tmp_path):
    url = {"SES_CALL_ENDPOINT": f"https://localhost:{tls.port}"}
    home = {"HOME": str(certificate)}
    for more in ({"AWS_CA_BUNDLE": "~/cert.pem"}, {"REQUESTS_CA_BUNDLE": "~/cert.pem"}):
        [line] = driver.call(tls, "list=10", **url, **home, **more)
        assert line.outcome == "ok", (more, line)
    (tmp_path / "config").write_text("[default]\nca_bundle = ~/cert.pem\n")
    [line] = driver.call(tls, "list=10", **url, **home, AWS_CONFIG_FILE=str(tmp_path / "config"),
                         REQUESTS_CA_BUNDLE="/nonexistent")
    assert line.outcome == "ok", line


def test_a_ca_file_that_is_replaced_is_read_again(driver, tls, certificate, tmp_path):
    """libcurl would know the old one for a day."""
    ca = tmp_path / "ca.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=other", "-keyout", tmp_path / "k", "-out", ca], check=True, timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    environment = {name: value for name, value in os.environ.items() if name == "PATH"}
    process = subprocess.Popen(
        [driver.program, "list=10", "pause", "list=10"], stdin=subprocess.PIPE, text=True,
        stdout=subprocess.PIPE, env=environment | KEYS | NOWHERE | {
            "AWS_REGION": "us-east-1", "AWS_CA_BUNDLE": str(ca),
            "SES_CALL_ENDPOINT": f"https://localhost:{tls.port}"})
    assert "refused" in process.stdout.readline()
    ca.write_bytes((certificate / "cert.pem").read_bytes())
    assert "list ok" in process.communicate("\n", timeout=60)[0]


def test_a_ca_file_that_is_not_there_is_for_a_person(driver, tls):
    [line] = driver.call(tls, "list=10", SES_CALL_ENDPOINT=f"https://localhost:{tls.port}",
                         AWS_CA_BUNDLE="/nonexistent")
    assert line.outcome == "local" and line.exit == "78" and "/nonexistent" in line


@pytest.mark.parametrize("proxy", ["http://user:geheim@[", "user:geheim@[", "nonsense://a:geheim@b",
                                   "http://user:geh@eim@["])
def test_the_password_of_a_proxy_is_not_told(driver, ses, proxy):
    """libcurl shows the whole URL of a proxy that it cannot read."""
    [line] = driver.call(ses, "list=10", SES_CALL_ENDPOINT="https://ses.example",
                         HTTPS_PROXY=proxy)
    assert line.outcome != "ok" and "proxy" in line.lower() and "eim" not in line, line
