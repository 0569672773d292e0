"""The manifest: its bytes, its seal, its versions, and which one is the newest."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import CollectionMissingError, CorruptCollectionError, FormatVersionError
from retrieval.model import EncoderInfo
from retrieval.store.hubness_record import HubnessRecall, HubnessRecord
from retrieval.store.manifest import (
    FORMAT_VERSION,
    CatalogueLocation,
    FileEntry,
    GalleryEntry,
    IndexRecord,
    Manifest,
    ModeRecord,
    RecallRecord,
    SegmentEntry,
    codebook_entry,
    decode_manifest,
    encode_manifest,
    manifest_path,
    manifest_paths,
    newest_manifest,
)

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
COUNTS = st.integers(0, 2**40)
FILES = st.builds(
    FileEntry, st.from_regex(r"[a-z]{1,8}/[a-z0-9]{1,8}", fullmatch=True), COUNTS, TEXTS
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
UNKNOWN = st.dictionaries(st.sampled_from(["router", "means"]), TEXTS | COUNTS | st.none())
SEGMENTS = st.builds(
    SegmentEntry,
    TEXTS,
    COUNTS,
    st.lists(FILES, max_size=3).map(tuple),
    st.lists(FILES, max_size=2).map(tuple),
    UNKNOWN,
)
RECALLS = st.builds(RecallRecord, TEXTS, COUNTS, FLOATS, FLOATS, COUNTS)
MODES = st.builds(ModeRecord, TEXTS, FLOATS, COUNTS, COUNTS, st.booleans(), RECALLS, FLOATS)
INDEXES = st.builds(
    IndexRecord,
    *(TEXTS, FILES, st.lists(MODES, max_size=3).map(tuple), COUNTS, COUNTS, FLOATS),
    st.none() | FILES,
)
HUBNESS = st.builds(
    HubnessRecord,
    *(FLOATS, COUNTS, st.none() | FILES, st.sampled_from(["collection", "generated"])),
    *(COUNTS, COUNTS, COUNTS, COUNTS),
    st.lists(st.builds(HubnessRecall, COUNTS, FLOATS, FLOATS, FLOATS), max_size=3).map(tuple),
)
GALLERIES = st.builds(
    GalleryEntry,
    COUNTS,
    st.lists(SEGMENTS, max_size=2).map(tuple),
    st.none() | INDEXES,
    st.none() | FILES,
    COUNTS,
    UNKNOWN,
    st.none() | HUBNESS,
)
LOCATIONS = st.builds(CatalogueLocation, st.just("sqlite"), TEXTS) | st.builds(
    CatalogueLocation,
    st.just("postgresql"),
    TEXTS,
    st.none() | TEXTS.filter(bool),
    st.none() | st.integers(1, 65535),
    st.none() | TEXTS.filter(bool),
)
MANIFESTS = st.builds(
    Manifest,
    st.just(FORMAT_VERSION),
    st.integers(1, 10**11),
    TEXTS,
    st.builds(
        EncoderInfo,
        *(TEXTS, COUNTS, TEXTS, st.dictionaries(TEXTS, TEXTS)),
        st.lists(TEXTS).map(tuple),
    ),
    LOCATIONS,
    st.lists(st.binary(max_size=6), max_size=3).map(tuple),
    st.dictionaries(st.sampled_from(["images", "texts"]), GALLERIES),
    st.lists(FILES, max_size=2).map(tuple),
    st.dictionaries(st.sampled_from(["tags", "later"]), TEXTS),
)
ENCODER = EncoderInfo("mini", 3, "a" * 64)


def manifest(generation=1, **fields):
    location = CatalogueLocation("sqlite", "key")
    return Manifest(FORMAT_VERSION, generation, "key", ENCODER, location, **fields)


def write(folder, *generations):
    for generation in generations:
        manifest_path(folder, generation).write_bytes(encode_manifest(manifest(generation)))


def seal(section):
    body = json.dumps(section).encode() + b"\n"
    return body + b"#sha256 " + sha256(body).hexdigest().encode() + b"\n"


def section_of(data):
    return json.loads(data.rpartition(b"#sha256 ")[0])


@given(MANIFESTS)
def test_what_is_encoded_is_what_is_decoded(tmp_path_factory, made):
    path = manifest_path(tmp_path_factory.getbasetemp(), made.generation)
    data = encode_manifest(made)
    found = decode_manifest(data, path)
    assert found == made
    assert found.digest == sha256(data.rpartition(b"#sha256 ")[0]).hexdigest()
    assert encode_manifest(found) == data


def test_the_last_line_seals_the_bytes_above(tmp_path):
    data = encode_manifest(manifest())
    lines = data.splitlines(keepends=True)
    above = b"".join(lines[:-1])
    assert lines[-1] == b"#sha256 " + sha256(above).hexdigest().encode() + b"\n"
    assert json.loads(above)["format_version"] == FORMAT_VERSION


def test_every_flipped_bit_and_every_cut_is_found(tmp_path):
    data = encode_manifest(manifest())
    path = manifest_path(tmp_path, 1)
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << (position % 8)
        with pytest.raises(CorruptCollectionError):
            decode_manifest(bytes(flipped), path)
        with pytest.raises(CorruptCollectionError):
            decode_manifest(data[:position], path)


def test_a_later_format_is_refused_with_the_version_needed(tmp_path):
    section = section_of(encode_manifest(manifest()))
    section |= {"format_version": 99, "readable_since": "0.9", "galleries": "of another shape"}
    path = manifest_path(tmp_path, 1)
    with pytest.raises(FormatVersionError, match="format 99") as caught:
        decode_manifest(seal(section), path)
    assert caught.value.hint == "install polyseek 0.9 or newer"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"generation": "one"}, "'generation' must be a whole number"),
        ({"generation": True}, "'generation' must be a whole number"),
        ({"key": None}, "'key' must be a text"),
        ({"galleries": []}, "'galleries' must be an object"),
        ({"changes": {}}, "'changes' must be a list"),
        ({"roots": [3]}, "'path' must be an object"),
        ({"roots": [{"base64": "%"}]}, "cannot be read"),
        ({"catalogue": {"kind": "oracle", "key": "k"}}, "'oracle' is unknown"),
        ({"changes": [{"name": "../x", "size_bytes": 1, "sha256": ""}]}, "leads out"),
        ({"changes": [{"name": "/etc/x", "size_bytes": 1, "sha256": ""}]}, "leads out"),
    ],
)
def test_a_sealed_manifest_that_makes_no_sense_is_refused(tmp_path, change, what):
    section = section_of(encode_manifest(manifest())) | change
    with pytest.raises(CorruptCollectionError, match=what):
        decode_manifest(seal(section), manifest_path(tmp_path, 1))


def test_a_manifest_under_another_name_is_refused(tmp_path):
    data = encode_manifest(manifest(3))
    with pytest.raises(CorruptCollectionError, match="holds generation 3"):
        decode_manifest(data, manifest_path(tmp_path, 4))


def test_sections_of_a_later_version_are_kept(tmp_path):
    section = section_of(encode_manifest(manifest(galleries={"images": GalleryEntry(1)})))
    file = {"name": "galleries/images/router-1", "size_bytes": 1, "sha256": "ab"}
    section["tags"] = {"n": 1}
    section["galleries"]["images"]["routers"] = {"text": [file]}
    found = decode_manifest(seal(section), manifest_path(tmp_path, 1))
    later = section_of(encode_manifest(replace(found, generation=2)))
    assert later["tags"] == {"n": 1}
    assert later["galleries"]["images"]["routers"] == {"text": [file]}
    assert found.file_names() == {"galleries/images/router-1"}


def test_files_lists_every_file_and_file_names_no_other():
    book = codebook_entry("images", b"book")
    assert book.name == f"galleries/images/codebook-{sha256(b'book').hexdigest()[:24]}.faiss"
    segment = SegmentEntry("s", 1, (FileEntry("a/ids.npy", 1, "x"),), (FileEntry("a/c", 1, "x"),))
    index = IndexRecord("ivf1,pq1", book, (), 1, 0, 0.0)
    gallery = GalleryEntry(2, (segment,), index, FileEntry("tombs", 1, "x"), 1)
    made = manifest(galleries={"images": gallery}, changes=(FileEntry("log", 1, "x"),))
    names = {file.name for file in made.files()}
    assert names == {"a/ids.npy", "a/c", book.name, "tombs", "log"} == made.file_names()
    assert gallery.n_rows == 1
    assert gallery.n_items == 0


def test_the_highest_generation_that_verifies_is_the_newest(tmp_path):
    write(tmp_path, 1, 2, 10)
    assert list(manifest_paths(tmp_path)) == [10, 2, 1]
    found, warnings = newest_manifest(tmp_path)
    assert (found.generation, warnings) == (10, ())
    manifest_path(tmp_path, 10).write_bytes(b"{}")
    found, warnings = newest_manifest(tmp_path)
    assert found.generation == 2
    assert "manifest-000000000010.json is damaged" in warnings[0]


def test_files_with_other_names_are_no_manifests(tmp_path):
    write(tmp_path, 1)
    for name in (
        "manifest-2.json",
        ".tmp-manifest-000000000003.json",
        "manifest-000000000004.json~",
    ):
        (tmp_path / name).write_bytes(b"")
    assert newest_manifest(tmp_path)[0].generation == 1


def test_without_one_that_verifies_it_raises(tmp_path):
    with pytest.raises(CollectionMissingError):
        newest_manifest(tmp_path)
    with pytest.raises(CollectionMissingError):
        newest_manifest(tmp_path / "absent")
    write(tmp_path, 1, 2)
    for generation in (1, 2):
        manifest_path(tmp_path, generation).write_bytes(b"")
    with pytest.raises(CorruptCollectionError, match=r"2 tried"):
        newest_manifest(tmp_path)


def test_a_newer_format_is_not_stepped_back_from(tmp_path):
    write(tmp_path, 1, 2)
    section = section_of(manifest_path(tmp_path, 2).read_bytes()) | {"format_version": 9}
    manifest_path(tmp_path, 2).write_bytes(seal(section))
    with pytest.raises(FormatVersionError):
        newest_manifest(tmp_path)
