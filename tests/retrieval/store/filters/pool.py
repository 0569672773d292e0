"""Values that databases and Python could disagree about, and predicates over them."""

import numpy as np
from hypothesis import strategies as st

from indexer.writer import NewItem
from retrieval.model import FileRef, ImageMeta
from retrieval.store.filters.names import FIELDS
from retrieval.store.filters.predicates import And, Between, Box, Comparison, Has, Not, OneOf, Or
from tests.collection_kit import digest

TEXTS = (
    *("", "dog", "Dog", "a dog", "DOG on a beach", "100%", "1_0", "a\\b", "it's", 'say "x"'),
    *("été", "e\u0301te\u0301", "ÉTÉ", "straße", "STRASSE", "İstanbul", "ΣΑΣ", "σας", "ﬁn"),
    *("日本語", "emoji 🐶", "\x1e", "\x1f", "a\x1fb", "two\nlines", " ", "~", "/", "nul\0"),
)
CAMERAS = (None, "Canon EOS 5D", "canon eos 5d", "NIKON Z", "Élan", "")
DATES = (None, "1999-12-31T23:59:59", "2024-01-01T00:00:00", "2024-05-06T07:08:09", "2024-05-31")
PLACES = (None, -180.0, -179.5, -0.0, 0.0, 10.25, 45.0, 89.9, 180.0)
NUMBERS = (0, 1, 2, 480, 640, 1000, 2**31, 2**40)
FOLDERS = (b"/a", b"/a/b", b"/A/B", b"/ab", b"/a b", b"/\xc3\xa9t\xc3\xa9", b"/\xff", b"")
NAMES = (b"1.jpg", b"Dog.JPG", b"100%.png", b"x_y", b"a", b"\xfe.png")


def image(rng, number):
    """A picture with values from the pool, in one to three places of its own."""

    def one_of(values):
        return values[rng.integers(len(values))]

    latitude = one_of(PLACES)
    files = tuple(
        FileRef(
            one_of(FOLDERS) + b"/%d-%d-" % (number, copy) + one_of(NAMES),
            one_of(NUMBERS),
            10**18,
        )
        for copy in range(rng.integers(1, 4))
    )
    meta = ImageMeta(
        *(one_of(("JPEG", "png", "WebP", "ﬁt")), one_of(NUMBERS[:6]), one_of(NUMBERS[:6])),
        *(one_of(DATES), one_of(CAMERAS)),
        None if latitude is None else max(-90.0, min(90.0, latitude)),
        one_of(PLACES),
    )
    captions = tuple(one_of(TEXTS) for _ in range(rng.integers(0, 3)))
    return NewItem(digest(number), meta, files, captions)


def text(rng, number, paths):
    """A text of the pool that some pictures have."""
    chosen = rng.choice(len(paths), min(len(paths), 3), replace=False)
    files = tuple(FileRef(paths[at], 10, 20, b"/captions.csv") for at in chosen)
    said = TEXTS[number % len(TEXTS)]
    return NewItem(digest(10_000 + number), ImageMeta("TEXT", 0, 0), files, (said,))


def unit_rows(rng, n, dim):
    rows = rng.standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


_words = st.sampled_from(TEXTS) | st.text(max_size=3)
_paths = st.sampled_from(
    [(each + b"/" + name).decode(errors="replace") for each in FOLDERS[:-1] for name in NAMES]
    + [each.decode(errors="replace") for each in FOLDERS[:-1]]
    + ["/", "/a/b/", "https://host/x"]
)
_starts = st.sampled_from(["1999", "2024", "2024-01", "2024-05-06", "2024-05-06T07:08", "9999"])


def values(field, op="="):
    kind = FIELDS[field].kind
    if kind == "number":
        return st.sampled_from(NUMBERS) | st.integers(-(2**63) + 1, 2**63 - 1)
    if kind == "date":
        return _starts
    if field in ("path", "folder") and op != "~":
        return _paths
    clean = _words.map(lambda word: word.replace("\0", "�"))
    cameras = st.sampled_from([each for each in CAMERAS if each])
    return clean | cameras | st.sampled_from(["jpeg", "PNG", "a/", "/A", "fit", "2024"])


@st.composite
def leaves(draw):
    field = draw(st.sampled_from(list(FIELDS)))
    if field == "gps":
        south, north = sorted(draw(st.lists(st.floats(-90, 90), min_size=2, max_size=2)))
        west, east = draw(st.tuples(st.floats(-180, 180), st.floats(-180, 180)))
        return draw(st.sampled_from([Box(south, west, north, east), Has("gps")]))
    ops = FIELDS[field].ops
    form = draw(st.sampled_from(["compare", "compare", "in", "between", "has"]))
    if form == "has":
        return Has(field)
    if form == "in":
        return OneOf(field, tuple(draw(st.lists(values(field), min_size=1, max_size=4))))
    if form == "between" and "<" in ops:
        return Between(field, draw(values(field)), draw(values(field)))
    op = draw(st.sampled_from(ops))
    return Comparison(field, op, draw(values(field, op)))


def _joined(parts):
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    negated = parts.map(lambda part: part.part if isinstance(part, Not) else Not(part))
    return negated | several.map(And) | several.map(Or)


predicates = st.recursive(leaves(), _joined, max_leaves=6)
