"""`polyseek doctor`: what is installed here, what is missing, and how to get it."""

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import typer

from cli.context import Context, begin, config_file
from cli.exits import ExitCode, reported_errors
from cli.models import readiness
from cli.options import JsonOption, QuietOption, examples
from cli.output import printable, shown_path, write_json, write_text
from cli.versions import FAISS_PACKAGES, faiss_build, package_version
from retrieval.errors import PolyseekError

_PACKAGES = ("torch", "torchvision", "open_clip_torch", "sqlalchemy", "alembic", "pillow", "numpy")
_EXTRAS = {"heif": "pillow_heif", "raw": "rawpy", "pg": "psycopg", "towers": "transformers"}
_CODECS = ("jpg", "libjpeg_turbo", "zlib", "webp", "avif", "libtiff", "jpg_2000", "littlecms2")

State = Literal["ok", "missing", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: heading it belongs under.
        name: what was looked at.
        value: what was found.
        state: "missing" if polyseek cannot work without it, "note" if it is merely absent.
        fix: what to do about it, or None.
    """

    topic: str
    name: str
    value: str
    state: State = "ok"
    fix: str | None = None


EXAMPLES = examples(
    "polyseek doctor",
    "polyseek doctor --json",
)


def doctor(quiet: QuietOption = False, json: JsonOption = False) -> None:
    """Check what is installed, and what is missing.

    Packages, devices, encoders, codecs and folders. Exits 1 if there is no encoder or no FAISS. The
    output holds no secret: add it to a bug report.
    """
    with reported_errors(as_json=json):
        context = begin({}, quiet=quiet)
        findings = list(examine(context))
        is_well = all(finding.state != "missing" for finding in findings)
        if json:
            checks = [
                {
                    "topic": finding.topic,
                    "name": finding.name,
                    "value": finding.value,
                    "state": finding.state,
                    "fix": finding.fix,
                }
                for finding in findings
            ]
            write_json({"ok": is_well, "checks": checks})
        else:
            write_text("\n".join(_lines(findings)))
        if not is_well:
            raise typer.Exit(ExitCode.FAILURE)


def examine(context: Context) -> Iterator[Finding]:
    """Look at everything, in the order in which it is shown."""
    yield from _versions()
    yield from _faiss()
    yield from _devices(context.settings.device)
    yield from _encoders()
    yield from _pictures()
    yield from _extras()
    yield from _folders(context)


def _versions() -> Iterator[Finding]:
    yield Finding("versions", "python", platform.python_version())
    yield Finding("versions", "platform", platform.platform())
    yield Finding("versions", "polyseek", package_version("polyseek") or "not installed")
    for name in _PACKAGES:
        version = package_version(name)
        state: State = "ok" if version else "note"
        yield Finding("versions", name, version or "not installed", state)


def _faiss() -> Iterator[Finding]:
    build = faiss_build()
    if build is None:
        yield Finding(
            "versions",
            "faiss",
            "not installed",
            "missing",
            "pip install 'polyseek[cpu]' (or 'polyseek[gpu]', never both)",
        )
        return
    yield Finding("versions", "faiss", build)
    if all(package_version(name) for name in FAISS_PACKAGES):
        fix = "pip uninstall faiss-cpu faiss-gpu, then install one of them"
        yield Finding("versions", "faiss", "both builds share one folder", "missing", fix)


def _devices(asked: str) -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:
        fix = "pip install torch"
        yield Finding("devices", "torch", f"cannot be loaded: {error}", "note", fix)
        return
    yield Finding("devices", "cpu", f"{os.cpu_count()} processors, {torch.get_num_threads()} used")
    for number in range(torch.cuda.device_count()):
        yield Finding("devices", f"cuda:{number}", torch.cuda.get_device_name(number))
    if not torch.cuda.is_available():
        yield Finding("devices", "cuda", "none", "note")
    if torch.backends.mps.is_available():
        yield Finding("devices", "mps", "available")
    yield _computing(asked)
    yield _faiss_gpus()


def _computing(asked: str) -> Finding:
    """Which device serves exact search and builds, for the setting that holds here."""
    from retrieval.ann.devices import computing_device

    try:
        value = f"{computing_device(asked)} (device = {asked})"
    except PolyseekError as error:
        return Finding("devices", "search and build", str(error), "note", error.hint)
    return Finding("devices", "search and build", value)


def _faiss_gpus() -> Finding:
    """Whether the codes of an index can be searched on a GPU."""
    from retrieval.ann.gpu_codes import n_gpus

    try:
        found = n_gpus()
    except PolyseekError:
        return Finding("devices", "faiss", "not installed", "note")
    if found:
        return Finding("devices", "faiss", f"{found} GPU(s): codes are searched there")
    return Finding("devices", "faiss", "no GPU: codes are searched on the CPU", "note")


def _encoders() -> Iterator[Finding]:
    from retrieval.encoders.registry import known_encoders

    summaries = known_encoders()
    for summary in summaries:
        if summary.available:
            value = f"{readiness(summary)}: {summary.note}"
            yield Finding("encoders", summary.name, value)
        else:
            yield Finding("encoders", summary.name, "not at hand", "note", summary.missing)
    # A family of open_clip models needs weights, which nobody can promise; the others do not.
    if not any(summary.available for summary in summaries if summary.dim is not None):
        fix = "pip install 'polyseek[mini]'"
        yield Finding("encoders", "any", "no encoder can be used", "missing", fix)


def _pictures() -> Iterator[Finding]:
    from PIL import features

    has = [name for name in _CODECS if features.check(name)]
    lacks = [name for name in _CODECS if name not in has]
    yield Finding("pictures", "codecs", ", ".join(has))
    if lacks:
        yield Finding("pictures", "codecs lacking", ", ".join(lacks), "note")


def _extras() -> Iterator[Finding]:
    for extra, module in _EXTRAS.items():
        if find_spec(module):
            yield Finding("extras", extra, "installed")
        else:
            fix = f"pip install 'polyseek[{extra}]'"
            yield Finding("extras", extra, "not installed", "note", fix)


def _folders(context: Context) -> Iterator[Finding]:
    here = Path.cwd()
    state = "there" if config_file().is_file() else "not there"
    yield Finding("folders", "settings file", f"{shown_path(config_file())} ({state})")
    yield _writable("cache", context.cache_dir)
    yield _writable("current folder", here)
    for name in ("HF_HOME", "HF_HUB_OFFLINE"):
        if value := os.environ.get(name):
            yield Finding("folders", name, value)
    if (folder := context.nearest_collection()) is not None:
        yield _writable("collection", folder)


def _writable(name: str, folder: Path) -> Finding:
    """Whether the folder can be written to, or be made where it is not there yet."""
    standing = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if os.access(standing, os.W_OK | os.X_OK):
        return Finding("folders", name, f"{shown_path(folder)}, writable")
    return Finding("folders", name, f"{shown_path(folder)}, not writable", "note")


def _lines(findings: list[Finding]) -> Iterator[str]:
    topic = ""
    for finding in findings:
        if finding.topic != topic:
            topic = finding.topic
            yield topic
        mark = {"ok": " ", "note": "-", "missing": "!"}[finding.state]
        yield printable(f"  {mark} {finding.name}: {finding.value}")
        if finding.fix:
            yield printable(f"      {finding.fix}")
