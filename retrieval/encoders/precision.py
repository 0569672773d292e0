"""How numbers are kept and moved while a model runs: chosen from the device and the user's wish.

Measured by benchmarks/perf/encoder_ratio.py on shared cores of an AMD EPYC with AVX-512 BF16, one
thread, a ViT-B/32 of random weights: with bf16 weights images took 1 / 2.0 and texts 1 / 1.9 of the
processor time of fp32. Of 64 photographs, each asking for its neighbours, the sets of ten agreed
for all, the first for 62. On processors without such instructions bf16 is slower than fp32. So a
CPU runs fp32 unless asked for bf16, and even then only where a matrix product of the size of one
in ViT-B's attention, timed here and now, is faster in bf16.

The GPU paths follow the vendors' documentation; no GPU was at hand when they were written.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from retrieval.encoders.options import Precision
from retrieval.errors import EncoderUnavailableError

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

Half = Literal["bf16", "fp16"]

MIN_GAIN = 1.2
"""bf16 weights on a CPU have to be this much faster than fp32; less is noise."""

_ROWS, _WIDTH = 512, 768
_REPEATS = 5


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What the choice depends on.

    Attributes:
        kind: type of the device.
        has_bf16: the GPU computes in bf16 (Ampere or later); of no matter elsewhere.
        bf16_gain: pace of bf16 over that of fp32 on a CPU; called only where it matters.
    """

    kind: Literal["cpu", "cuda", "mps"]
    has_bf16: bool = False
    bf16_gain: Callable[[], float] = lambda: 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model runs.

    Attributes:
        weights: type of the weights in memory.
        autocast: type that matrix products are computed in, or None for that of the weights.
        channels_last: pictures and convolutions with the channels innermost.
        overlap: copy the next batch from pinned memory while the present one is computed.
        compile_model: compile the image tower.
        image_batch: pictures of a batch at most.
        text_batch: texts of a batch at most.
    """

    weights: Literal["fp32", "bf16"] = "fp32"
    autocast: Half | None = None
    channels_last: bool = False
    overlap: bool = False
    compile_model: bool = False
    image_batch: int = 32
    text_batch: int = 64


def choose_plan(
    facts: DeviceFacts, precision: Precision = "auto", *, compile_model: bool = False
) -> Plan:
    """Choose how a model runs.

    Args:
        facts: of the device.
        precision: fp32 is exact everywhere. bf16 and fp16 are autocast on a GPU; on a CPU, bf16 is
            bf16 weights where that is faster, and else fp32. auto: see `EncoderOptions`.
        compile_model: wished for; done on CUDA only.

    Raises:
        EncoderUnavailableError: the device cannot compute so.
    """
    if facts.kind == "cpu":
        return Plan(weights=_cpu_weights(facts, precision))
    if precision == "bf16" and not facts.has_bf16:
        raise EncoderUnavailableError(
            f"this {facts.kind} device does not compute in bf16",
            hint="set precision to fp16 or auto",
        )
    if facts.kind == "mps":
        return Plan(autocast=_half(precision, auto=None), image_batch=64, text_batch=128)
    return Plan(
        autocast=_half(precision, auto="fp16"),
        channels_last=True,
        overlap=True,
        compile_model=compile_model,
        image_batch=256,
        text_batch=512,
    )


def _half(precision: Precision, *, auto: Half | None) -> Half | None:
    if precision == "auto":
        return auto
    return None if precision == "fp32" else precision


def facts_of(device: "torch.device") -> DeviceFacts:
    """Look at a device."""
    import torch

    if device.type == "cuda":
        return DeviceFacts("cuda", has_bf16=torch.cuda.get_device_capability(device)[0] >= 8)
    if device.type == "mps":
        return DeviceFacts("mps", has_bf16=True)
    return DeviceFacts("cpu", bf16_gain=cpu_bf16_gain)


@cache
def cpu_bf16_gain() -> float:
    """Time of a matrix product in fp32 over that in bf16: above 1, bf16 is faster.

    Processor time, so that other programs count little; some 0.2 s in all.
    """
    import torch

    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        layer = torch.nn.Linear(_WIDTH, _WIDTH, dtype=dtype)
        x = torch.ones(_ROWS, _WIDTH, dtype=dtype)
        with torch.inference_mode():
            layer(x)
            seconds[dtype] = min(_seconds(lambda: layer(x)) for _ in range(_REPEATS))  # noqa: B023
    return seconds[torch.float32] / seconds[torch.bfloat16]


def cpu_product_seconds() -> float:
    """Time of a matrix product on the CPU now, in the type that is quicker; see `mean_seconds`."""
    import torch

    dtype = torch.bfloat16 if cpu_bf16_gain() > 1 else torch.float32
    rows, other = torch.ones(_ROWS, _WIDTH, dtype=dtype), torch.ones(_WIDTH, _WIDTH, dtype=dtype)
    _ = rows @ other
    return mean_seconds(lambda: rows @ other)


def mean_seconds(run: Callable[[], object]) -> float:
    """Time of a run, in the mean over a tenth of a second.

    The geometric mean of the clock's and this thread's: that other programs slow it down is seen,
    but how busy the machine is for a moment says only half of what it will be for minutes.
    """
    started_s, own_s, n = time.perf_counter(), time.thread_time(), 0
    while n < _REPEATS or time.perf_counter() - started_s < 0.1:
        run()
        n += 1
    clock_s, own_s = time.perf_counter() - started_s, time.thread_time() - own_s
    return math.sqrt(clock_s * max(own_s, 1e-9)) / n


def _seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _cpu_weights(facts: DeviceFacts, precision: Precision) -> Literal["fp32", "bf16"]:
    if precision == "fp16":
        raise EncoderUnavailableError(
            "a CPU does not compute in fp16", hint="set precision to bf16, fp32 or auto"
        )
    if precision != "bf16":
        return "fp32"
    gain = facts.bf16_gain()
    if gain >= MIN_GAIN:
        return "bf16"
    logger.info("bf16 runs at %.2f of the pace of fp32 on this CPU; fp32 is used", gain)
    return "fp32"
