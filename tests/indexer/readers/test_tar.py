"""Archives: members read in place, names that lead out, damage of every kind."""

import gzip
import io
import os
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.readers.base import Caption, Skip
from indexer.readers.globs import Globs
from indexer.readers.tar import TarReader
from retrieval.errors import ImageError, SourceError
from tests.contracts.reader import ReaderContract, Source
from tests.indexer.readers.kit import member, png, relative, write_tar


def reader(path, **patterns):
    return TarReader(os.fsencode(path), Globs.parse(**patterns))


def listed(path, **patterns):
    made = reader(path, **patterns)
    return relative(made.root, [file.path for file in made.read().files])


def said(reader):
    """Captions by picture, and what could not be read."""
    found = [entry for each in reader.read().captions for entry in each.read()]
    return {(os.path.basename(each.image), each.text) for each in found}


class TestContract(ReaderContract):
    @pytest.fixture
    def source(self, tmp_path):
        path = tmp_path / "shard.tar"
        pictures = {f"{i // 3}/{i:03}.png": png(i) for i in range(7)}
        members = [(name, content) for name, content in pictures.items()]
        members += [("0/000.txt", b"a dog\ntwo dogs"), ("0/001.json", b'{"caption": "a cat"}')]
        members += [("0/link.png", b""), ("notes.md", b"x")]
        members[-2] = (member("0/link.png", tarfile.SYMTYPE, "/etc/passwd"), b"")
        write_tar(path, members)
        root = os.fsencode(path)
        return Source(
            make=lambda: reader(path),
            contents={root + b"/" + os.fsencode(name): each for name, each in pictures.items()},
            strangers=[root, root + b"2/a.png", os.fsencode(tmp_path / "0" / "000.png")],
            cut=lambda: os.truncate(path, 1300),
            empty=lambda: write_tar(path, []),
            skipped={root + b"/0/link.png": "symbolic link"},
            n_captions=2,
        )


def test_names_are_taken_apart_and_put_together(tmp_path):
    names = ["./a.png", "b//c.PNG", "d/./e.jpg", ".hidden.png", "f/.g/h.png", "._a.png", "film.mp4"]
    path = write_tar(tmp_path / "s.tar", [(name, b"x") for name in names])
    assert listed(path) == [b"a.png", b"b/c.PNG", b"d/e.jpg"]


@pytest.mark.parametrize(
    "name", ["../a.png", "/etc/a.png", "x/../../a.png", "a/..", "..", "ok/../b.png"]
)
def test_a_name_that_leads_out_is_skipped_and_nothing_outside_is_read(tmp_path, name):
    (tmp_path / "a.png").write_bytes(b"outside")
    path = write_tar(tmp_path / "s.tar", [(name, b"inside"), ("good.png", b"good")])
    listing = reader(path).read()
    assert relative(os.fsencode(path), [file.path for file in listing.files]) == [b"good.png"]
    if name.endswith(".png"):
        there = os.fsencode(path) + b"/" + name.encode()
        assert listing.skips == (Skip(there, "unsafe name in the archive"),)


def test_links_and_devices_are_skipped_with_a_reason(tmp_path):
    kinds = {
        "block.png": tarfile.BLKTYPE,
        "fifo.png": tarfile.FIFOTYPE,
        "hard.png": tarfile.LNKTYPE,
        "soft.png": tarfile.SYMTYPE,
    }
    members = [(member(name, kind, "good.png"), b"") for name, kind in kinds.items()]
    path = write_tar(tmp_path / "s.tar", [("good.png", b"good"), *members])
    assert [skip.reason for skip in reader(path).read().skips] == [
        "not a regular file",
        "not a regular file",
        "hard link",
        "symbolic link",
    ]


def test_the_last_of_one_name_counts(tmp_path):
    link = member("b.png", tarfile.SYMTYPE, "x")
    path = write_tar(
        tmp_path / "s.tar", [("a.png", b"old"), ("b.png", b"b"), ("./a.png", b"new"), (link, b"")]
    )
    made = reader(path)
    listing = made.read()
    assert [made.fetch(file)[1] for file in listing.files] == [b"new"]
    assert [skip.reason for skip in listing.skips] == ["symbolic link"]


def test_long_and_foreign_names(tmp_path):
    names = ["x" * 300 + ".png", "犬/ü.png", os.fsdecode(b"\xff\xfe.png")]
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        path = write_tar(
            tmp_path / "s.tar",
            [(name, name.encode("utf-8", "surrogateescape")) for name in names],
            format=form,
        )
        made = reader(path)
        for file in made.read().files:
            inside = file.path.removeprefix(made.root + b"/")
            assert made.fetch(file)[1] == inside


def test_patterns_apply_to_the_name_inside(tmp_path):
    path = write_tar(tmp_path / "s.tar", [(name, b"x") for name in ("a/b.png", "c.png", "a/d.jpg")])
    assert listed(path, include=["*.png"]) == [b"a/b.png", b"c.png"]
    assert listed(path, exclude=["/a"]) == [b"c.png"]
    assert not reader(path, exclude=["/a"]).covers(os.fsencode(path) + b"/a/b.png")


