"""The shipped prototypes are what build_mini makes of its inputs."""

import numpy as np
import pytest

from retrieval.encoders import e5, minilm
from retrieval.encoders.bank import caption_bank
from retrieval.encoders.build_mini import build, class_names, describe_inputs
from retrieval.encoders.prototypes import load_prototypes, unit_rows
from retrieval.encoders.registry import get_encoder

WEIGHTS = {"mini": e5.MODEL_SHA256, "mini-en": minilm.MODEL_SHA256}


@pytest.mark.parametrize("name", ["mini", "mini-en"])
def test_the_shipped_file_records_the_inputs_of_today(name):
    expected = describe_inputs(class_names(), caption_bank(), WEIGHTS[name])
    assert dict(load_prototypes(name).inputs) == expected


def test_the_arrays_are_unit_rows_and_means():
    prototypes = load_prototypes("mini")
    assert prototypes.classes.shape == (1000, 384)
    np.testing.assert_allclose(np.linalg.norm(prototypes.classes, axis=1), 1, atol=2e-3)
    assert 0 < np.linalg.norm(prototypes.image_mean) < 1
    bank = get_encoder("mini").encode_texts(caption_bank()[:50])
    assert np.linalg.norm(unit_rows(bank).mean(axis=0)) < 0.5  # centred on the bank


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mini", "mini-en"])
def test_making_the_file_again_gives_the_same_arrays(name, tmp_path, monkeypatch):
    shipped = load_prototypes(name)
    path = build(name, tmp_path)
    monkeypatch.setattr(
        "retrieval.encoders.prototypes.files", lambda _: _Folder({name: path.read_bytes()})
    )
    made = load_prototypes(name)
    # The text tower of mini works in whole numbers, which another processor rounds otherwise:
    # the files of two machines had cosines from .9992 on.
    assert np.vecdot(unit_rows(made.classes), unit_rows(shipped.classes)).min() > 0.998
    for field in ("class_mean", "text_mean", "image_mean"):
        np.testing.assert_allclose(getattr(made, field), getattr(shipped, field), atol=2e-3)


class _Folder:
    """Stands for the package's folder of assets."""

    def __init__(self, files):
        self._files = files

    def joinpath(self, _assets, name):
        self.read_bytes = lambda: self._files[name.removesuffix(".safetensors")]
        return self
