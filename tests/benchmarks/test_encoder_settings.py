"""What records say of how an encoder is run."""

from benchmarks.encoder_settings import settings_of
from retrieval.encoders.openclip import OpenClipEncoder
from retrieval.encoders.options import EncoderOptions
from tests.factories import PREPROCESSING, GeometryEncoder, tiny_clip


def test_of_an_open_clip_model_all_that_its_configuration_tells(tmp_path):
    encoder = OpenClipEncoder(f"local-dir:{tiny_clip(tmp_path)}", device="cpu")
    assert settings_of(encoder) == {
        "activation": "gelu",
        "lower_case": True,
        "context_length": 77,
        "resize": "shortest",
        "antialias": True,
        "interpolation": "bicubic",
        "mean": PREPROCESSING["mean"],
        "std": PREPROCESSING["std"],
        "decoding": "as stored",
        "precision": "fp32",
        "score_precision": "fp32",
    }


def test_of_others_what_holds_for_all():
    assert settings_of(GeometryEncoder()).keys() == {"decoding", "precision", "score_precision"}


def test_the_precision_is_the_one_that_the_device_computes_in(tmp_path, monkeypatch):
    """bf16 is taken on a CPU only where it is faster."""
    from retrieval.encoders import precision

    for gain, expected in ((2.0, "bf16"), (0.5, "fp32")):
        monkeypatch.setattr(precision, "cpu_bf16_gain", lambda gain=gain: gain)
        options = EncoderOptions(precision="bf16")
        encoder = OpenClipEncoder(f"local-dir:{tmp_path}", device="cpu", options=options)
        assert encoder.precision == expected
