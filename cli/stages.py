"""The options of a query that work on its answer: feedback from it, re-ranking, diversity."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.output import note
from retrieval.errors import QueryError, SettingsError

if TYPE_CHECKING:
    from retrieval.engine import SearchEngine
    from retrieval.rerank.base import Reranker
    from retrieval.shaping import ShapedResult, Shaping

_BLIP = "blip:"


@dataclass(frozen=True, slots=True)
class Stages:
    """What the options ask for.

    Attributes:
        prf: whether the best hits count as marked as right.
        rerank: "exact", "caption" or "blip:" and a folder; None leaves the order.
        rerank_top: how many hits are re-ranked; None is the default.
        diverse: share of diversity.

    Raises:
        SettingsError: `rerank` is none of these, or `rerank_top` stands alone.
    """

    prf: bool = False
    rerank: str | None = None
    rerank_top: int | None = None
    diverse: float = 0.0

    def __post_init__(self) -> None:
        ways = "exact, caption or blip:FOLDER"
        known = (None, "exact", "caption")
        if self.rerank not in known and not re.fullmatch(_BLIP + ".+", self.rerank or ""):
            raise SettingsError(f"no way to re-rank: {self.rerank!r}", hint=f"give {ways}")
        if self.rerank is None and self.rerank_top is not None:
            raise SettingsError("--rerank-top says how far --rerank goes", hint=f"--rerank {ways}")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.prf or self.rerank or self.diverse)

    def check(self) -> None:
        """Refuse numbers out of range and folders without a model, before anything is loaded.

        Raises:
            QueryError: a number is out of range.
            EncoderUnavailableError: there is no such model.
        """
        from retrieval.rerank.diversity import check_diversity

        check_diversity(self.diverse)
        if self.rerank_top is not None and self.rerank_top < 1:
            raise QueryError(f"--rerank-top is at least 1, got {self.rerank_top}", hint="e.g. 64")
        if self.rerank is not None and self.rerank.startswith(_BLIP):
            from retrieval.encoders.blip import check_folder  # brings torch

            check_folder(Path(self.rerank.removeprefix(_BLIP)))

    def shaping(self, engine: "SearchEngine", device: str) -> "Shaping":
        """The stages, for an engine; models are on a device."""
        from retrieval.rerank.base import DEFAULT_TOP
        from retrieval.shaping import PseudoFeedback, Shaping

        return Shaping(
            PseudoFeedback() if self.prf else None,
            self._reranker(engine, device),
            DEFAULT_TOP if self.rerank_top is None else self.rerank_top,
            self.diverse,
        )

    def _reranker(self, engine: "SearchEngine", device: str) -> "Reranker | None":
        if self.rerank is None:
            return None
        if self.rerank == "exact":
            from retrieval.rerank.exact import ExactReranker

            return ExactReranker(engine)
        if self.rerank == "caption":
            from retrieval.rerank.captions import CaptionReranker

            return CaptionReranker(engine)
        from retrieval.encoders.blip import BlipMatcher
        from retrieval.rerank.matching import MatchReranker

        folder = Path(self.rerank.removeprefix(_BLIP))
        return MatchReranker(BlipMatcher(folder, device))

    def tell(self, shaped: "ShapedResult", *, quiet: bool) -> None:
        """Say what was done, and what could not be."""
        if self.prf:
            n = shaped.n_fed_back
            note(
                f"asked again with the best {n} hits" if n else "no hit stands out: asked once",
                quiet=quiet,
            )
        if shaped.n_unscored:
            n = shaped.n_unscored
            note(
                f"warning: {n:,} hits not re-ranked: they have no picture that can be read",
                quiet=quiet,
            )


AS_FOUND = Stages()
