"""The errors a user can meet, in one tree; nothing here may import the rest of polyseek.

    PolyseekError
    ├── QueryError                 a query that cannot be answered as asked
    │   └── QuerySyntaxError           a query line that cannot be understood; carries the place
    │       └── FilterError                a filter that cannot be understood
    ├── SettingsError              a setting or option with a wrong value
    ├── SourceError                a source to index: missing, damaged, or most of it is gone
    ├── ImageError                 one picture that cannot be decoded; carries a short `reason`
    ├── EncoderUnavailableError    a model, its weights or its packages cannot be had
    ├── TrainedMapError            a trained map: missing, damaged, or made for another model
    ├── MissingDependencyError     an optional package is needed and absent
    ├── BenchmarkError             a system that is measured failed, or answered nonsense
    └── CollectionError            the collection on disk
        ├── CollectionMissingError     there is none where one was asked for
        ├── CorruptCollectionError     bytes are not what the manifest says
        │   └── CorruptCatalogueError      the SQL catalogue is damaged; it can be rebuilt
        ├── FormatVersionError         written by a newer polyseek
        ├── EncoderMismatchError       another encoder made it
        ├── CatalogueError             the SQL catalogue cannot be used
        │   └── GenerationGoneError        it knows newer generations only
        └── LockedError                another process is writing

The message says what is wrong and names the value; `hint` is one sentence: what to do next.
A programmer's mistake (a bad argument) is a ValueError or TypeError and not in this tree.
"""


class PolyseekError(Exception):
    """Base class of every error that is shown to a user.

    Attributes:
        hint: one sentence saying what to do next, or None.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class QueryError(PolyseekError):
    """The query is empty, cancels out, names an unknown item or asks for k < 1."""


class QuerySyntaxError(QueryError):
    """What was typed to ask is no sentence: an operator lacks its term, a weight is no number.

    Attributes:
        problem: what is wrong, one line.
        excerpt: what was typed around the place, and a line with a caret below it.
        column: of the place, in characters from 1.
    """

    def __init__(
        self, problem: str, *, excerpt: tuple[str, str], column: int, hint: str | None = None
    ) -> None:
        super().__init__("\n".join((f"{problem} (column {column})", *excerpt)), hint=hint)
        self.problem = problem
        self.excerpt = excerpt
        self.column = column


class FilterError(QuerySyntaxError):
    """A filter names an unknown field, compares with a wrong type, or is no sentence at all."""


class SettingsError(PolyseekError):
    """A setting has an unknown name, a wrong type or a value out of range."""


class SourceError(PolyseekError):
    """A source to index is missing, is not what its name says, or lost most of its files."""


class ImageError(PolyseekError):
    """One picture cannot be used.

    Attributes:
        reason: short, stable text for reports and counts, e.g. "truncated".
    """

    def __init__(self, reason: str, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or reason, hint=hint)
        self.reason = reason


class EncoderUnavailableError(PolyseekError):
    """The named encoder is unknown, or its weights or packages cannot be had."""


class TrainedMapError(PolyseekError):
    """A file with a trained map is missing or damaged, was made for another model, or cannot be."""


class MissingDependencyError(PolyseekError):
    """A package that only an extra brings is needed and not installed."""


class BenchmarkError(PolyseekError):
    """A system that is measured failed, died, or gave answers that cannot be."""


class CollectionError(PolyseekError):
    """Base class of what can be wrong with a collection on disk."""


class CollectionMissingError(CollectionError):
    """No collection lies where one was asked for."""


class CorruptCollectionError(CollectionError):
    """A file of the collection is missing, truncated or changed."""


class CorruptCatalogueError(CorruptCollectionError):
    """The catalogue's rows or its database are damaged; the segments can rebuild them."""


class FormatVersionError(CollectionError):
    """The collection was written in a format that this version does not know."""


class EncoderMismatchError(CollectionError):
    """The encoder in use is not the one that embedded the collection.

    Attributes:
        expected: name and short fingerprint recorded in the collection.
        found: name and short fingerprint of the encoder in use.
    """

    def __init__(self, *, expected: str, found: str) -> None:
        super().__init__(
            f"the collection was embedded with {expected}, but the encoder in use is {found}",
            hint="use the collection's own model, or index into a new collection with --collection",
        )
        self.expected = expected
        self.found = found


class CatalogueError(CollectionError):
    """The SQL catalogue cannot be reached, is behind, or lies where SQL locks do not work."""


class GenerationGoneError(CatalogueError):
    """The generation that a reader has open was collected: two newer ones were committed since."""


class LockedError(CollectionError):
    """Another process holds the collection's writer lock."""
