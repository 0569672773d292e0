"""CLIP_benchmark as a process: its command line is run, and the JSON that it writes is read."""

import json
import math
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import BenchmarkError

KS = (1, 5, 10)

_LAUNCHER = Path(__file__).with_name("launch.py")
_LONGEST_S = 3_600.0
_TAIL_CHARS = 1_500
_SINGLE = {"acc1": "top1", "acc5": "top5", "mean_per_class_recall": "mean_per_class_recall"}
_DIRECTIONS = {"image_retrieval_recall": "t2i_r", "text_retrieval_recall": "i2t_r"}
_ERROR = re.compile(r"[A-Za-z_.]*(?:Error|Exception)\b.*")


@dataclass(frozen=True, slots=True)
class About:
    """What lies in the other environment.

    Attributes:
        versions: of its packages.
        files: the folder with the annotations that CLIP_benchmark carries.
    """

    versions: Mapping[str, str]
    files: Path


@dataclass(frozen=True, slots=True)
class ClipBenchmark:
    """CLIP_benchmark with one model.

    Attributes:
        python: of its environment.
        model: folder of the model, as `local-dir:` takes it.
        out: folder for what it writes.
    """

    python: Path
    model: Path
    out: Path

    def about(self) -> About:
        """Ask what is installed.

        Raises:
            BenchmarkError: the environment is not there, or CLIP_benchmark is not in it.
        """
        told = json.loads(self._run("about"))
        return About(told["versions"], Path(told["files"]))

    def take_for_imagenet(self, folder: Path) -> None:
        """Make a folder with val/WNID/ one that torchvision takes for ImageNet.

        Raises:
            BenchmarkError: it cannot be.
        """
        self._run("classes", str(folder))

    def retrieval(self, name: str, root: Path, annotations: Path) -> dict[str, float]:
        """Recalls of pictures with captions, by polyseek's names of figures.

        Args:
            name: of the data set, as CLIP_benchmark has it.
            root: its folder.
            annotations: its file of captions.

        Raises:
            BenchmarkError: it failed; the message ends with what it said.
        """
        ks = list(map(str, KS))
        asked = ["--annotation_file", str(annotations), "--recall_k", *ks]
        return self._evaluated(name, root, "en", asked)

    def classification(self, name: str, root: Path, language: str) -> dict[str, float]:
        """Accuracies of pictures of classes, by polyseek's names of figures.

        Args:
            name: of the data set, as CLIP_benchmark has it.
            root: its folder.
            language: of the names of classes.

        Raises:
            BenchmarkError: it failed; the message ends with what it said.
        """
        return self._evaluated(name, root, language, [])

    def _evaluated(
        self, name: str, root: Path, language: str, asked: Sequence[str]
    ) -> dict[str, float]:
        self.out.mkdir(parents=True, exist_ok=True)
        result = self.out / f"{name}-{root.name}-{language}.json"
        arguments = ["eval", "--dataset", name, "--dataset_root", str(root), "--model_type"]
        arguments += ["open_clip", "--model", f"local-dir:{self.model}", "--pretrained", "none"]
        arguments += ["--no_amp", "--num_workers", "0", "--quiet", "--language", language]
        self._run("run", *arguments, "--output", str(result), *asked)
        return read_metrics(result)

    def _run(self, verb: str, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [self.python, "-I", _LAUNCHER, verb, *arguments],
                capture_output=True,
                text=True,
                timeout=_LONGEST_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BenchmarkError(
                f"cannot run {self.python}: {error}", hint="make parity"
            ) from error
        if done.returncode:
            tail = done.stderr[-_TAIL_CHARS:]
            raise BenchmarkError(f"CLIP_benchmark failed: {last_error(tail)}", hint=tail)
        return done.stdout


def read_metrics(path: Path) -> dict[str, float]:
    """What CLIP_benchmark wrote, by polyseek's names; what is no number is left out.

    Raises:
        BenchmarkError: there is no such file, or it is of another form.
    """
    try:
        metrics = json.loads(path.read_text("utf-8"))["metrics"].items()
        named = {figure_of(name): float(value) for name, value in metrics}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchmarkError(f"{path} is no result of CLIP_benchmark: {error!r}") from error
    return {name: value for name, value in named.items() if not math.isnan(value)}


def figure_of(name: str) -> str:
    """The name that polyseek has for a metric, e.g. "t2i_r@1" of "image_retrieval_recall@1".

    Raises:
        KeyError: it is one that is not compared.
    """
    stem, at, k = name.partition("@")
    return f"{_DIRECTIONS[stem]}@{k}" if at else _SINGLE[name]


def last_error(said: str) -> str:
    """The error that a traceback ends with; the last line where none is told."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.match(line)]
    return (errors or lines or ["it said nothing"])[-1]
