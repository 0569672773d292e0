"""Which space vectors are of that others have made: what the user says, and what can be checked.

Nothing in a vector tells its encoder. Its length can be compared, and what is said of it with what
the collection records.
"""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from indexer.writer import CollectionWriter
from retrieval.ann.spec import choose_spec
from retrieval.encoders.base import Encoder
from retrieval.encoders.registry import get_encoder
from retrieval.errors import (
    CollectionMissingError,
    EncoderMismatchError,
    EncoderUnavailableError,
    MissingDependencyError,
    SettingsError,
    SourceError,
)
from retrieval.model import EncoderInfo, GalleryName
from retrieval.store.manifest import GalleryEntry, newest_manifest

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


def name_space(
    model: str | None,
    fingerprint: str | None,
    recorded: EncoderInfo | None,
    *,
    dim: int,
    device: str = "auto",
) -> EncoderInfo:
    """What made some vectors, as far as the user and the collection can tell.

    Args:
        model: name of the encoder; None is that of the collection.
        fingerprint: of the encoder, which is then not asked itself.
        recorded: what made the collection; None where there is none.
        dim: of the vectors.
        device: for an encoder that has to be asked.

    Raises:
        SettingsError: nothing says what made them, or the fingerprint is none.
        EncoderUnavailableError: the encoder is not at hand, so that its fingerprint is unknown.
        EncoderMismatchError: the collection is of another space.
        SourceError: the encoder gives vectors of another length.
    """
    if fingerprint is not None:
        info = _by_fingerprint(fingerprint, model, recorded, dim)
    elif recorded is not None and model in (None, recorded.name):
        info = recorded
    elif model is None:
        raise SettingsError(
            "nothing says which encoder made the vectors",
            hint="name it with --model, and with --fingerprint if it is not at hand",
        )
    else:
        try:
            info = get_encoder(model, device=device).info
        except (EncoderUnavailableError, MissingDependencyError) as error:
            raise EncoderUnavailableError(
                str(error), hint="give its fingerprint with --fingerprint, if you know it"
            ) from error
    if recorded is not None and info.fingerprint != recorded.fingerprint:
        raise EncoderMismatchError(expected=recorded.label, found=info.label)
    if info.dim != dim:
        raise SourceError(
            f"the vectors have {dim} numbers, those of {info.label} have {info.dim}",
            hint="they come from another encoder, or another layer of it",
        )
    return info


def _by_fingerprint(
    fingerprint: str, name: str | None, recorded: EncoderInfo | None, dim: int
) -> EncoderInfo:
    digits = fingerprint.lower()
    if not _FINGERPRINT.fullmatch(digits):
        raise SettingsError(
            f"{fingerprint!r} is no fingerprint",
            hint="it has 64 hexadecimal digits; `polyseek models show NAME` tells it",
        )
    if recorded is not None and recorded.fingerprint == digits:
        return recorded
    if name is None:
        raise SettingsError(
            "a fingerprint needs the name of its encoder", hint="name it with --model"
        )
    return EncoderInfo(name, dim, digits, {"fingerprint": "as given with the vectors"}, ())


def recorded_encoder(folder: Path) -> EncoderInfo | None:
    """What made the collection; None where there is none yet, or nothing in it."""
    try:
        manifest, _ = newest_manifest(folder)
    except CollectionMissingError:
        return None
    return manifest.encoder if manifest.galleries else None


def recorded_galleries(folder: Path) -> Mapping[GalleryName, GalleryEntry]:
    """The galleries of a collection; none where there is none yet."""
    with contextlib.suppress(CollectionMissingError):
        return newest_manifest(folder)[0].galleries
    return {}


def measuring_encoder(writer: CollectionWriter, device: str) -> Encoder | None:
    """The collection's encoder, for text queries that measure an index; None without either."""
    expected = writer.manifest.encoder
    sizes = [writer.collection.gallery(name).n_items for name in writer.manifest.galleries]
    if choose_spec(max(sizes, default=0), expected.dim).kind == "exact":
        return None
    with contextlib.suppress(EncoderUnavailableError, MissingDependencyError):
        encoder = get_encoder(expected.name, device=device)
        if encoder.info.fingerprint == expected.fingerprint:
            return encoder
    return None
