"""What a file's row says of its item: all of it comes back, in the same bytes each time."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retrieval.model import FileRef, ImageMeta, ItemRecord
from retrieval.store.packed import content_of, pack_item, unpack_item
from tests.collection_kit import digest

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
FILES = st.builds(FileRef, st.binary(max_size=12), st.integers(0, 9), st.integers(0, 9))
DIGESTS = st.integers(0, 2**20).map(digest)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
METAS = st.builds(
    ImageMeta,
    *(TEXTS, NUMBERS, NUMBERS),
    *(st.none() | TEXTS, st.none() | TEXTS, st.none() | FLOATS, st.none() | FLOATS),
)
RECORDS = st.builds(
    ItemRecord,
    *(st.integers(1, 2**50), DIGESTS, METAS, st.lists(FILES, max_size=2).map(tuple)),
    *(st.lists(TEXTS, max_size=3).map(tuple), st.none() | TEXTS),
)
ODD = ItemRecord(
    *(1, digest(1), ImageMeta('J"PEG', 2**63 - 1, 0, "\u2028\u2029", "\x7f\\", 5e-324, -1e300)),
    *((FileRef(b"/\xff", 1, 2),), ('say "it"', "", "\x00\n\u2028 é 🙂"), "2026-11-28T09:00:00"),
)


@given(RECORDS)
@example(ODD)
def test_a_packed_item_comes_back_whole(record):
    packed = pack_item(record)
    again = unpack_item(record.id, packed, record.files)
    assert again == record
    assert pack_item(again) == packed
    assert content_of(packed) == record.sha256


def test_the_packed_form_of_a_picture_and_of_a_text():
    picture = ItemRecord(7, "ab", ImageMeta("JPEG", 640, 480, camera="Acme"), added="2026-01-02")
    assert pack_item(picture) == b'["ab",[],"2026-01-02","JPEG",640,480,null,"Acme",null,null]'
    text = ItemRecord(1 << 40, "cd", ImageMeta("TEXT", 0, 0), captions=("a dög",))
    assert pack_item(text) == '["cd",["a dög"],null,"TEXT",0,0]'.encode()


@pytest.mark.parametrize("degrees", [-0.0, float("nan"), float("inf")])
def test_numbers_are_packed_as_a_database_gives_them_back(degrees):
    given_ = ItemRecord(1, "ab", ImageMeta("JPEG", 1, 1, latitude=degrees, longitude=2.5))
    stored = 0.0 if degrees == 0 else None
    clean = ItemRecord(1, "ab", ImageMeta("JPEG", 1, 1, latitude=stored, longitude=2.5))
    assert pack_item(given_) == pack_item(clean)
    assert b"-" not in pack_item(given_)
