"""Tags of languages (BCP 47): one spelling for each, and an error for what names none."""

from collections.abc import Collection
from functools import lru_cache

from retrieval.errors import QueryError

ANY = "*"
"""Among the languages of an encoder: many, and nobody says which."""

UNDETERMINED = "und"
"""The tag of a text whose language is not known."""

_ALIASES = {
    "jp": "ja",  # XTD, STAIR and multilingual COCO say so
    "cn": "zh",
    "cz": "cs",
    "be-x-old": "be-tarask",  # Wikipedia's own
    "zh-classical": "lzh",
    "zh-min-nan": "nan",
}
"""What data sets call languages, and the registry does not. None of them is another language."""

_NO_LANGUAGE = {"mul", "mis", "zxx"}
"""Tags of several languages, of one without a code, of what is no language."""


_FAMILY = {"nb": "no", "nn": "no", "fuv": "ff", "pbt": "ps", "quy": "qu"}
"""Members of macrolanguages (ISO 639-3) that langcodes leaves alone."""


@lru_cache(maxsize=4096)
def canonical_tag(tag: str) -> str:
    """The one spelling of a tag: JP is ja, iw is he, quz is quz, zh_hant_tw is zh-Hant-TW.

    Codes of three letters become those of two where there are such, deprecated ones what replaced
    them; a script that goes without saying is left out (de-Latn is de).

    Args:
        tag: in any case, with - or _ between its parts.

    Raises:
        QueryError: it names no language.
        TypeError: it is no string.
    """
    if not isinstance(tag, str):
        raise TypeError(f"a tag of a language cannot be {tag!r}")
    import langcodes

    asked = tag.strip().replace("_", "-").lower()
    asked = _ALIASES.get(asked, asked)
    try:
        is_language = langcodes.tag_is_valid(asked) and not asked.startswith("x-")
        found = str(langcodes.standardize_tag(asked)) if is_language else ""
    except ValueError:  # langcodes' own error derives from it
        found = ""
    if not found or primary(found) in _NO_LANGUAGE:
        raise QueryError(
            f"{tag!r} is the tag of no language",
            hint="give a code such as de, ja, pt-BR or zh-Hant (ISO 639, BCP 47)",
        )
    return found


def primary(tag: str) -> str:
    """The language of a canonical tag, without script, region and variants."""
    return tag.partition("-")[0]


@lru_cache(maxsize=4096)
def family(tag: str) -> str:
    """The language that a canonical tag is counted with: nb is no, arb is ar, cmn is zh."""
    import langcodes

    language = primary(str(langcodes.standardize_tag(tag, macro=True)))
    return _FAMILY.get(language, language)


def knows(languages: Collection[str], tag: str) -> bool:
    """Whether a language is among those of an encoder, whatever its script and region.

    Args:
        languages: canonical tags, or `ANY`.
        tag: canonical.
    """
    return ANY in languages or family(tag) in {family(each) for each in languages}
