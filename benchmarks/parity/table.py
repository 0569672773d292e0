"""Two harnesses' figures side by side, and what explains each difference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

TOLERANCE = 1e-6
"""Between equal figures: CLIP_benchmark's are means in float32."""

Verdict = Literal["equal", "ties", "rounding", "expected", "differs"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        data: of which data set, and how.
        figure: its name, as in polyseek's records.
        theirs: None where CLIP_benchmark gave none.
        ours: None where polyseek gave none.
        ties: the least and the most that it can be, by the order of equal scores; None: no interval
            was worked out.
        rounding: likewise, of scores that float32 cannot tell apart.
        expected: why there is none of theirs; "" where there should be one.
    """

    data: str
    figure: str
    theirs: float | None
    ours: float | None
    ties: tuple[float, float] | None = None
    rounding: tuple[float, float] | None = None
    expected: str = ""

    @property
    def verdict(self) -> Verdict:
        """What became of it; "differs" is what nothing explains."""
        if self.theirs is None or self.ours is None:
            return "expected" if self.expected else "differs"
        if abs(self.theirs - self.ours) <= TOLERANCE:
            return "equal"
        if self.ties is not None and _holds(self.ties, self.theirs, self.ours):
            return "ties"
        if self.rounding is not None and _holds(self.rounding, self.theirs, self.ours):
            return "rounding"
        return "differs"

    @property
    def why(self) -> str:
        """What explains a difference, in words; "" where there is none."""
        verdict = self.verdict
        if verdict == "ties" and self.ties is not None:
            return f"ties: any order gives {self.ties[0]:.6f} to {self.ties[1]:.6f}"
        if verdict == "rounding" and self.rounding is not None:
            low, high = self.rounding
            return f"float32 cannot tell scores apart: {low:.6f} to {high:.6f}"
        return {"expected": self.expected, "differs": "NOT EXPLAINED"}.get(verdict, "")


def _holds(interval: tuple[float, float], *values: float) -> bool:
    low, high = interval
    return all(low - TOLERANCE <= each <= high + TOLERANCE for each in values)


def unexplained(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Those whose difference nothing explains."""
    return tuple(row for row in rows if row.verdict == "differs")


HEAD = "| data | figure | CLIP_benchmark | polyseek | difference | |\n|---|---|---|---|---|---|"
"""Of the table that lines make, in Markdown."""


def line(row: Row) -> str:
    """Data, figure, both values, the difference, what explains it."""
    cells = [row.data, row.figure, _value(row.theirs), _value(row.ours), _difference(row)]
    return "| " + " | ".join([*cells, row.why or "equal"]) + " |"


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.6f}"


def _difference(row: Row) -> str:
    if row.theirs is None or row.ours is None:
        return "-"
    return f"{row.ours - row.theirs:+.1e}" if row.ours != row.theirs else "0"
