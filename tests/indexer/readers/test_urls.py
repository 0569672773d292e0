"""Lists of addresses: which lines count, what a run over them comes to."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.readers import url_fetch
from indexer.readers.base import Caption
from indexer.readers.columns import Columns
from indexer.readers.globs import Globs
from indexer.readers.url_fetch import FetchLimits, UrlFetcher
from indexer.readers.urls import UrlReader
from retrieval.errors import ImageError, SourceError
from tests.contracts.reader import ReaderContract, Source
from tests.indexer.readers.kit import png
from tests.indexer.readers.web import serving


def is_loopback(address):
    return address.is_loopback


def reader(path, *, globs=None, **columns):
    fetcher = UrlFetcher(FetchLimits(backoff_s=0.0), allow=is_loopback)
    return UrlReader(os.fsencode(path), Columns(**columns), globs or Globs(), fetcher)


def write(path, *lines):
    path.write_bytes(
        b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    )
    return path


class TestContract(ReaderContract):
    @pytest.fixture
    def source(self, tmp_path):
        pictures = {f"/{i}.png": png(i) for i in range(6)}
        with serving({path: (200, {}, content) for path, content in pictures.items()}) as site:
            path = tmp_path / "urls.txt"
            urls = [site.url(name) for name in pictures]
            write(path, "# pictures", *urls, "", urls[0], "ftp://x/y.png", "/etc/passwd")
            root = os.fsencode(path)
            yield Source(
                make=lambda: reader(path),
                contents={site.url(name).encode(): each for name, each in pictures.items()},
                strangers=[root, b"http://example.com/", site.url("/6.png").encode()],
                cut=None,  # half a list is a list
                empty=lambda: write(path),
                skipped={
                    root + b":10": "not an http address",
                    root + b":11": "not an http address",
                },
            )


def problems(path, **options):
    listing = reader(path, **options).read()
    return {int(skip.path.rpartition(b":")[2]): skip.reason for skip in listing.skips}


def test_every_line_is_an_address_or_a_reason(tmp_path):
    path = write(
        tmp_path / "u.txt",
        b"\xef\xbb\xbfhttp://a.example/1.png\r",
        "  https://a.example/\u00e4 b.png  ",
        b"http://a.example/\xff.png",
        "a.example/2.png",
        "http://a.example/" + "x" * 9000,
        "http://me:pw@a.example/3.png",
        "",
        "# http://a.example/4.png",
    )
    made = reader(path)
    assert [file.path.decode() for file in made.read().files] == [
        "http://a.example/1.png",
        "https://a.example/\u00e4 b.png",
    ]
    assert problems(path) == {
        3: "not an address",
        4: "not an http address",
        5: "address too long",
        6: "address with a password",
    }


def test_patterns_apply_to_addresses(tmp_path):
    path = write(tmp_path / "u.txt", "http://a.example/1.png", "http://a.example/2.jpg")
    globs = Globs.parse(exclude=["*.jpg"])
    assert len(reader(path, globs=globs).read().files) == 1
    assert problems(path, globs=globs) == {2: "left out by a pattern"}


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_column_of_a_table_is_a_list_with_captions(tmp_path, kind):
    path = tmp_path / f"t.{kind}"
    urls, texts = (
        ["http://a.example/1.png", "nonsense", "http://a.example/1.png"],
        ["a dog", "b", "c"],
    )
    if kind == "parquet":
        pq.write_table(pa.table({"link": urls, "TEXT": texts}), path)
    elif kind == "jsonl":
        lines = [f'{{"link": "{u}", "TEXT": "{t}"}}' for u, t in zip(urls, texts, strict=True)]
        write(path, *lines)
    else:
        mark = "," if kind == "csv" else "\t"
        write(path, f"link{mark}TEXT", *(mark.join(row) for row in zip(urls, texts, strict=True)))
    listing = reader(path, url="link").read()
    assert [file.path for file in listing.files] == [b"http://a.example/1.png"]
    assert [skip.reason for skip in listing.skips] == ["not an http address"]
    (said,) = listing.captions
    assert list(said.read()) == [
        Caption("a dog", b"http://a.example/1.png"),
        Caption("c", b"http://a.example/1.png"),
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_without_the_column_says_which_it_has(tmp_path, kind):
    path = tmp_path / f"t.{kind}"
    if kind == "csv":
        write(path, "link,text", "http://x/,y")
    else:
        pq.write_table(pa.table({"link": ["x"], "text": ["y"]}), path)
    with pytest.raises(SourceError, match="no column 'url'; its columns: link, text"):
        reader(path, url="url").read()


def test_a_column_of_numbers_holds_no_addresses(tmp_path):
    pq.write_table(pa.table({"url": [1, 2]}), tmp_path / "t.parquet")
    with pytest.raises(SourceError, match="holds no texts"):
        reader(tmp_path / "t.parquet", url="url").read()


def test_what_came_has_its_size(tmp_path):
    with serving({"/a": (200, {}, png(1))}) as site:
        made = reader(write(tmp_path / "u.txt", site.url("/a")))
        (file,) = made.read().files
        assert file.size_bytes == 0
        current, content = made.fetch(file)
        assert current.size_bytes == len(content)
        assert made.is_same(current, file)


def test_this_machine_is_refused_unless_a_test_allows_it(tmp_path):
    with serving({"/a": (200, {}, png(1))}) as site:
        made = UrlReader(os.fsencode(write(tmp_path / "u.txt", site.url("/a"))))
        (file,) = made.read().files
        with pytest.raises(ImageError, match="not public"):
            made.fetch(file)
        assert not site.requests


def test_the_default_lets_nothing_private_pass():
    assert url_fetch.UrlFetcher.__init__.__kwdefaults__["allow"] is url_fetch.is_public
