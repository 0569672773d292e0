"""Time of an open_clip model's towers as we run them, over that of open_clip's own calls.

    python -m benchmarks.perf.encoder_ratio FOLDER [--model ViT-B-32] [--texts 128] [--images 64]
        [--rounds 3] [--threads 1] [--clock processor]

All arms have the same architecture with the same random weights (speed does not depend on them).
Texts: captions of the bank, tokenised within the time; `encode_text` of open_clip reads them padded
to the full context, in batches of the size that our encoder takes. Images: photographs of FOLDER,
preprocessed before; `encode_image` in batches of our size. Ours runs in fp32 and with the setting
bf16, which a CPU follows only where a matrix product is 1.2 times as fast in it: the first line has
that gain. Under each table rows are compared: the largest difference of any number of ours in fp32
from open_clip's, and how many items keep in bf16 the nearest other item that they have in fp32, and
the set of the ten nearest (with random weights, which crowd rows: a hard test).

Times are processor time, so that other programs disturb them less, and of one thread: two or more
spin while they wait for each other, which counts as processor time and grows with what else runs.
`--clock wall` takes the time that passes, `--threads` other numbers of threads.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.perf.index_peers import write_bundle
from benchmarks.perf.index_ratio import preloaded_batches
from benchmarks.perf.timing import Timing, interleave
from retrieval.encoders.bank import caption_bank
from retrieval.encoders.base import Encoder, Pixels
from retrieval.encoders.openclip import OpenClipEncoder
from retrieval.encoders.options import EncoderOptions
from retrieval.encoders.precision import Plan, cpu_bf16_gain
from retrieval.images import IMAGE_SUFFIXES
from retrieval.model import Float32Array

_CLOCKS = {"processor": time.process_time_ns, "wall": time.perf_counter_ns}
_RAW, _FP32, _BF16 = "open_clip, fp32", "ours, fp32", "ours, bf16"
_NEAREST = 10

Arm = Callable[[int], Float32Array]


class RawModel:
    """A model as open_clip loads it, asked as its README shows."""

    def __init__(self, bundle: Path) -> None:
        open_clip = import_module("open_clip")
        name = f"local-dir:{bundle}"
        self._model, self._transform = open_clip.create_model_from_pretrained(name)
        self._model.eval()
        self._tokenize = open_clip.get_tokenizer(name)

    def encode_texts(self, texts: Sequence[str], batch_size: int) -> Float32Array:
        """Tokenise and embed n texts -> (n, dim) unit rows."""
        batches = [texts[at : at + batch_size] for at in range(0, len(texts), batch_size)]
        with torch.inference_mode():
            rows = [
                self._model.encode_text(self._tokenize(list(batch)), normalize=True)
                for batch in batches
            ]
        return _array(rows)

    def encode_tensors(self, batches: Sequence[torch.Tensor]) -> Float32Array:
        """Embed batches of pictures (n, 3, height, width), normalised -> (n, dim) unit rows."""
        with torch.inference_mode():
            return _array([self._model.encode_image(batch, normalize=True) for batch in batches])

    def normalise(self, pixels: Pixels) -> torch.Tensor:
        """Pictures (n, height, width, 3) uint8 as this model takes them."""
        normalize: Any = self._transform.transforms[-1]
        batch: torch.Tensor = normalize(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
        return batch.contiguous()  # as its own preprocessing and a DataLoader lay them out


def text_arms(raw: RawModel, ours: dict[str, Encoder], n_texts: int) -> dict[str, Arm]:
    """The text towers over captions of all kinds in the bank."""
    bank = caption_bank()
    texts = [bank[at * len(bank) // n_texts] for at in range(n_texts)]
    return {
        _RAW: lambda _: raw.encode_texts(texts, Plan().text_batch),
        _FP32: lambda _: ours[_FP32].encode_texts(texts),
        _BF16: lambda _: ours[_BF16].encode_texts(texts),
    }


def image_arms(raw: RawModel, ours: dict[str, Encoder], paths: Sequence[Path]) -> dict[str, Arm]:
    """The image towers over preprocessed photographs."""
    batches = preloaded_batches(paths, ours[_FP32], Plan().image_batch)
    tensors = [raw.normalise(batch) for batch in batches]
    pixels = np.concatenate(batches)
    return {
        _RAW: lambda _: raw.encode_tensors(tensors),
        _FP32: lambda _: ours[_FP32].encode_pixels(pixels),
        _BF16: lambda _: ours[_BF16].encode_pixels(pixels),
    }


def same_neighbours(rows: Float32Array, others: Float32Array) -> tuple[int, int]:
    """Rows whose nearest other row, and whose set of ten nearest, are the same in both arrays."""
    ranked = []
    for each in (rows, others):
        scores = each @ each.T
        np.fill_diagonal(scores, -np.inf)
        ranked.append(np.argsort(-scores, axis=1, kind="stable")[:, :_NEAREST])
    one, two = ranked
    same_sets = (np.sort(one, axis=1) == np.sort(two, axis=1)).all(axis=1)
    return int((one[:, 0] == two[:, 0]).sum()), int(same_sets.sum())


def table(title: str, timings: dict[str, Timing]) -> str:
    """Lines for a reader: each arm over open_clip, and bf16 over fp32."""
    lines = [title]
    for name, timing in timings.items():
        ratio = timing.p50_ms / timings[_RAW].p50_ms
        lines.append(
            f"  {name:16} p50 {timing.p50_ms:9.1f} ms  p95 {timing.p95_ms:9.1f} ms"
            f"  ratio {ratio:5.3f} = 1 / {1 / ratio:.2f}  (n={timing.rounds})"
        )
    gain = timings[_FP32].p50_ms / timings[_BF16].p50_ms
    lines.append(f"  ours, bf16 over fp32: 1 / {gain:.2f}")
    return "\n".join(lines) + "\n"


def differences(arms: dict[str, Arm]) -> str:
    """Lines for a reader: rows of ours in fp32 against open_clip's, and in bf16 against fp32."""
    rows = {name: arm(0) for name, arm in arms.items()}
    largest = np.abs(rows[_FP32] - rows[_RAW]).max()
    nearest, sets = same_neighbours(rows[_FP32], rows[_BF16])
    return (
        f"  ours, fp32 differs from open_clip by {largest:.1e} at most\n"
        f"  in bf16 {nearest} of {len(rows[_FP32])} keep their nearest, {sets} the set of their ten"
        f" nearest\n"
    )


