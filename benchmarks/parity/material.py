"""The files that both harnesses read: a small model, and pictures in the forms of three data sets.

    coco/        captions_parity.json; its pictures in images/, which val2014/ is too
    shapes/      flickr30k_test_karpathy.txt and its pictures: every shape once, five captions each
    copies/      the same form: eight shapes, each eight times; the first has more captions
    babel/       babel_imagenet.json, nllb_dist13b_prompts.json; val/ with a folder for each class
    names/       babel_imagenet.json of OpenAI's English names alone; val/ as there

Photographs are taken from a folder of test data if it has them; else shapes stand in for them.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.parity.flickr_form import FILE, HEADER
from benchmarks.shapes.grammar import FORMS, english
from benchmarks.shapes.pictures import ALL, Attributes, draw
from benchmarks.shapes.training import Recipe, train, write_bundle

N_CLASSES = 1_000
N_SHAPES, N_COPIES = 8, 8
"""Of copies/: all of them are in one batch of CLIP_benchmark's, so that copies' rows are equal to
the bit. With 8 copies, 5 cuts through ties, and torch.topk does not take the first ones. The first
has more captions than the others: else the choice would not show in a mean."""

_STEPS = 200
"""Of training: enough that shapes are found, and that scores lie apart."""

_QUALITY = 95
_SAID = (*FORMS, "a {shape}, {colour} and {size}, {place}")
"""Five captions, one with commas; all of them differ between any two shapes."""


@dataclass(frozen=True, slots=True)
class Material:
    """Where all of it lies.

    Attributes:
        folder: of everything, the model's folder aside.
        model: as `local-dir:` takes it.
        photographs: whether the pictures of coco/ are photographs.
        classes: likewise, of babel/ and names/.
    """

    folder: Path
    model: Path
    photographs: bool
    classes: bool


def make(folder: Path, data: Path | None, carried: Path, model: Path | None = None) -> Material:
    """Write everything; a minute of one core for the model.

    Args:
        folder: empty, made here.
        data: of photographs, with coco_mini/ and imagenet_sample/; None where there is none.
        carried: the annotations that CLIP_benchmark carries.
        model: a folder that `local-dir:` takes; None trains a small one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if model is None:
        model = folder / "model"
        model.mkdir()
        write_bundle(train(Recipe(steps=_STEPS)), model)
    photographs = _coco(folder / "coco", data)
    _flickr(folder / "shapes", [(one, f"{row:04}", _SAID) for row, one in enumerate(ALL)])
    some = ALL[:: len(ALL) // N_SHAPES][:N_SHAPES]
    copies = [
        (one, f"{row:04}", _SAID if row < N_SHAPES else _SAID[:1])
        for row, one in enumerate(some * N_COPIES)
    ]
    _flickr(folder / "copies", copies)
    classes = _classes(folder, data, carried)
    return Material(folder, model.resolve(), photographs, classes)


def _coco(folder: Path, data: Path | None) -> bool:
    """The official form; True if its pictures are photographs."""
    folder.mkdir()
    annotations = folder / "captions_parity.json"
    mini = None if data is None else data / "coco_mini"
    files = sorted(mini.glob("annotations/captions_*.json")) if mini is not None else []
    if mini is not None and files:
        shutil.copyfile(files[0], annotations)
        (folder / "images").symlink_to(next((mini / "images").rglob("*.jpg")).parent.resolve())
    else:
        _draw_coco(folder / "images", annotations)
    (folder / "val2014").symlink_to("images")
    return bool(files)


def _draw_coco(folder: Path, annotations: Path) -> None:
    folder.mkdir()
    images: list[dict[str, object]] = []
    said: list[dict[str, object]] = []
    for number, one in enumerate(ALL[::7]):
        name = f"{number:012}.jpg"
        draw(one, number).save(folder / name, quality=_QUALITY)
        images.append({"id": number, "file_name": name})
        said += [
            {"id": len(said) + at, "image_id": number, "caption": english(one, form)}
            for at, form in enumerate(_SAID)
        ]
    annotations.write_text(json.dumps({"images": images, "annotations": said}), encoding="utf-8")


def _flickr(folder: Path, named: Iterable[tuple[Attributes, str, Sequence[str]]]) -> None:
    """The text form; pictures of equal attributes are equal to the byte."""
    folder.mkdir()
    lines = [HEADER]
    for one, name, forms in named:
        draw(one, 0).save(folder / f"{name}.jpg", quality=_QUALITY)
        lines += [f"{name}.jpg,{english(one, form)}" for form in forms]
    (folder / FILE).write_text("\n".join([*lines, ""]), encoding="utf-8")


def _classes(folder: Path, data: Path | None, carried: Path) -> bool:
    """A picture a class, and names in languages; True if the pictures are photographs."""
    babel, names = folder / "babel", folder / "names"
    babel.mkdir()
    names.mkdir()
    for name in ("babel_imagenet.json", "nllb_dist13b_prompts.json"):
        shutil.copyfile(carried / name, babel / name)
    openai = json.loads((carried / "en_classnames.json").read_text("utf-8"))["imagenet1k"]
    table = {"EN": [list(range(N_CLASSES)), openai]}
    (names / "babel_imagenet.json").write_text(json.dumps(table), encoding="utf-8")
    sample = [] if data is None else sorted((data / "imagenet_sample").glob("n*_*.JPEG"))
    if len(sample) == N_CLASSES:
        _sort_into_folders(sample, babel / "val")
    else:
        _draw_classes(babel / "val")
    (names / "val").symlink_to("../babel/val")
    return len(sample) == N_CLASSES


def _sort_into_folders(files: Sequence[Path], folder: Path) -> None:
    for each in files:
        place = folder / each.name.partition("_")[0]
        place.mkdir(parents=True)
        (place / each.name).symlink_to(each.resolve())


def _draw_classes(folder: Path) -> None:
    for number in range(N_CLASSES):
        place = folder / f"n{number:08}"
        place.mkdir(parents=True)
        draw(ALL[number % len(ALL)], number).save(place / f"{number}.JPEG", quality=_QUALITY)
