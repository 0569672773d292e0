"""Texts that people wrote, to ask a collection of pictures with: names of classes, captions."""

import json
from pathlib import Path


def class_names(table: Path, language: str) -> list[str]:
    """Names of the ImageNet-1k classes in a language, each once, in the order of the classes.

    Args:
        table: `babel_imagenet.json` of Babel-ImageNet (Geigle, Timofte & Glavas, 2023):
            {"EN": [[class, ...], [name, ...]], ...}.
        language: a key of it.

    Raises:
        ValueError: the table has no such language.
    """
    names = json.loads(table.read_text())
    if language not in names:
        raise ValueError(f"{table} has no language {language!r}; it has {', '.join(names)}")
    return list(dict.fromkeys(names[language][1]))


def captions(annotations: Path) -> list[str]:
    """Captions of a COCO annotation file, each once, in the file's order."""
    entries = json.loads(annotations.read_text())["annotations"]
    return list(dict.fromkeys(entry["caption"].strip() for entry in entries))
