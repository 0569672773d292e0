"""Data of one's own: every form of captions, languages, rules, and all that is refused."""

import json

import pytest

from benchmarks.datasets import registry
from benchmarks.datasets.base import DatasetError, LoadOptions
from benchmarks.datasets.own import read_own, spec_of
from tests.benchmarks.datasets.kit import touch, write

TOML = 'name = "garden"\nsplit = "2024"\nimages = "pictures"\ncaptions = "{}"\n'
CSV = """\
image,caption
rose.jpg,"A rose, red"
rose.jpg,A flower
pond/frog.png,A frog
"""
LANGUAGES = """\
image\tcaption\tlanguage\tid\textra
rose.jpg\tA rose\ten\ta\t1
rose.jpg\tEine Rose\tde\tb\t2
frog.png\tEin Frosch\tDE\tc\t3
"""
COCO = {
    "images": [{"id": 1, "file_name": "rose.jpg"}, {"id": 2, "file_name": "pond/frog.png"}],
    "annotations": [
        {"id": 11, "image_id": 1, "caption": "A rose, red"},
        {"id": 12, "image_id": 2, "caption": "A frog"},
        {"id": 13, "image_id": 1, "caption": "A flower"},
    ],
}
LINES = [
    {"image": "rose.jpg", "caption": "A rose, red", "id": 1},
    {"image": "rose.jpg", "caption": "A flower", "id": 2},
    {"image": "pond/frog.png", "caption": "A frog", "id": "3"},
]


@pytest.fixture
def folder(tmp_path):
    touch(tmp_path, "pictures/rose.jpg", "pictures/pond/frog.png", "pictures/unsaid.jpg")
    return tmp_path


def own(folder, captions, content=None, *, more="", name="captions.csv"):
    """The data sets that a TOML file beside the pictures tells of."""
    write(folder, {"my.toml": TOML.format(name if content else captions) + more})
    if content:
        write(folder, {name: content})
    return registry.dataset(str(folder / "my.toml"))


def load(folder, content, name="captions.csv", more="", **options):
    spec = own(folder, name, content, more=more, name=name)
    return registry.load(spec, folder / "elsewhere", LoadOptions(**options))


@pytest.mark.parametrize(
    ("name", "content", "keys"),
    [
        ("captions.csv", CSV, ("rose.jpg#0", "rose.jpg#1", "pond/frog.png#0")),
        ("captions.csv", "\ufeff" + CSV.replace("\n", "\r\n"), None),
        ("captions.TSV", CSV.replace(",", "\t").replace('"A rose\t red"', "A rose, red"), None),
        ("captions.jsonl", "\n".join(map(json.dumps, LINES)), ("1", "2", "3")),
        ("captions.json", COCO, ("11", "13", "12")),
    ],
)
def test_every_form_of_captions_says_the_same(folder, name, content, keys):
    (found,) = load(folder, content, name)
    assert [each.key for each in found.pictures] == ["rose.jpg", "pond/frog.png"]
    assert found.pictures[1].path == folder / "pictures" / "pond" / "frog.png"
    assert found.texts == ("A rose, red", "A flower", "A frog")
    assert found.picture_of.tolist() == [0, 0, 1]
    assert keys is None or found.text_keys == keys
    origin = found.origin
    assert (origin.name, origin.split, origin.rule, origin.is_known) == (
        "garden",
        "2024",
        "all",
        False,
    )
    assert list(origin.sha256) == [name]


def test_files_of_lines_belong_to_the_pictures_of_their_names(folder):
    write(folder, {"said/rose.txt": "A rose, red\n\n A flower \n", "said/pond/frog.txt": "A frog"})
    write(folder, {"said/gone.txt": "A cat"})
    spec = own(folder, "said")
    (found,) = registry.load(spec, folder, LoadOptions())
    assert [each.key for each in found.pictures] == ["pond/frog.png", "rose.jpg"]
    assert found.texts == ("A frog", "A rose, red", "A flower")
    assert found.missing == ("gone",)
    before = dict(found.origin.sha256)
    assert list(before) == ["said/**.txt"]
    write(folder, {"said/pond/frog.txt": "A toad"})
    assert registry.load(spec, folder, LoadOptions())[0].origin.sha256 != before


