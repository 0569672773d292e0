"""Indexing a folder with an open_clip model, beside the ways to embed it that people use today.

    python -m benchmarks.perf.index_peers FOLDER [--images 192] [--rounds 3] [--model ViT-B-32]
        [--clip-retrieval /path/to/its/venv]

All arms run the same architecture with the same random weights (speed does not depend on them) over
the same pictures, one after the other in turns: the raw forward on preloaded tensors; `polyseek
index`; a plain loop over torch's DataLoader with open_clip's own preprocessing; and, from an
environment of its own, clip-retrieval's inference. That one loads its model in every call, so it is
two arms, the whole folder and half of it, and its rate is taken from their difference.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from benchmarks.perf.index_ratio import preloaded_batches
from benchmarks.perf.timing import Timing, interleave
from indexer.decode import default_workers
from indexer.service import IndexOptions, index_folders
from retrieval.encoders.base import Encoder
from retrieval.encoders.registry import get_encoder
from retrieval.encoders.torchvision_ops import mend_torchvision
from retrieval.images import IMAGE_SUFFIXES

_WEIGHTS = "open_clip_model.safetensors"
_CONFIG = "open_clip_config.json"
_WHOLE, _HALF = "clip-retrieval, whole", "clip-retrieval, half"


class Pictures(torch.utils.data.Dataset[torch.Tensor]):
    """Files of a folder through a model's own preprocessing, as tutorials have it."""

    def __init__(
        self, paths: Sequence[Path], transform: Callable[[Image.Image], torch.Tensor]
    ) -> None:
        self._paths = paths
        self._transform = transform

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, number: int) -> torch.Tensor:
        with Image.open(self._paths[number]) as image:
            return self._transform(image.convert("RGB"))


def write_bundle(folder: Path, model_name: str) -> None:
    """A model of this architecture with random weights, as a folder that both sides can load."""
    torch.manual_seed(0)
    open_clip = _open_clip()
    model = open_clip.create_model(model_name)
    config = open_clip.get_model_config(model_name)
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()}, folder / _WEIGHTS
    )
    (folder / _CONFIG).write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))


def plain_loop(bundle: Path, source: Path, batch_size: int) -> Callable[[int], None]:
    """A DataLoader with a worker a processor, and `encode_image` under inference_mode."""
    open_clip = _open_clip()
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{bundle}")
    model.eval()
    paths = sorted(source.iterdir())

    def run(_: int) -> None:
        loader = torch.utils.data.DataLoader(
            Pictures(paths, transform), batch_size=batch_size, num_workers=default_workers()
        )
        with torch.inference_mode():
            rows = [model.encode_image(batch, normalize=True) for batch in loader]
        assert sum(map(len, rows)) == len(paths)

    return run


def polyseek_index(source: Path, encoder: Encoder, options: IndexOptions) -> Callable[[int], None]:
    """A new collection of the folder, committed."""

    def run(_: int) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            index_folders([source], Path(scratch, "c"), encoder=encoder, options=options)

    return run


def clip_retrieval(
    environment: Path, bundle: Path, source: Path, model: str
) -> Callable[[int], None]:
    """One call of its command, start-up and loading of the model included."""
    n_images = len(list(source.iterdir()))

    def run(_: int) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            command: list[str | Path] = [
                *(environment / "bin" / "clip-retrieval", "inference"),
                *(f"--input_dataset={source}", f"--output_folder={scratch}"),
                *("--enable_image=True", "--enable_text=False", "--enable_metadata=False"),
                *("--batch_size=32", f"--num_prepro_workers={default_workers()}"),
                *(f"--clip_model=open_clip:{model}/{bundle / _WEIGHTS}", "--use_jit=False"),
            ]
            subprocess.run(command, check=True, capture_output=True)
            rows = sum(len(np.load(path)) for path in Path(scratch).rglob("img_emb*.npy"))
        if rows != n_images:
            raise ValueError(f"clip-retrieval embedded {rows} of {n_images} pictures")

    return run


def _open_clip() -> ModuleType:
    mend_torchvision()
    return import_module("open_clip")


def copy_pictures(folder: Path, target: Path, n_images: int) -> None:
    """The first pictures below a folder, under plain names."""
    target.mkdir()
    files = sorted(folder.rglob("*"))
    found = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES][:n_images]
    for number, path in enumerate(found):
        shutil.copyfile(path, target / f"{number:06}{path.suffix.lower().replace('.jpeg', '.jpg')}")


def local_arms(source: Path, bundle: Path, batch_size: int) -> dict[str, Callable[[int], None]]:
    """The arms that run in this process."""
    encoder = get_encoder(f"local-dir:{bundle}")
    batches = preloaded_batches(sorted(source.iterdir()), encoder, batch_size)

    def forward(_: int) -> None:
        for batch in batches:
            encoder.encode_pixels(batch)

    return {
        "raw forward": forward,
        "polyseek index": polyseek_index(source, encoder, IndexOptions(batch_size=batch_size)),
        "DataLoader loop": plain_loop(bundle, source, batch_size),
    }


def rates(timings: dict[str, Timing], n_images: int, n_half: int) -> dict[str, float]:
    """Images a second of each arm, by its median time."""
    seconds = {name: timing.p50_ms / 1000 for name, timing in timings.items()}
    whole, half = seconds.pop(_WHOLE, None), seconds.pop(_HALF, None)
    found = {name: n_images / each for name, each in seconds.items()}
    if whole is not None and half is not None:
        found["clip-retrieval"] = (n_images - n_half) / (whole - half)
    return found


def main() -> None:
    """Measure, and write the rates and their ratios to the raw forward to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--images", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=IndexOptions().batch_size)
    parser.add_argument("--clip-retrieval", type=Path, metavar="VENV")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bundle, source = Path(scratch, "bundle"), Path(scratch, "pictures")
        bundle.mkdir()
        write_bundle(bundle, arguments.model)
        copy_pictures(arguments.folder, source, arguments.images)
        n_images = len(list(source.iterdir()))
        arms = local_arms(source, bundle, arguments.batch_size)
        if arguments.clip_retrieval:
            half = Path(scratch, "half")
            copy_pictures(source, half, n_images // 2)
            for name, each in ((_WHOLE, source), (_HALF, half)):
                arms[name] = clip_retrieval(arguments.clip_retrieval, bundle, each, arguments.model)
        timings = interleave(arms, rounds=arguments.rounds, warm_up=1)
    found = rates(timings, n_images, n_images // 2)
    for name, rate in found.items():
        share = rate / found["raw forward"]
        sys.stdout.write(f"{name:16} {rate:8.2f} images/s  {share:5.3f} of the raw forward\n")


if __name__ == "__main__":
    main()
