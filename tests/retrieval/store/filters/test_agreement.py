"""The two forms of a predicate, SQL and Python, say the same of every item, on both databases."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.writer import CollectionWriter
from retrieval.model import FIRST_ID
from retrieval.store.filters.grammar import parse_filter
from retrieval.store.filters.match import Candidate, matches
from retrieval.store.filters.predicates import describe
from retrieval.store.tag_rows import tags_of
from retrieval.store.tags import TagChange
from tests.collection_kit import DIM, ENCODER
from tests.retrieval.store.filters.pool import TEXTS, image, predicates, text, unit_rows

N_IMAGES = 150


class Shelf:
    """A collection of odd values, and what Python's form needs of its items."""

    def __init__(self, writer):
        rng = np.random.default_rng(4)
        images = [image(rng, number) for number in range(N_IMAGES)]
        writer.commit(unit_rows(rng, N_IMAGES, DIM), images)
        paths = [file.path for each in images for file in each.files]
        texts = [text(rng, number, paths) for number in range(len(TEXTS))]
        writer.commit(unit_rows(rng, len(texts), DIM), texts, gallery="texts")
        for name in ("Dog", "été", "100%", "2024"):
            tagged = tuple(each.sha256 for each in (*images, *texts) if rng.random() < 0.3)
            writer.change_tags(TagChange("add", name, tagged))
        writer.delete_items([3, 4, FIRST_ID["texts"] + 1])
        self.view = writer.collection
        self.candidates = {name: self._candidates(name) for name in ("images", "texts")}

    def found(self, predicate, gallery):
        catalogue, generation = self.view.catalogue, self.view.generation
        return catalogue.ids_where(predicate, generation, gallery).tolist()

    def expected(self, predicate, gallery):
        return [each.record.id for each in self.candidates[gallery] if matches(predicate, each)]

    def _candidates(self, name):
        catalogue, generation = self.view.catalogue, self.view.generation
        gallery = self.view.gallery(name)
        ids = [item_id for segment in gallery.segments for item_id in segment.ids.tolist()]
        records = catalogue.hydrate(ids, generation)
        tags = tags_of(catalogue, ids, generation)
        said = {}
        for known in catalogue.texts_from(b"/captions.csv", generation):
            record = catalogue.hydrate([known.item_id], generation)[known.item_id]
            said.setdefault(known.file.path, []).extend(record.captions)
        return [
            Candidate(
                record,
                tags.get(item_id, ()),
                tuple(
                    caption
                    for file in record.files
                    for caption in said.get(file.path, ())
                    if name == "images"
                ),
            )
            for item_id, record in sorted(records.items())
        ]


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def shelf(request, tmp_path_factory):
    is_server = request.param == "postgresql"
    url = request.getfixturevalue("postgres_server") if is_server else None
    folder = tmp_path_factory.mktemp("shelf") / "c"
    with CollectionWriter.open(folder, ENCODER, catalogue_url=url) as writer:
        yield Shelf(writer)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(predicate=predicates, gallery=st.sampled_from(["images", "texts"]))
def test_sql_and_python_agree(shelf, predicate, gallery):
    assert shelf.found(predicate, gallery) == shelf.expected(predicate, gallery)


@settings(max_examples=300, deadline=None)
@given(predicate=predicates)
def test_a_predicate_written_down_is_read_back(predicate):
    assert parse_filter(describe(predicate)) == predicate


@pytest.mark.parametrize(
    "text",
    [
        "width > 500",
        "taken >= 2024",
        "camera ~ CANON",
        "camera = 'élan'",
        "gps in (-90, 170, 90, -170)",
        "tag = DOG",
        "caption ~ 'straße'",
        "caption ~ ete",
        "folder = /a",
        "folder ~ /A/",
        "path ~ '100%'",
        "bytes between 1 and 1kB",
        "added >= 2024",
        "format in (jpeg, webp)",
    ],
)
def test_the_pool_has_items_for_and_against(shelf, text):
    predicate = parse_filter(text)
    found = shelf.found(predicate, "images")
    assert found == shelf.expected(predicate, "images")
    n_living = len(shelf.candidates["images"])
    assert n_living == N_IMAGES - 2
    if text.startswith("added"):
        assert len(found) == n_living  # all came now
    elif text != "caption ~ ete":  # an accent is no decoration
        assert 0 < len(found) < n_living
    complement = shelf.found(parse_filter(f"not ({text})"), "images")
    assert len(complement) == n_living - len(found)
