"""Figures of papers and of their repositories, collected by hand, as values with their sources."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.reference.keys import UNSTATED
from benchmarks.reference.writing import Row

CROSSMODAL, CHINESE = "papers_flickr_coco.json", "papers_chinese.json"

_SETS = {"flickr30k_1k": "flickr30k", "coco_5k": "coco"}
_CHINESE_SETS = {"flickr30k_cn": "flickr30k-cn", "coco_cn": "coco-cn"}

_SOURCES = (
    ("CLIP paper", "clip"),
    ("ALIGN paper", "align"),
    ("InternVL paper", "internvl"),
    ("BLIP paper", "blip"),
    ("BLIP-2 paper", "blip2"),
    ("salesforce/LAVIS", "lavis"),
    ("google-research/big_vision", "siglip2"),
    ("google-deepmind/tips", "tips"),
    ("arXiv:2401.15896", "m2"),
    ("deepglint/ALIP", "alip"),
    ("COSMOS arXiv", "cosmos_and_flair"),
    ("COSMOS paper", "cosmos"),
    ("FLAIR paper", "flair"),
    ("PandaChen-pro/EvaluateCLIP", "evaluate_clip"),
    ("naver-ai/eccv-caption", "eccv_caption"),
)
"""Beginnings of the sources as collected, and their names in sources.toml."""

_MODELS = {
    "CLIP ViT-L/14@336 (paper)": "ViT-L-14-336:openai",
    "OpenAI ViT-B/32 (EvaluateCLIP repro)": "ViT-B-32:openai",
    "OpenAI ViT-L/14@336 (EvaluateCLIP repro)": "ViT-L-14-336:openai",
    "OpenAI ViT-L/14@336 (LAVIS repro)": "ViT-L-14-336:openai",
    "OpenAI ViT-L/14 (eccv_caption README)": "ViT-L-14:openai",
    "OpenCLIP-G (bigG-14)": "ViT-bigG-14:laion2b_s39b_b160k",
    "EVA-02-CLIP-E+": "EVA02-E-14-plus:laion2b_s9b_b144k",
    "OpenCLIP xlm-roberta-large-ViT-H-14": ("xlm-roberta-large-ViT-H-14:frozen_laion5b_s13b_b90k"),
    "SigLIP2 B/32-256": "ViT-B-32-SigLIP2-256:webli",
    "SigLIP2 B/16-224": "ViT-B-16-SigLIP2:webli",
    "SigLIP2 B/16-256": "ViT-B-16-SigLIP2-256:webli",
    "SigLIP2 B/16-384": "ViT-B-16-SigLIP2-384:webli",
    "SigLIP2 B/16-512": "ViT-B-16-SigLIP2-512:webli",
    "SigLIP2 L/16-256": "ViT-L-16-SigLIP2-256:webli",
    "SigLIP2 L/16-384": "ViT-L-16-SigLIP2-384:webli",
    "SigLIP2 So400m/14-224": "ViT-SO400M-14-SigLIP2:webli",
    "SigLIP2 So400m/14-384": "ViT-SO400M-14-SigLIP2-378:webli",
    "SigLIP2 So400m/16-512": "ViT-SO400M-16-SigLIP2-512:webli",
    "SigLIP2 g-opt/16-256": "ViT-gopt-16-SigLIP2-256:webli",
    "SigLIP2 g-opt/16-384": "ViT-gopt-16-SigLIP2-384:webli",
}
"""Published weights that papers name in their own way."""

_TRAINING = {
    "zero-shot": "zero-shot",
    "zero-shot Flickr after COCO fine-tuning": "fine-tuned on COCO",
    "fine-tuned": "fine-tuned",
}

_PROMPTS = {"clip": "a photo of {}", "eccv_caption": ""}
"""Of the sources that say what they put around captions."""

_FOLDED = re.compile(r"coco_1k I2T ([\d./]+) T2I ([\d./]+)")
_KS = (1, 5, 10)


_FURTHER: Row = {
    "model": "ViT-L-14",
    "pretrained": "openai",
    "source": "eccv_caption",
    "split": "test",
    "prompt": "",
    "note": "pairs of ECCV Caption and CxC",
    "captions": "first5",
    "training": "zero-shot",
    "figures": {
        "i2t_eccv_map@r": 23.99,
        "t2i_eccv_map@r": 31.96,
        "i2t_eccv_rprecision": 33.82,
        "t2i_eccv_rprecision": 41.77,
        "i2t_eccv_r@1": 71.29,
        "t2i_eccv_r@1": 72.97,
        "i2t_cxc_r@1": 58.04,
        "i2t_cxc_r@5": 81.42,
        "i2t_cxc_r@10": 88.62,
        "t2i_cxc_r@1": 38.31,
        "t2i_cxc_r@5": 63.85,
        "t2i_cxc_r@10": 74.25,
    },
}
"""The table of eccv_caption's README, which the collected file of papers lacks."""


