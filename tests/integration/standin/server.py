# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: the mailfrom-milter contributors
"""What the stand-ins share: an HTTP server on the loopback that keeps what it was asked."""

import http.server
import socket
import struct
import threading
import time


class Request:
    def __init__(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        self.method = handler.command
        self.target = handler.path
        self.path, _, self.query = handler.path.partition("?")
        self.headers = handler.headers
        self.body = handler.rfile.read(length)
        self.time = time.monotonic()
        self.connection = handler.client_address


class Reply:
    """What goes out. fault: "reset" or "hang" after `sent` octets of the body."""

    def __init__(self, status, body=b"", headers=(), fault=None, sent=0):
        self.status = status
        self.body = body.encode() if isinstance(body, str) else body
        self.headers = dict(headers)
        self.fault = fault
        self.sent = sent


class Server:
    """answer(request) gives the Reply; self.requests keeps them all. Use it with `with`."""

    def __init__(self, port=0):
        self.requests = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.skew = 0  # seconds that this server's clock is ahead
        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self.httpd.daemon_threads = True
        self.port = self.httpd.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join(10)

    def now(self):
        return time.time() + self.skew

    def answer(self, request):
        raise NotImplementedError

    def _respond(self, handler):
        request = Request(handler)
        with self.lock:
            self.requests.append(request)
            reply = self.answer(request)
        if reply.fault == "hang" and reply.sent < 0:
            self.over.wait(60)
            handler.close_connection = True
            return
        handler.send_response_only(reply.status)
        handler.send_header("Date", handler.date_time_string(self.now()))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        self._send_body(handler, reply)

    def _send_body(self, handler, reply):
        if reply.fault is None:
            handler.wfile.write(reply.body)
            return
        handler.wfile.write(reply.body[:reply.sent])
        handler.wfile.flush()
        handler.close_connection = True
        if reply.fault == "hang":
            self.over.wait(60)
        else:
            time.sleep(0.05)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
            handler.connection.close()

    def _handler(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60
            disable_nagle_algorithm = True

            def _answer(self):
                try:
                    server._respond(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = _answer

            def log_message(self, *_):
                pass

        return Handler
