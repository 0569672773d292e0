"""What training makes, after a few steps: a bundle that polyseek loads, the same for a seed."""

import hashlib

import numpy as np
import pytest

from benchmarks.shapes.grammar import CIPHERS, FORMS, PARTIAL_FORMS, english, vocabulary
from benchmarks.shapes.pictures import ALL, HELD_OUT
from benchmarks.shapes.training import MODEL, TRAINED_TOKENS, Recipe, train, write_bundle
from retrieval.encoders.registry import get_encoder
from tests.benchmarks.shapes.kit import CHANCE, FLOOR, gallery, recall_at_1
from tests.contracts.encoder import EncoderContract

FEW = Recipe(steps=3, batch=16, views=1)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few-steps")
    write_bundle(train(FEW), folder)
    return folder


@pytest.fixture(scope="module")
def tokenize():
    import open_clip

    return open_clip.SimpleTokenizer()


class TestBundle(EncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, bundle):
        return get_encoder(f"local-dir:{bundle}", device="cpu")

    def test_its_pictures_need_no_resizing(self, encoder):
        picture = gallery()[0]
        assert np.array_equal(encoder.preprocess(picture), np.asarray(picture))


def test_equal_recipes_give_equal_weights(bundle, tmp_path):
    write_bundle(train(FEW), tmp_path)
    first, second = (
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        for folder in (bundle, tmp_path)
    )
    assert first == second
    assert sorted(first) == ["open_clip_config.json", "open_clip_model.safetensors"]


def test_training_leaves_torch_as_it_was():
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    train(Recipe(steps=1, batch=2, views=1, threads=threads + 1))
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.rand(3), expected)


def test_captions_fit_into_what_is_trained_and_ciphers_into_the_model(tokenize):
    captions = {english(one, form) for one in ALL for form in FORMS + PARTIAL_FORMS}
    words = {word: len(tokenize.encode(word)) for word in vocabulary()}
    assert _longest(captions, words) == TRAINED_TOKENS
    for cipher in CIPHERS:
        words = {word: len(tokenize.encode(said)) for word, said in cipher.words.items()}
        assert _longest(captions, words) <= MODEL["text_cfg"]["context_length"]


def _longest(texts, tokens_of):
    """Tokens of the longest text, with its start and end; the tokenizer never joins words."""
    return 2 + max(sum(tokens_of[word] for word in text.split()) for text in texts)


@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.name)
def test_no_token_of_a_cipher_was_ever_trained(cipher, tokenize):
    trained = {token for word in vocabulary() for token in tokenize.encode(word)}
    said = {token for word in cipher.words.values() for token in tokenize.encode(word)}
    assert not trained & said


def test_recall_at_1_by_hand():
    rows = np.eye(4, dtype=np.float32)
    assert recall_at_1(rows, rows) == 1
    assert recall_at_1(rows, rows[[1, 0, 2, 3]]) == 0.5
    same = np.ones((4, 4), np.float32) / 2
    assert recall_at_1(same, same) == 0, "a tie is no answer"


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_floor_holds_for_other_seeds(seed, tmp_path):
    write_bundle(train(Recipe(seed=seed)), tmp_path)
    encoder = get_encoder(f"local-dir:{tmp_path}", device="cpu")
    pictures = encoder.encode_images(gallery())
    captions = encoder.encode_texts([english(one) for one in HELD_OUT])
    assert recall_at_1(captions, pictures) >= FLOOR
    assert recall_at_1(pictures, captions) >= FLOOR
    for cipher in CIPHERS:
        said = encoder.encode_texts([cipher.translate(english(one)) for one in HELD_OUT])
        assert recall_at_1(said, pictures) <= CHANCE
        assert recall_at_1(pictures, said) <= CHANCE
