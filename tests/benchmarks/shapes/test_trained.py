"""The trained model knows what it never saw: held-out combinations, asked in English."""

import numpy as np
import pytest

from benchmarks.shapes.grammar import CIPHERS, FORMS, english
from benchmarks.shapes.pictures import ALL, HELD_OUT
from benchmarks.shapes.triplets import sample_triplets
from indexer.service import index_folders
from retrieval.encoders.registry import get_encoder
from retrieval.engine import SearchEngine
from retrieval.query.algebra import ImageFile, Query, Text
from tests.benchmarks.shapes.kit import CHANCE, COMPOSED_FLOOR, FLOOR, gallery, recall_at_1

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def encoder(trained_clip):
    return get_encoder(f"local-dir:{trained_clip}", device="cpu")


@pytest.fixture(scope="module")
def pictures(encoder):
    return encoder.encode_images(gallery())


@pytest.mark.parametrize("form", FORMS)
def test_held_out_pictures_are_found_by_their_captions_and_captions_by_them(
    encoder, pictures, form
):
    captions = encoder.encode_texts([english(one, form) for one in HELD_OUT])
    assert recall_at_1(captions, pictures) >= FLOOR
    assert recall_at_1(pictures, captions) >= FLOOR


@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.name)
def test_a_cipher_language_is_at_chance(encoder, pictures, cipher):
    captions = encoder.encode_texts([cipher.translate(english(one)) for one in HELD_OUT])
    assert recall_at_1(captions, pictures) <= CHANCE
    assert recall_at_1(pictures, captions) <= CHANCE


def test_held_out_pictures_are_found_in_a_collection(trained_clip, tmp_path):
    folder = index(HELD_OUT, trained_clip, tmp_path)
    found = first_answers(folder, [Query.text(english(one)) for one in HELD_OUT])
    assert np.mean([one == answer for one, answer in zip(HELD_OUT, found, strict=True)]) >= FLOOR


def test_changing_one_attribute_of_a_picture_finds_the_changed_picture(trained_clip, tmp_path):
    folder = index(ALL, trained_clip, tmp_path)
    triplets = sample_triplets(25, seed=7)
    queries = []
    for triplet in triplets:
        before, after = triplet.captions
        picture = ImageFile(folder / f"{ALL.index(triplet.reference)}.png")
        queries.append(Query(picture + Text(after) + -Text(before)))
    found = first_answers(folder, queries)
    right = [one.target == answer for one, answer in zip(triplets, found, strict=True)]
    # A change left out would be right never: the reference itself is not returned.
    assert np.mean(right) >= COMPOSED_FLOOR


def index(members, bundle, folder):
    """Put one picture of every member, named by its place in ALL, into a collection."""
    for one, picture in zip(members, gallery(members), strict=True):
        picture.save(folder / f"{ALL.index(one)}.png")
    report = index_folders([folder], folder / "collection", encoder=f"local-dir:{bundle}")
    assert report.added == len(members)
    return folder


def first_answers(folder, queries):
    """What the first hit of each query shows."""
    with SearchEngine.open(folder / "collection", device="cpu") as engine:
        results = engine.search_batch(queries, k=1)
    return [ALL[int(result.hits[0].item.files[0].name.removesuffix(".png"))] for result in results]
