"""Settings: their names, types, ranges and defaults, each written once.

A value comes from the first layer that has one: flag, environment (POLYSEEK_NAME), file (TOML),
default. The layers are passed in: nothing here reads the environment or knows where the file lies.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retrieval.errors import SettingsError

ENV_PREFIX = "POLYSEEK_"

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
LogLevel = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value of one setting must be.

    Attributes:
        kind: type of the value: str, int, bool or Path.
        help: one sentence for the reference.
        choices: allowed values; empty means any.
        minimum: smallest allowed number; a number has one.
        maximum: largest allowed number; a number has one.
        pattern: what the whole of a text must match, or None.
        form: the pattern for a reader.
        is_secret: may hold a password, so it is masked wherever it is shown.
    """

    kind: type[str] | type[int] | type[bool] | type[Path]
    help: str
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0
    pattern: re.Pattern[str] | None = None
    form: str = ""
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from.

    Attributes:
        layer: which of the four.
        name: the flag, the variable or the file; empty for a default.
    """

    layer: Literal["flag", "env", "file", "default"]
    name: str = ""

    def __str__(self) -> str:
        return f"{self.layer} {self.name}".rstrip()


# User, host, port and database may each be missing; a host may be an IPv6 address in brackets.
_POSTGRESQL_URL = re.compile(
    r"postgres(ql)?(\+\w+)?://([^:@/]*(:[^@]*)?@)?([^@/?:]*|\[[^]]*\])(:\d{0,5})?([/?].*)?",
    re.DOTALL,
)

_SIZE = re.compile(r"\d{1,18}(\.\d{1,9})? ?([KMGT]i?B|B)?", re.IGNORECASE)

RULES: Mapping[str, Rule] = {
    "collection": Rule(
        Path, "Folder of the collection. Unset: `.polyseek`, searched upward from here."
    ),
    "model": Rule(str, "Encoder of new collections. Unset: the built-in `mini`."),
    "device": Rule(
        str,
        "Where encoders, exact search and builds of an index run.",
        choices=("auto", "cpu", "cuda", "mps"),
    ),
    "precision": Rule(
        str,
        "How open_clip models compute. auto: fp32, on CUDA fp16; bf16 on a CPU: where faster.",
        choices=("auto", "fp32", "bf16", "fp16"),
    ),
    "compile_model": Rule(bool, "Compile the image tower of open_clip models, on CUDA."),
    "allow_pickle": Rule(
        bool, "Load open_clip weights that are pickles, too; torch then reads tensors only."
    ),
    "batch_size": Rule(int, "Images encoded at once.", minimum=1, maximum=65_536),
    "workers": Rule(
        int, "Decoding threads. Unset: by the number of processors.", minimum=1, maximum=1024
    ),
    "max_pixels": Rule(
        int,
        "Larger pictures are skipped. Unset: 250 million for JPEG, 90 million for the rest.",
        minimum=1,
        maximum=1 << 40,
    ),
    "max_memory": Rule(
        str,
        "Memory by which a build, or a search, may grow, the encoder not counted."
        " Unset: what is fastest.",
        pattern=_SIZE,
        form="500MB or 2GiB",
    ),
    # A gallery has fewer ids than that: see `retrieval.model.FIRST_ID`.
    "top": Rule(int, "Hits of a query.", minimum=1, maximum=1 << 40),
    "catalogue_url": Rule(
        str,
        "SQLAlchemy URL of a PostgreSQL catalogue. Unset: SQLite in the collection.",
        pattern=_POSTGRESQL_URL,
        form="postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        is_secret=True,
    ),
    "cache_dir": Rule(Path, "Folder for what can be made again. Unset: the user's cache folder."),
    "log_level": Rule(
        str, "Least serious message shown.", choices=("debug", "info", "warning", "error")
    ),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set from outside; `RULES` says what each field takes."""

    collection: Path | None = None
    model: str | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    compile_model: bool = False
    allow_pickle: bool = False
    batch_size: int = 32
    workers: int | None = None
    max_pixels: int | None = None
    max_memory: str | None = None
    top: int = 10
    catalogue_url: str | None = None
    cache_dir: Path | None = None
    log_level: LogLevel = "warning"


def env_name(key: str) -> str:
    """The environment variable of a setting: "batch_size" -> "POLYSEEK_BATCH_SIZE"."""
    return ENV_PREFIX + key.upper()


def flag_name(key: str) -> str:
    """The flag of a setting: "batch_size" -> "--batch-size"."""
    return "--" + key.replace("_", "-")


