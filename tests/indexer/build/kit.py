"""Items in cones, and an encoder whose texts lie in another: what an index is built of here."""

import numpy as np

from indexer.writer import NewItem
from retrieval.model import EncoderInfo, ImageMeta
from retrieval.store.collection import Collection
from tests import collection_kit as kit

N, DIM = 10_400, 16
INFO = EncoderInfo("cones", DIM, "c" * 64)
META = ImageMeta("JPEG", 640, 480)


class ConeEncoder:
    """Texts in a cone of their own, away from the items: as far out of distribution as captions."""

    info = INFO

    def __init__(self):
        self.calls = 0

    def encode_texts(self, texts):
        self.calls += 1
        rows = [np.random.default_rng(list(text.encode())).standard_normal(DIM) for text in texts]
        return unit(np.array(rows) + 2 * np.eye(DIM)[0])


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def item_rows(n, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((40, DIM))
    return unit(centres[rng.integers(40, size=n)] + 0.5 * rng.standard_normal((n, DIM)))


def commit(writer, rows, first):
    items = [
        NewItem(kit.digest(number), META, (kit.ref(f"/photos/{number}.jpg"),))
        for number in range(first, first + len(rows))
    ]
    writer.commit(rows, items)


def index_of(folder):
    with Collection.open(folder) as collection:
        return collection.gallery("images").entry.index