def test_what_stands_beside_a_picture_is_its_caption(tmp_path):
    members = [
        *((name, b"x") for name in ("0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "4.png", "5.jpg")),
        ("0.txt", b"a dog\n\nthe dog\n"),
        ("0.json", b'{"caption": "not read: the text file goes first"}'),
        ("1.caption", "ein Hund über".encode("latin-1")),
        ("2.json", b'{"caption": ["one", " two\\n words ", " "], "width": 3}'),
        ("3.json", b'{"url": "http://x"}'),
        ("4.json", b'{"caption": "both"}'),
        ("lonely.txt", b"nobody's"),
    ]
    made = reader(write_tar(tmp_path / "s.tar", members))
    assert said(made) == {
        (b"0.jpg", "a dog"),
        (b"0.jpg", "the dog"),
        (b"1.jpg", "ein Hund über"),
        (b"2.jpg", "one"),
        (b"2.jpg", "two words"),
        (b"4.jpg", "both"),
        (b"4.png", "both"),
    }
    first = made.read().captions[0]
    assert first.images == (made.root + b"/0.jpg",)
    assert next(iter(first.read())) == Caption("a dog", made.root + b"/0.jpg")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no JSON object"),
        (b'{"caption": 3}', "caption is no text"),
        (b'{"caption": ["a", null]}', "caption is no text"),
        (b" " * (1 << 20) + b"{}", "captions file too large"),
    ],
)
def test_a_caption_that_cannot_be_read_says_why(tmp_path, content, reason):
    made = reader(write_tar(tmp_path / "s.tar", [("0.jpg", b"x"), ("0.json", content)]))
    (each,) = made.read().captions
    with pytest.raises(ImageError, match=reason):
        list(each.read())


def test_an_archive_cut_in_a_picture_lists_what_is_whole(tmp_path):
    path = write_tar(tmp_path / "s.tar", [(f"{i}.png", bytes(2000)) for i in range(4)])
    os.truncate(path, 2 * 2560 + 512 + 1000)  # two members, the header of a third and half of it
    listing = reader(path).read()
    assert relative(os.fsencode(path), [file.path for file in listing.files]) == [
        b"0.png",
        b"1.png",
    ]
    assert listing.skips == (Skip(os.fsencode(path), "truncated archive"),)


@pytest.mark.parametrize("size", [2560, 2560 + 100, 2560 + 512])
def test_a_cut_between_members_or_in_a_header_is_seen(tmp_path, size):
    path = write_tar(tmp_path / "s.tar", [(f"{i}.png", bytes(2000)) for i in range(4)])
    os.truncate(path, size)
    listing = reader(path).read()
    assert len(listing.files) == 1
    assert [skip.reason for skip in listing.skips] == ["truncated archive"]


def test_rubbish_in_the_middle_is_seen(tmp_path):
    path = write_tar(tmp_path / "s.tar", [(f"{i}.png", bytes(2000)) for i in range(4)])
    with path.open("r+b") as opened:
        opened.seek(2560)
        opened.write(b"\xab" * 512)
    listing = reader(path).read()
    assert len(listing.files) == 1
    assert [skip.reason for skip in listing.skips] == ["truncated archive"]


def test_what_a_cut_archive_no_longer_shows_is_not_gone(tmp_path):
    path = write_tar(tmp_path / "s.tar", [(f"{i}.png", bytes(2000)) for i in range(4)])
    os.truncate(path, 5000)
    made = reader(path)
    made.read()
    assert not made.is_gone(made.root + b"/3.png")


def test_a_member_that_was_taken_out_is_gone_and_a_hidden_one_is_not(tmp_path):
    path = write_tar(tmp_path / "s.tar", [("a.png", b"a"), ("b/.c.png", b"c")])
    made = reader(path)
    made.read()
    assert made.is_gone(made.root + b"/old.png")
    assert not made.is_gone(made.root + b"/b/.c.png")


def test_an_archive_that_changed_since_is_not_read(tmp_path):
    path = write_tar(tmp_path / "s.tar", [("a.png", b"a" * 600)])
    made = reader(path)
    (file,) = made.read().files
    os.utime(path, ns=(1, 1))
    with pytest.raises(ImageError, match="changed since"):
        made.fetch(file)
    os.unlink(path)
    with pytest.raises(FileNotFoundError):
        made.fetch(file)
    assert made.is_gone(b"/no/such") is True


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG", b"x" * 5000, gzip.compress(bytes(20_000))],
    ids=["empty", "a picture", "text", "zipped"],  # a zipped file holds the time of its making
)
def test_what_is_no_archive_is_an_error(tmp_path, content):
    path = tmp_path / "s.tar"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="is empty" if not content else "is not a tar") as error:
        reader(path).read()
    assert "unpacked" in error.value.hint


def test_a_pipe_as_archive_cannot_block(tmp_path):
    os.mkfifo(tmp_path / "s.tar")
    with pytest.raises(SourceError, match="not a regular file"):
        reader(tmp_path / "s.tar").read()


def test_sizes_that_lead_back_do_not_run_in_circles(tmp_path):
    header = tarfile.TarInfo("a.png")
    header.size = -1024
    with pytest.raises(ValueError, match="overflow"):
        header.tobuf(tarfile.USTAR_FORMAT)
    block = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    path = tmp_path / "s.tar"
    good = io.BytesIO()
    with tarfile.open(fileobj=good, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("good.png"))
    path.write_bytes(good.getvalue()[:512] + bytes(block) + bytes(1024))
    listing = reader(path).read()
    assert [skip.reason for skip in listing.skips] == ["truncated archive"]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_flipped_bytes_never_give_wrong_bounds_or_other_errors(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("flip")
    path = write_tar(
        folder / "s.tar", [("x" * 150 + ".png", b"a" * 700), ("b.png", b"b"), ("b.txt", b"hi")]
    )
    content = bytearray(path.read_bytes()[:6000])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    made = reader(path)
    try:
        listing = made.read()
    except SourceError:
        return
    for file in listing.files:
        assert len(made.fetch(file)[1]) == file.size_bytes <= len(content)
    for each in listing.captions:
        list(each.read())
