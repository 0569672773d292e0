"""The product itself on a world: a collection on disk, asked through the engine."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.confidence.worlds import World
from indexer.writer import CollectionWriter, NewItem
from retrieval.encoders.base import Encoder
from retrieval.engine import SearchEngine
from retrieval.model import FileRef, Float32Array, ImageMeta
from retrieval.query.algebra import Text


class Remembering:
    """An encoder's texts, each embedded once however often it is asked."""

    def __init__(self, encoder: Encoder) -> None:
        self.info = encoder.info
        self._encoder = encoder
        self._known: dict[str, Float32Array] = {}

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._encoder.encode_texts(new), strict=True))
        if not texts:
            return np.zeros((0, self.info.dim), np.float32)
        return np.stack([self._known[text] for text in texts])


def write_collection(world: World, encoder: Remembering, folder: Path) -> None:
    """Write a world as a collection."""
    pictures = [_item("picture", at, ImageMeta("PNG", 32, 32)) for at in range(len(world.gallery))]
    with CollectionWriter.open(folder, encoder.info) as writer:
        writer.commit(world.gallery, pictures)
        if world.captions:
            texts = list(dict.fromkeys(world.captions))
            said = [_item(text, at, ImageMeta("TEXT", 0, 0)) for at, text in enumerate(texts)]
            writer.commit(encoder.encode_texts(texts), said, gallery="texts")


def confidences(folder: Path, encoder: Encoder, queries: Sequence[str]) -> npt.NDArray[np.float64]:
    """The greatest confidence among the ten best hits of each query, (q,)."""
    with SearchEngine.open(folder, encoder=encoder, device="cpu") as engine:
        results = engine.search_batch([Text(text) for text in queries], weigh=True)
    return np.array([max(hit.confidence or 0.0 for hit in each.hits) for each in results])


def _item(name: str, at: int, meta: ImageMeta) -> NewItem:
    is_text = meta.format == "TEXT"
    file = FileRef(b"/%d.png" % at, 1, 1, b"/captions.csv" if is_text else None)
    digest = sha256(f"{name} {at}".encode()).hexdigest()
    return NewItem(digest, meta, (file,), (name,) if is_text else ())
