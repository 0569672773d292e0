"""Cleaning of texts before a tower sees them: what every text tower of polyseek does alike."""

import unicodedata


def clean_text(text: str, *, max_chars: int) -> str:
    """Make a text safe for an engine: valid Unicode, no control characters, a bounded length.

    Control characters (NUL among them) and runs of white space become one space, lone surrogates
    U+FFFD. A text longer than `max_chars` is cut, at a space if one is near. Two spellings of one
    text (composed and decomposed accents) become the same.

    Args:
        text: any string, also the empty one.
        max_chars: at least 1; code points of the result.

    Returns:
        The cleaned text; "" where nothing is left.
    """
    # Cut first: normalising ten thousand words to keep two hundred would be wasted. Normalising
    # and squeezing may shorten a text, so twice the length is looked at.
    head = text[: 2 * max_chars].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    spaced = "".join(
        " " if unicodedata.category(char) == "Cc" else char
        for char in unicodedata.normalize("NFC", head)
    )
    squeezed = " ".join(spaced.split())
    if len(squeezed) <= max_chars:
        return squeezed
    cut = squeezed[:max_chars]
    at = cut.rfind(" ")
    return cut[:at] if at > max_chars * 3 // 4 else cut
