"""Rate of indexing a folder over the rate of the encoder's raw forward on preloaded tensors.

    python -m benchmarks.perf.index_ratio FOLDER [--encoder mini] [--images 256] [--rounds 5]

Both arms see the same pictures in one interleaved run. The forward has everything in memory;
indexing lists, reads, hashes, decodes and preprocesses the files, embeds them, and commits a new
collection. Target: at least 0.90, that is, the encoder hardly ever waits.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.perf.timing import Timing, interleave
from indexer.service import IndexOptions, index_folders
from retrieval.encoders.base import Encoder, Pixels
from retrieval.encoders.registry import DEFAULT_ENCODER, get_encoder
from retrieval.images import IMAGE_SUFFIXES, decode_image

TARGET_RATIO = 0.90


def preloaded_batches(paths: Sequence[Path], encoder: Encoder, batch_size: int) -> list[Pixels]:
    """The pictures as the encoder takes them, in batches as the indexer makes them."""
    pixels = [
        encoder.preprocess(decode_image(path.read_bytes(), target_px=encoder.input_px).image)
        for path in paths
    ]
    starts = range(0, len(pixels), batch_size)
    return [np.stack(pixels[start : start + batch_size]) for start in starts]


def measure(
    source: Path, encoder: Encoder, options: IndexOptions, rounds: int
) -> dict[str, Timing]:
    """Interleaved times of both arms over all pictures of a folder."""
    batches = preloaded_batches(sorted(source.iterdir()), encoder, options.batch_size)
    n_images = sum(map(len, batches))

    def forward(_: int) -> None:
        for batch in batches:
            encoder.encode_pixels(batch)

    def index(_: int) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            collection = Path(scratch, "collection")
            report = index_folders([source], collection, encoder=encoder, options=options)
            if report.added != n_images:
                raise ValueError(f"indexed {report.added} of {n_images} pictures")

    return interleave({"forward": forward, "index": index}, rounds=rounds, warm_up=1)


def main() -> None:
    """Measure, and write both rates and their ratio to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--batch-size", type=int, default=IndexOptions().batch_size)
    arguments = parser.parse_args()
    encoder = get_encoder(arguments.encoder, device=arguments.device)
    options = IndexOptions(batch_size=arguments.batch_size, workers=arguments.workers)
    files = sorted(arguments.folder.rglob("*"))
    found = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES][: arguments.images]
    with tempfile.TemporaryDirectory() as scratch:
        for number, path in enumerate(found):
            shutil.copyfile(path, Path(scratch, f"{number:06}{path.suffix}"))
        timings = measure(Path(scratch), encoder, options, arguments.rounds)
    for name, timing in timings.items():
        rate = 1000 * len(found) / timing.p50_ms
        sys.stdout.write(f"{name:8} p50 {timing.p50_ms:9.1f} ms  {rate:8.2f} images/s\n")
    ratio = timings["forward"].p50_ms / timings["index"].p50_ms
    sys.stdout.write(f"ratio {ratio:.3f} (target {TARGET_RATIO:.2f}, n={arguments.rounds})\n")


if __name__ == "__main__":
    main()
