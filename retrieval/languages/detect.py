"""A detector of languages, where one is installed (the extra `detect`).

py3langid: 140 languages, offline, 4.5 MB, BSD licence; about 1 s to load, 0.1 ms a text. Of the
alternatives lingua takes 14 s and 1 GB for its first short text, and those that use fastText
download their model when they are first asked.
"""

import importlib.util
from functools import cache
from typing import Any

from retrieval.errors import QueryError
from retrieval.languages.tags import canonical_tag

PACKAGE = "py3langid"

LEAST_SURE = 0.5
"""Probability below which there is no answer. Single words rarely reach it: "hund" is thought to be
Gun with .11, "a dog on the beach" English with .91."""


def detected_language(text: str) -> str | None:
    """The canonical tag of the language that a text is probably in.

    None where the detector is not sure, or not installed.
    """
    identifier = _identifier()
    if identifier is None or not text.strip():
        return None
    language, probability = identifier.rank(text)[0]
    if float(probability) < LEAST_SURE:
        return None
    try:
        return canonical_tag(str(language))
    except QueryError:  # zxx: no language at all
        return None


@cache
def _identifier() -> Any:  # noqa: ANN401 - the package may be missing
    """The detector, loaded once; None where it is not installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        return None
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
