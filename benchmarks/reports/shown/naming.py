"""How protocols, models and figures are called where people read them."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchmarks.datasets.babel_imagenet import OPENAI_NAMES
from benchmarks.records.key import COMPLETE, ZERO_SHOT, ProtocolKey
from benchmarks.records.run import RunRecord

_LONGEST_SLUG = 60
_AND = "; "
"""Between what is special about a gallery."""

_PREFIX = "openclip:"
_NO_SHARES = ("rank", "rsum")
_WAYS = {
    "t2i": "texts find pictures",
    "i2t": "pictures find texts",
    "top": "names of classes",
    "": "recall",
}


def protocol_name(key: ProtocolKey) -> str:
    """A protocol in one line, without what goes without saying: "coco test en, captions all"."""
    what = " ".join(each for each in (key.dataset, key.split, key.language) if each)
    parts = [
        f"captions {key.captions}" if key.captions else "",
        key.gallery if key.gallery != COMPLETE else "",
        f"{key.folds} folds" if key.folds > 1 else "",
        f"prompt {key.prompt}" if key.prompt else "",
        f"reranked {key.rerank}" if key.rerank else "",
        key.training if key.training != ZERO_SHOT else "",
    ]
    return ", ".join([what, *(each for each in parts if each)])


def whatever_language(key: ProtocolKey) -> ProtocolKey:
    """The protocol that all languages of a data set share."""
    return replace(key, language="")


def of_all_languages(key: ProtocolKey) -> ProtocolKey:
    """The same, also of English by the names that Babel-ImageNet's authors measured it with."""
    parts = [each for each in key.gallery.split(_AND) if each != OPENAI_NAMES]
    return replace(key, language="", gallery=_AND.join(parts) or COMPLETE)


def language_name(key: ProtocolKey) -> str:
    """The code of a language; English by OpenAI's names says so."""
    return f"{key.language}, {OPENAI_NAMES}" if OPENAI_NAMES in key.gallery else key.language


def entrants(records: Sequence[RunRecord]) -> Mapping[int, str]:
    """What each record measured, by its place: the model, and how it composed if it did.

    Two models of one name are told apart by their fingerprints.
    """
    prints: dict[str, set[str]] = defaultdict(set)
    for each in records:
        prints[each.model["name"]].add(each.model["fingerprint"])
    found = {}
    for at, each in enumerate(records):
        name = each.model["name"]
        shown = name.removeprefix(_PREFIX)
        if len(prints[name]) > 1:
            shown += f" ({each.model['fingerprint'][:8]})"
        if compose := each.settings.get("compose"):
            shown += f", {compose}"
        found[at] = shown
    return found


def is_share(name: str, value: float) -> bool:
    """Whether a figure is told in percent; ranks and sums of figures are not."""
    return not any(part in name for part in _NO_SHARES) and 0 <= value <= 1


def shown_value(name: str, value: float) -> str:
    """A figure for people: percent with two digits, ranks and sums with what they need."""
    if is_share(name, value):
        return percent(value)
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}"


def percent(share: float) -> str:
    """A share in percent, two digits."""
    return f"{100 * share:.2f}"


def way_name(way: str) -> str:
    """What the first part of a figure's name says: "t2i" are texts that find pictures."""
    head, _, rest = way.partition("_")
    known = _WAYS.get(head, head.replace("_", " "))
    return f"{known}, {rest.replace('_', ' ')}" if rest else known


def slug(*parts: str) -> str:
    """A name for a file: small letters, digits and dashes; long ones end in a digest."""
    whole = "-".join(each for each in parts if each)
    plain = re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")
    if len(plain) <= _LONGEST_SLUG:
        return plain
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: _LONGEST_SLUG - 9].rstrip('-')}-{digest}"
