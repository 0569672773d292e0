"""How to index: one value for all that a caller may choose."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from indexer.readers.columns import Columns
from retrieval.ann.spec import IndexSpec
from retrieval.ann.tune import TARGET_RECALL
from retrieval.images import PixelLimits
from retrieval.model import Float32Array


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Which index a gallery gets, and what it has to find.

    Attributes:
        spec: of the index; "auto" chooses by the number of items.
        target_recall: share of the exact ten best that each kind of query should find, in (0, 1].
        foreign_queries: (n, dim) unit rows to learn the routes from, e.g. captions for images; a
            fifth of them measures. None takes the collection's own captions, or writes some.
        seed: of the sample, the training and the choice of queries.
        retrain: train anew an index that is there.
        device: that trains, codes and measures: "auto", "cpu" or "cuda"; others mean the CPU.
        max_memory: bytes by which the process may grow while vectors are put in, trained, coded
            and measured (the encoder not counted; refused with a rotation or by "tuned"); None
            takes what is fastest.
        announce: told, before a build that is likely to take long, what it takes.
    """

    spec: IndexSpec = field(default_factory=lambda: IndexSpec("auto"))
    target_recall: float = TARGET_RECALL
    foreign_queries: Float32Array | None = None
    seed: int = 0
    retrain: bool = False
    device: str = "auto"
    max_memory: int | None = None
    announce: Callable[[str], None] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.target_recall <= 1:
            raise ValueError(f"a target recall lies in (0, 1], got {self.target_recall}")
        if self.foreign_queries is not None and not np.isfinite(self.foreign_queries).all():
            raise ValueError("a foreign query holds NaN or infinity")

    def on(self, device: str) -> "BuildOptions":
        """The same on a device, if none is named yet."""
        return replace(self, device=device) if self.device == "auto" else self


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How to index; the defaults suit a folder of photographs on one machine.

    Attributes:
        include: patterns (see `indexer.readers.globs`) of which a file must match one, if any.
        exclude: patterns of which a file may match none.
        prune: take out the files of a known root that is missing or lost more than half of them.
        batch_size: pictures in one call of the encoder.
        workers: decoding threads; None chooses by the number of processors.
        device: where the encoder runs, and the index is built: "auto", "cpu", "cuda" or "mps".
        limits: on the pixels of one picture.
        dry_run: change nothing, only report what a run would do.
        segment_items: a segment is committed when it has this many items, ...
        segment_seconds: ... or is this old, whichever comes first.
        import_items: items of ready vectors in one segment; see `indexer.embeddings`.
        catalogue_url: of a PostgreSQL catalogue; None is SQLite inside the collection.
        cache_dir: where receipts of checked files are kept; None keeps none.
        captions: take in the texts that come with pictures, too (not in a dry run).
        columns: of tables among the sources.
        build: which index the galleries get; its "auto" device is this one.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    prune: bool = False
    batch_size: int = 32
    workers: int | None = None
    device: str = "auto"
    limits: PixelLimits = field(default_factory=PixelLimits)
    dry_run: bool = False
    segment_items: int = 4096
    segment_seconds: float = 20.0
    import_items: int = 262_144
    catalogue_url: str | None = None
    cache_dir: Path | None = None
    captions: bool = True
    columns: Columns = field(default_factory=Columns)
    build: BuildOptions = field(default_factory=BuildOptions)

    @property
    def build_here(self) -> BuildOptions:
        """`build` on the device that this names, if it names none itself."""
        return self.build.on(self.device)
