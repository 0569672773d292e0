"""An index that looks everywhere agrees with exact search; one that hardly looks does not."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.protocols.agreement import measure_agreement
from indexer.build import bring_index_up_to_date
from indexer.options import BuildOptions
from indexer.writer import CollectionWriter, NewItem
from retrieval.ann.spec import IndexSpec
from retrieval.engine import SearchEngine
from retrieval.model import EncoderInfo, ImageMeta
from tests import collection_kit as kit
from tests.retrieval.ann.arrays import clustered_rows, unit_rows

N, DIM = 1_000, 16
INFO = EncoderInfo("rows", DIM, "a" * 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("agreement") / "c"
    rows = clustered_rows(np.random.default_rng(0), N, DIM, n_clusters=50)
    meta = ImageMeta("JPEG", 640, 480)
    items = [
        NewItem(kit.digest(number), meta, (kit.ref(f"/photos/{number}.jpg"),))
        for number in range(len(rows))
    ]
    with CollectionWriter.open(folder, INFO) as writer:
        writer.commit(rows, items)
        asked = unit_rows(np.random.default_rng(1), 100, DIM)  # too few to learn routes from
        options = BuildOptions(spec=IndexSpec.parse("ivf16,pq8x4fs"), foreign_queries=asked)
        bring_index_up_to_date(writer, None, options=options)
    return folder


def looking(folder, nprobe, candidates):
    """The collection, with its settings for texts changed by hand."""
    with CollectionWriter.open(folder, None) as writer:
        modes = writer.manifest.galleries["images"].index.modes
        changed = tuple(
            replace(mode, nprobe=nprobe, candidates=candidates, routed=False) for mode in modes
        )
        writer.publish_modes("images", changed)
    return SearchEngine.open(folder)


def test_looking_everywhere_agrees_and_hardly_looking_does_not(folder):
    texts = unit_rows(np.random.default_rng(7), 40, DIM)
    with looking(folder, 16, N) as engine:
        everywhere = measure_agreement(engine, texts)
    assert (everywhere.found.mean, everywhere.found.standard_error) == (1.0, 0.0)
    assert (everywhere.worst, everywhere.n_queries) == (1.0, 40)
    with looking(folder, 1, 10) as engine:
        hardly = measure_agreement(engine, texts)
        by_index = engine.search_vectors(texts, 10, modality="text")[1]
    with looking(folder, 16, N) as engine:
        exact = engine.search_vectors(texts, 10, modality="text")[1]
    share = np.mean([np.isin(*pair).mean() for pair in zip(exact, by_index, strict=True)])
    assert hardly.found.mean == pytest.approx(share)
    assert 0 < hardly.worst < hardly.found.mean < 0.9
    assert hardly.index_ms > 0
    assert hardly.exact_ms > 0


def test_one_query_is_too_few(folder):
    with looking(folder, 1, 10) as engine, pytest.raises(ValueError, match="at least two queries"):
        measure_agreement(engine, unit_rows(np.random.default_rng(7), 1, DIM))
