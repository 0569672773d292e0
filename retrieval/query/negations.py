"""What an English text says should not be there: "a street without cars" asks for no cars.

A reading by rules and short lists of words, in time linear in the text; it knows no grammar.

- A negation is "without X", or "no X" after a comma, a semicolon, "with" or "and", or right after
  another negation. Something that is sought stands before it. Set phrases and prohibitions, which
  are what pictures show ("doctors without borders", "no parking"), are none.
- X ends at a preposition, a full stop, a semicolon or the next negation.
- X is a list while "and" or "or" joins things: "cars and people". Commas belong to the list only
  before its first "and" or "or": "cars, bikes and people"; else a comma ends X.
- After "and" or a comma, an article starts something that is sought, "no people and a red fridge",
  unless X itself began with one: "a dog, a cat or children".

What follows X goes back into what is sought.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_CHUNK = re.compile(r"[^\s,;]+|[,;]")
_STOPS = ".!?"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ARTICLES = frozenset({"a", "an", "the"})
_JOINING = frozenset({"and", "or", "nor"})
_NEGATING = frozenset({"no", "without"})

_PREPOSITIONS = _words(
    "about above across after against along amid among around at before behind below beneath "
    "beside between beyond but by during from in inside into near next on onto outside over past "
    "through toward towards under underneath when where while with within"
)
"""Not "of", "for" and "to", which tell more about X: "pictures of cars"."""

_PRONOUNS = frozenset({"it", "them", "him", "her"})
"""After a preposition they belong to X: "a plate without food on it"."""

_UNFINISHED = _words(
    "a an the of say says saying read reads reading to is are was were has have had"
)
"""A text that ends so is not complete: "a sign that says without sugar"."""

_SET_PHRASES = _words(
    "borders frontiers cause doubt end ending equal exception fail limit limits question saying "
    "trace"
)
"""What "without" does not take away: "rebel without a cause"."""

_PROHIBITED = _words(
    "access admission admittance camping cycling diving dumping entrance entry exit fishing "
    "hunting left limit littering loitering longer man's matter more name one other overtaking "
    "parking passing photography problem running skateboarding smoking soliciting standing "
    "stopping swimming thanks thoroughfare trespassing turning u-turn vacancies vacancy vaping "
    "waiting way"
)
"""What "no" does not take away: it is written on signs, or a phrase."""

_ALLOWED = frozenset({"allowed", "permitted", "please", "sign"})
"""What "no" names is written on a sign if one of these is in it: "no dogs allowed"."""


@dataclass(frozen=True, slots=True)
class _Token:
    """A word or a mark, and whether a blank was before it."""

    text: str
    is_apart: bool

    @property
    def word(self) -> str:
        return self.text.lower().replace("\u2019", "'")

    @property
    def is_mark(self) -> bool:
        return self.text[0] in f",;{_STOPS}"


_END = _Token(";", is_apart=False)


def without_of(text: str) -> tuple[str, tuple[str, ...]]:
    """What an English text asks for, and what it says should not be there.

    "a street without cars and people at night" -> ("a street at night", ("cars", "people")). A text
    that only says what should not be there, or in which "no" belongs to what it names ("a no
    smoking sign"), is left as it is.
    """
    tokens = [*_tokens(text), _END]  # whoever looks one ahead finds something
    kept: list[_Token] = []
    unwanted: list[str] = []
    at, last_end = 0, -1
    while at < len(tokens) - 1:
        n_kept = _n_kept(tokens, at, kept, is_next=at == last_end)
        things, end = _things(tokens, at) if n_kept else ((), at)
        if things:
            del kept[n_kept:]
            unwanted += things
            at = last_end = end
        else:
            kept.append(tokens[at])
            at += 1
    if not unwanted:
        return text, ()
    return _joined(kept).strip(f" ,;{_STOPS}"), tuple(dict.fromkeys(unwanted))


def _tokens(text: str) -> Iterator[_Token]:
    end = -1
    for found in _CHUNK.finditer(text):
        chunk, is_apart = found[0], found.start() != end
        end = found.end()
        bare = chunk.rstrip(_STOPS)
        if bare:
            yield _Token(bare, is_apart)
        if bare != chunk:
            yield _Token(chunk[len(bare) :], is_apart and not bare)


def _joined(tokens: Sequence[_Token]) -> str:
    return "".join(f"{' ' * each.is_apart}{each.text}" for each in tokens).strip()


def _n_kept(tokens: Sequence[_Token], at: int, kept: Sequence[_Token], *, is_next: bool) -> int:
    """How many of the tokens kept so far stay, if a negation begins at a place; 0 if none does."""
    negating = tokens[at].word
    if negating not in _NEGATING or not kept:
        return 0
    before = kept[-1].word
    is_free = negating == "without" or is_next or before in (",", ";", "with", "and")
    if not is_free or _is_phrase(tokens, at):
        return 0
    n_kept = len(kept)
    dropped = ("and", "but", "with") if negating == "no" else ("and", "but")
    while n_kept and (kept[n_kept - 1].is_mark or kept[n_kept - 1].word in dropped):
        n_kept -= 1
    return 0 if n_kept and kept[n_kept - 1].word in _UNFINISHED else n_kept


def _is_phrase(tokens: Sequence[_Token], at: int) -> bool:
    """Whether a "no" or "without" belongs to what follows it."""
    first = at + 1
    if tokens[at].word == "without":
        first += tokens[first].word in _ARTICLES or tokens[first].word == "any"
        return tokens[first].word in _SET_PHRASES
    if tokens[first].text[0].isdigit() or tokens[first].word in _PROHIBITED:
        return True
    thing, _ = _thing(tokens, first)
    return any(word in _ALLOWED for word in thing.lower().split()[1:])


def _things(tokens: Sequence[_Token], at: int) -> tuple[tuple[str, ...], int]:
    """What the negation at a place names, and where the text goes on."""
    at += 1 + (tokens[at + 1].word == "any")
    has_article = tokens[at].word in _ARTICLES
    thing, end = _thing(tokens, at)
    things = [thing]
    by_comma, first_end, is_joined = False, end, False
    while thing:
        joint, by_comma = _joint(tokens, end, has_article=has_article)
        if not joint or (by_comma and is_joined):
            break
        thing, after = _thing(tokens, joint)
        if not thing:
            break
        is_joined = is_joined or not by_comma
        things.append(thing)
        end = after
    if not is_joined:
        things, end = things[:1], first_end
    return tuple(each for each in things if each), end


def _joint(tokens: Sequence[_Token], at: int, *, has_article: bool) -> tuple[int, bool]:
    """Where the next thing of a list begins, 0 if the list ends; whether only a comma is before."""
    start = at + (tokens[at].text == ",")
    joining = tokens[start].word if tokens[start].word in _JOINING else ""
    if start == at and not joining:
        return 0, False
    start += bool(joining)
    starts_anew = tokens[start].word in _ARTICLES and joining not in ("or", "nor")
    if starts_anew and not has_article:
        return 0, False
    return start, not joining


def _thing(tokens: Sequence[_Token], at: int) -> tuple[str, int]:
    """One thing without its article, and where it ends; empty if none is there."""
    start = at + (tokens[at].word in _ARTICLES or tokens[at].word == "any")
    end = start
    while end < len(tokens) - 1:
        token, after = tokens[end], tokens[end + 1]
        ends = token.is_mark or token.word in _NEGATING or token.word in _JOINING
        if ends or (token.word in _PREPOSITIONS and after.word not in _PRONOUNS):
            break
        end += 1
    is_thing = start < end and (tokens[start].text[0].isalnum() or tokens[start].text[0] == "_")
    return (_joined(tokens[start:end]) if is_thing else ""), end
