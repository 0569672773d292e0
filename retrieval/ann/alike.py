"""Groups of vectors that are nearly the same, around the best of each; no I/O.

Vectors come in an order of preference. The first is the head of a group, and all that are alike to
it belong to it; the next that belongs nowhere heads a group of its own, and so on. So every member
is alike to its head, which is what somebody who keeps the head and deletes the rest needs to know.
Connected components would chain: a is like b, b like c, and a nothing like z. Two members of one
group are at most twice as far apart as the threshold allows: cosine at least 2 t^2 - 1, .88 for
.97.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from retrieval.ann.exact import BoolArray, Ranking, pair_scores, screening_margin
from retrieval.model import Float32Array, Int64Array

Gather: TypeAlias = Callable[[Int64Array], Float32Array]
"""Vectors (m, dim) of unit length, by their numbers in the order of preference, (m,)."""

Heads: TypeAlias = tuple[Int64Array, Float32Array]
"""For each vector the number of its group's head (its own, if it is one), (n,), and the cosine of
both, (n,)."""

_HEAD_ROWS = 1024
"""Rows compared with all later ones at a time: 2 MiB of float32 at 512 dimensions."""

_CHUNK_ROWS = 8192
"""Later rows at a time: 16 MiB of float32 at 512 dimensions, and 32 MiB of cosines."""

_FIRST_DEPTH = 32
_ASKED_ROWS = 256


def group_exactly(n: int, gather: Gather, threshold: float) -> Heads:
    """Group n vectors by comparing all of them, n * n / 2 products.

    Memory is bounded whatever n is, and however many are alike.

    Args:
        n: number of vectors.
        gather: gives them.
        threshold: cosine from which two are alike, as `pair_scores` computes it.
    """
    head = np.full(n, -1, np.int64)
    cosine = np.ones(n, np.float32)
    for start in range(0, n, _HEAD_ROWS):
        stop = min(start + _HEAD_ROWS, n)
        block = start + np.flatnonzero(head[start:stop] < 0)
        if not block.size:
            continue
        rows = gather(block)
        is_head = _settle_block(block, rows, threshold, head, cosine)
        numbers, heads = block[is_head], rows[is_head]
        for first in range(stop, n, _CHUNK_ROWS):
            later = first + np.flatnonzero(head[first : first + _CHUNK_ROWS] < 0)
            if not later.size:
                continue
            later_rows = gather(later)
            alike = _alike(heads, later_rows, threshold)
            found = np.flatnonzero(alike.any(axis=0))
            to = alike.argmax(axis=0)[found]  # the first: heads are in the order of preference
            head[later[found]] = numbers[to]
            cosine[later[found]] = pair_scores(later_rows[found], heads[to])
    return head, cosine


def group_by_search(
    n: int, gather: Gather, search: Callable[[Float32Array, int], Ranking], threshold: float
) -> Heads:
    """Group n vectors by asking an index for the neighbours of each; finds what the index finds.

    Args:
        n: number of vectors.
        gather: gives them.
        search: ranks the vectors for queries (Q, dim), k a query, and names them by their numbers.
        threshold: cosine from which two are alike.
    """
    head = np.full(n, -1, np.int64)
    cosine = np.ones(n, np.float32)
    for start in range(0, n, _ASKED_ROWS):
        block = start + np.flatnonzero(head[start : start + _ASKED_ROWS] < 0)
        if not block.size:
            continue
        rows = gather(block)
        scores, numbers = search(rows, _FIRST_DEPTH)
        for at, number in enumerate(block.tolist()):
            if head[number] >= 0:  # an earlier one of the block has it
                continue
            own_scores, own_numbers = scores[at], numbers[at]
            depth = _FIRST_DEPTH
            while len(own_scores) >= depth and own_scores[-1] >= threshold:
                depth *= 4
                found = search(rows[at : at + 1], depth)
                own_scores, own_numbers = found[0][0], found[1][0]
            near = (own_scores >= threshold) & (own_numbers > number)
            members = own_numbers[near]
            is_free = head[members] < 0
            head[number] = number
            head[members[is_free]] = number
            cosine[members[is_free]] = own_scores[near][is_free]
    return head, cosine


def _settle_block(
    block: Int64Array, rows: Float32Array, threshold: float, head: Int64Array, cosine: Float32Array
) -> Int64Array:
    """Decide which rows of a block are heads, and enter its members; returns the heads' places."""
    alike = _alike(rows, rows, threshold)
    heads = []
    for at, number in enumerate(block.tolist()):
        if head[number] >= 0:
            continue
        head[number] = number
        heads.append(at)
        members = at + 1 + np.flatnonzero(alike[at, at + 1 :])
        members = members[head[block[members]] < 0]
        head[block[members]] = number
        cosine[block[members]] = pair_scores(rows[members], rows[at])
    return np.array(heads, np.int64)


def _alike(heads: Float32Array, rows: Float32Array, threshold: float) -> BoolArray:
    """Which pairs reach the threshold, (len(heads), len(rows)).

    The matrix product only screens; see `retrieval.ann.exact`.
    """
    products = heads @ rows.T
    margin = screening_margin(heads)[:, None]
    alike: BoolArray = products >= threshold
    first, second = np.nonzero(np.abs(products - np.float32(threshold)) <= margin)
    alike[first, second] = pair_scores(rows[second], heads[first]) >= threshold
    return alike
