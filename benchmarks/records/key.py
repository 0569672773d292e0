"""The protocol of a figure: what decides whether two figures may be compared at all."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

COMPLETE = "complete"
"""A gallery that lacks no picture."""

ZERO_SHOT = "zero-shot"


@dataclass(frozen=True, slots=True, order=True)
class ProtocolKey:
    """How a figure came about, but for the model and the direction.

    Two figures with different keys are never held against each other. The direction is part of the
    name of a figure: "t2i_r@1", "i2t_r@5", "top1", "map@10".

    Attributes:
        dataset: as `polyseek bench list` names it.
        split: as its authors call it.
        language: as the data set codes it; "" where there is but one.
        captions: which captions count: "all", "first5", "first"; "" where there is no choice.
        gallery: COMPLETE, or what is special about it: another protocol of the data set
            ("candidates and targets"), or how many pictures are missing ("79 of 5000").
        folds: into how many galleries the pictures are cut.
        prompt: what is put around texts: "", "a photo of {}", "label", "openai_en", "translated".
        rerank: a second stage and its depth; "" is none.
        training: ZERO_SHOT, or what the model was trained on that belongs to the data set.
    """

    dataset: str
    split: str
    language: str = ""
    captions: str = ""
    gallery: str = COMPLETE
    folds: int = 1
    prompt: str = ""
    rerank: str = ""
    training: str = ZERO_SHOT

    def differences(self, other: "ProtocolKey") -> Iterator[tuple[str, object, object]]:
        """Name, own value and other value of every field in which two keys differ."""
        own, others = asdict(self), asdict(other)
        for name, value in own.items():
            if value != others[name]:
                yield name, value, others[name]
