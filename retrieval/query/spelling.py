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

    Raises:
        QueryError: a text has too many parts, or `long` is "min" and the query is more than a text.
    """
    expression = query.expression
    if query.long == "min" and isinstance(expression, Text):
        whole = encoder.parts_of(expression.text, expression.lang)
        parts = [replace(expression, text=part) for part in whole]
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
        return Mean(tuple(replace(text, text=part) for part in parts))

    if query.ensemble:
        expression = with_texts(expression, ensembled)
    return with_texts(expression, in_parts)
