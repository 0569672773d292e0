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


@pytest.mark.parametrize(
    ("n", "dim", "expected"),
    [
        (0, 384, "exact"),
        (MIN_IVFPQ_ITEMS - 1, 384, "exact"),
        (MIN_IVFPQ_ITEMS, 384, "ivf256,pq96"),
        (100_000, 384, "ivf1264,pq96"),
        (1_000_000, 512, "ivf4000,pq128"),
        (100_000, 386, "ivf1264,pq193"),  # 386 = 2 x 193: sub-spaces of two, not of 193
        (100_000, 127, "ivf1264,pq127"),
    ],
)
def test_sizes_follow_the_number_of_items_and_the_dimension(n, dim, expected):
    assert str(choose_spec(n, dim)) == expected


@given(n=st.integers(0, 10**9), dim=st.integers(1, 2048))
def test_every_list_gets_its_training_points_and_m_divides_dim(n, dim):
    spec = choose_spec(n, dim)
    assert IndexSpec.parse(str(spec)) == spec
    if spec.kind == "ivfpq":
        assert dim % spec.m == 0
        assert POINTS_PER_CENTROID * spec.nlist <= min(n, spec.sample_size)
        assert MIN_IVFPQ_ITEMS <= spec.sample_size <= MAX_SAMPLE


@pytest.mark.parametrize(
    "text", ["", "flat", "ivf,pq8", "ivf0,pq8", "ivf8,pq0", "ivf8", "ivf8,pq8 ", "IVF8,PQ8"]
)
def test_another_spelling_is_refused(text):
    with pytest.raises(ValueError, match="not an index spec"):
        IndexSpec.parse(text)


@pytest.mark.parametrize(("kind", "nlist", "m"), [("exact", 4, 2), ("ivfpq", 0, 2), ("hnsw", 0, 0)])
def test_sizes_and_kind_must_fit(kind, nlist, m):
    with pytest.raises(ValueError, match="no such index"):
        IndexSpec(kind, nlist, m)