def test_a_column_tells_the_language(folder):
    (folder / "pictures" / "pond" / "frog.png").rename(folder / "pictures" / "frog.png")
    english, german = load(folder, LANGUAGES, "captions.tsv", languages=("all",))
    assert (english.language, english.texts) == ("en", ("A rose",))
    assert (german.language, german.texts) == ("de", ("Eine Rose", "Ein Frosch"))
    assert german.text_keys == ("b", "c")
    assert [each.language for each in load(folder, LANGUAGES, "captions.tsv")] == ["en"]
    (alone,) = load(folder, LANGUAGES, "captions.tsv", languages=("de",))
    assert alone.language == "de"
    with pytest.raises(DatasetError, match="garden has no language 'fr'"):
        load(folder, LANGUAGES, "captions.tsv", languages=("fr",))


def test_what_the_file_says_of_all_captions(folder):
    more = 'language = "pt-BR"\nrule = "first"\nlicence = "mine"\nfolds = 2\n'
    (found,) = load(folder, CSV, more=more)
    assert (found.language, found.folds, found.origin.licence) == ("pt-BR", 2, "mine")
    assert (found.origin.rule, found.texts) == ("first", ("A rose, red", "A frog"))
    (found,) = load(folder, CSV, more=more, captions="first5", split="2024")
    assert (found.origin.rule, len(found.texts)) == ("first5", 3)


def test_a_rule_keeps_the_first_five(folder):
    six = "image,caption\n" + "".join(f"rose.jpg,A rose {n}\n" for n in range(6))
    (found,) = load(folder, six, captions="first5")
    assert found.texts == tuple(f"A rose {n}" for n in range(5))


def test_a_picture_that_is_not_there_is_named(folder):
    (folder / "pictures" / "rose.jpg").unlink()
    (found,) = load(folder, CSV)
    assert (found.missing, found.texts) == (("rose.jpg",), ("A frog",))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("name =", "is no TOML", ""),
        (TOML.format("a.csv") + 'langauge = "de"', "the key 'langauge'", "there is language"),
        (TOML.format("a.csv") + 'colour = "de"', "the key 'colour'", "name, split, images"),
        ('name = "a"\nsplit = "b"\nimages = "c"', "has no captions", "it needs name"),
        (TOML.format("a.csv").replace('"2024"', "2024"), "split is 2024", ""),
        (TOML.format("a.csv").replace("garden", " "), "name is empty", ""),
        (TOML.format("a.csv") + 'language = ""', "language is empty", ""),
        (TOML.format("a.csv") + 'language = "no language"', "no language", "a tag such as de"),
        (TOML.format("a.csv") + 'rule = "last"', "the rule 'last'", "all, first5, first"),
        (TOML.format("a.csv") + "folds = 0", "folds is 0", ""),
        (TOML.format("a.csv") + "folds = true", "folds is True", ""),
        (TOML.format("a.csv") + 'folds = "2"', "folds is '2'", ""),
    ],
)
def test_toml_files_that_say_something_else_are_refused(tmp_path, text, message, hint):
    write(tmp_path, {"my.toml": text})
    with pytest.raises(DatasetError, match=message) as caught:
        read_own(tmp_path / "my.toml")
    assert hint in (caught.value.hint or "")


def test_toml_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"cannot read .*absent\.toml: No such file"):
        registry.dataset(str(tmp_path / "absent.toml"))
    write(tmp_path, {"my.toml": b'name = "\xff"'})
    with pytest.raises(DatasetError, match="is no TOML"):
        registry.dataset(str(tmp_path / "my.toml"))


