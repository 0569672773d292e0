"""Which words of a text name what it shows, by a list of those that do not.

A part-of-speech tagger needs a model of its own; the published recipe for LinCIR takes runs of
nouns, adjectives and determiners from one. A run of words that are no stop words comes close.
"""

from itertools import groupby

from retrieval.encoders.injection import Segments

_NAMELESS = """
a about above across after against all along also am among an and another any are around as at
away be been behind being below beneath beside between both but by can do does down during each
for from had has have he her here him his how i if in inside into is it its itself just many
more most much my near next no nor not of off on one onto or other our out outside over own per
she so some such than that the their them then there these they this those through to together
toward towards under up upon us very was we were what when where which while who whose with
within without you your
photo photograph picture image shot view
"""

STOP_WORDS = frozenset(_NAMELESS.split())
"""English words that name nothing seen; also what a caption calls itself."""


def content_words(text: str) -> str:
    """A text without its stop words; the text itself if it has no others."""
    return " ".join(word for word in text.split() if not _is_stop(word)) or text


def masked(text: str, n_tokens: int = 1) -> Segments:
    """A text with a slot for every run of words that name something.

    "a red car on the beach" -> ("a", 1, "on the", 1). Of a text of stop words alone the last word
    is taken.
    """
    words = text.split()
    runs = [(stop, [*own]) for stop, own in groupby(words, _is_stop)]
    if all(stop for stop, _ in runs):
        return tuple(part for part in (" ".join(words[:-1]), n_tokens) if part != "")
    return tuple(" ".join(own) if stop else n_tokens for stop, own in runs)


def _is_stop(word: str) -> bool:
    return word.strip(".,;:!?\"'()").lower() in STOP_WORDS
