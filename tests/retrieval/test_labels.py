"""Zero-shot labels: probabilities, prompts, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import QueryError
from retrieval.labels import DEFAULT_LOGIT_SCALE, Labeller
from retrieval.model import EncoderInfo

DIM = 8


class WordEncoder:
    """A text is the sum of the directions of its words."""

    info = EncoderInfo("words", DIM, "a" * 64)

    def encode_texts(self, texts):
        rows = [sum(self._word(word) for word in text.split()) for text in texts]
        return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)

    def _word(self, word):
        return np.random.default_rng(list(word.encode())).standard_normal(DIM)


class ScaledWords(WordEncoder):
    logit_scale = 5.0


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


LABELS = ["dog", "cat", "red car", "tree"]


def test_a_picture_of_a_label_gets_that_label():
    encoder = WordEncoder()
    labeller = Labeller(encoder, LABELS, ["{}"])
    found = labeller.label(encoder.encode_texts(LABELS), 1)
    assert [best[0].label for best in found] == LABELS
    assert all(best[0].score == pytest.approx(1, abs=1e-6) for best in found)


@pytest.mark.parametrize("encoder", [WordEncoder(), ScaledWords()], ids=["unscaled", "scaled"])
@given(seed=st.integers(0, 1000))
def test_probabilities_are_the_softmax_at_the_models_scale(encoder, seed):
    vectors = unit(np.random.default_rng(seed).standard_normal((3, DIM)))
    scale = getattr(encoder, "logit_scale", DEFAULT_LOGIT_SCALE)
    for row, found in zip(vectors, Labeller(encoder, LABELS).label(vectors, 4), strict=True):
        assert sum(each.probability for each in found) == pytest.approx(1)
        assert [each.score for each in found] == sorted((e.score for e in found), reverse=True)
        odds = [np.exp(scale * (each.score - found[0].score)) for each in found]
        assert [each.probability for each in found] == pytest.approx(np.array(odds) / sum(odds))
        assert {each.label for each in found} == set(LABELS)
        assert row.shape == (DIM,)


def test_prompts_are_averaged_on_the_sphere():
    encoder = WordEncoder()
    prompts = ["a {}", "one {} there"]
    wanted = sum(encoder.encode_texts([prompt.replace("{}", "dog")]) for prompt in prompts)
    (best,) = Labeller(encoder, ["dog", "cat"], prompts).label(unit(wanted), 1)[0]
    assert (best.label, best.score) == ("dog", pytest.approx(1, abs=1e-6))


def test_braces_in_a_label_stay_as_they_are():
    labeller = Labeller(WordEncoder(), ["{0} {}", "cat"], ["a {}"])
    assert labeller.labels == ("{0} {}", "cat")


def test_equal_labels_count_once_and_ties_keep_the_order():
    labeller = Labeller(WordEncoder(), ["dog cat", "cat dog", "dog cat"], ["{}"])
    found = labeller.label(WordEncoder().encode_texts(["dog cat"]), 5)[0]
    assert [each.label for each in found] == ["dog cat", "cat dog"]
    assert found[0].probability == pytest.approx(0.5, abs=1e-3)


def test_no_pictures_have_no_labels():
    assert Labeller(WordEncoder(), LABELS).label(np.empty((0, DIM), np.float32)) == []


@pytest.mark.parametrize(
    ("labels", "prompts", "message"),
    [
        ([], ["{}"], "no labels"),
        (["dog", " "], ["{}"], "a label is empty"),
        (["dog"], [], "no prompts"),
        (["dog"], ["a photo"], "no place for a label"),
    ],
)
def test_what_cannot_be_asked_is_refused(labels, prompts, message):
    with pytest.raises(QueryError, match=message):
        Labeller(WordEncoder(), labels, prompts)


def test_k_below_one_is_refused():
    with pytest.raises(QueryError, match="k must be at least 1"):
        Labeller(WordEncoder(), LABELS).label(np.ones((1, DIM), np.float32), 0)
