"""Learn the hubness bias of a gallery, where it finds more than the cosine alone.

The biases come from a bank of queries of the other kind (retrieval.learn.hubness): for images the
collection's own captions where there are enough, else captions that polyseek writes itself; for
texts the collection's images. Which share of them is taken off, if any, captions with known images
decide that are not in the bank: chosen on one half, confirmed on the other.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.gain import Gain, Trial, best_alpha
from indexer.matches import Matches, captioned_images, matches_of
from indexer.measure import MAX_QUERIES, draw_items, fan_out_of
from indexer.writer import CollectionWriter
from retrieval.encoders.bank import caption_bank
from retrieval.encoders.base import Encoder
from retrieval.errors import EncoderUnavailableError, MissingDependencyError
from retrieval.learn.hubness import Bank
from retrieval.model import Float32Array, GalleryName, Int64Array, ItemId
from retrieval.store.collection import Collection, Gallery
from retrieval.store.hubness_record import BankSource, HubnessRecord
from retrieval.store.vectors import array_bytes

MIN_IMAGES = 40
"""Captioned images to choose and to confirm with, half of them each; fewer say nothing about a
recall."""

MIN_OWN = 2_000
"""Captions of the collection that are enough for a bank; half of them are."""

MAX_BANK = 2_048
"""Queries in a bank. Chowdhury et al. 2024 find that a fifth of a data set's training captions
does as well as all of them."""

OWN_K, GENERATED_K = 128, 16
"""Queries of the bank that a bias is the mean of, for a bank of the collection's own kind and for
another; the paper's values are 128, and 8 to 16. Of a small bank no more than a quarter."""

GROWTH = 4
"""A gallery, or the captions, this many times as large as when it was looked for ask again."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A bank, and the captioned images that are not in it."""

    bank: Bank
    source: BankSource
    images: Sequence[ItemId]


def bring_hubness_up_to_date(
    writer: CollectionWriter,
    encoder: Encoder | None,
    enter: Callable[[str], None],
    *,
    name: GalleryName,
    seed: int = 0,
) -> None:
    """Learn the hubness bias of a gallery where that is due, else that of segments without.

    It is due where captions with images came and none was looked for, or where there are four
    times as many items or captions as then. Where it does not win, that is recorded and nothing
    else is stored.

    Args:
        writer: of the collection.
        encoder: of the collection, for a bank of captions; None where it is not at hand.
        enter: called with the name of the stage as it begins.
        name: of the gallery.
        seed: of what is drawn.

    Raises:
        CorruptCollectionError: vectors are not what the manifest says.
    """
    gallery = writer.collection.gallery(name)
    record = gallery.entry.hubness
    n_texts = writer.collection.gallery("texts").n_items
    if _is_due(record, gallery.n_items, n_texts):
        _learn(writer, encoder, enter, gallery, np.random.default_rng(seed))
    elif record is not None and record.bank is not None:
        short = record.bank.short
        lacking = [each.name for each in gallery.segments if each.entry.bias(short) is None]
        data = gallery.read_bank() if lacking else None
        if data is not None:
            enter("learning the hubness bias")
            biases = _biases(Bank.from_bytes(data), gallery, lacking)
            writer.publish_hubness(name, record, data, _as_files(biases))


def _is_due(record: HubnessRecord | None, n_items: int, n_texts: int) -> bool:
    if n_items < MIN_IMAGES or n_texts < MIN_IMAGES:
        return False
    if record is None:
        return True
    return n_items >= GROWTH * record.n_items or n_texts >= GROWTH * record.n_texts


def _learn(
    writer: CollectionWriter,
    encoder: Encoder | None,
    enter: Callable[[str], None],
    gallery: Gallery,
    rng: np.random.Generator,
) -> None:
    view, name = writer.collection, gallery.name
    captions = captioned_images(view, rng)
    if len(captions) < MIN_IMAGES:
        return
    enter("learning the hubness bias")
    images = [ItemId(each) for each in rng.permutation(list(captions)).tolist()]
    drawn = _draw(view, name, encoder, images, captions, rng)
    if drawn is None or len(drawn.images) < MIN_IMAGES:
        return
    asked = _halves(view, name, drawn.images, captions)
    if not all(len(each.queries) for each in asked):
        return  # pictures share all their captions, so that none tells them apart
    # The bank is kept in float16, and so are the biases made with what is kept.
    data = drawn.bank.to_bytes()
    biases = _biases(Bank.from_bytes(data), gallery, [segment.name for segment in gallery.segments])
    alpha, gain = _choose(gallery, asked, biases)
    n_texts = view.gallery("texts").n_items
    record = HubnessRecord(
        alpha=alpha if gain.is_clear else 0.0,
        k=drawn.bank.k,
        bank=None,
        source=drawn.source,
        n_bank=len(drawn.bank.queries),
        n_items=gallery.n_items,
        n_texts=n_texts,
        n_queries=len(gain.groups),
        recall=gain.recall,
    )
    if record.alpha:
        writer.publish_hubness(name, record, data, _as_files(biases))
    else:
        writer.publish_hubness(name, record, None, {})


