"""What a data set is, once it is read: pictures, texts, and which belong together.

A loader reads the files of one data set below a folder, checks what it reads, and gives one of the
four values of this module. It opens no picture; it looks whether each is there, and names those
that are not.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from retrieval.errors import PolyseekError
from retrieval.model import Int64Array

CaptionsRule = Literal["all", "first5", "first"]
"""Which captions of a picture count. Two rules are two protocols."""

Prompts = Literal["label", "openai_en", "translated"]
"""How the name of a class becomes texts: bare, in OpenAI's 80 English templates, in their
translations."""


class DatasetError(PolyseekError):
    """The files of a data set are absent, damaged, or others than they should be."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a data set comes from; part of every record.

    Attributes:
        name: as `polyseek bench list` names it, e.g. "flickr30k".
        split: as its authors call it, e.g. "test".
        rule: which captions count; "" where there is no choice.
        sha256: (hex) of each annotation file that was read, by its name.
        is_known: whether all of these are the files that were published, as far as polyseek knows
            them (`sources.toml`); the registry looks, and loaders leave it.
        licence: of annotations and pictures, one line; "" takes that of `sources.toml`.
    """

    name: str
    split: str
    rule: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    is_known: bool = False
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its name in the annotations, and where it lies."""

    key: str
    path: Path


@dataclass(frozen=True, slots=True, eq=False)
class Crossmodal:
    """Pictures and their captions: texts find pictures, pictures find texts.

    Attributes:
        origin: where it comes from.
        pictures: n, in the order of the split: folds are cut in it.
        texts: m, those of one picture together, in the order of its captions.
        picture_of: (m,) the row of each text's own picture.
        language: canonical tag of the texts.
        text_keys: m names of the texts in the annotations (COCO's sentence ids); () where there
            are none.
        more: further pairs (text row, picture row) that belong together, (p, 2) int64, by name of
            who found them. "cxc": what people rated as right for Crisscrossed Captions, whichever
            is asked for; most pairs of `picture_of` are among them. "eccv_i2t", "eccv_t2i": all
            that is right, as ECCV Caption found it, for the pictures (for the texts) that it asks,
            and for no others; the two were collected apart, and neither is the other turned round.
            "same words": the texts with the other pictures that are captioned in the same words.
        folds: into how many equal parts the gallery may also be cut ("COCO 1K" is 5); 1 is none.
        missing: names of pictures of the split whose file is not there; they and their captions
            are in none of the above.
    """

    origin: Origin
    pictures: tuple[Picture, ...]
    texts: tuple[str, ...]
    picture_of: Int64Array
    language: str = "en"
    text_keys: tuple[str, ...] = ()
    more: Mapping[str, Int64Array] = field(default_factory=dict)
    folds: int = 1
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ClassNames:
    """What one language calls classes.

    Attributes:
        classes: (c,) the number of each named class, ascending.
        names: c; two classes may share one.
        gallery: whose names they are, where those of the data set are not taken; part of the
            protocol.
    """

    classes: Int64Array
    names: tuple[str, ...]
    gallery: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Zeroshot:
    """Pictures of classes, and the names of the classes in languages.

    Attributes:
        origin: where it comes from.
        pictures: n.
        class_of: (n,) the class of each picture.
        n_classes: in all.
        names: by language, as the data set codes it.
        templates: by the same codes, each holding "{}" once; a language may have none.
        missing: names of pictures that are not there.
    """

    origin: Origin
    pictures: tuple[Picture, ...]
    class_of: Int64Array
    n_classes: int
    names: Mapping[str, ClassNames]
    templates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComposedQuery:
    """A picture and words that say what should be different.

    Attributes:
        key: its name in the annotations.
        reference: name of the picture.
        texts: the words; some data sets say them twice.
        targets: names of the pictures that are right, the one that recall asks for first; ()
            where they are known to a server alone.
        subset: names among which a second recall is taken; () where there is none.
        aspects: what the words are about, as the annotations say.
    """

    key: str
    reference: str
    texts: tuple[str, ...]
    targets: tuple[str, ...]
    subset: tuple[str, ...] = ()
    aspects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Composed:
    """Composed queries and the gallery that they are asked in.

    Attributes:
        origin: where it comes from; its rule names the gallery where there is a choice.
        pictures: the gallery.
        queries: those whose reference and targets are there.
        removes_reference: whether the protocol takes the reference out of each ranking.
        missing: names of pictures that are not there.
        n_left_out: queries that need one of them.
    """

    origin: Origin
    pictures: tuple[Picture, ...]
    queries: tuple[ComposedQuery, ...]
    removes_reference: bool
    missing: tuple[str, ...] = ()
    n_left_out: int = 0

    @property
    def has_targets(self) -> bool:
        """Whether the right answers are known here, and not to a server alone."""
        return all(each.targets for each in self.queries)


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Items of two pictures and two texts: which text is said of which picture?

    Attributes:
        origin: where it comes from.
        pictures: n.
        texts: m, all different.
        pictures_of: (q, 2) rows of each item's pictures.
        texts_of: (q, 2) rows of its texts; the first is said of the first picture alone, the
            second of the second.
        aspects: of each item what it is about ("red", "blue"); figures are also given of the
            items of one aspect. () has none.
        language: canonical tag of the texts.
        missing: names of pictures that are not there.
    """

    origin: Origin
    pictures: tuple[Picture, ...]
    texts: tuple[str, ...]
    pictures_of: Int64Array
    texts_of: Int64Array
    aspects: tuple[tuple[str, ...], ...]
    language: str = "en"
    missing: tuple[str, ...] = ()


DataSet: TypeAlias = Crossmodal | Zeroshot | Composed | Choices


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What a loader may choose; it refuses what its data set does not have.

    Attributes:
        split: None is the one that results are published on.
        captions: None likewise.
        languages: codes or canonical tags; () is the data set's first, ("all",) all of them.
        gallery: which one, where there are several; None is the one results are published on.
    """

    split: str | None = None
    captions: CaptionsRule | None = None
    languages: tuple[str, ...] = ()
    gallery: str | None = None


