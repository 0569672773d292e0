"""Fetching from servers that lie, dawdle, redirect and never end; all over real sockets."""

import shutil
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from indexer.readers.url_fetch import FetchLimits, UrlFetcher, parse_url
from retrieval.errors import ImageError
from tests.indexer.readers.kit import png
from tests.indexer.readers.web import send, send_head, serving

PICTURE = png(1)
QUICK = FetchLimits(total_s=20, step_s=10, max_bytes=100_000, backoff_s=0.0)


def local(limits=QUICK, **options):
    """A fetcher that may connect to this machine, unlike any other."""
    return UrlFetcher(limits, allow=lambda address: address.is_loopback, **options)


def reason(fetcher, url):
    with pytest.raises(ImageError) as error:
        fetcher.fetch(url)
    return error.value.reason


def redirect(location, status=302):
    return (status, {"Location": location}, b"")


def test_a_picture_is_fetched_as_it_is():
    with serving({"/a.png": (200, {}, PICTURE)}) as site:
        assert local().fetch(site.url("/a.png")) == PICTURE
        assert site.headers["Host"] == site.base.removeprefix("http://")
        assert site.headers["Accept-Encoding"] == "identity"
        assert site.headers["User-Agent"] == "polyseek"


def test_the_host_is_named_and_not_its_address():
    with serving({"/a.png": (200, {}, PICTURE)}) as site:
        named = site.url("/a.png").replace("127.0.0.1", "localhost")
        assert local().fetch(named) == PICTURE
        assert site.headers["Host"].startswith("localhost:")


def test_without_a_length_the_end_is_where_the_connection_ends():
    def answer(handler):
        send_head(handler, 200, {"Connection": "close"})
        handler.wfile.write(PICTURE)

    with serving({"/": answer}) as site:
        assert local().fetch(site.url()) == PICTURE


def test_this_machine_is_refused_by_default_however_it_is_written():
    with serving({"/": (200, {}, PICTURE)}) as site:
        port = site.base.rpartition(":")[2]
        fetcher = UrlFetcher(QUICK)
        for host in (
            *("127.0.0.1", "2130706433", "0x7f.1", "0177.1", "localhost", "[::1]", "0.0.0.0"),
            *("[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]"),
        ):
            assert reason(fetcher, f"http://{host}:{port}/") == "address is not public", host
        assert not site.requests


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "[fd00::1]"]
)
def test_other_private_networks_are_refused(host):
    assert reason(UrlFetcher(QUICK), f"http://{host}/latest/meta-data") == "address is not public"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
def test_a_redirect_to_this_machine_is_refused(host):
    with serving({"/": (200, {}, PICTURE)}) as inside:
        port = inside.base.rpartition(":")[2]
        with serving({"/": redirect(f"http://{host}:{port}/")}, host="127.0.0.2") as outside:
            fetcher = UrlFetcher(QUICK, allow=lambda address: str(address) == "127.0.0.2")
            assert reason(fetcher, outside.url()) == "address is not public"
            assert outside.requests["/"] == 1
        assert not inside.requests


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status):
    routes = {"/a": redirect("b/c?d=e", status), "/b/c?d=e": (200, {}, PICTURE)}
    with serving(routes) as site:
        assert local().fetch(site.url("/a")) == PICTURE


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/", "too many redirects"),
        ("file:///etc/passwd", "not an http address"),
        ("gopher://x/", "not an http address"),
        ("http://user:secret@127.0.0.1/", "address with a password"),
        ("http://[", "unknown host"),
    ],
)
def test_redirects_that_lead_nowhere(location, expected):
    with serving({"/": redirect(location)}) as site:
        assert reason(local(), site.url()) == expected
        assert site.requests["/"] <= 6


def test_a_body_that_never_ends_is_cut_at_the_limit():
    def answer(handler):
        send_head(handler, 200, {"Connection": "close"})
        handler.wfile.write(PICTURE)
        while not handler.server.site.stopping.is_set():
            handler.wfile.write(bytes(10_000))

    with serving({"/": answer}) as site:
        assert reason(local(), site.url()) == "file too large"


