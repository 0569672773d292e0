"""Downloads from servers that truncate, stall, redirect and lie."""

import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.datasets.base import DatasetError, FetchedFile
from benchmarks.datasets.fetch import FetchLimits, fetch, take

CONTENT = bytes(range(256)) * 5_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUICK = FetchLimits(attempts=3, stall_s=0.5, wait_s=0.0)


class Site:
    """A server of one file; each request takes the next manner of answering, the last one stays."""

    def __init__(self, *manners, tag='"v1"'):
        self.manners = list(manners)
        self.tag = tag
        self.content = CONTENT
        self.requests = []
        self.released = threading.Event()

    def next_manner(self):
        return self.manners.pop(0) if len(self.manners) > 1 else self.manners[0]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server.site
        site.requests.append((self.path, self.headers.get("Range")))
        getattr(self, site.next_manner())(site)

    def whole(self, site, cut=None, said=None):
        start = 0
        asked = self.headers.get("Range")
        if asked and self.headers.get("If-Range") == site.tag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            size = len(site.content)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        else:
            self.send_response(200)
        body = site.content[start:]
        if site.tag:
            self.send_header("ETag", site.tag)
        self.send_header("Content-Length", str(len(body) if said is None else said))
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])

    def truncated(self, site):
        self.whole(site, cut=300_000)

    def stalled(self, site):
        self.whole(site, cut=200_000)
        self.wfile.flush()
        site.released.wait(5)

    def too_long(self, site):
        self.whole(site, said=len(site.content) + 99)

    def busy(self, site):
        self._empty(503)

    def gone(self, site):
        self._empty(404)

    def redirected(self, site):
        self._empty(302, Location="/elsewhere")

    def endless(self, site):
        self._empty(302, Location=self.path)

    def ignoring_ranges(self, site):
        self.send_response(200)
        self.send_header("ETag", site.tag)
        self.send_header("Content-Length", str(len(site.content)))
        self.end_headers()
        self.wfile.write(site.content)

    def _empty(self, status, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def serving(*manners, **options):
    site = Site(*manners, **options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.site = site
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    site.file = FetchedFile(
        "a.json", f"http://127.0.0.1:{server.server_port}/a.json", SHA256, len(CONTENT)
    )
    try:
        yield site
    finally:
        site.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def check_whole(folder):
    assert (folder / "a.json").read_bytes() == CONTENT
    assert [each.name for each in folder.iterdir()] == ["a.json"]


def test_a_file_comes_whole_and_once(tmp_path):
    told = []
    with serving("whole") as site:
        path = fetch(site.file, tmp_path / "coco", on_bytes=lambda *step: told.append(step))
        check_whole(path.parent)
        assert fetch(site.file, tmp_path / "coco") == path
    assert len(site.requests) == 1
    assert told[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("trouble", ["truncated", "stalled", "busy", "redirected"])
def test_it_goes_on_after_trouble(tmp_path, trouble):
    with serving(trouble, trouble, "whole") as site:
        fetch(site.file, tmp_path, limits=QUICK)
    check_whole(tmp_path)
    if trouble in {"truncated", "stalled"}:
        assert site.requests[1][1] is not None


def test_another_run_goes_on_where_one_gave_up(tmp_path):
    with serving("truncated", "busy") as site:
        with pytest.raises(DatasetError, match="the server answers 503") as caught:
            fetch(site.file, tmp_path, limits=QUICK)
        assert "300,000 bytes are kept" in caught.value.hint
        site.manners = ["whole"]
        fetch(site.file, tmp_path, limits=QUICK)
        assert site.requests[-1][1] == "bytes=300000-"
    check_whole(tmp_path)


def test_a_file_that_was_replaced_meanwhile_is_begun_anew(tmp_path):
    with serving("truncated", "busy", tag='"old"') as site:
        with pytest.raises(DatasetError):
            fetch(site.file, tmp_path, limits=QUICK)
        site.tag, site.manners = '"new"', ["whole"]
        fetch(site.file, tmp_path, limits=QUICK)
    check_whole(tmp_path)


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_tag_nothing_is_joined(tmp_path, tag):
    with serving("truncated", "whole", tag=tag) as site:
        fetch(site.file, tmp_path, limits=QUICK)
        assert site.requests[1][1] is None
    check_whole(tmp_path)


def test_a_server_that_cannot_go_on_starts_anew(tmp_path):
    with serving("truncated", "ignoring_ranges") as site:
        fetch(site.file, tmp_path, limits=QUICK)
    check_whole(tmp_path)


def test_what_the_server_says_about_length_is_not_believed(tmp_path):
    with serving("too_long") as site:
        fetch(FetchedFile("a.json", site.file.url, SHA256, len(CONTENT)), tmp_path, limits=QUICK)
        check_whole(tmp_path)


def test_more_than_there_should_be_is_refused(tmp_path):
    with serving("whole") as site:
        site.content = CONTENT * 2
        with pytest.raises(DatasetError, match="has more than the 1,280,000 bytes"):
            fetch(site.file, tmp_path, limits=QUICK)
    assert not (tmp_path / "a.json").exists()


def test_another_content_is_refused_and_not_kept(tmp_path):
    with serving("whole") as site:
        site.content = bytes(len(CONTENT))
        with pytest.raises(DatasetError, match=r"is not the published file: it has sha256"):
            fetch(site.file, tmp_path, limits=QUICK)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("manner", "message"),
    [
        ("gone", "the server answers 404"),
        ("busy", "the server answers 503"),
        ("endless", "redirect"),
    ],
)
def test_what_cannot_be_had_is_said(tmp_path, manner, message):
    with serving(manner) as site, pytest.raises(DatasetError, match=message) as caught:
        fetch(site.file, tmp_path, limits=QUICK)
    assert "--from" in caught.value.hint


@pytest.mark.parametrize("url", ["http://[", "nothing", "ftp://a/b"])
def test_what_is_no_address_is_said(tmp_path, url):
    with pytest.raises(DatasetError):
        fetch(FetchedFile("a.json", url), tmp_path, limits=QUICK)


def test_without_a_checksum_any_content_will_do(tmp_path):
    with serving("whole") as site:
        assert fetch(FetchedFile("b.json", site.file.url), tmp_path).read_bytes() == CONTENT


def test_a_file_from_elsewhere_is_checked_too(tmp_path):
    source = tmp_path / "brought.json"
    source.write_bytes(CONTENT)
    file = FetchedFile("a.json", sha256=SHA256, size_bytes=len(CONTENT))
    check_whole(take(file, source, tmp_path / "coco").parent)
    source.write_bytes(CONTENT[:-1])
    with pytest.raises(DatasetError, match="is not the published file"):
        take(file, source, tmp_path / "other")
    assert list((tmp_path / "other").iterdir()) == []
    with pytest.raises(DatasetError, match="cannot copy"):
        take(file, tmp_path / "gone", tmp_path / "other")


def test_a_file_that_is_at_no_address_has_to_be_brought(tmp_path):
    with pytest.raises(DatasetError, match=r"nobody publishes a\.json") as caught:
        fetch(FetchedFile("a.json", sha256=SHA256), tmp_path)
    assert "--from" in caught.value.hint
    (tmp_path / "a.json").write_bytes(CONTENT)
    assert fetch(FetchedFile("a.json", sha256=SHA256), tmp_path) == tmp_path / "a.json"