Loader: TypeAlias = Callable[[Path, LoadOptions], Sequence[DataSet]]
"""Reads a folder; one value for each language of a crossmodal set, one value else."""


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file as it is published.

    Attributes:
        name: of the file here.
        url: where it is; http or https.
        sha256: hex digest; "" where nobody knows it, and then any content will do.
        size_bytes: likewise; None where it is not known.
    """

    name: str
    url: str = ""
    sha256: str = ""
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """A data set that polyseek knows.

    Attributes:
        name: as in `polyseek bench run NAME`.
        task: what is measured on it.
        title: one line for people.
        load: reads it.
        folder: below `--data`, where it is looked for.
        languages: how many it has.
        files: those that can be fetched, or checked when somebody brings them; () takes those of
            `sources.toml`.
        licence: likewise.
        instructions: how to get what cannot be fetched; "" where there is nothing of it.
    """

    name: str
    task: Literal["crossmodal", "zeroshot", "composed", "choices"]
    title: str
    load: Loader
    folder: str
    languages: int = 1
    files: tuple[FetchedFile, ...] = ()
    licence: str = ""
    instructions: str = ""


def crossmodal_of(
    origin: Origin,
    captions: Sequence[tuple[Picture, Sequence[tuple[str, str]]]],
    *,
    language: str = "en",
    folds: int = 1,
) -> Crossmodal:
    """Put pictures and their captions together, without the pictures that are not there.

    Args:
        origin: of them.
        captions: of each picture, in order, the name and the words of each caption.
        language: of all.
        folds: see `Crossmodal`.

    Raises:
        DatasetError: no picture is there, a picture is named twice, or one has no caption.
    """
    keys = [picture.key for picture, _ in captions]
    if len(set(keys)) < len(keys):
        again, _ = Counter(keys).most_common(1)[0]
        raise DatasetError(f"{origin.name}: the picture {again} is named twice")
    if bare := [picture.key for picture, said in captions if not said]:
        raise DatasetError(f"{origin.name}: the picture {bare[0]} has no caption")
    there = [(picture, said) for picture, said in captions if picture.path.is_file()]
    if not there:
        raise DatasetError(
            f"{origin.name}: none of its {len(keys):,} pictures is there; the first is looked for "
            f"at {captions[0][0].path}"
            if captions
            else f"{origin.name}: it names no picture",
            hint="give the folder that holds them with --data",
        )
    found = {picture.key for picture, _ in there}
    flat = [(row, *each) for row, (_, said) in enumerate(there) for each in said]
    return Crossmodal(
        origin,
        tuple(picture for picture, _ in there),
        tuple(text for _, _, text in flat),
        np.array([row for row, _, _ in flat], np.int64),
        language,
        tuple(key for _, key, _ in flat),
        folds=folds,
        missing=tuple(key for key in keys if key not in found),
    )
