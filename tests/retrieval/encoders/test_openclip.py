"""Every kind of open_clip model: the contract, and open_clip's own answers."""

import json
import logging
import shutil
import warnings

import numpy as np
import pytest
from safetensors import safe_open

from retrieval.encoders import openclip_towers
from retrieval.encoders.openclip import OpenClipEncoder
from retrieval.encoders.options import EncoderOptions
from retrieval.encoders.precision import Plan
from retrieval.encoders.registry import get_encoder
from retrieval.labels import Labeller
from tests import bundles
from tests.contracts.encoder import EncoderContract, pictures

pytest.importorskip("transformers", reason="needs polyseek[towers]")

TEXTS = [
    "a red car",
    "!",
    "",
    "two dogs on a beach at sunset",
    "犬と猫",
    "A photograph of a mountain lake, very long and with many, many details " * 8,
    "zwei Hunde",
]


@pytest.fixture(scope="module", params=bundles.KINDS, ids=lambda kind: kind.__name__)
def made(request, tmp_path_factory):
    """The folder of a model of one kind."""
    return request.param(tmp_path_factory.mktemp(request.param.__name__))


@pytest.fixture(scope="module")
def encoder(made):
    return OpenClipEncoder(f"local-dir:{made}", "cpu", EncoderOptions(precision="fp32"))


def test_only_models_of_a_sigmoid_loss_tell_probabilities(made, encoder):
    with safe_open(made / "open_clip_model.safetensors", "np") as tensors:
        names = set(tensors.keys())
        bias = float(tensors.get_tensor("logit_bias")) if "logit_bias" in names else None
    expected = None if bias is None else (encoder.logit_scale, pytest.approx(bias))
    assert encoder.sigmoid == expected


def own_answers(folder, images, texts):
    """What open_clip itself says, one batch, every text padded to the full context."""
    import open_clip
    import torch

    config_path = folder / "open_clip_config.json"
    config = config_path.read_text()
    changed = json.loads(config)
    if "hf_model_name" in changed["model_cfg"]["text_cfg"]:
        changed["model_cfg"]["text_cfg"]["hf_model_name"] = str(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            config_path.write_text(json.dumps(changed))
            model, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
            tokenize = open_clip.get_tokenizer(f"local-dir:{folder}")
        finally:
            config_path.write_text(config)
    with torch.inference_mode():
        stacked = torch.stack([transform(each) for each in images])
        rows = model.eval().encode_image(stacked, normalize=True)
        return rows.numpy(), model.encode_text(tokenize(texts), normalize=True).numpy()


def ten_best(queries, gallery):
    return np.argsort(-queries @ gallery.T, axis=1, kind="stable")[:, :10]


class TestContract(EncoderContract):
    """The rules of every encoder."""


def test_it_answers_as_open_clip_itself(encoder, made):
    images, words = own_answers(made, pictures(), TEXTS)
    np.testing.assert_allclose(encoder.encode_images(pictures()), images, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), words, atol=1e-5)


def test_labels_are_scaled_as_the_model_learned(encoder, made):
    (weights,) = made.glob("*.safetensors")
    with safe_open(weights, framework="np") as tensors:
        logarithm = float(tensors.get_tensor("logit_scale"))
    assert encoder.logit_scale == pytest.approx(np.exp(logarithm))
    (found,) = Labeller(encoder, ["red", "blue"]).label(encoder.encode_texts(["red"]))
    odds = np.exp(encoder.logit_scale * (found[1].score - found[0].score))
    assert found[1].probability == pytest.approx(odds / (1 + odds), rel=1e-3)


def test_neither_the_split_nor_the_order_changes_the_ten_best(encoder):
    rng = np.random.default_rng(3)
    gallery = encoder.encode_texts([f"thing {i} " + "very " * (i % 9) for i in range(150)])
    queries = pictures() * 3
    expected = ten_best(encoder.encode_images(queries), gallery)
    order = rng.permutation(len(queries))
    shuffled = ten_best(encoder.encode_images([queries[i] for i in order]), gallery)
    np.testing.assert_array_equal(shuffled, expected[order])
    texts = [f"thing {i} " + "very " * (i % 9) for i in range(150)]
    order = rng.permutation(len(texts))
    again = np.empty_like(gallery)
    again[order] = encoder.encode_texts([texts[i] for i in order])
    np.testing.assert_allclose(again, gallery, atol=1e-5)
    np.testing.assert_array_equal(ten_best(encoder.encode_images(queries), again), expected)


def test_a_text_that_loses_its_end_is_reported_once_a_call(encoder, caplog):
    context = encoder._loaded().tokenize.context
    with caplog.at_level(logging.WARNING, "retrieval.encoders.openclip"):
        encoder.encode_texts(TEXTS)
    (record,) = caplog.records
    assert record.getMessage().startswith(f"1 of 7 texts are longer than the {context} tokens")
    caplog.clear()
    encoder.encode_texts(["a car", ""])
    assert not caplog.records


