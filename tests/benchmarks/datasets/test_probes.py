"""Probes: pictures show what their text says and not what the other says; files whole or none."""

import re
from itertools import chain

import numpy as np
import pytest
from PIL import Image

from benchmarks.datasets import probes
from benchmarks.datasets.base import DatasetError, LoadOptions
from benchmarks.datasets.probes_items import SKILLS
from benchmarks.datasets.probes_pictures import COLOURS, SHAPES, SIDE, Scene, draw
from benchmarks.datasets.probes_words import WORDS
from benchmarks.datasets.registry import datasets
from benchmarks.protocols.choices import evaluate_choices
from tests.benchmarks.datasets.seen import things_of

ITEMS = {skill: tuple(items()) for skill, items in SKILLS.items()}
NUMBERS = ("one", "two", "three", "four", "five")
SWAPPED = ("binding", "size", "relation")
"""Skills whose two texts have the same words."""

GOLDEN = {
    "colour": "c8d408176272",
    "binding": "1cdf11e3b6c6",
    "count": "34ee7d07ec9e",
    "size": "c08830108cc6",
    "relation": "f6b01093d724",
    "negation": "212f19cad507",
    "language": "6ab0c1ac77b2",
}
"""Beginnings of the specifications: a probe that asks otherwise is another probe."""


def is_true(text, things):
    """Whether an English text of a probe is true of what is seen."""
    if match := re.fullmatch(r"(one|two|three|four|five) (\w+?)s?", text):
        number, shape = match.groups()
        return [each.shape for each in things] == [shape] * (NUMBERS.index(number) + 1)
    if match := re.fullmatch(r"a (\w+) ([a-z ]+) a (\w+)", text):
        first, relation, second = match.groups()
        if relation in PLACED:
            a, b = one(first, things), one(second, things)
            return PLACED[relation](a, b)
    if match := re.fullmatch(r"no (\w+) but (a \w+)", text):
        absent, present = match.groups()
        return is_there(present, things) and not is_there(f"a {absent}", things)
    parts = re.split(r" and | but ", text)
    return all(
        not is_there(f"a {part[3:]}", things) if part.startswith("no ") else is_there(part, things)
        for part in parts
    )


PLACED = {
    "to the left of": lambda a, b: a.x < b.x - 10,
    "to the right of": lambda a, b: a.x > b.x + 10,
    "above": lambda a, b: a.y < b.y - 10,
    "below": lambda a, b: a.y > b.y + 10,
}


def one(shape, things):
    (found,) = [each for each in things if each.shape == shape]
    return found


def is_there(phrase, things):
    """Whether there is "a red circle", "a large circle" or "a circle"."""
    *adjectives, shape = phrase.split()[1:]
    found = [each for each in things if each.shape == shape]
    for word in adjectives:
        if word in COLOURS:
            found = [each for each in found if each.colour == word]
        else:
            found = [each for each in found if (each.width > 28) == (word == "large")]
    return bool(found)


@pytest.mark.parametrize("skill", SKILLS)
def test_pictures_show_what_their_own_text_says_alone(skill):
    for item in ITEMS[skill][::11]:
        first, second = item.texts["en"]
        for scene, own, other in zip(item.scenes, (first, second), (second, first), strict=True):
            things = things_of(draw(scene))
            assert len(things) == len(scene.things)
            assert is_true(own, things), own
            assert not is_true(other, things), other


@pytest.mark.parametrize("skill", SKILLS)
def test_things_keep_apart_and_off_the_edge(skill):
    for scene in chain.from_iterable(item.scenes for item in ITEMS[skill]):
        for number, a in enumerate(scene.things):
            assert min(a.x, a.y, SIDE - a.x, SIDE - a.y) >= a.radius
            for b in scene.things[:number]:
                assert np.hypot(a.x - b.x, a.y - b.y) >= a.radius + b.radius + 5


@pytest.mark.parametrize("skill", SKILLS)
def test_pairs_share_their_background_and_items_differ(skill):
    items = ITEMS[skill]
    assert 100 <= len(items) <= 200
    assert all(a.background == b.background and a != b for a, b in (i.scenes for i in items))
    assert len({item.scenes for item in items}) == len(items)
    assert len({item.scenes[0].background for item in items}) == len(items)


def test_the_number_is_not_told_by_the_ink():
    for item in ITEMS["count"]:
        first, second = (sum(t.radius**2 for t in scene.things) for scene in item.scenes)
        assert first == pytest.approx(second, rel=0.01)


@pytest.mark.parametrize("skill", SKILLS)
def test_a_probe_asks_what_it_asked(skill):
    assert probes.specification(ITEMS[skill]).startswith(GOLDEN[skill])


def test_equal_scenes_give_equal_pixels():
    scene = ITEMS["relation"][0].scenes[0]
    assert draw(scene).tobytes() == draw(scene).tobytes()
    assert draw(scene).tobytes() != draw(Scene(scene.things, 1)).tobytes()


def test_backgrounds_are_no_colour_of_a_thing():
    for seed in range(30):
        pixels = np.asarray(draw(Scene((), seed)), np.int64)
        assert min(np.abs(pixels - rgb).max(axis=2).min() for rgb in COLOURS.values()) > 60


@pytest.mark.parametrize("language", WORDS)
def test_every_language_says_everything_differently(language):
    said = {WORDS[language].say(colour, shape) for colour in COLOURS for shape in SHAPES}
    assert len(said) == len(COLOURS) * len(SHAPES)
    for item in ITEMS["language"]:
        first, second = item.texts[language]
        assert first != second


