"""What a writer does to the index of a gallery: each change is one generation."""

from collections.abc import Mapping, Sequence

from indexer.batch import Commit
from indexer.generations import GenerationWriter
from retrieval.model import GalleryName
from retrieval.store.hubness_record import HubnessRecord
from retrieval.store.manifest import GalleryEntry, IndexRecord, ModeRecord


class IndexWriter(GenerationWriter):
    """Publishes codebooks, codes, settings and biases, and takes them back."""

    def publish_index(
        self,
        gallery: GalleryName,
        record: IndexRecord,
        codebook: bytes,
        codes: Mapping[str, bytes],
        router: bytes | None = None,
    ) -> Commit:
        """Give a gallery a new codebook.

        Args:
            gallery: to search with it.
            record: of the build; its `codebook` and `router` entries are made here, from the bytes.
            codebook: the trained, empty index.
            codes: by segment name. A segment without codes is searched exactly.
            router: of foreign queries, as a file; None: there is none.
        """
        return Commit(
            self.publish(lambda draft, _: draft.set_index(gallery, record, codebook, codes, router))
        )

    def drop_index(self, gallery: GalleryName) -> Commit:
        """Search a gallery exactly from now on."""
        return Commit(self.publish(lambda draft, _: draft.drop_index(gallery)))

    def publish_modes(self, gallery: GalleryName, modes: Sequence[ModeRecord]) -> Commit:
        """Search a gallery's index with other settings from now on.

        Raises:
            ValueError: it has no index.
        """
        return Commit(self.publish(lambda draft, _: draft.set_modes(gallery, modes)))

    def publish_codes(self, gallery: GalleryName, codes: Mapping[str, bytes]) -> Commit:
        """Add codes, by segment name, that were made with the gallery's codebook.

        Raises:
            ValueError: there is no codebook, or no such segment.
        """
        if not codes:
            return Commit(self.manifest.generation)
        return Commit(self.publish(lambda draft, _: draft.add_codes(gallery, codes)))

    def publish_hubness(
        self,
        gallery: GalleryName,
        record: HubnessRecord,
        bank: bytes | None,
        biases: Mapping[str, bytes],
    ) -> Commit:
        """Rank a gallery with this hubness bias from now on, or, without a bank, with none.

        Args:
            gallery: to rank.
            record: of the bias; its `bank` entry is made here, from the bytes.
            bank: that the biases were made with, as a file.
            biases: by segment name; those of other segments stay if they are of the same bank.

        Raises:
            ValueError: there is no such segment.
        """
        return Commit(
            self.publish(lambda draft, _: draft.set_hubness(gallery, record, bank, biases))
        )

    def forget_index_files(self, galleries: Mapping[GalleryName, GalleryEntry]) -> Commit:
        """Name some codes, biases, or indexes, no more: they are damaged, and are made again.

        Args:
            galleries: as they are, without these.

        Raises:
            ValueError: they differ in more.
        """
        return Commit(self.publish(lambda draft, _: draft.forget_index_files(galleries)))