def test_a_text_that_just_fits_is_not_reported(encoder, caplog):
    tokens = encoder._loaded().tokenize
    texts = ["a" + " a" * n for n in range(tokens.context + 2)]
    counts = [tokens.count(text) for text in texts]
    assert max(counts) > tokens.context in counts
    found = tokens(texts)
    assert found.truncated == sum(count > tokens.context for count in counts)
    fits = [text for text, count in zip(texts, counts, strict=True) if count <= tokens.context]
    with caplog.at_level(logging.WARNING, "retrieval.encoders.openclip"):
        encoder.encode_texts(fits)
    assert not caplog.records


def test_the_limit_that_it_tells_is_where_texts_are_cut(encoder):
    limit = encoder.text_limit()
    assert (limit.most, limit.unit) == (encoder._loaded().tokenize.context, "tokens")
    assert 0 < limit.overhead <= 3
    texts = ["a" + " a" * n for n in range(limit.most + 2)]
    cut = [encoder._loaded().tokenize([text]).truncated for text in texts]
    assert [not limit.fits(text) for text in texts] == [bool(each) for each in cut]
    assert not limit.fits("word " * 5_000)


def test_little_memory_changes_no_row(made, monkeypatch):
    small = OpenClipEncoder(f"local-dir:{made}", "cpu", EncoderOptions(precision="fp32"))
    expected = small.encode_images(pictures()), small.encode_texts(TEXTS)
    towers = small._loaded()
    sizes = []
    for method in ("embed_pixels", "embed_tokens"):
        monkeypatch.setattr(towers, method, _failing_above(2, getattr(towers, method), sizes))
    np.testing.assert_allclose(small.encode_images(pictures()), expected[0], atol=1e-5)
    np.testing.assert_allclose(small.encode_texts(TEXTS), expected[1], atol=1e-5)
    assert max(sizes) <= 2


def _failing_above(limit, embed, sizes):
    def run(sent):
        if len(sent.batch) > limit:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        sizes.append(len(sent.batch))
        return embed(sent)

    return run


def test_bf16_weights_keep_the_neighbours(made, encoder):
    import torch

    plan = Plan(weights="bf16")
    towers = openclip_towers.load_towers(encoder.source, torch.device("cpu"), plan)
    exact = encoder.encode_images(pictures())
    pixels = np.stack([encoder.preprocess(each) for each in pictures()])
    rows = towers.embed_pixels(towers.send(pixels))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert (rows * exact).sum(axis=1).min() > 0.99
    ids = towers.tokenize(TEXTS).ids
    words = towers.embed_tokens(towers.send(ids))
    assert (words * encoder.encode_texts(TEXTS)).sum(axis=1).min() > 0.99


def test_an_exported_bundle_is_the_same_model(made, encoder, tmp_path):
    from retrieval.encoders.openclip_bundle import export_bundle

    folder = tmp_path / "exported"
    files = export_bundle(encoder.source, folder)
    assert {"open_clip_config.json", "open_clip_model.safetensors"} <= {each.name for each in files}
    other = get_encoder(f"local-dir:{folder}")
    assert other.info.fingerprint == encoder.info.fingerprint
    np.testing.assert_allclose(other.encode_texts(TEXTS), encoder.encode_texts(TEXTS), atol=1e-5)


def test_overflow_in_half_precision_is_computed_again_in_full(tmp_path):
    import torch

    folder = bundles.native(tmp_path)
    source = OpenClipEncoder(f"local-dir:{folder}", "cpu").source
    exact = openclip_towers.load_towers(source, torch.device("cpu"), Plan())
    half = openclip_towers.load_towers(source, torch.device("cpu"), Plan(autocast="bf16"))
    model = half._model
    encode = model.encode_image

    def overflowing(x, normalize):
        rows = encode(x, normalize=normalize)
        return rows * float("inf") if torch.is_autocast_enabled("cpu") else rows

    model.encode_image = overflowing
    pixels = np.zeros((2, 32, 32, 3), dtype=np.uint8)
    expected = exact.embed_pixels(exact.send(pixels))
    np.testing.assert_allclose(half.embed_pixels(half.send(pixels)), expected, atol=1e-5)


def test_a_bundle_can_be_moved(tmp_path, caplog):
    made = bundles.xlm_roberta(_folder(tmp_path / "here"))
    before = get_encoder(f"local-dir:{made}").encode_texts(TEXTS[:2])
    moved = shutil.move(made, tmp_path / "there")
    after = get_encoder(f"local-dir:{moved}").encode_texts(TEXTS[:2])
    np.testing.assert_allclose(after, before, atol=1e-6)


def _folder(path):
    path.mkdir()
    return path
