"""The benchmark of pseudo-tokens: what is right, what is asked, and that methods beat a sum."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import pseudo
from benchmarks.pseudo import (
    VIEWS,
    World,
    baselines,
    main,
    pseudo_queries,
    trials,
)
from benchmarks.shapes import lessons
from benchmarks.shapes.pictures import ALL
from benchmarks.shapes.triplets import triplets_of
from retrieval.encoders.registry import get_encoder
from tests import bundles
from tests.benchmarks.shapes.kit import trained_clip  # noqa: F401 - a fixture
from tests.factories import GeometryEncoder

TEMPLATES = ("{image} {text}", "a photo of {image} that {text}")


@pytest.fixture
def two():
    """A world of two queries, whose gallery is one-hot: picture g is the unit vector g."""
    triplets = tuple(triplets_of(ALL[0])[:2])
    gallery = np.eye(VIEWS * len(ALL), dtype=np.float32)
    return World(None, gallery, triplets, gallery[:2])


def test_average_precision_by_hand(two):
    queries = np.zeros((2, len(two.gallery)), np.float32)
    first, second = (VIEWS * ALL.index(each.target) for each in two.triplets)
    queries[0, first : first + 3] = 3, 2, 1  # ranks 1, 2, 3
    queries[1, [0, second, 1, second + 2]] = 4, 3, 2, 1  # ranks 2 and 4; the third is beyond
    assert two.mean_ap(queries) == pytest.approx(100 * (1 + (1 / 2 + 2 / 4) / 3) / 2)


def test_every_method_runs_and_prints_a_row(tmp_path, monkeypatch, capsys):
    short = [*ALL[:6], *ALL[-6:]]
    monkeypatch.setattr(lessons, "TRAINED", short)
    monkeypatch.setattr(pseudo, "PhiRecipe", lambda seed: _Quick(seed=seed))
    monkeypatch.setattr(pseudo, "VIEWS", 1)
    monkeypatch.setattr(pseudo, "invert", lambda *given, seed: _random(*given[:2], seed))
    name = f"local-dir:{bundles.native(tmp_path)}"
    assert main(["--model", name, "--seeds", "2", "--per-attribute", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["method", "image", "words", "sum"]
    assert len(lines) == 4 + len(pseudo.METHODS) * len(pseudo.TEMPLATES)
    assert all(("+-" in line) != line.startswith("ridge") for line in lines[4:])
    for method in pseudo.METHODS:
        assert [line.endswith("*") for line in lines if line.split()[0] == method].count(True) == 1


def test_the_world_to_choose_by_shares_no_query_and_no_picture_with_another(monkeypatch):
    monkeypatch.setattr(pseudo, "ALL", ALL[:2])
    encoder = GeometryEncoder()
    reported = World.of(encoder, 20)
    other = World.of(encoder, 20, 1, unlike=reported.triplets)
    again = World.of(encoder, 20, 0, unlike=reported.triplets[:5])
    assert not set(other.triplets) & set(reported.triplets)
    assert again.triplets == reported.triplets[5:]
    rows = [{row.tobytes() for row in world.gallery} for world in (reported, other)]
    assert len(rows[0]) == 2 * VIEWS
    assert not rows[0] & rows[1]


def _random(injector, images, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((len(images), 1, injector.width)).astype(np.float32)


def _Quick(seed):
    from retrieval.learn.phi_lessons import PhiRecipe

    return PhiRecipe(steps=2, batch=4, seed=seed)


@pytest.mark.slow
def test_pseudo_tokens_beat_picture_words_and_sum_by_far(trained_clip):  # noqa: F811
    world = World.of(get_encoder(f"local-dir:{trained_clip}", device="cpu"), per_attribute=25)
    plain = dict(baselines(world))
    best = max(plain.values())
    taught = lessons.lessons_of(world.encoder)
    [[ridge]] = trials([world], taught, "ridge", 1, TEMPLATES)["{image} {text}"]
    assert ridge > best + 10
    [[lincir]] = trials([world], taught, "lincir", 1, TEMPLATES)["{image} {text}"]
    assert lincir > ridge + 5


@pytest.mark.slow
def test_a_pseudo_token_alone_finds_its_own_picture(trained_clip):  # noqa: F811
    world = World.of(get_encoder(f"local-dir:{trained_clip}", device="cpu"), per_attribute=10)
    taught = lessons.lessons_of(world.encoder)
    tokens = pseudo.by_lincir(world.encoder, taught, 0)(world.references)
    said = pseudo_queries(taught.injector, tokens, [""] * len(tokens), "a {image} {text}")
    itself = replace(
        world, triplets=tuple(replace(each, target=each.reference) for each in world.triplets)
    )
    assert itself.mean_ap(said) > 50
