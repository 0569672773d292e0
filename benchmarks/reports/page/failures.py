"""Queries that failed, with their pictures."""

from benchmarks.reports.page.markup import Html, element, joined
from benchmarks.reports.shown.failures import Failure, Failures, Item
from benchmarks.reports.shown.naming import way_name
from benchmarks.reports.thumbnails import thumbnail

MOST_BYTES = 3_000_000
"""Of all pictures on a page."""


class Pictures:
    """Small copies of pictures, as many as a page may hold."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._left = most_bytes

    def of(self, item: Item, alt: str) -> Html:
        """The picture of an item; why it is not there, else."""
        found = thumbnail(item.picture) if item.picture is not None else "no picture"
        if not isinstance(found, str) and len(found.uri) > self._left:
            found = "left out: the page has enough pictures"
        if isinstance(found, str):
            return element("div", found, class_="gone")
        self._left -= len(found.uri)
        return element(
            "img", src=found.uri, alt=alt, width=found.width, height=found.height,
            class_="picture", loading="lazy",
        )  # fmt: skip


def failures(shown: tuple[Failures, ...], reasons: tuple[str, ...]) -> Html | None:
    """All of them, and why some are not there; None where there is neither."""
    if not shown and not reasons:
        return None
    pictures = Pictures()
    told = [element("p", reason) for reason in reasons]
    return joined(*(_of_record(each, pictures) for each in shown), *told)


def _of_record(shown: Failures, pictures: Pictures) -> Html:
    ways = dict.fromkeys(each.way for each in shown.failures)
    parts = [
        joined(
            element("h3", f"{shown.title}, {shown.entrant}: {way_name(way)}"),
            element(
                "ul",
                *(_failure(each, pictures) for each in shown.failures if each.way == way),
                class_="failures",
            ),
        )
        for way in ways
    ]
    return joined(*parts)


def _failure(failure: Failure, pictures: Pictures) -> Html:
    pair = element(
        "div",
        element("div", _label(f"right, at rank {failure.rank:,}"), _shown(failure.right, pictures)),
        element("div", _label("came first"), _shown(failure.first, pictures)),
        class_="pair",
    )
    return element("li", element("div", _shown(failure.asked, pictures), class_="asked"), pair)


def _label(text: str) -> Html:
    return element("span", text, class_="label")


def _shown(item: Item, pictures: Pictures) -> Html:
    if item.picture is None:
        return element("p", element("bdi", item.text, lang=item.language or None))
    return pictures.of(item, f"the picture {item.text}")
