"""Maps from images to pseudo-tokens: the file, the closed form, and that training learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from retrieval.encoders.registry import get_encoder
from retrieval.errors import EncoderUnavailableError, TrainedMapError
from retrieval.learn.net import _network, fit
from retrieval.learn.oti import invert
from retrieval.learn.phi import DEFAULT_TEMPLATE, Phi, PhiCard, filled, prompt_of
from retrieval.learn.phi_lessons import Lessons, PhiRecipe
from retrieval.learn.phi_lincir import train_lincir
from retrieval.learn.phi_pic2word import train_pic2word
from retrieval.learn.phi_ridge import ridge, train_ridge
from retrieval.learn.phi_words import content_words, masked
from tests import bundles
from tests.factories import GeometryEncoder

TEXTS = tuple(
    f"a {size} {colour} {thing} on the {place}"
    for size in ("small", "large")
    for colour in ("red", "blue", "green")
    for thing in ("car", "dog", "house")
    for place in ("beach", "street")
)
SHORT = PhiRecipe(steps=40, batch=16, dropout=0.0, rate=3e-3)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = bundles.native(tmp_path_factory.mktemp("native"))
    return get_encoder(f"local-dir:{folder}", device="cpu")


@pytest.fixture(scope="module")
def lessons(encoder):
    """Texts, and their own embeddings for images: what a perfect pair of towers would give."""
    texts = Lessons.of(encoder, TEXTS)
    return replace(texts, images=texts.vectors)


def by_hand(layers, norm=None, n_tokens=1):
    card = PhiCard("e", "f" * 64, 2, 2, n_tokens, DEFAULT_TEMPLATE, "ridge", norm)
    return Phi(card, np.array([1, 0], np.float32), layers)


def test_a_linear_map_by_hand():
    weight, bias = np.array([[0, 2], [1, 0]], np.float32), np.array([0, 1], np.float32)
    images = np.array([[1, 3], [2, 0]], np.float32)
    # less the mean: (0, 3) and (1, 0)
    assert by_hand(((weight, bias),)).tokens(images).tolist() == [[[6, 1]], [[0, 2]]]
    long = by_hand(((weight, bias),), norm=5.0).tokens(images)
    np.testing.assert_allclose(np.linalg.norm(long, axis=-1), 5.0, rtol=1e-6)


def test_layers_of_a_network_give_what_the_network_gives(lessons):
    recipe = replace(SHORT, steps=0)
    layers = fit((64, 128), recipe, lambda net: net(torch.zeros(1, 64)).sum())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = _network((64, 128), recipe).eval()
    phi = lessons.phi("lincir", layers, {}, n_tokens=2)
    tokens = phi.tokens(lessons.images)
    assert tokens.shape == (len(TEXTS), 2, 64)
    inputs = torch.from_numpy(lessons.images - lessons.image_mean)
    np.testing.assert_allclose(tokens.reshape(-1, 128), net(inputs).detach().numpy(), atol=1e-5)


def test_a_file_gives_the_map_back_and_a_card_to_read(lessons, tmp_path):
    phi = train_ridge(lessons)
    phi.save(tmp_path / "phi.safetensors")
    loaded = Phi.load(tmp_path / "phi.safetensors")
    assert loaded.card == phi.card
    assert loaded.card.trained_on == {"texts": len(TEXTS), "images": len(TEXTS)}
    np.testing.assert_allclose(loaded.tokens(lessons.images), phi.tokens(lessons.images), atol=1e-6)
    assert '"method": "ridge"' in (tmp_path / "phi.json").read_text()
    loaded.check(lessons.info)


def test_another_encoder_is_refused(lessons):
    other = replace(lessons.info, fingerprint="0" * 64)
    with pytest.raises(TrainedMapError, match="but the encoder in use is") as caught:
        train_ridge(lessons).check(other)
    assert "train phi" in caught.value.hint


def test_files_that_are_no_phi_are_refused(lessons, tmp_path):
    path = tmp_path / "phi.safetensors"
    with pytest.raises(TrainedMapError, match="cannot read"):
        Phi.load(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(TrainedMapError, match="is no phi, or is damaged"):
        Phi.load(path)
    from safetensors.numpy import save_file

    save_file({"mean": np.zeros(3, np.float32)}, path)
    with pytest.raises(TrainedMapError, match="it has no card"):
        Phi.load(path)
    whole = train_ridge(lessons)
    replace(whole, mean=whole.mean[:5]).save(path)
    with pytest.raises(TrainedMapError, match="do not fit its card"):
        Phi.load(path)
    whole.save(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(TrainedMapError, match="damaged"):
        Phi.load(path)


def test_a_later_format_is_refused(lessons, tmp_path, monkeypatch):
    from retrieval.learn import phi as module

    monkeypatch.setattr(module, "_KIND", replace(module._KIND, version=9))
    train_ridge(lessons).save(tmp_path / "phi.safetensors")
    monkeypatch.undo()
    with pytest.raises(TrainedMapError, match="a phi of format 9"):
        Phi.load(tmp_path / "phi.safetensors")


@pytest.mark.parametrize("template", ["no slots", "{image} {image} {text}", "a {image}"])
def test_a_template_has_both_slots_once(encoder, template):
    with pytest.raises(TrainedMapError, match="once each"):
        Lessons.of(encoder, TEXTS, template=template)


def test_an_encoder_that_cannot_inject_has_no_phi():
    with pytest.raises(EncoderUnavailableError, match="cannot take an image"):
        Lessons.of(GeometryEncoder("cpu"), TEXTS)


def test_templates_by_hand():
    token = np.ones((1, 2), np.float32)
    assert filled(DEFAULT_TEMPLATE, token, "is blue") == ("a photo of", token, "that is blue")
    assert filled("{text} {image}", token, "blue") == ("blue", token)
    assert (prompt_of(DEFAULT_TEMPLATE), prompt_of("{image} {text}")) == ("a photo of", "")
    assert (prompt_of("{text} {image}"), prompt_of("a {text} {image} here")) == ("", "a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a red car on the beach", ("a", 1, "on the", 1)),
        ("red car", (1,)),
        ("a photo of a dog", ("a photo of a", 1)),
        ("of the", ("of", 1)),
        ("of", (1,)),
    ],
)
def test_words_that_name_something_become_slots(text, expected):
    assert masked(text) == expected


def test_words_that_name_nothing_are_left_out_unless_there_are_no_others():
    assert content_words("A red car, on the beach.") == "red car, beach."
    assert content_words("of the") == "of the"


def test_ridge_is_the_best_map_under_noise():
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((40, 3)).astype(np.float32)
    truth = rng.standard_normal((3, 2))
    targets = inputs @ truth
    np.testing.assert_allclose(ridge(inputs, targets, 1e-9), truth, atol=1e-6)
    # Ten thousand noisy copies of every input, solved by least squares.
    size = np.sqrt(0.5 * (inputs**2).sum() / 40 / 3)
    noisy = np.repeat(inputs, 10_000, 0) + size * rng.standard_normal((400_000, 3))
    slow = np.linalg.lstsq(noisy, np.repeat(targets, 10_000, 0))[0]
    np.testing.assert_allclose(ridge(inputs, targets, 0.5), slow, atol=0.02)


def test_ridge_gives_tokens_of_the_median_length_of_words(lessons):
    phi = train_ridge(lessons)
    words = lessons.injector.embeddings_of([content_words(text) for text in TEXTS])
    median = np.median(np.linalg.norm(np.concatenate(words), axis=1))
    lengths = np.linalg.norm(phi.tokens(lessons.images), axis=-1)
    np.testing.assert_allclose(lengths, median, rtol=1e-5)


@pytest.mark.parametrize("train", [train_lincir, train_pic2word])
@pytest.mark.parametrize("n_tokens", [1, 2])
def test_training_brings_images_nearer_to_their_words(lessons, train, n_tokens):
    recipe = replace(SHORT, n_tokens=n_tokens)
    seen = []
    trained = train(lessons, recipe, lambda done, total: seen.append((done, total)))
    start = train(lessons, replace(recipe, steps=1))
    assert seen == [(step, 40) for step in range(1, 41)]
    assert _found(lessons, trained) > _found(lessons, start) + 0.1


def _found(lessons, phi):
    """Mean margin of an image's own pseudo-word over those of the others, by cosine."""
    tokens = phi.tokens(lessons.images)
    said, _ = lessons.injector.encode([[prompt_of(phi.card.template), own] for own in tokens])
    cosines = said @ (lessons.images - lessons.image_mean).T
    cosines /= np.linalg.norm(lessons.images - lessons.image_mean, axis=1)
    return float(np.diag(cosines).mean() - cosines.mean())


