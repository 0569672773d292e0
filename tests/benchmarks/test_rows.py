"""Flat rows of records."""

import pytest

from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import RunRecord
from benchmarks.rows import row_of

FLICKR = ProtocolKey("flickr30k", "test", "en", "all")


def record(figures, *, name="openclip:ViT-B-32:openai", key=FLICKR, counts=None):
    model = {"name": name, "fingerprint": "f", "dim": 512, "parts": {}}
    counts = counts or {"pictures": 1_000, "texts": 5_000, "t2i_queries": 5_000}
    return RunRecord(key, "exact", figures, counts, model, {"annotations": {}, "pictures": "p"})


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        ({"t2i_r@1": 0.5878}, "reproduced"),
        ({"t2i_r@1": 0.5878, "t2i_r@5": 0.8356 - 0.006}, "close"),
        ({"t2i_r@1": 0.5678, "t2i_r@5": 0.8356}, "not reproduced"),
        ({"t2i_mean_rank": 3.0}, None),
    ],
)
def test_the_worst_verdict_of_what_compares(figures, verdict):
    row = row_of(record(figures))
    assert row["verdict"] == verdict
    assert {name: row[name] for name in figures} == figures
    assert (row["dataset"], row["language"], row["n"]) == ("flickr30k", "en", 5_000)
    assert "classes" not in row


def test_classes_are_counted_and_another_protocol_compares_with_nothing():
    key = ProtocolKey("babel-imagenet", "val", "DE", prompt="label")
    counts = {"classes": 738, "pictures": 1_000, "queries": 738, "pictures_per_class": 1}
    name = "openclip:xlm-roberta-base-ViT-B-32:laion5b_s13b_b90k"
    row = row_of(record({"top1": 0.42}, name=name, key=key, counts=counts))
    assert (row["classes"], row["n"], row["verdict"]) == (738, 738, "incomparable")
    assert row_of(record({"t2i_r@1": 0.5}, name="mini"))["verdict"] is None