def _draw(
    view: Collection,
    name: GalleryName,
    encoder: Encoder | None,
    images: Sequence[ItemId],
    captions: Mapping[ItemId, Sequence[ItemId]],
    rng: np.random.Generator,
) -> _Drawn | None:
    """A bank; None where there is nothing to make one of.

    Args:
        view: of the collection.
        name: of the gallery.
        encoder: for captions of our own.
        images: captioned ones, in the order drawn.
        captions: of them.
        rng: decides what else is drawn.
    """
    half = len(images) // 2
    if name == "texts":
        others = fan_out_of(view.gallery("images"))
        pool = others.ids[draw_items(others, MAX_BANK + len(images), rng)]
        pool = rng.permutation(np.setdiff1d(pool, np.array(images[half:], np.int64)))[:MAX_BANK]
        return _Drawn(_own(view.gallery("images"), pool), "collection", images[half:])
    own = sorted({text for image in images[:half] for text in captions[image]})
    asked = {text for image in images[half:] for text in captions[image]}
    own = [text for text in own if text not in asked]
    if len(own) >= MIN_OWN // 2:
        chosen = rng.permutation(np.array(own, np.int64))[:MAX_BANK]
        return _Drawn(_own(view.gallery("texts"), chosen), "collection", images[half:])
    if encoder is None:
        return None
    with contextlib.suppress(EncoderUnavailableError, MissingDependencyError):
        return _Drawn(Bank(encoder.encode_texts(caption_bank()), GENERATED_K), "generated", images)
    return None


def _own(gallery: Gallery, ids: Int64Array) -> Bank:
    """A bank of items of the other gallery."""
    return Bank(gallery.gather(ids), max(1, min(OWN_K, len(ids) // 4)))


def _halves(
    view: Collection,
    name: GalleryName,
    images: Sequence[ItemId],
    captions: Mapping[ItemId, Sequence[ItemId]],
) -> tuple[Matches, Matches]:
    """Questions about one half of the images, to choose by, and about the other, to report."""
    half = len(images) // 2
    tuning, held_out = (
        matches_of(view, name, some, captions, MAX_QUERIES)
        for some in (images[:half], images[half:])
    )
    return tuning, held_out


def _choose(
    gallery: Gallery, asked: tuple[Matches, Matches], biases: Mapping[str, Float32Array]
) -> tuple[float, Gain]:
    """The best share on one half of the questions and what it gains on the other.

    0, and what it gains there, where it does not win clearly on the first half.
    """
    index = fan_out_of(gallery)
    bias = _by_position(index.ids, gallery, biases)
    tuning, held_out = (Trial.search(index, matches) for matches in asked)
    alpha = best_alpha(tuning, bias)
    gain = held_out.gain(bias, alpha)
    return (alpha if tuning.gain(bias, alpha).is_clear else 0.0), gain


def _by_position(
    ids: Int64Array, gallery: Gallery, biases: Mapping[str, Float32Array]
) -> Float32Array:
    """The biases of all segments as one array in the order of `ids`."""
    bias = np.empty(len(ids), np.float32)
    for segment in gallery.segments:
        bias[np.searchsorted(ids, segment.ids)] = biases[segment.name]
    return bias


def _biases(bank: Bank, gallery: Gallery, names: Sequence[str]) -> dict[str, Float32Array]:
    """The biases of the named segments, by name."""
    return {
        segment.name: bank.biases(len(segment.ids), segment.vectors)
        for segment in gallery.segments
        if segment.name in names
    }


def _as_files(biases: Mapping[str, Float32Array]) -> dict[str, bytes]:
    return {name: array_bytes(bias) for name, bias in biases.items()}