def test_a_body_that_drips_is_cut_in_time():
    def answer(handler):
        send_head(handler, 200, {"Connection": "close"})
        while not handler.server.site.stopping.wait(0.01):
            handler.wfile.write(b"\x89")

    with serving({"/": answer}) as site:
        assert reason(local(FetchLimits(total_s=0.3)), site.url()) == "took too long"


def test_headers_that_drip_are_cut_in_time():
    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not handler.server.site.stopping.wait(0.01):
            handler.wfile.write(b"x")

    with serving({"/": answer}) as site:
        assert reason(local(FetchLimits(total_s=0.3)), site.url()) == "took too long"


def test_headers_without_end_are_refused():
    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not handler.server.site.stopping.is_set():
            handler.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")

    with serving({"/": answer}) as site:
        assert reason(local(), site.url()) == "broken answer"


def test_a_server_that_says_nothing_times_out():
    def answer(handler):
        handler.server.site.stopping.wait()

    limits = FetchLimits(total_s=20, step_s=0.1, attempts=2, backoff_s=0.0)
    with serving({"/": answer}) as site:
        assert reason(local(limits), site.url()) == "timed out"
        assert site.requests["/"] == 2


def test_a_length_beyond_the_limit_is_believed_at_once():
    def answer(handler):
        send_head(handler, 200, {"Content-Length": "100001"})
        handler.server.site.stopping.wait()

    with serving({"/": answer}) as site:
        assert reason(local(), site.url()) == "file too large"


def test_a_length_that_is_less_than_what_comes_cuts_the_picture():
    def answer(handler):
        send_head(handler, 200, {"Content-Length": "20", "Connection": "close"})
        handler.wfile.write(PICTURE)

    with serving({"/": answer}) as site:
        assert local().fetch(site.url()) == PICTURE[:20]


@pytest.mark.parametrize("length", ["5000", "99999"])
def test_a_length_that_is_more_than_what_comes_is_a_broken_answer(length):
    def answer(handler):
        send_head(handler, 200, {"Content-Length": length, "Connection": "close"})
        handler.wfile.write(PICTURE)
        handler.close_connection = True

    with serving({"/": answer}) as site:
        assert reason(local(), site.url()) == "broken answer"
        assert site.requests["/"] == 3


@pytest.mark.parametrize("length", ["-5", "abc", "9" * 400, "1e3"])
def test_a_length_that_is_no_number_is_no_way_in(length):
    def answer(handler):
        send_head(handler, 200, {"Content-Length": length, "Connection": "close"})
        handler.wfile.write(bytes(200_000))

    with serving({"/": answer}) as site:
        assert reason(local(), site.url()) in ("broken answer", "file too large", "not an image")


def test_what_is_no_picture_is_not_read_to_its_end():
    def answer(handler):
        send_head(handler, 200, {"Connection": "close", "Content-Type": "image/png"})
        while not handler.server.site.stopping.is_set():
            handler.wfile.write(b"<html>" * 1000)

    with serving({"/": answer}) as site:
        assert reason(local(FetchLimits(max_bytes=1 << 40, backoff_s=0)), site.url()) == (
            "not an image"
        )


def test_a_compressed_answer_is_refused():
    with serving({"/": (200, {"Content-Encoding": "gzip"}, b"x")}) as site:
        assert reason(local(), site.url()) == "compressed answer"


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 410, 501])
def test_an_answer_without_a_picture_is_final(status):
    with serving({"/": (status, {}, b"")}) as site:
        assert reason(local(), site.url()) == f"HTTP status {status}"
        assert site.requests["/"] == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_failure_that_may_pass_is_tried_again(status):
    def answer(handler):
        is_last = handler.server.site.requests["/"] == 3
        send(handler, 200 if is_last else status, {}, PICTURE if is_last else b"")

    with serving({"/": answer}) as site:
        assert local().fetch(site.url()) == PICTURE
        assert site.requests["/"] == 3


