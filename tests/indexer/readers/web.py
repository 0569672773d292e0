"""A web server on this machine that behaves as badly as it is asked to."""

import threading
from collections import Counter
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """What a server answers, by path.

    Attributes:
        routes: path -> (status, headers, body), or a function of the handler that does it all.
        requests: how often each path was asked for.
        headers: of the last request.
        stopping: set when the server ends; what waits, waits for it.
    """

    def __init__(self, routes):
        self.routes = routes
        self.requests = Counter()
        self.headers = {}
        self.stopping = threading.Event()
        self.base = ""

    def url(self, path="/"):
        return self.base + path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        site = self.server.site
        site.requests[self.path] += 1
        site.headers = dict(self.headers)
        answer = site.routes.get(self.path, (404, {}, b"nothing here"))
        with suppress(OSError):  # whoever asked has had enough
            answer(self) if callable(answer) else send(self, *answer)

    def log_message(self, *_):
        pass


def send(handler, status, headers, body):
    """An answer as it should be."""
    send_head(handler, status, {"Content-Length": str(len(body)), **headers})
    handler.wfile.write(body)


def send_head(handler, status, headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


@contextmanager
def serving(routes, *, host="127.0.0.1", tls=None):
    """Serve routes until the end of the block."""
    site = Site(routes)
    server = ThreadingHTTPServer((host, 0), _Handler)
    server.daemon_threads, server.block_on_close = True, False
    server.site = site
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    site.base = f"{'https' if tls else 'http'}://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        site.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