def test_adjectives_agree():
    assert WORDS["de"].say("red", "star") == "ein roter Stern"
    assert WORDS["de"].say("green", "square") == "ein grünes Quadrat"
    assert WORDS["fr"].say("green", "star") == "une étoile verte"
    assert WORDS["es"].say("red", "square") == "un cuadrado rojo"
    assert WORDS["it"].say("black", "star") == "una stella nera"
    assert WORDS["pt"].say("yellow", "star") == "uma estrela amarela"
    assert WORDS["nl"].say("red", "square") == "een rood vierkant"
    assert WORDS["nl"].say("red", "circle") == "een rode cirkel"
    assert WORDS["ja"].say("purple", "triangle") == "紫の三角形"
    assert WORDS["zh"].say("blue", "square") == "一个蓝色的正方形"
    assert WORDS["ru"].say("blue", "star") == "синяя звезда"


def loaded(folder, skill, **options):
    return probes.load(skill, folder / "data" / "probes", LoadOptions(**options))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A folder in which each probe is drawn when it is first asked for."""
    return tmp_path_factory.mktemp("drawn")


def test_pictures_are_drawn_once(drawn):
    (data,) = loaded(drawn, "size")
    times = [each.path.stat().st_mtime_ns for each in data.pictures]
    (again,) = loaded(drawn, "size")
    assert [each.path.stat().st_mtime_ns for each in again.pictures] == times
    item = ITEMS["size"][7]
    rows = data.pictures_of[7]
    for row, scene in zip(rows, item.scenes, strict=True):
        with Image.open(data.pictures[row].path) as picture:
            assert picture.tobytes() == draw(scene).tobytes()
    assert tuple(data.texts[row] for row in data.texts_of[7]) == item.texts["en"]
    assert data.origin.sha256 == {"specification": probes.specification(ITEMS["size"])}


def test_what_is_half_there_is_drawn_anew(tmp_path, monkeypatch):
    monkeypatch.setitem(SKILLS, "size", lambda: iter(ITEMS["size"][:3]))
    (data,) = loaded(tmp_path, "size")
    data.pictures[5].path.unlink()
    loaded(tmp_path, "size")
    assert all(each.path.is_file() for each in data.pictures)
    assert [each.name for each in (tmp_path / "data" / "probes").iterdir()] == [
        data.pictures[0].path.parent.name
    ]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "data").touch()
    with pytest.raises(DatasetError, match="cannot draw the pictures of a probe in"):
        loaded(tmp_path, "size")


@pytest.mark.parametrize("options", [{"split": "x"}, {"captions": "all"}, {"gallery": "x"}])
def test_what_a_probe_does_not_have_is_refused(drawn, options):
    with pytest.raises(DatasetError, match="probe-size has no choice of"):
        loaded(drawn, "size", **options)
    with pytest.raises(DatasetError, match="probe-size has no language 'de'"):
        loaded(drawn, "size", languages=("de",))


def test_languages_are_values_of_the_same_pictures(drawn):
    english, german = loaded(drawn, "language", languages=("en", "de"))
    assert english.pictures == german.pictures
    assert (english.language, german.language) == ("en", "de")
    assert german.texts[0] == "ein roter Kreis"
    assert len(loaded(drawn, "language", languages=("all",))) == len(WORDS) == 10


def test_all_probes_have_one_name():
    names = [spec.name for spec in datasets(["probes", "probe-size"])]
    assert names == [spec.name for spec in probes.SPECS]
    assert {spec.name for spec in probes.SPECS} == {f"probe-{skill}" for skill in SKILLS}
    with pytest.raises(DatasetError) as caught:
        datasets(["probe"])
    assert "probes" in caught.value.hint


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def said_of(data):
    """Features of an encoder that knows which text is said of each picture."""
    texts = np.eye(len(data.texts))
    pictures = np.empty((len(data.pictures), len(data.texts)))
    pictures[data.pictures_of.ravel()] = texts[data.texts_of.ravel()]
    return pictures, texts


def bags(data):
    """Features of one that reads words in any order: texts by their words, pictures by their own
    text's, but for what it denies."""
    words = sorted({word for text in data.texts for word in text.split()})

    def rows(said):
        return np.array([[text.split().count(word) for word in words] for text in said])

    own = np.empty(len(data.pictures), object)
    own[data.pictures_of.ravel()] = np.array(data.texts, object)[data.texts_of.ravel()]
    return rows([re.sub(r"no \w+|but|and", "", text) for text in own]), rows(data.texts)


@pytest.mark.parametrize("skill", SKILLS)
def test_an_encoder_that_knows_gets_all_and_one_that_guesses_gets_chance(drawn, skill):
    (data,) = loaded(drawn, skill)
    pictures, texts = (unit(rows) for rows in said_of(data))
    assert set(evaluate_choices(data, pictures, texts).figures.values()) == {1.0}
    rng = np.random.default_rng(0)
    guesses = [
        evaluate_choices(
            data,
            unit(rng.standard_normal((len(data.pictures), 64))),
            unit(rng.standard_normal((len(data.texts), 64))),
        ).figures["group_score"]
        for _ in range(10)
    ]
    assert np.mean(guesses) == pytest.approx(1 / 6, abs=4 * np.std(guesses) / np.sqrt(10))


@pytest.mark.parametrize("skill", [*SWAPPED, "negation"])
def test_a_bag_of_words_gets_nothing_where_order_decides(drawn, skill):
    (data,) = loaded(drawn, skill)
    found = evaluate_choices(data, *(unit(rows) for rows in bags(data)))
    assert found.figures["group_score"] == 0.0
    if skill in SWAPPED:
        assert found.figures["text_score"] == found.figures["image_score"] == 0.0


def test_a_bag_of_words_is_enough_for_colours(drawn):
    (data,) = loaded(drawn, "colour")
    found = evaluate_choices(data, *(unit(rows) for rows in bags(data)))
    assert found.figures["group_score"] == 1.0
