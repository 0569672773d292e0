"""The texts that an index of images is tuned and measured on, where nobody gave any."""

import numpy as np

from indexer.measure import MAX_QUERIES, MAX_TRAINING, foreign_queries
from indexer.writer import CollectionWriter
from retrieval.encoders.bank import caption_bank, query_bank
from retrieval.encoders.name_bank import name_bank
from tests import collection_kit as kit


class Listener:
    """Remembers what it was asked to encode."""

    info = kit.ENCODER

    def __init__(self):
        self.texts = []

    def encode_texts(self, texts):
        self.texts += texts
        return kit.vectors(range(len(texts)))


def asked(folder, seed=0, *, training=0):
    listener = Listener()
    with CollectionWriter.open(folder, None) as writer:
        foreign = foreign_queries(
            writer.collection,
            "images",
            listener,
            np.random.default_rng(seed),
            training=training,
        )
    return listener.texts, foreign


def test_names_and_captions_are_asked_for_in_each_half(tmp_path):
    folder = kit.new_collection(tmp_path / "c", 1, 2, 3)
    texts, foreign = asked(folder)
    assert len(texts) == len(set(texts)) == len(foreign.test) <= MAX_QUERIES
    assert set(texts) <= {*name_bank(), *caption_bank()}
    for half in (texts[::2], texts[1::2]):
        share = len(set(half) & set(name_bank())) / len(half)
        assert 0.4 < share < 0.6
    assert asked(folder)[0] == texts
    assert asked(folder, seed=1)[0] != texts


def test_what_teaches_the_router_measures_nothing(tmp_path):
    folder = kit.new_collection(tmp_path / "c", 1, 2, 3)
    texts, foreign = asked(folder, training=MAX_TRAINING)
    assert len(foreign.training) == len(texts) - len(foreign.test)
    assert not set(texts[: len(foreign.test)]) & set(texts[len(foreign.test) :])


def test_names_are_plain_distinct_and_no_captions():
    names = name_bank()
    assert len(set(names)) == len(names) >= 250
    assert all(name == name.strip().lower() and "-" not in name for name in names)
    assert not set(names) & {*caption_bank(), *query_bank(20_000)}
