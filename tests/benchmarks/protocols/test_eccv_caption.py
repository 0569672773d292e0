"""Figures of COCO's true ids beside those of the package eccv_caption, of random scores."""

from pathlib import Path

import numpy as np
import pytest
from eccv_caption import Metrics

from benchmarks.datasets.base import Crossmodal, Origin, Picture
from benchmarks.protocols.crossmodal import evaluate_crossmodal, evaluate_folds

pytestmark = pytest.mark.slow

DEPTH = 50
"""No query of ECCV Caption has more right answers."""

NAMES = {
    "eccv_r1": "eccv_r@1",
    "eccv_rprecision": "eccv_rprecision",
    "eccv_map_at_r": "eccv_map@r",
    **{f"cxc_r{k}": f"cxc_r@{k}" for k in (1, 5, 10)},
    **{f"coco_5k_r{k}": f"r@{k}" for k in (1, 5, 10)},
}


class Coco:
    """The test split: ids, right answers, and features that know a little of each picture."""

    def __init__(self):
        self.metrics = Metrics()
        own = self.metrics.coco_gts["t2i"]
        self.texts = self.metrics.coco_ids.tolist()
        self.pictures = list(dict.fromkeys(own[each][0] for each in self.texts))
        text_row = {key: row for row, key in enumerate(self.texts)}
        picture_row = {key: row for row, key in enumerate(self.pictures)}

        def pairs(lists, *, swapped):
            found = [(key, each) for key, right in lists.items() for each in right]
            both = [pair[::-1] for pair in found] if swapped else found
            return np.array(
                [(text_row[t], picture_row[p]) for t, p in both if t in text_row], np.int64
            )

        self.data = Crossmodal(
            Origin("coco", "test", "first5"),
            tuple(Picture(str(key), Path(str(key))) for key in self.pictures),
            tuple(map(str, self.texts)),
            np.array([picture_row[own[each][0]] for each in self.texts]),
            more={
                "eccv_i2t": pairs(self.metrics.eccv_gts["i2t"], swapped=True),
                "eccv_t2i": pairs(self.metrics.eccv_gts["t2i"], swapped=False),
                "cxc": pairs(self.metrics.cxc_gts["t2i"], swapped=False),
            },
            folds=5,
        )
        rng = np.random.default_rng(0)
        rows = rng.standard_normal((len(self.pictures), 16))
        said = rows[self.data.picture_of] + 0.8 * rng.standard_normal((len(self.texts), 16))
        self.rows, self.said = (unit(each) for each in (rows, said))

    def found(self, queries, gallery, keys, depth=DEPTH):
        """Names of the best, by float64 products rounded to float32, as a stable sort has them."""
        best = []
        for start in range(0, len(queries), 1_000):
            block = queries[start : start + 1_000].astype(np.float64)
            scores = (block @ gallery.astype(np.float64).T).astype(np.float32)
            near = np.sort(np.argpartition(-scores, 2 * depth, axis=1)[:, : 2 * depth], axis=1)
            order = np.argsort(-np.take_along_axis(scores, near, axis=1), axis=1, kind="stable")
            rows = np.take_along_axis(near, order[:, :depth], axis=1)
            best += [[keys[row] for row in each] for each in rows.tolist()]
        return best

    def told(self, names, i2t, t2i):
        """What the package says."""
        return self.metrics.compute_all_metrics(
            dict(zip(self.pictures, i2t, strict=True)),
            dict(zip(self.texts, t2i, strict=True)),
            target_metrics=names,
        )


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def coco():
    return Coco()


def test_figures_are_those_of_eccv_caption(coco):
    found = evaluate_crossmodal(coco.data, coco.rows, coco.said)
    i2t = coco.found(coco.rows, coco.said, coco.texts)
    t2i = coco.found(coco.said, coco.rows, coco.pictures)
    names = ("eccv_map_at_r", "eccv_rprecision", "eccv_r1", "cxc_recalls", "coco_5k_recalls")
    as_it_is = coco.told(names, i2t, t2i)
    # Two pairs of a sixth caption, which nothing can find: the package counts them as missed.
    known = set(coco.texts)
    lists = coco.metrics.eccv_gts["i2t"]
    assert sum(each not in known for right in lists.values() for each in right) == 2
    coco.metrics.eccv_gts["i2t"] = {
        key: [each for each in right if each in known] for key, right in lists.items()
    }
    told = coco.told(names, i2t, t2i)
    for theirs, ours in NAMES.items():
        for way in ("i2t", "t2i"):
            own = found.figures[f"{way}_{ours}"]
            assert own == pytest.approx(told[theirs][way], abs=1e-6), (theirs, way)
            assert own == pytest.approx(as_it_is[theirs][way], abs=1e-4), (theirs, way)
            assert 0.02 < own < 0.98
    assert found.counts == {
        "t2i_queries": 25_000, "i2t_queries": 5_000, "t2i_cxc_queries": 24_972,
        "i2t_cxc_queries": 5_000, "t2i_eccv_queries": 1_332, "i2t_eccv_queries": 1_261,
    }  # fmt: skip


def test_folds_are_those_of_eccv_caption(coco):
    """Of each fold the ten best of its own: the package leaves all else out of a ranking."""
    found = evaluate_folds(coco.data, coco.rows, coco.said)
    i2t, t2i = [], []
    for fold in range(5):
        pictures = slice(1_000 * fold, 1_000 * (fold + 1))
        texts = slice(5_000 * fold, 5_000 * (fold + 1))
        rows, said = coco.rows[pictures], coco.said[texts]
        i2t += coco.found(rows, said, coco.texts[texts], 10)
        t2i += coco.found(said, rows, coco.pictures[pictures], 10)
    told = coco.told(("coco_1k_recalls",), i2t, t2i)
    for way in ("i2t", "t2i"):
        for k in (1, 5, 10):
            own = found.figures[f"{way}_r@{k}"]
            assert own == pytest.approx(told[f"coco_1k_r{k}"][way], abs=1e-6)
    assert not any("eccv" in name or "cxc" in name for name in found.figures)
