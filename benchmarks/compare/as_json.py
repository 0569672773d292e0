"""A comparison as documented for scripts."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks.compare.figures import FigureDifference
from benchmarks.compare.runs import Comparison, Pair, Refused
from benchmarks.compare.sides import Place


def as_json(comparison: Comparison) -> dict[str, Any]:
    """A JSON object: resamples, pairs, incomparable, only_a, only_b, summaries."""
    return {
        "resamples": comparison.resamples,
        "pairs": [_pair(each) for each in comparison.pairs],
        "incomparable": [_refused(each) for each in comparison.refused],
        "only_a": [_place(each) for each in comparison.only_a],
        "only_b": [_place(each) for each in comparison.only_b],
        "summaries": [asdict(each) for each in comparison.summaries()],
    }


def _pair(pair: Pair) -> dict[str, Any]:
    sides = zip(("a", "b"), pair.names, pair.systems, strict=True)
    return {
        "key": asdict(pair.place.key),
        "compose": pair.place.compose,
        **{side: {"model": name, "system": system} for side, name, system in sides},
        "settings": {name: list(both) for name, both in pair.settings.items()},
        "figures": {each.name: _figure(each) for each in pair.figures},
    }


def _figure(figure: FigureDifference) -> dict[str, Any]:
    return {
        "unit": figure.unit,
        "a": asdict(figure.a),
        "b": asdict(figure.b),
        "difference": figure.difference,
        "interval": _ends(figure.interval),
        "seed_interval": _ends(figure.seed_interval),
        "p": figure.p_like,
        "finding": figure.finding,
        "reason": figure.reason,
    }


def _ends(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)


def _refused(refused: Refused) -> Mapping[str, Any]:
    return {"a": _place(refused.a), "b": _place(refused.b), "reasons": list(refused.reasons)}


def _place(place: Place) -> Mapping[str, Any]:
    return {"key": asdict(place.key), "system": place.system, "compose": place.compose}