@pytest.mark.parametrize("name", ["coco", "fashioniq", "flickr30k", "urban-1k"])
def test_names_of_known_data_sets_are_refused(tmp_path, name):
    write(tmp_path, {"my.toml": TOML.format("a.csv").replace("garden", name)})
    with pytest.raises(DatasetError, match=f"the name '{name}' is that of a known data set"):
        registry.dataset(str(tmp_path / "my.toml"))
    assert spec_of(tmp_path / "my.toml", ()).name == name


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("captions.txt", "A rose", "is neither a folder nor a file of captions"),
        ("captions.csv", "\n", "has no column 'image'; it has none"),
        ("captions.csv", "image,captions\n", "has no column 'caption'; it has image, captions"),
        ("captions.csv", "image,caption,caption\n", "has the column 'caption' twice"),
        ("captions.csv", "image,caption\na.jpg,A rose, red\n", "line 2 has 3 fields"),
        ("captions.csv", 'image,caption\na.jpg,"A rose\n', "line 2: unexpected end"),
        ("captions.csv", b"image,caption\na.jpg,\xff\n", "cannot read"),
        ("captions.csv", "image,caption\n,A rose\n", "line 2: a caption without image"),
        ("captions.csv", "image,caption\na.jpg, \n", "line 2: the image a.jpg has an empty"),
        ("captions.csv", CSV + "rose.jpg,A flower\n", "line 5: a caption comes twice; before, it"),
        ("captions.csv", f"image,caption\n{'a' * 256},b\n", "line 2: no file has a name such as"),
        ("captions.csv", "image,caption,id\na.jpg,a,1\nb.jpg,b,1\n", "line 3: a caption comes tw"),
        ("captions.csv", "image,caption,language\na.jpg,a,\n", "line 2: an empty language"),
        ("captions.csv", "image,caption,language\na.jpg,a,!!\n", "line 2: .*!!"),
        ("captions.csv", "image,caption\n", "garden has no language here"),
        ("captions.csv", "image,caption\n.,a\n", "none of its 1 pictures is there"),
        ("captions.jsonl", '{"image": "a.jpg"', "line 1 is no JSON"),
        ("captions.jsonl", '{"image": "a.jpg"}', "line 1 has no column 'caption'"),
        ("captions.jsonl", '{"image": 7, "caption": "a"}', "line 1: its image is 7"),
        ("captions.jsonl", '{"image": "a", "caption": "a", "id": null}', "its id is None"),
        ("captions.json", {"images": []}, "has not the form of COCO's captions"),
        ("captions.json", b'{"images": [', "is no JSON, or is cut off"),
    ],
)
def test_captions_that_do_not_fit_are_refused(folder, name, content, message):
    with pytest.raises(DatasetError, match=message):
        load(folder, content, name)


def test_folders_that_do_not_fit_are_refused(folder):
    with pytest.raises(DatasetError, match=r"garden: there is no .*captions\.csv"):
        registry.load(own(folder, "captions.csv"), folder, LoadOptions())
    write(folder, {"said/rose.txt": " \n"})
    with pytest.raises(DatasetError, match=r"rose\.txt holds no caption"):
        registry.load(own(folder, "said"), folder, LoadOptions())
    write(folder, {"said/rose.txt": "A rose"})
    touch(folder, "pictures/rose.png")
    with pytest.raises(DatasetError, match=r"may be of rose\.jpg or of rose\.png"):
        registry.load(own(folder, "said"), folder, LoadOptions())
    (folder / "pictures").rename(folder / "photos")
    with pytest.raises(DatasetError, match="garden: there is no folder"):
        registry.load(own(folder, "said"), folder, LoadOptions())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "2023"}, "garden has no split '2023'"),
        ({"gallery": "other"}, "garden has no choice of gallery"),
        ({"languages": ("de",)}, "garden has no language 'de'"),
    ],
)
def test_choices_that_it_does_not_have_are_refused(folder, options, message):
    with pytest.raises(DatasetError, match=message):
        load(folder, CSV, **options)


def test_folds_and_languages_that_contradict_are_refused(folder):
    with pytest.raises(DatasetError, match="2 pictures cannot be cut into 3 equal folds"):
        load(folder, CSV, more="folds = 3\n")
    with pytest.raises(DatasetError, match="tell their language, and so does the TOML file"):
        load(folder, LANGUAGES, "captions.tsv", more='language = "de"\n')
