"""What `-` takes away, and what it leaves, on pictures whose content is known.

    python -m benchmarks.negation [--model local-dir:FOLDER] [--queries 300]

In the world of `benchmarks.shapes` a query asks for one value of an attribute and takes away a
value of another: "a star" minus "blue". Reported, of the ten best: the share that has what is
sought, the share that has what is unwanted, and how much of the latter the way removes of what
plain search finds; then removed by the attribute of the unwanted, and without "medium", which the
encoder hardly tells from the sizes on either side of it.

A second table is of unwanted terms that have nothing to do with what is sought. In a gallery where
next to nothing is purple, a cross or at the bottom left, captions ask for the other combinations,
minus one of these; and minus things that none of the pictures shows ("dogs"). Reported: the share
of captions of which a right picture is among the ten best, and mAP@10. Both should stay.
"""

import argparse
import itertools
import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.metrics.ranking import average_precision_at_k
from benchmarks.shapes.grammar import english, phrase
from benchmarks.shapes.pictures import ALL, VALUES, Attributes
from benchmarks.shapes.world import World, encoder_of, opened_world
from retrieval.query.algebra import Expression, Text

K = 10
_SEED = 0
_BLURRED = "medium"
_FORMS = {"shape": "a {}"}

Way: TypeAlias = Callable[[Text, Text], Expression]

WAYS: dict[str, Way] = {
    "plain": lambda sought, _: sought,
    "minus": lambda sought, unwanted: sought - unwanted,
    "minus, weight 2": lambda sought, unwanted: sought - unwanted * 2.0,
    "vector, weight 0.5": lambda sought, unwanted: sought + unwanted * -0.5,
    "vector, weight 1": lambda sought, unwanted: sought + unwanted * -1.0,
}
"""Ways to take a text away; a vector of negative weight is what others do."""


RARE = ("purple", "cross", "bottom left")
_FEW = 12
"""Combinations with a rare value that are in the gallery, of 372."""

ABSENT = ("dogs", "people", "cars")
"""Of none of the pictures; the small encoder was not taught these words."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One value of an attribute that is sought, and one of another that is not."""

    sought: tuple[str, str]
    unwanted: tuple[str, str]

    @property
    def texts(self) -> tuple[Text, Text]:
        """Both as texts."""
        sought, unwanted = (
            Text(_FORMS.get(name, "{}").format(phrase(value)))
            for name, value in (self.sought, self.unwanted)
        )
        return sought, unwanted


def sample_pairs(count: int, seed: int) -> list[Pair]:
    """Draw different pairs, as many as asked for or as there are."""
    every = [
        Pair((first, value), (second, other))
        for first, second in itertools.permutations(VALUES, 2)
        for value in VALUES[first]
        for other in VALUES[second]
    ]
    return random.Random(seed).sample(every, min(count, len(every)))


@dataclass(frozen=True, slots=True)
class Shares:
    """Of the K best of each query, (q,), the share that has what is sought, and the unwanted."""

    sought: npt.NDArray[np.float64]
    unwanted: npt.NDArray[np.float64]

    @classmethod
    def of(cls, world: World, pairs: list[Pair], way: Way) -> "Shares":
        """Ask all pairs in one way."""
        answers = world.answers([way(*pair.texts) for pair in pairs], K)

        def share(what: Callable[[Pair], tuple[str, str]]) -> npt.NDArray[np.float64]:
            return np.array(
                [
                    np.mean([getattr(shown, what(pair)[0]) == what(pair)[1] for shown in found])
                    for found, pair in zip(answers, pairs, strict=True)
                ]
            )

        return cls(share(lambda pair: pair.sought), share(lambda pair: pair.unwanted))


def table(world: World, pairs: list[Pair]) -> list[str]:
    """A line for each way."""
    of_attribute = [np.array([pair.unwanted[0] == name for pair in pairs]) for name in VALUES]
    clear = np.array([pair.unwanted[1] != _BLURRED for pair in pairs])
    columns = ["way", "sought", "unwanted", "removed", *VALUES, f"without {_BLURRED!r}"]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    plain = Shares.of(world, pairs, WAYS["plain"])
    for name, way in WAYS.items():
        shares = Shares.of(world, pairs, way)
        removed = [
            1 - shares.unwanted[rows].mean() / plain.unwanted[rows].mean()
            for rows in (np.ones(len(pairs), np.bool_), *of_attribute, clear)
        ]
        cells = [f"{shares.sought.mean():.3f}", f"{shares.unwanted.mean():.4f}"]
        cells += [f"{value:.1%}" for value in removed]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def is_rare(one: Attributes) -> bool:
    """Whether a combination has one of the rare values."""
    return any(value in RARE for value in (one.colour, one.shape, one.place))


def gallery_of_few(seed: int) -> list[Attributes]:
    """All combinations without a rare value, and a few with one."""
    rare = [one for one in ALL if is_rare(one)]
    few = random.Random(seed).sample(rare, _FEW)
    return [one for one in ALL if not is_rare(one)] + few


def table_of_strangers(world: World, count: int, seed: int) -> list[str]:
    """A line for each way: R@10 and mAP@10 of captions, minus what is rare, and what is absent.

    Args:
        world: a gallery of few that have what is rare.
        count: captions, drawn from all that have nothing rare.
        seed: of what is drawn.
    """
    chance = random.Random(seed)
    common = [one for one in ALL if not is_rare(one)]
    sought = chance.sample(common, min(count, len(common)))
    columns = ["way", "rare: R@10", "mAP@10", "absent: R@10", "mAP@10"]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    unwanted = [[chance.choice(kind) for _ in sought] for kind in (RARE, ABSENT)]
    for name, way in WAYS.items():
        cells = []
        for words in unwanted:
            queries = [
                way(Text(english(one)), Text(phrase(word)))
                for one, word in zip(sought, words, strict=True)
            ]
            found = world.answers(queries, K)
            right = np.array(
                [[shown == one for shown in best] for best, one in zip(found, sought, strict=True)]
            )
            precision = average_precision_at_k(right, np.full(len(right), world.views))
            cells += [f"{right.any(axis=1).mean():.3f}", f"{precision.mean():.3f}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Index, ask in every way, write the table to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="an encoder that knows the shapes; default: train one")
    parser.add_argument("--queries", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        encoder = encoder_of(options.model, folder / "model")
        with opened_world(encoder, folder) as world:
            pairs = sample_pairs(options.queries, _SEED)
            sys.stdout.write("\n".join(table(world, pairs)) + "\n\n")
        (folder / "few").mkdir()
        with opened_world(encoder, folder / "few", among=gallery_of_few(_SEED)) as world:
            lines = table_of_strangers(world, options.queries, _SEED)
            sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
