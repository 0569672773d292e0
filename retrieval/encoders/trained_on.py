"""The languages that text towers of known families were trained on."""

from collections.abc import Iterable

from retrieval.languages.codes import FLORES, XLM_R

_FAMILIES = (("nllb", FLORES), ("m2m_100", FLORES), ("xlm-r", XLM_R))
"""Words in the names of text towers, and what towers so named were trained on. open_clip has no
other M2M-100 than NLLB."""


def trained_on(names: Iterable[str]) -> tuple[str, ...] | None:
    """Canonical tags of the languages of a text tower; None where its names tell none.

    Args:
        names: all that a model says about its text tower, in any case.
    """
    lower = [name.lower() for name in names]
    return next(
        (tags for word, tags in _FAMILIES if any(word in name for name in lower)),
        None,
    )
