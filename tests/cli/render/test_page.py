import base64
import io
import os
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

import pytest
from PIL import Image

from cli.render.page import render_page

HOSTILE = "</title><script>alert(1)</script>\"'&amp; <img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """What a browser would make of the page: its elements, and its text by element."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self._open[-1] if self._open else "", data.strip()))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text_of(self, tag):
        return [text for name, text in self.texts if name == tag]


def test_the_page_shows_query_rank_score_and_picture(make_hit):
    page = Page(render_page([("a red dog", [make_hit(score=0.31249)])]))
    assert page.text_of("bdi") == ["a red dog", "red.png"]
    assert page.text_of("span") == ["1", "0.312"]
    (image,) = page.all("img")
    content = base64.b64decode(image["src"].removeprefix("data:image/jpeg;base64,"))
    with Image.open(io.BytesIO(content)) as thumbnail:
        assert thumbnail.size == (80, 60)
        assert thumbnail.getpixel((5, 5)) == pytest.approx((255, 0, 0), abs=4)


def test_several_queries_share_a_page(make_hit):
    page = Page(render_page([("one", [make_hit()]), ("none", []), ("two", [make_hit()] * 2)]))
    assert len(page.all("section")) == 3
    assert page.text_of("small") == ["1 hit", "no hits", "2 hits"]


def test_hostile_queries_and_names_stay_text(make_hit):
    name = HOSTILE.replace("/", "\u2215")
    text = render_page([(HOSTILE, [make_hit(name)])])
    page = Page(text)
    assert page.text_of("bdi") == [HOSTILE, name]
    assert not page.all("script")
    assert len(page.all("img")) == 1
    assert not any(key.startswith("on") for _, attributes in page.elements for key in attributes)
    assert page.all("img")[0]["alt"] == name


def test_nothing_is_loaded_from_anywhere(make_hit):
    text = render_page([("q", [make_hit()])])
    (policy,) = [m["content"] for m in Page(text).all("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'")
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text


@pytest.mark.parametrize("name", [b"caf\xe9 \xff.png", "浜辺 の犬.png".encode(), b"100%\n#?.png"])
def test_a_link_leads_to_the_file_whatever_its_name(make_hit, name):
    hit = make_hit(name)
    text = render_page([("q", [hit])])
    text.encode()  # no lone surrogate is left
    (link,) = Page(text).all("a")
    assert os.path.samefile(unquote_to_bytes(link["href"].removeprefix("file://")), hit.path)


def test_what_is_missing_says_so_and_is_no_link(make_hit):
    page = Page(render_page([("q", [make_hit(colour=None)])]))
    assert page.text_of("div") == ["missing"]
    assert not page.all("a")


def test_a_surrogate_in_a_query_does_not_spoil_the_file():
    render_page([("half \ud83d", [])]).encode()
