"""A collection in which a few images are hubs on purpose: near to every caption."""

import numpy as np

from indexer.build import bring_index_up_to_date
from indexer.writer import CollectionWriter, NewItem
from retrieval.encoders.fingerprint import encoder_info
from retrieval.model import FileRef, ImageMeta
from tests import collection_kit as kit

DIM = 16
N_IMAGES, N_CAPTIONS, N_HUBS = 90, 3, 4
NOISE = 0.4
META = ImageMeta("JPEG", 640, 480)


class ConeEncoder:
    """Texts lie in a cone around the first axis; one that ends in a number is about that image."""

    info = encoder_info("cones", DIM, {"config": "cones"}, ("en",))
    input_px = 8

    def __init__(self, device="auto"):
        self.calls = 0

    def encode_texts(self, texts):
        self.calls += 1
        return np.concatenate([np.empty((0, DIM), np.float32), *(map(self._row, texts))])

    def _row(self, text):
        last = text.split()[-1]
        seed = list(text.encode())
        about = image_row(int(last)) if last.isdigit() else np.zeros(DIM)
        noise = np.random.default_rng(seed).standard_normal(DIM) / np.sqrt(DIM)
        return unit((0.9 * np.eye(DIM)[0] + about + NOISE * noise)[None])


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def image_row(number):
    """An image of its own; the first few are hubs."""
    row = np.random.default_rng(number).standard_normal(DIM)
    row[0] = 0
    row /= np.linalg.norm(row)
    if number < N_HUBS:
        row = 0.3 * row + np.eye(DIM)[0]
    return row / np.linalg.norm(row)


def caption(number, which):
    return f"caption {which} of {number}"


def put_images(writer, numbers):
    items = [
        NewItem(kit.digest(number), META, (kit.ref(f"/photos/{number}.jpg"),)) for number in numbers
    ]
    writer.commit(unit(np.stack([image_row(number) for number in numbers])), items)


def put_captions(writer, numbers, n_captions=N_CAPTIONS):
    said = [caption(number, which) for number in numbers for which in range(n_captions)]
    items = [
        NewItem(
            kit.digest(10_000 + 100 * number + which),
            ImageMeta("TEXT", 0, 0),
            (FileRef(f"/photos/{number}.jpg".encode(), 10, 20, b"/photos/captions.csv"),),
            (caption(number, which),),
        )
        for number in numbers
        for which in range(n_captions)
    ]
    writer.commit(ConeEncoder().encode_texts(said), items, gallery="texts")


def album(number, n_albums=45):
    """One caption of every n-th image."""
    files = tuple(
        FileRef(f"/photos/{each}.jpg".encode(), 10, 20, b"/photos/captions.csv")
        for each in range(number, N_IMAGES, n_albums)
    )
    return NewItem(
        kit.digest(20_000 + number), ImageMeta("TEXT", 0, 0), files, (f"album {number}",)
    )


def hub_collection(folder, *, n_captions=N_CAPTIONS, is_built=True):
    """N_IMAGES images in two segments, a few captions of each."""
    with CollectionWriter.open(folder, ConeEncoder.info) as writer:
        put_images(writer, range(50))
        put_images(writer, range(50, N_IMAGES))
        put_captions(writer, range(N_IMAGES), n_captions)
        if is_built:
            build(writer)
    return folder


def build(writer, encoder=None):
    for name in ("images", "texts"):
        bring_index_up_to_date(writer, encoder or ConeEncoder(), name=name)