def values(folder: Path) -> Iterator[tuple[str, str, Sequence[Row]]]:
    """Data set, file it is made from, and rows, of flickr30k, coco and the two Chinese sets."""
    given = json.loads((folder / CROSSMODAL).read_text(encoding="utf-8"))["rows"]
    for name, data_set in _SETS.items():
        rows = [each for row in given for each in _rows(row, name, data_set)]
        if data_set == "coco":
            rows += [each for row in given for each in _folded(row)]
            rows.append(_FURTHER)
        yield data_set, CROSSMODAL, rows
    given = json.loads((folder / CHINESE).read_text(encoding="utf-8"))
    for name, data_set in _CHINESE_SETS.items():
        yield data_set, CHINESE, [each for row in given for each in _rows(row, name, data_set)]


def _rows(row: Mapping[str, Any], name: str, data_set: str) -> Iterator[Row]:
    figures = {
        f"{way}_{at.lower()}": value
        for way in ("t2i", "i2t")
        for at, value in (row[name][way] or {}).items()
        if value is not None
    }
    if figures:
        source = _source(row, data_set)
        yield {
            **_about(row, source),
            "captions": _captions(source, data_set),
            "training": _TRAINING[row["setting"]],
            "rerank": _rerank(row, data_set),
            "figures": figures,
        }


def _about(row: Mapping[str, Any], source: str) -> dict[str, object]:
    name = row["model"]
    model, _, pretrained = _MODELS.get(name, name).partition(":")
    note = "; ".join(filter(None, (name if pretrained else "", row.get("note", ""))))
    return {
        "model": model,
        "pretrained": pretrained,
        "source": source,
        "split": "test",
        "prompt": _PROMPTS.get(source, UNSTATED),
        "note": note,
    }


def _folded(row: Mapping[str, Any]) -> Iterator[Row]:
    """COCO 1K, which one of the sources has in its note."""
    if found := _FOLDED.search(row.get("note", "")):
        figures = {
            f"{way}_r@{k}": float(value)
            for way, told in zip(("i2t", "t2i"), found.groups(), strict=True)
            for k, value in zip(_KS, told.split("/"), strict=True)
        }
        source = _source(row, "coco")
        about = _about(row, source) | {"note": "mean of five folds"}
        yield {**about, "captions": _captions(source, "coco"), "folds": 5, "figures": figures}


def _source(row: Mapping[str, Any], data_set: str) -> str:
    name = next(name for begin, name in _SOURCES if row["source"].startswith(begin))
    return "siglip2_issue" if name == "siglip2" and data_set == "flickr30k" else name


def _captions(source: str, data_set: str) -> str:
    """Every set but COCO has the same number of captions for each picture, or counts all."""
    if data_set != "coco":
        return "all"
    return "first5" if source == "eccv_caption" else UNSTATED


def _rerank(row: Mapping[str, Any], data_set: str) -> str:
    """BLIP orders the best 256 of COCO and the best 128 of Flickr30k again by its ITM head.

    Source: BLIP's own configurations; ALBEF and BLIP-2 do likewise.
    """
    name = row["model"]
    if name.startswith("BLIP"):
        return "itm 256" if data_set == "coco" else "itm 128"
    return "itm" if name.startswith("ALBEF") else ""
