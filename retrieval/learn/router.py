"""Learn which inverted lists hold the neighbours of queries that the lists were not trained on.

Texts lie in a cone of their own, far from the images: the nearest centroids are not where their
nearest images are. A softmax regression from the query to the lists of its true neighbours knows
the way, and costs one product of a matrix and a vector.

Source: T. Vecchiato, C. Lucchese, F. M. Nardini, S. Bruch, "A Learning-to-Rank Formulation of
Clustering-Based Approximate Nearest Neighbor Search", SIGIR 2024. The rest of the recipe (the
temperature of the start, the rate, the penalty of long lists, the share of the plain order) is
measured in docs/design/index.md.
"""

from typing import TYPE_CHECKING

import numpy as np

from retrieval.encoders.precision import cpu_bf16_gain
from retrieval.memory import give_back
from retrieval.model import Float32Array, Int64Array

if TYPE_CHECKING:
    import torch

EPOCHS = 10
BATCH = 512
RATE = 0.04
START_SCALE = 60.0
"""Of the centroids that the weights start from: the temperature of a softmax over cosines."""

SIZE_PENALTY = 0.3
"""Share of a list's log size taken from its score: of two lists that are as likely to hold a
neighbour, the shorter costs less to visit."""

NEIGHBOURS = 10
"""Items that a training query should be led to: the depth at which recall is measured."""

ITEM_BLOCK, QUERY_BLOCK = 16_384, 2_048
"""Items and queries at a time: 64 MiB of bfloat16 products."""

_GROUP = 64
"""Products that are looked at together: the ten best lie in the ten groups with the best ones."""

PLAIN_SHARE = 0.1
"""Share of the plain order of centroids in the mixture: it knows lists that no training query
reached."""

_LEAST_DEVIATION = 1e-3
"""Scores that deviate less count as if they did so much: those of one list, or of equal centroids,
do not deviate at all, and weights have to fit into float16. Cosines with real centroids deviate by
ten times as much or more."""


def train_router(
    queries: Float32Array,
    targets: Int64Array,
    centroids: Float32Array,
    list_sizes: Int64Array,
    seed: int,
    device: str = "cpu",
) -> tuple[Float32Array, Float32Array]:
    """Weights and biases that rank the lists for queries like these.

    Minimises the cross-entropy between the softmax over lists and the lists of the true neighbours
    (AdamW, its rate falling linearly to zero; products in bfloat16 where the processor is quicker
    at it, which changes the share of vectors to scan by less than a hundredth). The result is
    folded with the plain order of the centroids, each by its mean deviation over the training
    queries, so that one matrix does it all.

    Args:
        queries: (n, dim) float32 unit rows.
        targets: (n, k) numbers of the lists that hold the k nearest items of each query.
        centroids: (nlist, dim) of the lists.
        list_sizes: (nlist,) items in each list.
        seed: of the order of the batches. Same inputs, seed, threads and device: same weights.
        device: of torch.

    Returns:
        weight (nlist, dim) and bias (nlist,), float32: the score of list i for q is
        weight[i] @ q + bias[i].
    """
    import torch

    order = torch.Generator().manual_seed(seed)
    inputs, wanted = torch.from_numpy(queries).to(device), torch.from_numpy(targets).to(device)
    weight = torch.from_numpy(START_SCALE * centroids).to(device).requires_grad_()
    bias = torch.zeros(len(centroids), device=device, requires_grad=True)
    optimizer = torch.optim.AdamW([weight, bias], lr=RATE, weight_decay=0.0, fused=True)
    is_half = device.startswith("cpu") and cpu_bf16_gain() > 1
    batches_an_epoch = -(-len(queries) // BATCH)
    n_steps = EPOCHS * batches_an_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / n_steps)
    for _ in range(EPOCHS):
        for batch in torch.tensor_split(
            torch.randperm(len(queries), generator=order), batches_an_epoch
        ):
            batch = batch.to(device)
            with torch.autocast("cpu", torch.bfloat16, enabled=is_half):
                scores = torch.nn.functional.linear(inputs[batch], weight, bias)
            loss = -torch.log_softmax(scores.float(), 1).gather(1, wanted[batch]).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    learned, offset = (each.detach().cpu().numpy() for each in (weight, bias))
    return _folded(queries, learned, offset, centroids, list_sizes)