def test_the_same_seed_gives_the_same_map_and_leaves_torch_as_it_was(lessons):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first = train_lincir(lessons, replace(SHORT, steps=3))
    assert torch.equal(torch.rand(1), expected)
    again = train_lincir(lessons, replace(SHORT, steps=3))
    other = train_lincir(lessons, replace(SHORT, steps=3, seed=1))
    np.testing.assert_array_equal(first.layers[0][0], again.layers[0][0])
    assert not np.array_equal(first.layers[0][0], other.layers[0][0])


def test_pic2word_needs_images(encoder):
    with pytest.raises(TrainedMapError, match="there are none") as caught:
        train_pic2word(Lessons.of(encoder, TEXTS))
    assert "lincir" in caught.value.hint


def test_inversion_finds_a_token_that_says_the_image(lessons):
    images, gap = lessons.images[:3], np.zeros(64, np.float32)
    tokens = invert(lessons.injector, images, gap, DEFAULT_TEMPLATE, steps=60)
    assert (tokens.shape, tokens.dtype) == ((3, 1, 64), np.float32)
    start = invert(lessons.injector, images, gap, DEFAULT_TEMPLATE, steps=0)

    def cosines(of):
        said, _ = lessons.injector.encode([["a photo of", own] for own in of])
        return (said * images).sum(axis=1)

    assert (cosines(tokens) > cosines(start) + 0.1).all()
