"""Where a model runs: the `device` argument of every encoder, resolved at the first use."""

import torch

from retrieval.errors import EncoderUnavailableError

DEVICES = ("auto", "cpu", "cuda", "mps")


def resolve_device(name: str) -> torch.device:
    """Turn "auto", "cpu", "cuda", "cuda:1" or "mps" into a device that is there.

    "auto" is CUDA, else Apple's MPS, else the CPU.

    Raises:
        ValueError: no such kind of device.
        EncoderUnavailableError: this machine, or this build of torch, has none.
    """
    kind = name.partition(":")[0]
    if kind not in DEVICES:
        raise ValueError(f"unknown device {name!r}; one of {', '.join(DEVICES)}")
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if has[kind]))
    if not has[kind]:
        raise EncoderUnavailableError(
            f"device {name!r} was asked for, but torch {torch.__version__} finds none",
            hint="use --device cpu or auto, or install a build of torch for that device",
        )
    return torch.device(name)
