"""What a figure says beside a published one.

A number is held against a number only where both have one protocol. The bands are in percentage
points: 0.3 where texts find pictures and 0.5 else are `reproduced` (`Reference.tolerance_pp`), 1.0
is `close`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from benchmarks.records.key import ProtocolKey
from benchmarks.reference.chance import chance_of
from benchmarks.reference.keys import UNSTATED, settled
from benchmarks.reference.models import ModelId
from benchmarks.reference.reading import Reference
from benchmarks.reference.references import near
from benchmarks.reference.settings import UNKNOWN, Settings, of_open_clip

Grade: TypeAlias = Literal["reproduced", "close", "not reproduced", "incomparable"]

CLOSE_PP = 1.0

_DIGITS = 6
"""Digits of a difference in percentage points that are not noise of binary fractions."""

_OF_OPEN_CLIP = ("open_clip", "clip_benchmark")
"""Sources that ran open_clip, with the preprocessing of its configurations."""

_COUNTED = {"pictures": "n_pictures", "texts": "n_texts", "classes": "n_classes"}

_WORTH = {
    "captions": "on COCO 25,000 or 25,010 captions, worth up to 0.1 pp",
    "prompt": "1 to 2 pp of R@1 on Flickr30k and COCO",
    "folds": "15 to 25 pp on COCO",
    "rerank": "a second stage",
}
"""What parts of a protocol were seen to be worth, for people who wonder."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure of one's own, and what decides whether it may be compared.

    Attributes:
        model: `models.published_as` of the encoder's name.
        metric: as in records.
        value: a share in [0, 1].
        key: the protocol.
        settings: what is known of the run.
        counts: as in records; what chance is computed from.
        method: how queries were composed; "" where they are not.
        is_exact: whether all of the gallery was ranked, not what an index found.
        pictures_per_class: of a zero-shot data set; None if unknown or mixed.
        trained_on_classes: whether the image tower learned the very classes with their labels.
        unknown_files: annotation files that may be others than the published ones.
    """

    model: ModelId
    metric: str
    value: float
    key: ProtocolKey
    settings: Settings = UNKNOWN
    counts: Mapping[str, int] = field(default_factory=dict)
    method: str = ""
    is_exact: bool = True
    pictures_per_class: int | None = None
    trained_on_classes: bool = False
    unknown_files: tuple[str, ...] = ()

    @property
    def known(self) -> Settings:
        """The settings, with what the counts tell."""
        return self.settings.filled_from(of_counts(self.counts))


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure beside a published one.

    Attributes:
        grade: what it comes to.
        reference: the published figure.
        delta_pp: own less published, in percentage points; None where they are incomparable.
        reasons: why they are incomparable; else what may have made the difference, the likeliest
            first, and why the comparison may be doubted; () where it is reproduced and nothing is
            to be said.
    """

    grade: Grade
    reference: Reference
    delta_pp: float | None
    reasons: tuple[str, ...] = ()


def verdict_of(measured: Measured) -> Verdict | None:
    """The verdict to tell: of a comparable figure if there is one, else of the nearest.

    None where nothing was published of the model, metric and language. Of several comparable
    figures, one that was verified goes first.
    """
    verdicts = verdicts_of(measured)
    return min(verdicts, key=_rank) if verdicts else None


def verdicts_of(measured: Measured) -> tuple[Verdict, ...]:
    """The figure beside every published one of its model, metric and language."""
    found = near(measured.model, measured.metric, measured.key, method=measured.method)
    return tuple(judge(measured, each) for each in found)


