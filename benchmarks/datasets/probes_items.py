"""What the probes ask: two pictures and two texts that differ in one thing.

Both pictures of an item share their background, their places and what is not asked about. Where a
text names two shapes, the other text has the same words in another order, so that no bag of words
tells them apart; colours alone, numbers, languages and "a"/"no" are told by one word.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product
from random import Random

from benchmarks.datasets.probes_pictures import COLOURS, SHAPES, SIDE, Scene, Thing
from benchmarks.datasets.probes_words import WORDS

_NUMBERS = ("one", "two", "three", "four", "five")

_RELATIONS = {
    "to the left of": (0, 1),
    "to the right of": (1, 0),
    "above": (2, 3),
    "below": (3, 2),
}
"""Slots of the first and the second thing."""

_SLOTS = ((0.27, 0.5), (0.73, 0.5), (0.5, 0.27), (0.5, 0.73))
"""Left, right, top, bottom: centres as shares of the side."""

_SWAYS_PX = 8
"""How far from the centre of its slot a thing may be, each way."""

_APART_PX = 10
"""The least distance between two things, and from a thing to the edge."""


@dataclass(frozen=True, slots=True)
class Item:
    """Two pictures and two texts; the first text is said of the first picture alone.

    Attributes:
        scenes: of the pictures.
        aspects: what it is about, e.g. "red"; () where the skill has no parts.
        texts: the two, by language.
    """

    scenes: tuple[Scene, Scene]
    aspects: tuple[str, ...]
    texts: Mapping[str, tuple[str, str]]


def colours() -> Iterator[Item]:
    """One thing in two colours: "a red circle", "a blue circle"; 120, by colour."""
    for view, shape, pair in product(range(2), SHAPES, combinations(COLOURS, 2)):
        scene = _alone(shape, pair[0], Random(f"colour {view} {shape} {pair}"))
        texts = (f"a {colour} {shape}" for colour in pair)
        yield Item((scene, _painted(scene, pair[1])), pair, _english(*texts))


def bindings() -> Iterator[Item]:
    """Which of two is red: "a red circle and a blue square", and exchanged; 180, by colour."""
    for view, (first, second), (one, other) in product(
        range(2), combinations(SHAPES, 2), combinations(COLOURS, 2)
    ):
        chance = Random(f"binding {view} {first} {second} {one} {other}")
        scene = _side_by_side((first, second), (one, other), chance)
        a, b = scene.things
        exchanged = replace(scene, things=(replace(a, colour=other), replace(b, colour=one)))
        texts = f"a {one} {first} and a {other} {second}", f"a {other} {first} and a {one} {second}"
        yield Item((scene, exchanged), (one, other), _english(*texts))


def counts() -> Iterator[Item]:
    """One to five things: "two stars", "three stars"; 160, by number.

    The shapes of both pictures cover the same area, so that the number is not told by the ink.
    """
    for view, shape, pair in product(range(4), SHAPES, combinations(range(len(_NUMBERS)), 2)):
        chance = Random(f"count {view} {shape} {pair}")
        colour, reach, background = _any_colour(chance), _between(46, 56, chance), _seed(chance)
        scenes = [
            Scene(_scattered(shape, colour, number + 1, reach, chance), background)
            for number in pair
        ]
        texts = [f"{_NUMBERS[number]} {shape}{'s' if number else ''}" for number in pair]
        aspects = tuple(_NUMBERS[number] for number in pair)
        yield Item((scenes[0], scenes[1]), aspects, _english(*texts))


def sizes() -> Iterator[Item]:
    """Which of two is large: "a large circle and a small square", and exchanged; 120."""
    for view, (first, second) in product(range(20), combinations(SHAPES, 2)):
        chance = Random(f"size {view} {first} {second}")
        scene = _side_by_side((first, second), (_any_colour(chance),) * 2, chance)
        large, small = _between(42, 48, chance), _between(19, 23, chance)
        a, b = scene.things
        scenes = [
            replace(scene, things=(replace(a, radius=one), replace(b, radius=other)))
            for one, other in ((large, small), (small, large))
        ]
        texts = f"a large {first} and a small {second}", f"a small {first} and a large {second}"
        yield Item((scenes[0], scenes[1]), (), _english(*texts))


def relations() -> Iterator[Item]:
    """Where two things are: "a circle above a square", and exchanged; 144, by relation."""
    for view, relation, (first, second) in product(range(6), _RELATIONS, combinations(SHAPES, 2)):
        chance = Random(f"relation {view} {relation} {first} {second}")
        colours, slots = (_any_colour(chance),) * 2, _RELATIONS[relation]
        scene = _in_slots((first, second), colours, slots, chance)
        a, b = scene.things
        turned = replace(scene, things=(replace(a, shape=second), replace(b, shape=first)))
        texts = f"a {first} {relation} a {second}", f"a {second} {relation} a {first}"
        yield Item((scene, turned), (relation,), _english(*texts))


def negations() -> Iterator[Item]:
    """Which of two is not there, and whether a second one is; 144, by the form of the text.

    "a circle but no square" and "a square but no circle"; "no square but a circle", where what is
    absent is named first; "a circle and a square" and "a circle and no square".
    """
    for view, form, (first, second) in product(
        range(6), ("but no", "no ... but"), combinations(SHAPES, 2)
    ):
        chance = Random(f"negation {view} {form} {first} {second}")
        scene = _alone(first, _any_colour(chance), chance)
        other = replace(scene, things=(replace(scene.things[0], shape=second),))
        said = {"but no": "a {} but no {}", "no ... but": "no {1} but a {0}"}[form]
        texts = said.format(first, second), said.format(second, first)
        yield Item((scene, other), (form,), _english(*texts))
    for view, (first, second) in product(range(12), combinations(SHAPES, 2)):
        chance = Random(f"negation {view} and no {first} {second}")
        both = _side_by_side((first, second), (_any_colour(chance),) * 2, chance)
        alone = replace(both, things=both.things[:1])
        texts = f"a {first} and a {second}", f"a {first} and no {second}"
        yield Item((both, alone), ("and no",), _english(*texts))


def languages() -> Iterator[Item]:
    """A colour or a shape in a language: "ein roter Kreis", "ein blauer Kreis"; 132."""
    for shape, (one, other) in product(SHAPES, combinations(COLOURS, 2)):
        scene = _alone(shape, one, Random(f"language {shape} {one} {other}"))
        texts = {tag: (w.say(one, shape), w.say(other, shape)) for tag, w in WORDS.items()}
        yield Item((scene, _painted(scene, other)), ("colour",), texts)
    for view, colour, (one, other) in product(range(2), COLOURS, combinations(SHAPES, 2)):
        scene = _alone(one, colour, Random(f"language {view} {colour} {one} {other}"))
        turned = replace(scene, things=(replace(scene.things[0], shape=other),))
        texts = {tag: (w.say(colour, one), w.say(colour, other)) for tag, w in WORDS.items()}
        yield Item((scene, turned), ("shape",), texts)


def _english(one: str, other: str) -> dict[str, tuple[str, str]]:
    return {"en": (one, other)}


def _any_colour(chance: Random) -> str:
    return chance.choice(list(COLOURS))


def _seed(chance: Random) -> int:
    return chance.getrandbits(32)


def _between(least: float, most: float, chance: Random) -> float:
    """Pixels, to the hundredth."""
    return round(chance.uniform(least, most), 2)


def _somewhere(radius: float, chance: Random) -> tuple[float, float]:
    """A centre that keeps a shape off the edges."""
    least, most = radius + _APART_PX, SIDE - radius - _APART_PX
    return _between(least, most, chance), _between(least, most, chance)


def _alone(shape: str, colour: str, chance: Random) -> Scene:
    """One thing anywhere."""
    radius = _between(40, 70, chance)
    return Scene((Thing(shape, colour, *_somewhere(radius, chance), radius),), _seed(chance))


def _painted(scene: Scene, colour: str) -> Scene:
    """The same with things of another colour."""
    return replace(scene, things=tuple(replace(each, colour=colour) for each in scene.things))


def _scattered(
    shape: str, colour: str, number: int, reach: float, chance: Random
) -> tuple[Thing, ...]:
    """Equal things apart from each other, which cover what one of radius `reach` covers."""
    radius = round(reach / math.sqrt(number), 2)
    places: list[tuple[float, float]] = []
    while len(places) < number:
        place = _somewhere(radius, chance)
        if all(math.dist(place, each) >= 2 * radius + _APART_PX for each in places):
            places.append(place)
    return tuple(Thing(shape, colour, *place, radius) for place in places)


def _side_by_side(shapes: tuple[str, str], colours: tuple[str, str], chance: Random) -> Scene:
    """Two things beside or above each other, either way round."""
    return _in_slots(shapes, colours, chance.choice(list(_RELATIONS.values())), chance)


def _in_slots(
    shapes: tuple[str, str], colours: tuple[str, str], slots: tuple[int, int], chance: Random
) -> Scene:
    radius = _between(32, 40, chance)
    things = []
    for shape, colour, slot in zip(shapes, colours, slots, strict=True):
        x, y = (
            round(SIDE * share + chance.uniform(-_SWAYS_PX, _SWAYS_PX), 2) for share in _SLOTS[slot]
        )
        things.append(Thing(shape, colour, x, y, radius))
    return Scene(tuple(things), _seed(chance))


SKILLS: dict[str, Callable[[], Iterator[Item]]] = {
    "colour": colours,
    "binding": bindings,
    "count": counts,
    "size": sizes,
    "relation": relations,
    "negation": negations,
    "language": languages,
}
"""The items of every skill."""
