"""Filters and tags through the installed command, on photographs with what cameras write."""

import pytest
from PIL import Image

from cli.demo import copy_photographs
from tests.e2e.test_cli import answer, names, run

CAMERAS = {
    # name: (make, model, date, latitude and its half, longitude and its half)
    "coffee.png": ("Canon", "Canon EOS 5D", "2023:12:31 23:59:59", None),
    "china.jpg": (
        "NIKON CORPORATION",
        "NIKON D750",
        "2024:05:06 07:08:09",
        (40.0, "N", 116.4, "E"),
    ),
    "flower.jpg": ("Canon", "Canon EOS R5", "2024:05:07 08:00:00", (17.8, "S", 178.5, "E")),
    "rocket.jpg": ("Apple", "iPhone 15", "2024:08:01 12:00:00", (13.8, "S", 172.1, "W")),
}


def degrees(value):
    whole = int(value)
    return (float(whole), round(value % 1 * 60, 6), 0.0)


def write_exif(path, make, model, date, place):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = make, model
    exif.get_ifd(0x8769)[0x9003] = date
    if place:
        latitude, north, longitude, east = place
        exif.get_ifd(0x8825).update(
            {1: north, 2: degrees(latitude), 3: east, 4: degrees(longitude)}
        )
    with Image.open(path) as image:
        image.load()
        image.save(path, exif=exif)


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    pytest.importorskip("skimage", reason="the sample photographs come with polyseek[demo]")
    folder = tmp_path_factory.mktemp("dated")
    copy_photographs(folder / "photos")
    (folder / "photos" / "away").mkdir()
    for name, written in CAMERAS.items():
        write_exif(folder / "photos" / name, *written)
    (folder / "photos" / "rocket.jpg").rename(folder / "photos" / "away" / "rocket.jpg")
    (folder / "photos" / "china.txt").write_text("A pavilion among trees, near a lake")
    answer(folder, "index", "photos", "--json")
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("has camera", set(CAMERAS)),
        ("camera ~ canon", {"coffee.png", "flower.jpg"}),
        ("taken >= 2024-01-01", {"china.jpg", "flower.jpg", "rocket.jpg"}),
        ("taken = 2024-05", {"china.jpg", "flower.jpg"}),
        ("taken between 2023 and 2024-05-06", {"coffee.png", "china.jpg"}),
        ("camera ~ canon and not taken > 2023", {"coffee.png"}),
        ("gps in (30, 100, 50, 120)", {"china.jpg"}),
        ("gps in (-20, 170, -10, -170)", {"flower.jpg", "rocket.jpg"}),
        ("has camera and not has gps", {"coffee.png"}),
        ("folder ~ /away/", {"rocket.jpg"}),
        ("format = JPEG and has camera and bytes > 1kB", {"china.jpg", "flower.jpg", "rocket.jpg"}),
        ("caption ~ PAVILION", {"china.jpg"}),
        ("has camera and added >= 2024 and width > 1 and height > 1", set(CAMERAS)),
    ],
)
def test_photographs_are_found_by_what_cameras_wrote(album, text, expected):
    assert set(names(run(album, "query", "a photograph", "-f", "-k", "50", "-w", text))) == expected


def test_tags_take_part_in_filters_until_their_items_go(album):
    done = run(album, "tag", "add", "asia", "--where", "gps in (0, 60, 60, 150)")
    assert done.stdout == b"tagged 1 items\n"
    assert run(album, "tag", "add", "sea", "photos/flower.jpg", "photos/away").returncode == 0
    asked = ("query", "a photograph", "-f", "--where", 'tag in ("sea", "asia") and taken < 2024-08')
    assert set(names(run(album, *asked))) == {"china.jpg", "flower.jpg"}
    assert answer(album, "collection", "repair", "--json")["items"] > 4
    assert set(names(run(album, *asked))) == {"china.jpg", "flower.jpg"}
    assert answer(album, "collection", "verify", "--json")["ok"]
    assert run(album, "tag", "list").stdout == b"asia\t1\nsea\t2\n"


def test_captions_are_filtered_as_texts(album):
    found = answer(
        album,
        "query",
        "-i",
        "photos/china.jpg",
        "--target",
        "texts",
        "--json",
        "-w",
        "caption ~ lake",
    )
    assert (found["matching"], len(found["hits"])) == (1, 1)


def test_a_filter_that_is_wrong_or_matches_nothing(album):
    done = run(album, "query", "x", "--where", "taken > 2024-01-01 and iso > 100")
    assert done.returncode == 2
    shown, caret = done.stderr.decode().splitlines()[1:3]
    assert shown[caret.index("^") :].startswith("iso")
    done = run(album, "query", "x", "-w", "width > 100000", "--fail-empty")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"matched nothing" in done.stderr