def main() -> None:
    """Measure, and write both tables and the differences of rows to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--texts", type=int, default=128)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=_CLOCKS, default="processor")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    files = sorted(arguments.folder.rglob("*"))
    paths = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES][: arguments.images]
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bundle = Path(scratch)
        write_bundle(bundle, arguments.model)
        ours: dict[str, Encoder] = {
            _FP32: _encoder(bundle, EncoderOptions(precision="fp32")),
            _BF16: _encoder(bundle, EncoderOptions(precision="bf16")),
        }
        raw = RawModel(bundle)
        clock_ns = _CLOCKS[arguments.clock]
        sys.stdout.write(
            f"{arguments.model}, {arguments.clock} time, {torch.get_num_threads()} threads,"
            f" {torch.backends.cpu.get_cpu_capability()};"
            f" a matrix product in bf16: 1 / {cpu_bf16_gain():.2f} of fp32\n"
        )
        for title, arms in (
            (f"{arguments.texts} texts", text_arms(raw, ours, arguments.texts)),
            (f"{len(paths)} images", image_arms(raw, ours, paths)),
        ):
            compared = differences(arms)  # first, so that it warms up
            timings = interleave(arms, rounds=arguments.rounds, warm_up=0, clock_ns=clock_ns)
            sys.stdout.write(table(title, timings) + compared)


def _encoder(bundle: Path, options: EncoderOptions) -> Encoder:
    return OpenClipEncoder(f"local-dir:{bundle}", "cpu", options)


def _array(rows: Sequence[torch.Tensor]) -> Float32Array:
    array: Float32Array = torch.cat(list(rows)).numpy()
    return array


if __name__ == "__main__":
    main()
