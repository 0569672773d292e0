"""Runs that are written down, not measured."""

import numpy as np

from benchmarks.compare.sides import Choice
from benchmarks.metrics.retrieval import recall_at
from benchmarks.records.folder import RunFolder
from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import RunRecord

KEY = ProtocolKey("flickr30k", "test", "en", "all")
A, B = Choice("A"), Choice("B")


def data(pictures="p"):
    return {"annotations": {"a.json": "0"}, "pictures": pictures, "missing": []}


def recorded(folder, ranks, *, key=KEY, model="mini", pictures=None, **changes):
    """Add a record with the R@1 of texts whose ranks are given; each of a picture of its own."""
    ranks = np.array(ranks)
    of = {"t2i": np.arange(len(ranks)) if pictures is None else np.array(pictures)}
    fields = {
        "figures": {"t2i_r@1": recall_at(ranks, 1)},
        "counts": {"pictures": len(set(of["t2i"].tolist()))},
        "model": {"name": model, "fingerprint": model, "dim": 8, "parts": {}},
        "data": data(),
        "ranks": folder.add_ranks({"t2i": ranks}, of),
    }
    record = RunRecord(key, **{"system": "exact", **fields, **changes})
    folder.add(record)
    return record


def runs(tmp_path):
    return RunFolder(tmp_path / "a"), RunFolder(tmp_path / "b")


def trained(seed, method="adapter"):
    return {"training": {"method": method, "seed": seed}}
