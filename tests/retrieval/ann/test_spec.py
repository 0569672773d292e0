import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ann.spec import (
    MAX_SAMPLE,
    MIN_IVFPQ_ITEMS,
    POINTS_PER_CENTROID,
    IndexSpec,
    choose_spec,
)
from retrieval.errors import SettingsError


@pytest.mark.parametrize(
    ("n", "dim", "expected"),
    [
        (0, 384, "exact"),
        (MIN_IVFPQ_ITEMS - 1, 384, "exact"),
        (MIN_IVFPQ_ITEMS, 384, "ivf39,pq192x4fs"),
        (100_000, 384, "ivf390,pq192x4fs"),
        (200_000, 512, "ivf781,pq256x4fs"),
        (1_000_000, 512, "ivf3906,pq256x4fs"),
        (10_000_000, 512, "ivf6721_hnsw,pq256x4fs"),  # as many as the capped sample can train
        (100_000, 386, "ivf390,pq386x4fs"),  # 193 sub-spaces would be an odd number
        (100_000, 126, "ivf390,pq126x4fs"),
        (100_000, 127, "ivf390,pq127"),
    ],
)
def test_sizes_follow_the_number_of_items_and_the_dimension(n, dim, expected):
    assert str(choose_spec(n, dim)) == expected


@given(n=st.integers(0, 10**9), dim=st.integers(1, 2048))
def test_every_list_gets_its_training_points_and_m_divides_dim(n, dim):
    spec = choose_spec(n, dim)
    assert IndexSpec.parse(str(spec)) == spec
    if spec.kind == "ivfpq":
        assert spec.resolved(n, dim) == spec
        assert POINTS_PER_CENTROID * spec.nlist <= min(n, spec.sample_size)
        assert MIN_IVFPQ_ITEMS <= spec.sample_size <= MAX_SAMPLE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "flat",
        "ivf,pq8",
        "ivf0,pq8",
        "ivf8,pq0",
        "ivf8",
        "ivf8,pq8 ",
        "IVF8,PQ8",
        "ivf8,pq8x8",
        "opq,ivf8,pq8",
    ],
)
def test_another_spelling_is_refused(text):
    with pytest.raises(ValueError, match="not an index"):
        IndexSpec.parse(text)


@pytest.mark.parametrize(("kind", "nlist", "m"), [("exact", 4, 2), ("ivfpq", 0, 2), ("hnsw", 0, 0)])
def test_sizes_and_kind_must_fit(kind, nlist, m):
    with pytest.raises(ValueError, match="no such index"):
        IndexSpec(kind, nlist, m)


@pytest.mark.parametrize(
    "text",
    ["auto", "exact", "ivf4096,pq64", "ivf8_hnsw,pq64x4fs", "opq64,ivf65536_hnsw,pq128x4fs"],
)
def test_every_spelling_reads_back(text):
    assert str(IndexSpec.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "n", "dim", "reason"),
    [
        ("ivf64,pq5", 20_000, 16, "5 sub-spaces do not divide 16"),
        ("opq3,ivf64,pq4", 20_000, 16, "3 sub-spaces do not divide 16"),
        ("ivf64,pq9x4fs", 20_000, 18, "even number"),
        ("ivf600,pq4", 20_000, 16, "needs 23,400 items, there are 20,000"),
        ("ivf4,pq4", 9_000, 16, "needs 9,984 items"),
        ("ivf4,pq4x4fs", 600, 16, "needs 624 items"),
    ],
)
def test_an_index_that_does_not_fit_the_gallery_is_refused(text, n, dim, reason):
    with pytest.raises(SettingsError, match=reason):
        IndexSpec.parse(text).resolved(n, dim)


def test_auto_and_exact_are_resolved():
    assert IndexSpec("auto").resolved(200_000, 512) == choose_spec(200_000, 512)
    assert IndexSpec("exact").resolved(200_000, 512) == IndexSpec("exact")
    assert IndexSpec.parse("ivf64,pq256x4fs").code_bytes == 128
    assert IndexSpec("exact").code_bytes == 0


@pytest.mark.parametrize(
    ("n", "dim", "expected"),
    [
        (9_000, 512, ["exact"]),
        (
            200_000,
            512,
            ["ivf781,pq256x4fs", "ivf390,pq256x4fs", "ivf1562,pq256x4fs", "ivf781,pq128x4fs"],
        ),
        (100_000, 386, ["ivf390,pq386x4fs", "ivf195,pq386x4fs", "ivf780,pq386x4fs"]),
        (10_000_000, 512, ["ivf6721_hnsw,pq256x4fs", "ivf3360_hnsw,pq256x4fs"]),
    ],
)
def test_tuned_tries_more_and_fewer_lists_and_smaller_codes_where_they_fit(n, dim, expected):
    tried = [str(each) for each in IndexSpec.parse("tuned").trials(n, dim)]
    assert tried[: len(expected)] == expected
    assert len(tried) - len(expected) == (dim == 512 and n > 10**6)  # codes of half the size


@given(n=st.integers(0, 10**9), dim=st.integers(1, 2048))
def test_all_that_is_tried_can_be_built(n, dim):
    tried = IndexSpec("tuned").trials(n, dim)
    assert tried[0] == choose_spec(n, dim)
    assert len(set(tried)) == len(tried)
    for spec in tried:
        assert spec.resolved(n, dim) == spec


def test_only_tuned_tries_several():
    for text in ("auto", "exact", "ivf64,pq8"):
        assert len(IndexSpec.parse(text).trials(50_000, 64)) == 1
