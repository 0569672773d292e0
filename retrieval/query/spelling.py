"""The texts of a query in the wordings and parts in which they are encoded."""

from dataclasses import replace

from retrieval.errors import QueryError
from retrieval.query.algebra import Expression, Query, Text
from retrieval.query.encoding import QueryEncoder
from retrieval.query.ensemble import ensembled
from retrieval.query.rewriting import with_texts
from retrieval.query.ways import EachOf, Mean


def spelled_out(query: Query, encoder: QueryEncoder) -> Expression:
    """The expression of a query with its texts in all wordings, each as long as can be encoded.

    The language of a text is chosen before: its wordings, which are English around it, and its
    parts are read in that one.

    Raises:
        QueryError: a text has too many parts, or `long` is "min" and the query is more than a text.
    """

    def told(text: Text) -> Text:
        return replace(text, lang=encoder.language_of(text.text, text.lang))

    expression = query.expression
    if query.long == "min" and isinstance(expression, Text):
        asked = told(expression)
        parts = [replace(asked, text=part) for part in encoder.parts_of(asked.text, asked.lang)]
        each = tuple(ensembled(part) if query.ensemble else part for part in parts)
        return each[0] if len(each) == 1 else EachOf(each)

    def in_parts(text: Text) -> Expression:
        parts = encoder.parts_of(text.text, text.lang)
        if len(parts) == 1:
            return text
        if query.long == "min":
            raise QueryError(
                "the least of all parts is asked of a query that is one text and nothing else",
                hint="drop the other terms, or let the mean of the parts count",
            )
        asked = told(text)
        return Mean(tuple(replace(asked, text=part) for part in parts))

    if query.ensemble:
        expression = with_texts(expression, lambda text: ensembled(told(text)))
    return with_texts(expression, in_parts)
