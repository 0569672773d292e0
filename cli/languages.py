"""What a command says about the languages of texts: what it takes them for, and what knows them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.query.language import Choice, Languages


def checked_tag(tag: str | None) -> str | None:
    """A tag in its one spelling.

    Raises:
        QueryError: it names no language.
    """
    if tag is None:
        return None
    from retrieval.languages.tags import canonical_tag

    return canonical_tag(tag)


def remarks(languages: "Languages") -> list[str]:
    """What the asker should know, a line each.

    Where the tokenizer takes a language: what each text was taken for that was not told. A warning
    for each language that the encoder does not know.
    """
    guesses = [each for each in languages.choices if each.by != "told"] if languages.matter else []
    said = [_guess(each) for each in guesses]
    for tag, others in languages.others:
        said.append(unknown(tag, others))
    return said


def unknown(tag: str, others: "Sequence[str]") -> str:
    """The warning about a language that the encoder does not know, and encoders that do."""
    knowing = f"; these do: {', '.join(others)}" if others else ""
    return f"warning: the model does not know the language {tag}{knowing}"


def _guess(choice: "Choice") -> str:
    how = {
        "script": "by its script",
        "detector": "by a detector",
        "default": "for want of a better guess",
    }
    return f"{choice.text!r} is read as {choice.lang} {how[choice.by]}; --lang says otherwise"
