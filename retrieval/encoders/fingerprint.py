"""Fingerprints: what makes two encoders give the same embeddings, as one hash.

The parts are plain strings by name (configuration, sha256 of each weights file, preprocessing,
tokenizer). The fingerprint is the sha256 of their canonical JSON (sorted keys, no spaces, UTF-8)
together with the dimension, so that it can be computed again by anybody, in any language.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from retrieval.errors import EncoderUnavailableError
from retrieval.model import EncoderInfo


def canonical_json(value: object) -> str:
    """JSON with one spelling per value: sorted keys, no spaces, no ASCII escapes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(parts: Mapping[str, str], dim: int) -> str:
    """Hash the parts of an encoder and its dimension.

    Args:
        parts: what the embeddings depend on, by name.
        dim: length of an embedding.

    Returns:
        sha256 in hex; independent of the order of `parts`.
    """
    text = canonical_json({"dim": dim, "parts": dict(parts)})
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def encoder_info(
    name: str, dim: int, parts: Mapping[str, str], languages: Sequence[str]
) -> EncoderInfo:
    """Put the identity of an encoder together, its fingerprint computed from the parts."""
    return EncoderInfo(
        name=name,
        dim=dim,
        fingerprint=fingerprint(parts, dim),
        parts=dict(parts),
        languages=tuple(languages),
    )


def sha256_of_file(path: Path) -> str:
    """sha256 of a file's bytes in hex; read in blocks, about 1 s a GB."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_pinned(path: Path, sha256: str) -> None:
    """Refuse a weights file that is not the one this version was written for.

    Raises:
        EncoderUnavailableError: the file is missing, or its bytes differ from the pinned ones.
    """
    try:
        found = sha256_of_file(path)
    except OSError as error:
        raise EncoderUnavailableError(
            f"cannot read the weights file {path}: {error.strerror}",
            hint="reinstall the package that carries it",
        ) from error
    if found != sha256:
        raise EncoderUnavailableError(
            f"{path} is not the file this version expects: its sha256 is {found}, not {sha256}",
            hint="reinstall the package that carries it at the version that polyseek pins",
        )
