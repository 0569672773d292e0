"""Small collections for tests: contents by number, unit vectors that follow from the content."""

import sqlite3
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from indexer.writer import CollectionWriter, NewItem, PathChange
from retrieval.model import EncoderInfo, FileRef, ImageMeta
from retrieval.store.collection import Collection

DIM = 8
ENCODER = EncoderInfo("geometry", DIM, "f" * 64, {"config": "test"}, ("en", "de"))


class NumberEncoder:
    """The vector of the number that a text ends in, or of how long it is; of a picture's red."""

    input_px = 8
    info = ENCODER

    def encode_texts(self, texts):
        last = [text.split()[-1].strip(".") for text in texts]
        return vectors([int(word) if word.isdigit() else 1000 + len(word) for word in last])

    def encode_images(self, images):
        return vectors([image.getpixel((0, 0))[0] for image in images])


def digest(number):
    return sha256(b"content %d" % number).hexdigest()


def vector(number):
    row = np.random.default_rng(number).standard_normal(DIM).astype(np.float32)
    return row / np.linalg.norm(row)


def vectors(numbers):
    return np.stack([vector(number) for number in numbers])


def stored_vectors(n):
    """The vectors of contents 0 to n - 1 as a collection gives them back, (n, DIM)."""
    return vectors(range(n)).astype(np.float16).astype(np.float32)


def ids_of(result):
    return [hit.item.id for hit in result.hits]


def ref(path, size_bytes=100, mtime_ns=1_700_000_000_000_000_000):
    return FileRef(path if isinstance(path, bytes) else path.encode(), size_bytes, mtime_ns)


def item(number, *paths, captions=()):
    paths = paths or (f"/photos/{number}.jpg",)
    meta = ImageMeta("JPEG", 640 + number, 480, "2024-05-06T07:08:09", "Acme X", 48.5, None)
    return NewItem(digest(number), meta, tuple(map(ref, paths)), tuple(captions))


def text_item(number, path, source):
    """A text that `source` says of the picture at `path`."""
    file = FileRef(path.encode(), 10, 20, source.encode())
    return NewItem(digest(number), ImageMeta("TEXT", 0, 0), (file,), (f"text {number}",))


def put(writer, *numbers, **options):
    """Commit the contents of these numbers; returns the Commit."""
    return writer.commit(vectors(numbers), [item(number) for number in numbers], **options)


def add(path, item_id, **stat):
    return PathChange("add", ref(path, **stat), item_id)


def remove(path, item_id):
    return PathChange("remove", ref(path), item_id)


def new_collection(folder, *numbers, url=None):
    """A collection with one segment of these contents."""
    with CollectionWriter.open(folder, ENCODER, catalogue_url=url) as writer:
        if numbers:
            put(writer, *numbers)
    return folder


@dataclass
class State:
    """What a user could see of a collection, as plain values."""

    generation: int = field(compare=False)
    items: dict  # id -> (sha256, {path: (size, mtime, source)}, captions)
    vectors: dict  # id -> bytes of the float16 row


def state_of(collection):
    """Read all of a collection through its public face."""
    items, rows = {}, {}
    for name in collection.manifest.galleries:
        gallery = collection.gallery(name)
        for segment in gallery.segments:
            alive = np.setdiff1d(segment.ids, gallery.tombstones)
            found = collection.catalogue.hydrate(alive.tolist(), collection.generation)
            assert list(found) == alive.tolist(), "every living item has its rows"
            for item_id, record in found.items():
                files = {f.path: (f.size_bytes, f.mtime_ns, f.source) for f in record.files}
                assert len(files) == len(record.files)
                items[item_id] = (record.sha256, files, record.captions)
            for item_id, row in zip(alive.tolist(), gallery.gather(alive), strict=True):
                rows[item_id] = row.astype(np.float16).tobytes()
    counts = [
        collection.catalogue.counts(collection.generation, name) for name in ("images", "texts")
    ]
    assert sum(each.n_items for each in counts) == len(items)
    assert sum(each.n_files for each in counts) == sum(len(files) for _, files, _ in items.values())
    return State(collection.generation, items, rows)


def change_row(folder, statement):
    """Change the catalogue behind polyseek's back."""
    database = sqlite3.connect(folder / "catalogue.db")
    database.execute(statement)
    database.commit()
    database.close()


def read_state(folder, url=None):
    with Collection.open(folder, catalogue_url=url) as collection:
        return state_of(collection)