def nearest_lists(
    queries: Float32Array,
    items: Float32Array,
    lists: Int64Array,
    k: int = NEIGHBOURS,
    device: str = "cpu",
    *,
    blocks: tuple[int, int] | None = None,
) -> Int64Array:
    """The lists of the k best items for each query, (n, k): what a router learns to predict.

    Products are taken in bfloat16: of neighbours that are about as near, either will do.

    Args:
        queries: (n, dim) float32.
        items: (m, dim) float32, m >= k; a sample of the gallery will do.
        lists: (m,) of the items.
        k: neighbours of each query.
        device: of torch.
        blocks: queries and items that are multiplied at a time, and memory is given back after
            each block of items: freed products are kept otherwise, and in pieces, now and then,
            those of 5 MB came to 100. None is the quickest.
    """
    import torch

    names = torch.from_numpy(lists).to(device)
    wanted = torch.from_numpy(queries).to(device).bfloat16()
    best_scores = torch.empty(len(queries), 0, device=device)
    best_lists = torch.empty(len(queries), 0, dtype=torch.int64, device=device)
    query_block, item_block = blocks or (QUERY_BLOCK, ITEM_BLOCK)
    for start in range(0, len(items), item_block):
        block = torch.from_numpy(items[start : start + item_block]).to(device).bfloat16()
        found = [_best_of_groups(part @ block.T, k) for part in torch.split(wanted, query_block)]
        scores = torch.cat([best_scores, torch.cat([own for own, _ in found])], 1)
        own_lists = names[start : start + item_block][torch.cat([place for _, place in found])]
        best_scores, order = torch.topk(scores, min(k, scores.shape[1]), dim=1)
        best_lists = torch.cat([best_lists, own_lists], 1).gather(1, order)
        if blocks is not None:
            del block, found, scores, own_lists, order
            give_back()
    nearest: Int64Array = best_lists.cpu().numpy()
    return nearest


def _best_of_groups(products: "torch.Tensor", k: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """The k best of each row, or all if there are fewer, and their places, (n, min(k, width))."""
    import torch

    n, width = products.shape
    n_grouped = width // _GROUP * _GROUP
    if n_grouped // _GROUP < k:
        return torch.topk(products.float(), min(k, width), dim=1)
    groups = products[:, :n_grouped].view(n, -1, _GROUP)
    chosen = groups.amax(dim=2).topk(k, dim=1).indices
    inside = groups.gather(1, chosen[:, :, None].expand(-1, -1, _GROUP)).reshape(n, -1)
    rest = torch.arange(n_grouped, width, device=products.device).expand(n, -1)
    places = (_GROUP * chosen[:, :, None] + torch.arange(_GROUP, device=products.device)).flatten(1)
    best = torch.topk(torch.cat([inside, products[:, n_grouped:]], 1).float(), k, dim=1)
    return best.values, torch.cat([places, rest], 1).gather(1, best.indices)


def _folded(
    queries: Float32Array,
    weight: Float32Array,
    bias: Float32Array,
    centroids: Float32Array,
    list_sizes: Int64Array,
) -> tuple[Float32Array, Float32Array]:
    sample = queries[:1000]
    bias = bias - np.float32(SIZE_PENALTY) * np.log1p(list_sizes).astype(np.float32)
    learned = (1 - PLAIN_SHARE) / _deviation(sample @ weight.T + bias)
    plain = PLAIN_SHARE / _deviation(sample @ centroids.T)
    mixed = learned * weight + plain * centroids
    return mixed.astype(np.float32), (learned * bias).astype(np.float32)


def _deviation(scores: Float32Array) -> np.float32:
    """That of each query's scores over all lists, (n, nlist), in the mean over queries."""
    return np.float32(max(_LEAST_DEVIATION, scores.std(axis=1).mean()))
