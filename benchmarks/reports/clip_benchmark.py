"""Figures in the form of CLIP_benchmark's table, for tools that read that.

The columns are those that `clip_benchmark build` of CLIP_benchmark 1.6.2 writes, and one more at
the end that says in what a record differs from what CLIP_benchmark measures under that name.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.records.key import COMPLETE, ZERO_SHOT, ProtocolKey
from benchmarks.records.run import EXACT, RunRecord
from benchmarks.reference.keys import settled
from benchmarks.reference.models import ModelId, published_as
from retrieval.languages.codes import flores_code

_METRICS = {
    "top1": "acc1",
    "top5": "acc5",
    "mean_per_class_recall": "mean_per_class_recall",
    **{f"t2i_r@{k}": f"image_retrieval_recall@{k}" for k in (1, 5, 10)},
    **{f"i2t_r@{k}": f"text_retrieval_recall@{k}" for k in (1, 5, 10)},
}
"""Its name of each figure: what is retrieved, not what is asked with."""

COLUMNS = (
    *_METRICS.values(), "dataset", "model", "pretrained", "task", "language", "model_fullname",
    "differs",
)  # fmt: skip

_RETRIEVAL, _ZEROSHOT = "zeroshot_retrieval", "zeroshot_classification"


@dataclass(frozen=True, slots=True)
class _Known:
    """A data set as CLIP_benchmark has it: its name there, and what it measures by it."""

    name: str
    task: str
    captions: str = ""
    prompt: str = ""
    language: str = "en"


_DATA_SETS = {
    "coco": _Known("mscoco_captions", _RETRIEVAL, captions="all"),
    "flickr30k": _Known("flickr30k", _RETRIEVAL, captions="all"),
    "flickr8k": _Known("flickr8k", _RETRIEVAL, captions="all"),
    "flickr30k-cn": _Known("flickr30k", _RETRIEVAL, captions="all", language="zh"),
    "xtd": _Known("multilingual_mscoco_captions", _RETRIEVAL),
    "xm3600": _Known("crossmodal3600", _RETRIEVAL, captions="first"),
    "flickr30k-200": _Known("flickr30k-200", _RETRIEVAL),
    "xtd200": _Known("xtd200", _RETRIEVAL),
    "babel-imagenet": _Known("babel_imagenet", _ZEROSHOT, prompt="translated"),
}
_SPLITS = {_RETRIEVAL: "test", _ZEROSHOT: "val"}
_PER_CLASS = 50
"""Pictures of a class in ImageNet's validation set."""

_IN_FLORES = ("flickr30k-200", "xtd200")
"""Data sets whose languages it names by FLORES-200's codes."""

_LANGUAGES = {"xtd": {"ja": "jp"}}


def as_clip_benchmark(records: Sequence[RunRecord]) -> tuple[str, int]:
    """A CSV table, and how many records are not in it.

    Those have no place there: a data set that CLIP_benchmark does not have, an index, folds, or
    none of its figures.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    n_left_out = 0
    for record in records:
        row = _row(record)
        if row is None:
            n_left_out += 1
        else:
            writer.writerow(row)
    return text.getvalue(), n_left_out


def _row(record: RunRecord) -> dict[str, object] | None:
    known = _DATA_SETS.get(record.key.dataset)
    figures: dict[str, object] = {
        _METRICS[name]: value for name, value in record.figures.items() if name in _METRICS
    }
    if known is None or not figures or record.system != EXACT or record.key.folds > 1:
        return None
    name = record.model["name"]
    model, pretrained = published_as(name) or ModelId(name)
    return figures | {
        "dataset": known.name,
        "model": model,
        "pretrained": pretrained,
        "task": known.task,
        "language": _language(record.key, known),
        "model_fullname": f"{model} {pretrained}",
        "differs": "; ".join(_differences(record, known)),
    }


def _language(key: ProtocolKey, known: _Known) -> str:
    code = key.language or known.language
    if key.dataset in _IN_FLORES:
        return flores_code(code) or code
    return _LANGUAGES.get(key.dataset, {}).get(code, code)


def _differences(record: RunRecord, known: _Known) -> list[str]:
    """What is not as CLIP_benchmark has it, as "captions first5"."""
    theirs = {
        "split": _SPLITS[known.task],
        "captions": known.captions,
        "gallery": COMPLETE,
        "prompt": known.prompt,
        "rerank": "",
        "training": ZERO_SHOT,
    }
    own = settled(record.key)
    parts = [
        f"{name} {getattr(own, name) or 'none'}"
        for name, value in theirs.items()
        if getattr(own, name) != value
    ]
    per_class = record.counts.get("pictures_per_class", "unknown")
    if known.task == _ZEROSHOT and per_class != _PER_CLASS:
        parts.append(f"pictures of a class {per_class}")
    return parts