def test_a_failure_that_does_not_pass_is_said_once_all_attempts_are_used():
    with serving({"/": (503, {}, b"")}) as site:
        assert reason(local(), site.url()) == "HTTP status 503"
        assert site.requests["/"] == 3


@pytest.mark.parametrize("value", ["3600", "Fri, 01 Jan 2100 00:00:00 GMT", "9" * 500])
def test_a_server_that_asks_for_more_time_than_there_is_gets_no_second_request(value):
    with serving({"/": (429, {"Retry-After": value}, b"")}) as site:
        assert reason(local(), site.url()) == "HTTP status 429"
        assert site.requests["/"] == 1


@pytest.mark.parametrize("value", ["0", "soon", "-1", "Fri, 01 Jan 1999 00:00:00 GMT", "²"])
def test_a_pause_that_is_none_or_nonsense_does_not_matter(value):
    header = {"Retry-After": value.encode().decode("latin-1")}
    with serving({"/": (503, header, b"")}) as site:
        assert reason(local(), site.url()) == "HTTP status 503"
        assert site.requests["/"] == 3


def test_nobody_there():
    with serving({}) as site:
        url = site.url()
    assert reason(local(), url) == "cannot connect"


def test_unknown_hosts():
    assert reason(UrlFetcher(QUICK), "http://no-such-host.invalid/") in ("unknown host",)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ftp://example.com/a.png", "not an http address"),
        ("file:///etc/passwd", "not an http address"),
        ("//example.com/a.png", "not an http address"),
        ("/a.png", "not an http address"),
        ("http:///a.png", "not an address"),
        ("http://", "not an address"),
        ("http://h:99999/", "not an address"),
        ("http://h:0/", "not an address"),
        ("http://h\n/", "not an address"),
        ("http://me:pw@example.com/", "address with a password"),
        ("data:image/png;base64,AAAA", "not an http address"),
    ],
)
def test_what_may_not_be_fetched(url, expected):
    with pytest.raises(ImageError) as error:
        parse_url(url)
    assert error.value.reason == expected


def test_no_more_than_so_many_at_one_host():
    gate, lock = threading.Barrier(2), threading.Lock()
    now = most = 0

    def answer(handler):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        gate.wait(10)  # two are always here at once, or nobody gets an answer
        with lock:
            now -= 1
        send(handler, 200, {}, PICTURE)

    limits = FetchLimits(per_host=2, backoff_s=0.0)
    with serving({"/": answer}) as site, ThreadPoolExecutor(8) as pool:
        fetcher = local(limits)
        assert list(pool.map(fetcher.fetch, [site.url()] * 12)) == [PICTURE] * 12
    assert most == 2


def test_connections_are_kept():
    ports = set()

    def answer(handler):
        ports.add(handler.client_address[1])
        send(handler, 200, {}, PICTURE)

    with serving({"/": answer}) as site:
        fetcher = local()
        for _ in range(5):
            fetcher.fetch(site.url())
    assert len(ports) == 1


@pytest.fixture
def certificate(tmp_path):
    """A certificate for the name localhost, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
            *("-out", paths[0], "-keyout", paths[1]),
        ],
        check=True,
        capture_output=True,
    )
    return paths


def test_the_certificate_is_that_of_the_name(certificate):
    served = []
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(*certificate)
    server_side.sni_callback = lambda _socket, name, _context: served.append(name)
    trusting = ssl.create_default_context(cafile=certificate[0])
    with serving({"/": (200, {}, PICTURE)}, tls=server_side) as site:
        by_name = site.url().replace("127.0.0.1", "localhost")
        assert local(tls=trusting).fetch(by_name) == PICTURE
        assert served == ["localhost"]
        assert reason(local(tls=trusting), site.url()) == "certificate is not trusted"
        assert reason(local(), by_name) == "certificate is not trusted"
