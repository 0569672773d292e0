"""Makes the prototypes of `mini` and `mini-en`: `python -m retrieval.encoders.build_mini`.

Inputs: the 1,000 class names that open_clip publishes with its zero-shot prompts (MIT), the caption
bank of this package, and a text tower. No photograph is looked at, so nothing can be fitted on what
is scored. The same inputs give the same arrays; tests make them again and compare.
"""

import argparse
import hashlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retrieval.encoders import e5, minilm
from retrieval.encoders.bank import caption_bank
from retrieval.encoders.mini import TextTower
from retrieval.encoders.prototypes import encode_prototypes, softmax, unit_rows
from retrieval.encoders.torchvision_ops import mend_torchvision
from retrieval.model import Float32Array

logger = logging.getLogger(__name__)

PROMPT = "a photo of a {}"

BANK_TEMPERATURE = 0.2
"""Of the softmax over cosines that says which classes a caption speaks of. Any value from 0.1 to 1
serves alike (within 1.5 points of R@1, the noise of the measurement)."""

ASSETS = Path(__file__).parent / "assets"


def class_names() -> tuple[str, ...]:
    """The 1,000 ImageNet-1k class names in the order of the logits; some names occur twice."""
    mend_torchvision()
    from open_clip import IMAGENET_CLASSNAMES

    return tuple(IMAGENET_CLASSNAMES)


def make_arrays(
    names: Sequence[str], bank: Sequence[str], tower: TextTower
) -> dict[str, Float32Array]:
    """Compute the arrays of `Prototypes`.

    The image mean is that of imagined pictures: each caption of the bank is taken for a picture,
    its cosines with the classes for the classifier's logits, and embedded as a picture would be.
    So it is the mean of a gallery in which things are as frequent as in everyday captions.

    Args:
        names: class names in the order of the logits.
        bank: captions.
        tower: embeds both.

    Returns:
        The arrays by the names of the fields of `Prototypes`.
    """
    prompts = tower.embed([PROMPT.format(name) for name in names])
    captions = tower.embed(bank)
    class_mean, text_mean = prompts.mean(axis=0), captions.mean(axis=0)
    # Rounded as the file will round them, so that the image mean belongs to what is shipped.
    classes = unit_rows(prompts - class_mean).astype(np.float16).astype(np.float32)
    shares = softmax(unit_rows(captions - text_mean) @ classes.T, BANK_TEMPERATURE)
    image_mean = unit_rows(shares @ classes).mean(axis=0)
    return {
        "classes": classes,
        "class_mean": class_mean,
        "text_mean": text_mean,
        "image_mean": image_mean,
    }


def describe_inputs(names: Sequence[str], bank: Sequence[str], weights: str) -> dict[str, str]:
    """What the arrays depend on, for the metadata; lists as the sha256 of their lines."""
    return {
        "class names": _sha256_of_lines(names),
        "caption bank": _sha256_of_lines(bank),
        "prompt": PROMPT,
        "bank temperature": f"{BANK_TEMPERATURE:g}",
        "text weights": weights,
    }


def _sha256_of_lines(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def build(name: str, folder: Path) -> Path:
    """Make the file of one encoder ("mini" or "mini-en") in a folder and return its path."""
    towers = {
        "mini": (e5.E5Tower, e5.MODEL_SHA256),
        "mini-en": (minilm.MiniLMTower, minilm.MODEL_SHA256),
    }
    make_tower, weights = towers[name]
    names, bank = class_names(), caption_bank()
    data = encode_prototypes(
        make_arrays(names, bank, make_tower()), describe_inputs(names, bank, weights)
    )
    path = folder / f"{name}.safetensors"
    path.write_bytes(data)
    logger.info("wrote %s, %d bytes", path, len(data))
    return path


def main(arguments: Sequence[str]) -> None:
    """Make the files named on the command line, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["mini", "mini-en"], metavar="mini|mini-en")
    parser.add_argument("--folder", type=Path, default=ASSETS)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        build(name, options.folder)


if __name__ == "__main__":
    main(sys.argv[1:])
