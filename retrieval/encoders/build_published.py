"""Makes the table of published models: `python -m retrieval.encoders.build_published FOLDER`.

FOLDER holds the tables of open_clip's documentation (its docs folder at a version of one's choice):
model_profile.csv, openclip_results.csv, openclip_retrieval_results.csv and
openclip_multilingual_retrieval_results.csv. The list of models is that of the open_clip installed.
"""

import argparse
import csv
import importlib.metadata
import io
import logging
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from retrieval.encoders.names import TagName
from retrieval.encoders.openclip_config import check_activation, is_multilingual
from retrieval.encoders.published import COLUMNS, TABLE, PublishedModel
from retrieval.encoders.torchvision_ops import mend_torchvision
from retrieval.errors import EncoderUnavailableError

logger = logging.getLogger(__name__)

ASSETS = Path(__file__).parent / "assets"

_QUICK = "-quickgelu"

Table = Mapping[tuple[str, str], Mapping[str, str]]


def build(folder: Path, version: str) -> str:
    """Put the table together.

    Args:
        folder: with open_clip's tables.
        version: of open_clip, for the heading.

    Returns:
        The text of the file.
    """
    mend_torchvision()
    import open_clip

    profiles = {(row["model"], ""): row for row in _rows(folder / "model_profile.csv")}
    scores = _table(folder / "openclip_results.csv", "name", "pretrained")
    retrieval = _table(folder / "openclip_retrieval_results.csv", "name", "pretrained")
    languages = _table(folder / "openclip_multilingual_retrieval_results.csv", "model", "version")
    models = []
    for model, tag in open_clip.list_pretrained():
        name = TagName(model, tag)
        config = open_clip.get_model_config(model)
        try:
            check_activation(name, config, open_clip.get_pretrained_cfg(model, tag))
        except EncoderUnavailableError:
            continue
        profile = _find(profiles, model, "")
        found = _find(retrieval, model, tag)
        models.append(
            PublishedModel(
                model=model,
                pretrained=tag,
                languages="many" if is_multilingual(name, config) else "en",
                image_px=_side(config["vision_cfg"]),
                dim=int(config["embed_dim"]),
                mparams=_number(profile, "mparams") or _count(model),
                gflops=_number(profile, "gflops"),
                imagenet=_number(_find(scores, model, tag), "ImageNet 1k"),
                flickr_t2i=_number(found, "Flickr image retr. R@1"),
                flickr_i2t=_number(found, "Flickr text retr. R@1"),
                coco_t2i=_number(found, "MSCOCO image retr. R@1"),
                coco_i2t=_number(found, "MSCOCO text retr. R@1"),
                xm3600_t2i=_number(
                    _find(languages, model, tag), "crossmodal3600 image_retrieval_recall@1 avg"
                ),
            )
        )
    return "\n".join([*_heading(version), *_lines(models)]) + "\n"


def _heading(version: str) -> Iterator[str]:
    yield f"# The models that open_clip {version} publishes, with the figures of its documentation."
    yield "# Source: github.com/mlfoundations/open_clip, docs/*.csv; mparams of models without a"
    yield "# profile there are counted from their architecture. open_clip is under the MIT licence,"
    yield "# Copyright (c) 2012-2021 Gabriel Ilharco, Mitchell Wortsman, Nicholas Carlini,"
    yield "# Rohan Taori, Achal Dave, Vaishaal Shankar, John Miller, Hongseok Namkoong,"
    yield "# Hannaneh Hajishirzi, Ali Farhadi, Ludwig Schmidt. See open_clip_models.LICENSE."


def _lines(models: Sequence[PublishedModel]) -> Sequence[str]:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for model in models:
        writer.writerow("" if value is None else value for value in astuple(model))
    return stream.getvalue().splitlines()


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _table(path: Path, model: str, tag: str) -> Table:
    return {(row[model], row[tag]): row for row in _rows(path)}


def _find(table: Table, model: str, tag: str) -> Mapping[str, str]:
    """A model's row; the tables name some models without what says their activation."""
    plain = model.removesuffix(_QUICK)
    return table.get((model, tag)) or table.get((plain, tag)) or {}


def _number(row: Mapping[str, str], column: str) -> float | None:
    return float(row[column]) if row.get(column) else None


def _side(vision_cfg: Mapping[str, Any]) -> int:
    size = vision_cfg.get("image_size", 224)
    return int(max(size)) if isinstance(size, list | tuple) else int(size)


def _count(model: str) -> float | None:
    """Weights of an architecture in millions, without making them."""
    import open_clip
    import torch

    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        try:
            made = open_clip.create_model(model, load_weights=False, device="meta")
        except (RuntimeError, NotImplementedError, OSError, ValueError) as error:
            logger.info("%s cannot be counted: %s", model, error)
            return None
    count: int = sum(each.numel() for each in made.parameters())
    return round(count / 1e6, 2)


def main(arguments: Sequence[str]) -> None:
    """Write the table from the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    version = importlib.metadata.version("open_clip_torch")
    (ASSETS / TABLE).write_text(build(options.folder, version), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
