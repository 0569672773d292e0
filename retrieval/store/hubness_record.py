"""What a build found out about the hubs of a gallery, as a manifest holds it; no I/O."""

from dataclasses import dataclass
from typing import Literal, cast

from retrieval.store.fields import as_section, get_float, get_int, get_list, get_text
from retrieval.store.file_entry import FileEntry

BankSource = Literal["collection", "generated"]


@dataclass(frozen=True, slots=True)
class HubnessRecall:
    """Queries with a known match in the top k, by cosine and with the bias taken off.

    Attributes:
        k: depth.
        plain: share of queries, by cosine alone.
        adjusted: share of the same queries, with the bias taken off.
        standard_error: of the difference of the two.
    """

    k: int
    plain: float
    adjusted: float
    standard_error: float

    @classmethod
    def from_json(cls, value: object) -> "HubnessRecall":
        """Read one record."""
        section = as_section(value, "recall")
        return cls(
            k=get_int(section, "k"),
            plain=get_float(section, "plain"),
            adjusted=get_float(section, "adjusted"),
            standard_error=get_float(section, "standard_error"),
        )

    def to_json(self) -> dict[str, object]:
        """The record as a JSON object."""
        return {
            "k": self.k,
            "plain": self.plain,
            "adjusted": self.adjusted,
            "standard_error": self.standard_error,
        }


@dataclass(frozen=True, slots=True)
class HubnessRecord:
    """The hubness bias of a gallery, or that none is worth it.

    Attributes:
        alpha: share of the bias that is taken off a cosine; 0 where no share won on held-out
            queries: nothing is stored then, and nothing is adjusted.
        k: similarities to the bank that a bias is the mean of.
        bank: the file of the bank; None where alpha is 0.
        source: of the bank: "collection" (its own captions, or images), or "generated".
        n_bank: rows of the bank.
        n_items: in the gallery when it was learnt; four times as many ask for a new one.
        n_texts: in the texts gallery then; likewise.
        n_queries: held out, that neither the bank nor the choice of alpha has seen.
        recall: on them, with the share that did best on the queries it was chosen by.
    """

    alpha: float
    k: int
    bank: FileEntry | None
    source: BankSource
    n_bank: int
    n_items: int
    n_texts: int
    n_queries: int
    recall: tuple[HubnessRecall, ...]

    @classmethod
    def from_json(cls, value: object) -> "HubnessRecord":
        """Read one record."""
        section = as_section(value, "hubness")
        bank = section.get("bank")
        return cls(
            alpha=get_float(section, "alpha"),
            k=get_int(section, "k"),
            bank=None if bank is None else FileEntry.from_json(bank),
            source=cast(BankSource, get_text(section, "source")),
            n_bank=get_int(section, "n_bank"),
            n_items=get_int(section, "n_items"),
            n_texts=get_int(section, "n_texts"),
            n_queries=get_int(section, "n_queries"),
            recall=tuple(map(HubnessRecall.from_json, get_list(section, "recall"))),
        )

    def to_json(self) -> dict[str, object]:
        """The record as a JSON object."""
        return {
            "alpha": self.alpha,
            "k": self.k,
            "bank": self.bank.to_json() if self.bank else None,
            "source": self.source,
            "n_bank": self.n_bank,
            "n_items": self.n_items,
            "n_texts": self.n_texts,
            "n_queries": self.n_queries,
            "recall": [each.to_json() for each in self.recall],
        }
