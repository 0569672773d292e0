"""A collection with everything that is awkward to export."""

from indexer.writer import CollectionWriter, NewItem
from retrieval.model import FileRef, ImageMeta
from tests.collection_kit import ENCODER, digest, item, put, remove, text_item, vectors

ODD = [
    b'/photos/comma, "quote".jpg',
    b"/photos/two\nlines\r\n.jpg",
    b"/photos/caf\xe9.jpg",
    "/photos/Hündchen 犬.jpg".encode(),
    b"/photos/=1+1.jpg",
    b"/photos/ends in\r",
]
CAPTIONS = ('says "so",\nand', "so")
MTIME_NS = -1_500_000_000
"""1969-12-31T23:59:58.5Z: before 1970, and no whole second."""


def odd_item(number, path):
    file = FileRef(path, 7, MTIME_NS)
    return NewItem(digest(number), ImageMeta("PNG", 3, 4), (file,), CAPTIONS)


def odd_collection(folder):
    """Three segments of images, item 2 dead, item 10 with a copy; two texts of one source."""
    numbers = range(10, 10 + len(ODD))
    texts = [text_item(31, "/photos/1.jpg", "/s.csv"), text_item(33, "/photos/3.jpg", "/s.csv")]
    with CollectionWriter.open(folder, ENCODER) as writer:
        put(writer, 1, 2, 3)
        items = [odd_item(number, path) for number, path in zip(numbers, ODD, strict=True)]
        writer.commit(vectors(numbers), items)
        writer.commit(vectors([20]), [item(20, "/a/copy.jpg", b"/b/\xff.jpg")])
        writer.commit(None, [], [remove("/photos/2.jpg", 2)])
        writer.commit(vectors([31, 33]), texts, gallery="texts")
    return folder
