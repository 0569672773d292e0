"""Worked examples of what a filter lets through."""

import pytest

from retrieval.model import FileRef, ImageMeta, ItemRecord
from retrieval.store.filters.grammar import parse_filter
from retrieval.store.filters.match import Candidate, matches
from retrieval.store.folding import fold, fold_all

FILES = (
    FileRef(b"/photos/2024/Dog.JPG", 5_000_000, 0),
    FileRef(b"/backup/2024.old/dog.jpg", 4_000_000, 0),
)
META = ImageMeta("JPEG", 4000, 3000, "2024-05-06T07:08:09", "Canon EOS 5D", 52.5, 13.4)
DOG = Candidate(
    ItemRecord(1, "ab", META, FILES, ("A dog",), "2026-11-24T10:00:00"),
    tags=("Beach", "été"),
    captions=("Un chien",),
)
BARE = Candidate(ItemRecord(2, "cd", ImageMeta("PNG", 10, 20), (FileRef(b"/x.png", 7, 0),)))
FIJI = Candidate(
    ItemRecord(3, "ef", ImageMeta("PNG", 1, 1, None, None, -17.8, 178.4), (FileRef(b"/f", 1, 0),))
)


@pytest.mark.parametrize(
    "text",
    [
        "width = 4000 and width <= 4000 and width >= 4000 and width != 3999",
        "width < 4001 and width > 3999 and not width < 4000 and not width > 4000",
        "bytes = 5MB and bytes = 4MB and bytes between 4MB and 4MB",
        "bytes != 4MB",  # the other file has another size
        "taken = 2024 and taken = 2024-05 and taken = 2024-05-06 and taken = 2024-05-06T07:08",
        "taken >= 2024-05-06 and taken <= 2024-05-06 and taken > 2024-05-05 and taken < 2024-06",
        "taken between 2024 and 2024 and taken != 2023",
        "not taken > 2024 and not taken < 2024-05-06",
        "camera = 'canon eos 5d' and camera ~ EOS and not camera = canon",
        "format = jpeg and format in (png, jpeg)",
        "path = /photos/2024/dog.jpg and path ~ OLD/DOG",
        "folder = /photos and folder = /photos/2024 and folder = /PHOTOS/2024/",
        "not folder = /photos/20 and folder ~ 2024.old and not folder ~ dog",
        "folder != /photos",  # the copy is elsewhere
        "tag = beach and tag ~ ea and tag in (sea, ÉTÉ) and tag != beach",
        "caption = 'a DOG' and caption ~ chien and has caption",
        "gps in (52, 13, 53, 14) and gps in (52.5, 13.4, 52.5, 13.4)",
        "not gps in (52, 14, 53, 13)",
        "added = 2026-11-24 and added > 2026-11-23",
    ],
)
def test_true_of_the_dog(text):
    for part in text.split(" and "):
        if " between " not in text:
            assert matches(parse_filter(part), DOG), part
    assert matches(parse_filter(text), DOG)


@pytest.mark.parametrize("field", ["taken", "camera", "gps", "tag", "caption", "added"])
def test_a_missing_value_satisfies_no_comparison_and_every_complement(field):
    comparisons = {
        "taken": ["taken = 2024", "taken != 2024", "taken < 2024", "taken >= 2024"],
        "camera": ["camera = x", "camera != x", 'camera ~ ""'],
        "gps": ["gps in (-90, -180, 90, 180)"],
        "tag": ["tag = x", "tag != x", 'tag ~ ""', "tag in (x)"],
        "caption": ["caption = x", "caption != x", 'caption ~ ""'],
        "added": ["added != 2024", "added between 2000 and 2100"],
    }
    for text in (f"has {field}", *comparisons[field]):
        assert not matches(parse_filter(text), BARE)
        assert matches(parse_filter(f"not ({text})"), BARE)


def test_a_box_can_go_across_the_180th_meridian():
    assert matches(parse_filter("gps in (-20, 170, -10, -170)"), FIJI)
    assert not matches(parse_filter("gps in (-20, -170, -10, 170)"), FIJI)
    assert not matches(parse_filter("gps in (-10, 170, 0, -170)"), FIJI)


def test_texts_have_no_size():
    text = Candidate(ItemRecord(1 << 40, "ef", ImageMeta("TEXT", 0, 0), FILES, ("a dog",)))
    assert not matches(parse_filter("width < 100 or height >= 0"), text)
    assert matches(parse_filter("caption ~ dog and bytes > 1"), text)


@pytest.mark.parametrize(
    ("left", "right"),
    [("Straße", "STRASSE"), ("e\u0301", "É"), ("ΣΑΣ", "σας"), ("ﬁn", "FIN"), ("a\x1fb", "a b")],
)
def test_texts_that_differ_in_case_only_fold_alike(left, right):
    assert fold(left) == fold(right)
    assert fold(fold(left)) == fold(left)


def test_many_texts_fold_into_one_with_marks_around_each():
    assert fold_all(["A", "", "\x1e"]) == "\x1ea\x1f\x1e\x1f\x1e \x1f"
    assert fold_all([]) == ""
