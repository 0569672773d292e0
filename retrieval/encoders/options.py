"""How models are loaded and run: what the user may choose, apart from which model and where."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """Choices that change how an open_clip model is loaded and run, never what its name means.

    Attributes:
        precision: "auto" is fp32 on a CPU and on MPS, fp16 autocast on CUDA; see
            `retrieval.encoders.precision`.
        allow_pickle: also load weights that are pickles, with torch's weights-only reader.
        compile_model: compile the image tower (CUDA only).
        pins_file: digests that files of models must have; None checks none.
    """

    precision: Precision = "auto"
    allow_pickle: bool = False
    compile_model: bool = False
    pins_file: Path | None = None


_of_process = EncoderOptions()


def configure_encoders(options: EncoderOptions) -> None:
    """Set what encoders made by name use from now on, where they are given no options.

    For programs, once at the start: names of models travel through collections and queries, the
    user's choices about loading do not.
    """
    global _of_process
    _of_process = options


def process_options() -> EncoderOptions:
    """What `configure_encoders` set last."""
    return _of_process
