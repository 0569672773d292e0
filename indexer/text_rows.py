"""What the catalogue says of captions: the rows that join texts to pictures, and pictures' own."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from indexer.readers.base import Reader
from retrieval.model import FileRef, ItemId, gallery_of
from retrieval.store.collection import Collection
from retrieval.store.row_values import KnownFile


@dataclass(frozen=True, slots=True)
class Said:
    """A text (by its sha256, hex) of a picture (by its path)."""

    sha256: str
    image: bytes


@dataclass(frozen=True, slots=True)
class AtPaths:
    """What lies at some paths.

    Attributes:
        pictures: living files of pictures, by path.
        texts: living rows of texts; a text counts once for a picture, whoever says it.
    """

    pictures: dict[bytes, KnownFile]
    texts: dict[Said, KnownFile]


class TextRows:
    """Reads of one generation."""

    def __init__(self, view: Collection) -> None:
        self._catalogue = view.catalogue
        self._generation = view.generation

    def said_below(self, root: bytes) -> Iterator[KnownFile]:
        """Rows of texts that a source, or the sources below a folder, say."""
        yield from self._catalogue.texts_from(root, self._generation)

    def paths_of_texts(self) -> set[bytes]:
        """Paths of the pictures that any text belongs to."""
        return {each.file.path for each in self._catalogue.texts_from(b"/", self._generation)}

    def at(self, paths: Iterable[bytes]) -> AtPaths:
        """Pictures and texts at exactly these paths."""
        found = self._catalogue.files_at(sorted(paths), self._generation)
        return AtPaths(
            {each.file.path: each for each in found if gallery_of(each.item_id) == "images"},
            {
                Said(each.sha256, each.file.path): each
                for each in found
                if gallery_of(each.item_id) == "texts"
            },
        )

    def pictures_below(self, readers: Sequence[Reader]) -> frozenset[bytes]:
        """Paths of all living pictures below the roots of readers."""
        return frozenset(
            each.file.path
            for reader in readers
            for each in self._catalogue.files_under(reader.root, self._generation)
            if gallery_of(each.item_id) == "images"
        )

    def descriptions(
        self, pictures: Iterable[KnownFile]
    ) -> Iterator[tuple[FileRef, tuple[str, ...]]]:
        """What is written inside pictures, by their files."""
        wanted = list(pictures)
        records = self._catalogue.hydrate(list({each.item_id for each in wanted}), self._generation)
        for each in wanted:
            yield each.file, records[each.item_id].captions

    def items_of(self, sha256: Iterable[str]) -> dict[str, ItemId]:
        """Those of the texts that have a vector already, whether they are alive or not."""
        found = self._catalogue.items_by_sha256(list(sha256), self._generation)
        return {key: item_id for key, item_id in found.items() if gallery_of(item_id) == "texts"}
