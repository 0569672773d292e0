"""Pseudo-tokens: a token's own embedding gives the text's embedding, in every kind of tower."""

import numpy as np
import pytest
import torch

from retrieval.encoders.injection import injector_of, supports_injection
from retrieval.encoders.registry import get_encoder
from retrieval.errors import EncoderUnavailableError, QueryError
from tests import bundles

INJECTABLE = (
    bundles.native,
    bundles.siglip,
    bundles.timm_siglip,
    bundles.xlm_roberta,
    bundles.nllb,
    bundles.clipa,
)
LEFT, MIDDLE, RIGHT = "a red car on", "the", "street at sunset"


def loaded(kind, tmp_path_factory):
    folder = kind(tmp_path_factory.mktemp(kind.__name__))
    return get_encoder(f"local-dir:{folder}", device="cpu")


@pytest.fixture(scope="module", params=INJECTABLE, ids=lambda kind: kind.__name__)
def encoder(request, tmp_path_factory):
    return loaded(request.param, tmp_path_factory)


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    return loaded(bundles.native, tmp_path_factory)


def test_a_word_put_in_by_its_own_embedding_changes_nothing(encoder):
    injector = injector_of(encoder)
    (own,) = injector.embeddings_of([MIDDLE])
    rows, truncated = injector.encode([[LEFT, own, RIGHT], [own, RIGHT], [LEFT, own]])
    texts = [f"{LEFT} {MIDDLE} {RIGHT}", f"{MIDDLE} {RIGHT}", f"{LEFT} {MIDDLE}"]
    expected = np.concatenate([encoder.encode_texts([text]) for text in texts])
    assert truncated == 0
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    alone, _ = injector.encode([[LEFT, own, RIGHT]])
    np.testing.assert_array_equal(alone, encoder.encode_texts(texts[:1]))


def test_another_vector_changes_the_text_and_gradients_reach_it(encoder):
    injector = injector_of(encoder)
    (own,) = injector.embeddings_of([MIDDLE])
    prompts = injector.prompts([[LEFT, len(own), RIGHT]])
    other = np.ascontiguousarray(own[:, ::-1])  # a constant more would be taken out by LayerNorm
    tokens = torch.from_numpy(other).requires_grad_()
    features = injector.features(prompts, tokens)
    features.square().sum().backward()
    assert float(tokens.grad.abs().sum()) > 0
    plain = encoder.encode_texts([f"{LEFT} {MIDDLE} {RIGHT}"])
    assert not np.allclose(injector.encode([[LEFT, other, RIGHT]])[0], plain, atol=1e-4)


def test_the_hook_is_gone_afterwards(encoder):
    before = encoder.encode_texts([LEFT])
    injector = injector_of(encoder)
    injector.encode([[LEFT, np.ones((1, injector.width), np.float32)]])
    np.testing.assert_array_equal(encoder.encode_texts([LEFT]), before)


def test_no_texts_are_no_rows(native):
    rows, truncated = injector_of(native).encode([])
    assert (rows.shape, truncated) == ((0, 64), 0)


def test_ids_by_hand(native):
    """CLIP's vocabulary: start 49406, "a" 320, "red" 736, end 49407."""
    prompts = injector_of(native).prompts([["a", 2, "red"], ["a red"]])
    assert prompts.ids.tolist() == [
        [49406, 320, 320, 320, 736, 49407],
        [49406, 320, 736, 49407, 0, 0],
    ]
    assert prompts.slots.tolist() == [
        [False, False, True, True, False, False],
        [False] * 6,
    ]


@pytest.mark.parametrize("right", [", in the snow", "* a star", "$5", "*,"])
def test_no_glyph_of_the_text_takes_a_slot_away(native, right):
    prompts = injector_of(native).prompts([["a photo of *", 1, right]])
    assert int(prompts.slots.sum()) == 1
    assert prompts.slots[0, 5]  # start, a, photo, of, *


def test_a_long_text_loses_its_end_and_no_slot(encoder):
    injector = injector_of(encoder)
    context = encoder._loaded().tokenize.context
    prompts = injector.prompts([["a car " * 100, 1, "on a beach " * 100, 2]])
    assert prompts.truncated == 1
    assert prompts.ids.shape == prompts.slots.shape == (1, context)
    assert int(prompts.slots.sum()) == 3
    rows, truncated = injector.encode([["a car " * 100, np.zeros((1, injector.width))]])
    assert (rows.shape, truncated) == ((1, 64), 1)


def test_more_slots_than_the_context_are_refused(native):
    with pytest.raises(QueryError, match="76 pseudo-tokens do not fit") as caught:
        injector_of(native).prompts([["a", 76]])
    assert caught.value.hint


def test_tokens_must_be_as_many_as_slots_and_as_wide_as_the_tower(native):
    injector = injector_of(native)
    with pytest.raises(ValueError, match="2 tokens for 1 slots"):
        injector.features(injector.prompts([["a", 1]]), torch.zeros(2, injector.width))
    with pytest.raises(ValueError, match="expected pseudo-tokens"):
        injector.encode([["a", np.zeros((1, 3), np.float32)]])


def test_coca_and_encoders_without_a_tower_say_that_they_cannot(tmp_path_factory):
    coca = loaded(bundles.coca, tmp_path_factory)
    assert not supports_injection(coca)
    with pytest.raises(EncoderUnavailableError, match="cannot take an image") as caught:
        injector_of(coca)
    assert caught.value.hint
