"""Vectors made anew for items whose stored ones are damaged, from the files that they came from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from indexer.decode import FileDecoder
from indexer.embed import embed_batch
from indexer.readers.base import Skip
from retrieval.encoders.base import Encoder
from retrieval.encoders.registry import get_encoder
from retrieval.errors import EncoderUnavailableError, MissingDependencyError
from retrieval.model import (
    EncoderInfo,
    Float32Array,
    GalleryName,
    ItemId,
    ItemRecord,
    display_path,
)

_BATCH = 16


@dataclass(slots=True)
class Remade:
    """Outcome: every item asked for is in one of the two.

    Attributes:
        vectors: (dim,) unit rows by item.
        failures: why there is none, by item.
    """

    vectors: dict[ItemId, Float32Array] = field(default_factory=dict)
    failures: dict[ItemId, str] = field(default_factory=dict)


class Reembedder:
    """Embeds with the encoder of a collection, which is made when it is first needed."""

    def __init__(self, expected: EncoderInfo, encoder: Encoder | None, device: str) -> None:
        """Note what to encode with.

        Args:
            expected: what made the collection.
            encoder: None makes it by its name.
            device: where to run the one that is made here.
        """
        self._expected = expected
        self._encoder = encoder
        self._device = device

    def remake(self, gallery: GalleryName, records: Sequence[ItemRecord]) -> Remade:
        """Embed items again whose content is still to be had, and is what it was."""
        made = Remade()
        if not records:
            return made
        try:
            encoder = self._get()
        except (EncoderUnavailableError, MissingDependencyError) as error:
            made.failures.update((record.id, f"no encoder: {error}") for record in records)
            return made
        embed = self._texts if gallery == "texts" else self._images
        for start in range(0, len(records), _BATCH):
            embed(encoder, records[start : start + _BATCH], made)
        return made

    def _get(self) -> Encoder:
        if self._encoder is None:
            self._encoder = get_encoder(self._expected.name, device=self._device)
        if self._encoder.info.fingerprint != self._expected.fingerprint:
            raise EncoderUnavailableError(
                f"{self._expected.label} is wanted, {self._encoder.info.label} is there"
            )
        return self._encoder

    def _images(self, encoder: Encoder, records: Iterable[ItemRecord], made: Remade) -> None:
        decoder = FileDecoder(encoder)
        found, pixels = [], []
        for record in records:
            reason = "it has no file"
            for file in record.files:
                outcome = decoder(file)
                if isinstance(outcome, Skip):
                    reason = f"{display_path(file.path)}: {outcome.reason}"
                elif outcome.sha256 != record.sha256:
                    reason = f"{display_path(file.path)}: it has changed"
                elif outcome.picture is not None and outcome.picture.pixels is not None:
                    found.append(record)
                    pixels.append(outcome.picture.pixels)
                    break
            else:
                made.failures[record.id] = reason
        batch = embed_batch(encoder, pixels)
        for vector, number in zip(batch.vectors, batch.kept, strict=True):
            made.vectors[found[number].id] = vector
        made.failures.update((found[number].id, why) for number, why in batch.failures.items())

    def _texts(self, encoder: Encoder, records: Iterable[ItemRecord], made: Remade) -> None:
        known = []
        for record in records:
            said = record.captions[0] if record.captions else ""
            if sha256(said.encode("utf-8", "replace")).hexdigest() == record.sha256:
                known.append(record)
            else:
                made.failures[record.id] = "its text is not what was embedded"
        if known:
            vectors = encoder.encode_texts([record.captions[0] for record in known])
            made.vectors.update(
                (record.id, row) for record, row in zip(known, vectors, strict=True)
            )
