"""Maps between spaces: what they learn, what is measured, the file."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.encoders.fingerprint import encoder_info
from retrieval.errors import TrainedMapError
from retrieval.learn import adapter as module
from retrieval.learn.adapter import Adapter, SpaceMap
from retrieval.learn.adapter_fit import (
    FEWEST_TARGETS,
    Matched,
    _drawn,
    adapter_of,
    alignment,
    fit_adapter,
)
from retrieval.learn.net import NetRecipe

SOURCE = encoder_info("light", 6, {"weights": "a"}, ("en",))
TARGET = encoder_info("heavy", 4, {"weights": "b"}, ("en",))
QUICK = NetRecipe(steps=300, batch=64, dropout=0.0, rate=3e-3)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_rows(n, dim, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((n, dim)))


def rotated(n=400, dim=6, seed=0):
    """Rows, and the same rows turned by a rotation that nobody tells."""
    sources = random_rows(n, dim, seed)
    turn, _ = np.linalg.qr(np.random.default_rng(9).standard_normal((dim, dim)))
    return Matched(sources, (sources @ turn).astype(np.float32), np.arange(n)), turn


@pytest.fixture(scope="module")
def trained():
    sources = random_rows(300, 6)
    matched = Matched(sources, unit(sources[:, :4] + 0.1), np.arange(300))
    fitted = fit_adapter(matched, "ridge")
    counts = {"texts": 300, "images": 300}
    return adapter_of(
        SOURCE, TARGET, "ridge", {"text": fitted, "image": fitted}, counts, ("de", "fr")
    )


def test_ridge_finds_a_rotation():
    matched, turn = rotated()
    fitted = fit_adapter(matched, "ridge")
    assert fitted.alignment.recall == 1.0
    assert fitted.alignment.n == 40
    new = random_rows(50, 6, seed=5)
    np.testing.assert_allclose(fitted.space_map(new), new @ turn, atol=1e-3)


def test_ridge_is_the_least_squares_of_the_penalty():
    """Against the normal equations with the penalty as further rows."""
    sources, targets = random_rows(200, 5), random_rows(200, 3, seed=1)
    fitted = fit_adapter(Matched(sources, targets, np.arange(200)), "ridge")
    inputs, offset = sources - sources.mean(axis=0), targets.mean(axis=0)
    weight_of = float(fitted.settings["penalty"]) * (inputs**2).sum() / 5
    stacked = np.vstack([inputs, np.sqrt(weight_of) * np.eye(5)])
    wanted = np.vstack([targets - offset, np.zeros((5, 3))])
    expected = np.linalg.lstsq(stacked, wanted, rcond=None)[0]
    ((weight, bias),) = fitted.space_map.layers
    np.testing.assert_allclose(weight.T, expected, atol=1e-5)
    np.testing.assert_allclose(bias, offset, atol=1e-6)


def test_a_network_learns_what_no_line_can():
    sources = random_rows(1_500, 3)
    bent = unit(np.abs(sources) + 0.05)
    matched = Matched(sources, bent, np.arange(1_500))
    line, net = (fit_adapter(matched, method, QUICK) for method in ("ridge", "mlp"))
    assert net.alignment.cosine > line.alignment.cosine + 0.05
    assert net.alignment.recall > 5 * line.alignment.recall
    assert net.settings["steps"] == 300


def test_training_again_gives_the_same():
    matched, _ = rotated(150)
    steps = replace(QUICK, steps=10)
    one, two = (fit_adapter(matched, "mlp", steps) for _ in range(2))
    np.testing.assert_array_equal(one.space_map(matched.sources), two.space_map(matched.sources))
    other = fit_adapter(matched, "mlp", replace(steps, seed=1))
    assert not np.array_equal(one.space_map(matched.sources), other.space_map(matched.sources))


def test_progress_runs_through_both_trainings():
    seen = []
    matched, _ = rotated(150)
    fit_adapter(matched, "mlp", replace(QUICK, steps=3), lambda *step: seen.append(step))
    assert seen == [(done, 6) for done in range(1, 7)]


def test_alignment_by_hand():
    targets = np.eye(3, dtype=np.float32)
    matched = Matched(np.zeros((4, 2), np.float32), targets[[0, 0, 1, 2]], np.array([7, 7, 8, 9]))
    mapped = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 1, 0], [0, 0.8, 0.6]], np.float32)
    found = alignment(mapped, matched)
    assert found.recall == 0.5
    assert found.cosine == pytest.approx((1 + 0.6 + 1 + 0.6) / 4)
    assert found.n == 3


def test_an_encoder_that_says_one_thing_of_all_is_never_right():
    same = np.tile(np.array([[1, 0]], np.float32), (200, 1))
    found = fit_adapter(Matched(random_rows(200, 4), same, np.arange(200)), "ridge")
    assert found.alignment.recall == 0
    collapsed = fit_adapter(Matched(same, random_rows(200, 4), np.arange(200)), "ridge")
    assert collapsed.alignment.recall <= 1 / collapsed.alignment.n


@given(st.lists(st.integers(0, 60), min_size=120, max_size=300), st.integers(0, 5))
def test_what_is_held_out_is_held_out_with_all_that_means_the_same(groups, seed):
    groups = np.array(groups)
    chosen = _drawn(groups, seed)
    assert set(groups[chosen]).isdisjoint(groups[~chosen])
    n_targets = len(set(groups))
    assert len(set(groups[chosen])) == max(1, round(n_targets / 10))


def test_too_little_to_learn_from_is_refused():
    few = FEWEST_TARGETS - 1
    groups = np.arange(300) % few
    matched = Matched(random_rows(300, 3), random_rows(few, 3)[groups], groups)
    with pytest.raises(TrainedMapError, match="100 different targets at least, got 99"):
        fit_adapter(matched, "ridge")


def test_a_file_gives_the_maps_back_and_a_card_to_read(trained, tmp_path):
    path = tmp_path / "adapter.safetensors"
    trained.save(path)
    loaded = Adapter.load(path)
    assert loaded.card == trained.card
    assert loaded.card.languages == ("de", "fr")
    rows = random_rows(5, 6, seed=3)
    for modality in ("text", "image"):
        ours, theirs = loaded.maps[modality](rows), trained.maps[modality](rows)
        # Of one matrix that lies elsewhere in memory a product may have other last bits.
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-6)
    assert '"method": "ridge"' in path.with_suffix(".json").read_text()
    loaded.check_source(SOURCE)
    loaded.check_target(TARGET)


def test_other_encoders_are_refused(trained):
    with pytest.raises(TrainedMapError, match=r"takes light .* but the encoder in use is heavy"):
        trained.check_source(TARGET)
    with pytest.raises(TrainedMapError, match=r"leads to heavy .* embedded with light"):
        trained.check_target(SOURCE)


def test_files_that_are_no_adapter_are_refused(trained, tmp_path, monkeypatch):
    path = tmp_path / "adapter.safetensors"
    with pytest.raises(TrainedMapError, match="cannot read"):
        Adapter.load(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(TrainedMapError, match="is no adapter, or is damaged"):
        Adapter.load(path)
    short = SpaceMap(trained.maps["text"].mean[:3], trained.maps["text"].layers)
    replace(trained, maps={"text": short, "image": short}).save(path)
    with pytest.raises(TrainedMapError, match="do not fit its card"):
        Adapter.load(path)
    replace(trained, maps={"text": trained.maps["text"]}).save(path)
    with pytest.raises(TrainedMapError, match="damaged"):
        Adapter.load(path)
    monkeypatch.setattr(module, "_KIND", replace(module._KIND, version=9))
    trained.save(path)
    monkeypatch.undo()
    with pytest.raises(TrainedMapError, match="adapter of format 9"):
        Adapter.load(path)


def test_a_file_of_numbers_that_are_none_is_refused(trained, tmp_path):
    path = tmp_path / "adapter.safetensors"
    text = trained.maps["text"]
    lost = SpaceMap(text.mean * np.nan, text.layers)
    replace(trained, maps={"text": lost, "image": lost}).save(path)
    with pytest.raises(TrainedMapError, match="not finite float32"):
        Adapter.load(path)


@pytest.mark.parametrize("alignment", [None, [1]])
def test_a_card_of_another_form_is_refused(trained, tmp_path, alignment):
    path = tmp_path / "adapter.safetensors"
    card = asdict(trained.card) | {"alignment": alignment}
    module._KIND.save(path, card, {"text.mean": trained.maps["text"].mean})
    with pytest.raises(TrainedMapError, match="is no adapter, or is damaged"):
        Adapter.load(path)


def test_an_adapter_that_cannot_be_written_leaves_the_old_one(trained, tmp_path, monkeypatch):
    path = tmp_path / "adapter.safetensors"
    trained.save(path)
    before = path.read_bytes()

    def fails(self, target):
        raise OSError("no room")

    monkeypatch.setattr("pathlib.Path.replace", fails)
    with pytest.raises(OSError, match="no room"):
        replace(trained, maps={"text": trained.maps["text"]}).save(path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2
