"""The benchmark of the hubness bias, on vectors with hubs on purpose."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks.hubness import Captioned, cross_validated, image_to_text, text_to_image
from tests.factories import GeometryEncoder
from tests.hub_kit import N_IMAGES, ConeEncoder, caption, image_row, unit


@pytest.fixture(scope="module")
def data():
    image_of = np.repeat(np.arange(N_IMAGES), 3)
    said = [caption(number, which % 3) for which, number in enumerate(image_of.tolist())]
    images = unit(np.stack([image_row(number) for number in range(N_IMAGES)]))
    return Captioned(images, ConeEncoder().encode_texts(said), image_of)


@pytest.mark.parametrize("own", [False, True])
def test_every_query_is_asked_once_and_hubs_give_way(data, own):
    bank = ConeEncoder().encode_texts([f"something {n} else" for n in range(80)])
    gain, alphas = cross_validated(text_to_image(data, bank), 5, 16, own=own)
    assert sorted(gain.groups.tolist()) == data.image_of.tolist()
    assert len(alphas) == 5
    first = gain.recall[0]
    assert first.adjusted - first.plain > 2 * first.standard_error
    best = (data.texts @ data.images.T).argmax(axis=1)
    assert first.plain == pytest.approx((best == data.image_of).mean())


def test_images_look_for_any_of_their_captions(data):
    direction = image_to_text(data)
    gain, _ = cross_validated(direction, 3, 16, own=False)
    best = (data.images @ data.texts.T).argmax(axis=1)
    assert gain.recall[0].plain == pytest.approx(
        (data.image_of[best] == np.arange(N_IMAGES)).mean()
    )
    with pytest.raises(ValueError, match="no images"):
        cross_validated(direction, 3, 16, own=True)


def test_photographs_and_captions_are_read_from_coco(tmp_path):
    for name in ("red", "blue", "green"):
        Image.new("RGB", (8, 8), name).save(tmp_path / f"{name}.png")
    listed = {
        "images": [{"id": n, "file_name": f"{name}.png"} for n, name in enumerate(["red", "blue"])],
        "annotations": [
            {"image_id": 1, "caption": "blue"},
            {"image_id": 0, "caption": "red"},
            {"image_id": 1, "caption": "blue and red"},
        ],
    }
    (tmp_path / "c.json").write_text(json.dumps(listed))
    data = Captioned.embed(tmp_path, tmp_path / "c.json", GeometryEncoder())
    assert data.image_of.tolist() == [0, 1, 1]
    assert (data.texts @ data.images.T).argmax(axis=1).tolist()[:2] == [0, 1]
    assert data.images.shape == (2, 8)
