"""Runs over lists of addresses: every line in one count, nothing fetched twice, nothing lost."""

import pytest

from indexer.readers.url_fetch import UrlFetcher
from retrieval.store.collection import Collection
from tests.indexer.readers.kit import png
from tests.indexer.readers.web import serving
from tests.indexer.service.kit import counts, index, n_items


@pytest.fixture
def site(monkeypatch):
    """A server that runs may connect to, for once; port 1 of this machine has nobody."""
    allow = lambda address: str(address) == "127.0.0.2"  # noqa: E731
    monkeypatch.setitem(UrlFetcher.__init__.__kwdefaults__, "allow", allow)
    routes = {f"/{i}.png": (200, {}, png(i)) for i in range(4)}
    routes["/copy.png"] = routes["/0.png"]
    routes["/page"] = (200, {}, b"<html>" * 3)
    routes["/inside"] = (302, {"Location": "http://127.0.0.1:1/"}, b"")
    with serving(routes, host="127.0.0.2") as site:
        yield site


def test_every_address_ends_in_one_count_with_its_reason(tmp_path, site, collection):
    names = [*(f"/{i}.png" for i in range(4)), "/copy.png", "/page", "/inside", "/none.png"]
    urls = [*map(site.url, names), "ftp://a/b.png", site.url("/0.png"), "http://127.0.0.1:1/"]
    path = tmp_path / "urls.txt"
    path.write_text("\n".join(urls))
    report = index(path, collection)
    assert counts(report) == (5, 0, 0, 0, 0, 5)
    assert sorted(skip.reason for skip in report.skipped) == [
        "HTTP status 404",
        "address is not public",
        "address is not public",
        "not an http address",
        "not an image",
    ]
    assert n_items(collection) == 4
    with Collection.open(collection) as view:
        assert view.catalogue.find_path(site.url("/1.png").encode(), view.generation)


def test_a_second_run_fetches_only_what_failed_and_a_shorter_list_takes_nothing_out(
    tmp_path, site, collection
):
    path = tmp_path / "urls.txt"
    path.write_text("\n".join(map(site.url, ["/0.png", "/1.png", "/late.png"])))
    assert counts(index(path, collection)) == (2, 0, 0, 0, 0, 1)
    site.routes["/late.png"] = (200, {}, png(9))
    assert counts(index(path, collection)) == (1, 0, 0, 0, 2, 0)
    assert site.requests == {"/0.png": 1, "/1.png": 1, "/late.png": 2}
    path.write_text(site.url("/2.png"))
    assert counts(index(path, collection)) == (1, 0, 0, 0, 0, 0)
    with Collection.open(collection) as view:
        assert view.catalogue.counts(view.generation).n_files == 4
