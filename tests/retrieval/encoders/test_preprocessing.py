"""Pictures are resized and cropped as the model says: open_clip's modes, and one that it lacks."""

import json
import shutil
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from retrieval.encoders.registry import get_encoder
from retrieval.encoders.targetpad import RATIO, target_pad
from tests.contracts.encoder import pictures


def with_preprocessing(bundle, folder, **changes):
    """The tiny model with another preprocessing, in a folder of its own."""
    shutil.copytree(bundle, folder, dirs_exist_ok=True)
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["preprocess_cfg"] |= changes
    path.write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_every_mode_of_open_clip_gives_its_pixels(bundle, tmp_path, mode, interpolation):
    import open_clip
    import torch

    changes = {"resize_mode": mode, "interpolation": interpolation, "fill_color": 127}
    folder = with_preprocessing(bundle, tmp_path, **changes)
    encoder = get_encoder(f"local-dir:{folder}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    mean, std = (torch.tensor(getattr(transform.transforms[-1], part)) for part in ("mean", "std"))
    for image in pictures():
        own = transform(image) * std[:, None, None] + mean[:, None, None]
        expected = (own * 255).round().permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(encoder.preprocess(image), expected)


def test_an_unknown_mode_is_an_error(bundle, tmp_path):
    from retrieval.errors import EncoderUnavailableError

    folder = with_preprocessing(bundle, tmp_path, resize_mode="sideways")
    with pytest.raises(EncoderUnavailableError, match="cannot be loaded"):
        get_encoder(f"local-dir:{folder}").encode_images(pictures()[:1])


def test_target_padding_shows_the_ends_of_long_pictures(bundle, tmp_path):
    padded = get_encoder(
        f"local-dir:{with_preprocessing(bundle, tmp_path / 'a', resize_mode='targetpad')}"
    )
    plain = get_encoder(f"local-dir:{with_preprocessing(bundle, tmp_path / 'b')}")
    wide = Image.new("RGB", (300, 100), "white")
    wide.paste("red", (40, 0, 60, 100))
    assert (plain.preprocess(wide)[..., 1] > 200).all()  # the stripe lies outside of the square
    seen = padded.preprocess(wide)
    assert (seen[16, :, 1] < 60).any()
    assert (seen[0] == 0).all()  # padding above
    square = Image.new("RGB", (100, 90), "blue")
    np.testing.assert_array_equal(padded.preprocess(square), plain.preprocess(square))
    assert padded.info.fingerprint != plain.info.fingerprint


@given(width=st.integers(1, 400), height=st.integers(1, 400))
def test_target_padding_bounds_the_ratio_and_keeps_the_picture_in_the_middle(width, height):
    image = Image.new("RGB", (width, height), "white")
    padded = target_pad(image)
    across, down = padded.width - width, padded.height - height
    assert across % 2 == down % 2 == 0
    assert min(across, down) == 0
    longer, shorter = max(padded.size), min(padded.size)
    assert longer == max(width, height)
    assert longer <= RATIO * (shorter + 2)  # whole pixels on each side
    white = Image.new("L", padded.size, 0)
    white.paste(255, (across // 2, down // 2, across // 2 + width, down // 2 + height))
    np.testing.assert_array_equal(np.asarray(padded)[..., 0], np.asarray(white))
    assert target_pad(padded).size == padded.size or longer > RATIO * shorter