def judge(measured: Measured, reference: Reference) -> Verdict:
    """Hold a figure against a published one of the same model and metric.

    Raises:
        ValueError: they are of two models, metrics or methods, or the figure is no share.
    """
    for name in ("model", "metric", "method"):
        own, other = getattr(measured, name), getattr(reference, name)
        if own != other:
            raise ValueError(f"a figure of {name} {own} beside one of {other}")
    if not 0 <= measured.value <= 1:
        raise ValueError(f"{measured.metric} is {measured.value}, which is no share")
    if reasons := tuple(_incomparable(measured, reference)):
        return Verdict("incomparable", reference, None, reasons)
    delta = round(100 * (measured.value - reference.share), _DIGITS)
    grade = _grade(abs(delta), reference.tolerance_pp)
    reasons = () if grade == "reproduced" else tuple(_causes(measured, reference))
    return Verdict(grade, reference, delta, (*reasons, *_doubts(measured, reference)))


def of_counts(counts: Mapping[str, int]) -> Settings:
    """What the counts of a record tell of its settings."""
    return Settings.of({_COUNTED[name]: n for name, n in counts.items() if name in _COUNTED})


def known_of(reference: Reference) -> Settings:
    """What the source says of the run, and what open_clip does with the model."""
    own = reference.settings
    if reference.source.name in _OF_OPEN_CLIP:
        return own.filled_from(of_open_clip(*reference.model))
    return own


def _grade(distance: float, tolerance: float) -> Grade:
    if distance <= tolerance:
        return "reproduced"
    return "close" if distance <= CLOSE_PP else "not reproduced"


def _incomparable(measured: Measured, reference: Reference) -> Iterator[str]:
    """Why two figures may not be compared; nothing where they may."""
    for name, own, other in settled(measured.key).differences(reference.key):
        worth = f" ({_WORTH[name]})" if name in _WORTH else ""
        if UNSTATED in (own, other):
            yield f"{name}: {_shown(own)} here, and the source does not say{worth}"
        else:
            yield f"{name}: {_shown(own)} here, {_shown(other)} there{worth}"
    if not measured.is_exact:
        yield "searched through an index; published figures rank the whole gallery"
    if reference.pictures_per_class is not None:
        yield from _other_classes(measured, reference.pictures_per_class)


def _other_classes(measured: Measured, pictures_per_class: int) -> Iterator[str]:
    """Why a figure over classes may not be compared with one of a zero-shot model."""
    if measured.trained_on_classes:
        yield "the image tower was trained on these classes, and the published one was not"
    own = measured.pictures_per_class
    if own != pictures_per_class:
        shown = "an unknown number of" if own is None else own
        yield f"{shown} pictures of a class here, {pictures_per_class} there"


def _causes(measured: Measured, reference: Reference) -> Iterator[str]:
    """What may have made a difference, the likeliest first; says so where nothing is known."""
    chance = chance_of(measured.metric, measured.counts, folds=measured.key.folds)
    if chance is not None and chance.explains(measured.value):
        yield (
            f"no better than chance ({100 * chance.share:.2g} %): pictures and texts are not of "
            "one space, or do not belong together as the data set says"
        )
    own, theirs = measured.known, known_of(reference)
    differences = own.differences(theirs)
    yield from map(str, differences)
    if not differences:
        yield "no setting that is known of both differs"
    if unknown := theirs.unknown_beside(own):
        yield f"not known of this run: {', '.join(unknown)}"


def _doubts(measured: Measured, reference: Reference) -> Iterator[str]:
    if measured.unknown_files:
        yield (
            f"of {', '.join(measured.unknown_files)} the sha256 is not known: it may be another "
            "file than the published one"
        )
    if not reference.is_verified:
        read_in = reference.source.read_in
        yield (
            "the published figure was read in a copy of its table, not in its source"
            if read_in == "copy"
            else "the published figure was found in no source: do not rely on it"
        )


def _rank(verdict: Verdict) -> tuple[bool, bool, int]:
    """Never by how near the figures are: that would choose the verdict."""
    apart = verdict.grade == "incomparable"
    return apart, not verdict.reference.is_verified, len(verdict.reasons) if apart else 0


def _shown(value: object) -> object:
    return value if value != "" else "none"
