"""How many of many differences stand when all of them were looked for."""

from collections.abc import Sequence


def n_rejected(p_values: Sequence[float], level: float = 0.05) -> int:
    """How many null hypotheses fall, with a chance of at most `level` that any falls wrongly.

    Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal
    of Statistics 6, 1979 (the step-down form of Bonferroni's correction).

    Args:
        p_values: one a comparison, in [0, 1].
        level: of the whole family.
    """
    for n_fallen, p_value in enumerate(sorted(p_values)):
        if p_value > level / (len(p_values) - n_fallen):
            return n_fallen
    return len(p_values)
