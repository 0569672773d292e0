"""Which systems there are, and what each needs."""

from dataclasses import dataclass, replace

from retrieval.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a system's code lies.

    Attributes:
        name: as the user gives it, with what follows its colon.
        module: that holds it.
        kind: name of the class.
        package: the library that does its work, loaded before anything is measured.
        is_peer: whether it may run in another environment.
    """

    name: str
    module: str
    kind: str
    package: str
    is_peer: bool = False

    @property
    def option(self) -> str:
        """What follows the colon."""
        return self.name.partition(":")[2]


_FIXED = (
    Entry("polyseek", "benchmarks.systems.collection", "Polyseek", "faiss"),
    Entry("exact", "benchmarks.systems.scans", "Exact", "numpy"),
    Entry("gemm", "benchmarks.systems.scans", "Gemm", "torch"),
    Entry("autofaiss", "benchmarks.systems.factory", "Autofaiss", "autofaiss", is_peer=True),
    Entry("hnswlib", "benchmarks.systems.graphs", "Hnswlib", "hnswlib", is_peer=True),
    Entry("usearch", "benchmarks.systems.graphs", "Usearch", "usearch", is_peer=True),
)

NAMES = tuple(entry.name for entry in _FIXED)
"""All but those with a factory key, in the order in which they are measured."""

FLAT = Entry("faiss:Flat", "benchmarks.systems.factory", "Faiss", "faiss")
"""The limit that one query at a time is measured against."""

PRODUCT = Entry("product", "benchmarks.systems.scans", "Product", "torch")
"""The limit that batches are measured against."""

_OPEN = ("faiss", "autofaiss")
"""Names that may go on behind a colon: with a key of FAISS's factory, a memory to choose for."""


def find_system(name: str) -> Entry:
    """The system of this name.

    Raises:
        SettingsError: there is none.
    """
    kind, _, option = name.partition(":")
    for entry in (*_FIXED, FLAT):
        if entry.name == name:
            return entry
        if option and kind in _OPEN and entry.name.partition(":")[0] == kind:
            return replace(entry, name=name)
    raise SettingsError(
        f"no system {name!r}",
        hint=f"systems: {', '.join(NAMES)}, faiss:FACTORY (e.g. faiss:IVF1024,PQ64),"
        " autofaiss:MEMORY (e.g. autofaiss:16GB)",
    )
