"""Items that come from elsewhere than those that the lists were trained on."""

import numpy as np
import pytest

from indexer.build import bring_index_up_to_date
from indexer.compact import compact_collection
from indexer.drift import Drift, measure_drift
from indexer.options import BuildOptions
from indexer.writer import CollectionWriter, NewItem
from retrieval.ann.spec import IndexSpec
from retrieval.model import EncoderInfo, ImageMeta
from tests import collection_kit as kit

N, DIM = 1_000, 16
INFO = EncoderInfo("cones", DIM, "c" * 64)
META = ImageMeta("JPEG", 640, 480)
SMALL = BuildOptions(spec=IndexSpec.parse("ivf16,pq8x4fs"))


def around(axis, n, seed):
    rng = np.random.default_rng(seed)
    rows = 2 * np.eye(DIM)[axis] + 0.5 * rng.standard_normal((n, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def put(writer, rows, first):
    items = [
        NewItem(kit.digest(first + at), META, (kit.ref(f"/p/{first + at}.jpg"),))
        for at in range(len(rows))
    ]
    writer.commit(rows, items)
    bring_index_up_to_date(writer, None)


@pytest.fixture
def folder(tmp_path):
    with CollectionWriter.open(tmp_path / "c", INFO) as writer:
        writer.commit(
            around(0, N, 0),
            [NewItem(kit.digest(at), META, (kit.ref(f"/p/{at}.jpg"),)) for at in range(N)],
        )
        bring_index_up_to_date(writer, None, options=SMALL)
    return tmp_path / "c"


def drift_after(folder, rows):
    with CollectionWriter.open(folder, INFO) as writer:
        put(writer, rows, N)
        return measure_drift(writer.collection.gallery("images"))


def test_more_of_the_same_is_no_reason(folder):
    drift = drift_after(folder, around(0, 300, 1))
    assert drift.growth == pytest.approx(1.3)
    assert drift.fit_since == pytest.approx(drift.fit_before, abs=0.03)
    assert 1 <= drift.imbalance < 4
    assert drift.reason_to_retrain is None


def test_few_new_items_say_nothing(folder):
    assert drift_after(folder, around(5, 50, 1)).fit_since is None


def test_items_from_elsewhere_are_a_reason_until_the_lists_are_trained_anew(folder):
    drift = drift_after(folder, around(5, 300, 1))
    assert drift.fit_since < drift.fit_before - 0.2
    assert "lie further from its lists" in drift.reason_to_retrain
    compact_collection(folder)
    assert drift_of(folder).reason_to_retrain is not None
    compact_collection(folder, retrain=True)
    assert drift_of(folder).reason_to_retrain is None


def drift_of(folder):
    with CollectionWriter.open(folder, INFO) as writer:
        return measure_drift(writer.collection.gallery("images"))


def test_growth_and_uneven_lists_are_reasons_too():
    assert "grown 4.0 times" in Drift(4.0, 0.5, None, 1.0).reason_to_retrain
    assert "5.0 times as long" in Drift(1.0, 0.5, 0.5, 5.0).reason_to_retrain


def test_an_exact_gallery_has_no_lists(tmp_path):
    with CollectionWriter.open(tmp_path / "e", INFO) as writer:
        put(writer, around(0, 20, 0), 0)
        assert measure_drift(writer.collection.gallery("images")) is None