def load_settings(
    flags: Mapping[str, object], env: Mapping[str, str], file: Path
) -> tuple[Settings, Mapping[str, Origin]]:
    """Merge the layers, the first that has a value winning.

    Every value given is checked, also those that a stronger layer hides.

    Args:
        flags: typed values by setting name; None means not given.
        env: the process's environment; an empty value means not given.
        file: TOML, need not exist. A relative path in it starts from the file's folder.

    Returns:
        The settings, and for each the layer it came from.

    Raises:
        SettingsError: an unknown key, a wrong type or a value out of range, with its origin.
    """
    values: dict[str, object] = {}
    origins = {key: Origin("default") for key in RULES}
    for layer in (_read_file(file), _read_env(env), _read_flags(flags)):
        for key, (value, origin) in layer.items():
            values[key], origins[key] = value, origin
    return Settings(**values), origins  # type: ignore[arg-type]  # checked against RULES above


_Layer = dict[str, tuple[object, Origin]]


def _read_flags(flags: Mapping[str, object]) -> _Layer:
    layer: _Layer = {}
    for key, value in flags.items():
        if key not in RULES:
            raise ValueError(f"{key!r} is no setting")
        if value is not None:
            origin = Origin("flag", flag_name(key))
            layer[key] = (_checked(key, value, origin), origin)
    return layer


def _read_env(env: Mapping[str, str]) -> _Layer:
    known = {env_name(key): key for key in RULES}
    layer: _Layer = {}
    for name, text in env.items():
        if not name.startswith(ENV_PREFIX) or not text:
            continue
        origin = Origin("env", name)
        if key := known.get(name):
            value = _typed(key, text, origin)
            layer[key] = (_checked(key, value, origin), origin)
        # The environment is shared with other programs, so only a likely slip is refused.
        elif close := difflib.get_close_matches(name, known, n=1, cutoff=0.85):
            raise SettingsError(f"{name} is no setting", hint=f"did you mean {close[0]}?")
    return layer


def _read_file(file: Path) -> _Layer:
    try:
        table = tomllib.loads(file.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise SettingsError(f"{file} is no valid TOML: {error}") from error
    origin = Origin("file", str(file))
    layer: _Layer = {}
    for key, value in table.items():
        if key not in RULES:
            close = difflib.get_close_matches(key, RULES, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(RULES)}"
            raise SettingsError(f"{file}: {key!r} is no setting", hint=hint)
        checked = _checked(key, value, origin)
        if isinstance(checked, Path):
            checked = file.parent / checked
        layer[key] = (checked, origin)
    return layer


_YES = ("1", "true", "yes", "on")
_NO = ("0", "false", "no", "off")


def _typed(key: str, text: str, origin: Origin) -> object:
    """What a variable's text says, in the type of its setting."""
    kind = RULES[key].kind
    if kind is bool and text.lower() in _YES + _NO:
        return text.lower() in _YES
    return _number(key, text, origin) if kind is int else text


def _number(key: str, text: str, origin: Origin) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise _refusal(key, text, origin, "must be a whole number") from error


def _checked(key: str, value: object, origin: Origin) -> object:
    rule = RULES[key]
    if rule.kind is Path and isinstance(value, str | Path) and str(value):
        return Path(value).expanduser()
    if rule.kind is bool:
        if not isinstance(value, bool):
            raise _refusal(key, value, origin, "must be true or false")
    elif rule.kind is int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _refusal(key, value, origin, "must be a whole number")
        if value < rule.minimum:
            raise _refusal(key, value, origin, f"must be at least {rule.minimum}")
        if value > rule.maximum:
            raise _refusal(key, value, origin, f"must be at most {rule.maximum}")
    else:
        return _checked_text(key, value, origin)
    return value


def _checked_text(key: str, value: object, origin: Origin) -> str:
    rule = RULES[key]
    if not isinstance(value, str) or not value:
        raise _refusal(key, value, origin, "must be text that is not empty")
    if rule.choices and value not in rule.choices:
        raise _refusal(key, value, origin, f"must be one of {', '.join(rule.choices)}")
    if rule.pattern and not rule.pattern.fullmatch(value):
        raise _refusal(key, value, origin, f"must be like {rule.form}")
    return str(value)  # the choices of a flag come as an enum, which errors would show as such


def _refusal(key: str, value: object, origin: Origin, must: str) -> SettingsError:
    shown = "***" if RULES[key].is_secret else repr(value)
    return SettingsError(f"{key} = {shown} (from {origin}): {must}")
