"""The network of a trained phi, and the loop that trains it.

Source of its shape (two hidden layers of four times the embedding, GELU, dropout): SEARLE, ICCV
2023, section 3.2, and LinCIR. Their dropout of 0.5 is for millions of texts.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from retrieval.learn.phi import Layers
from retrieval.learn.phi_lessons import OnProgress, PhiRecipe

if TYPE_CHECKING:
    import torch


def fit(
    shape: tuple[int, int],
    recipe: PhiRecipe,
    loss_of: "Callable[[torch.nn.Module], torch.Tensor]",
    on_progress: OnProgress | None = None,
) -> Layers:
    """Train a network.

    Args:
        shape: numbers of an embedding, and of all pseudo-tokens of one image.
        recipe: same recipe, lessons, threads and device: same weights.
        loss_of: draws a batch, by torch's random numbers of the CPU, and gives its loss.
        on_progress: told after every step.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = _network(shape, recipe)
        optimizer = torch.optim.AdamW(
            net.parameters(), lr=recipe.rate, weight_decay=recipe.decay, fused=True
        )
        for step in range(1, recipe.steps + 1):
            loss = loss_of(net)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if on_progress is not None:
                on_progress(step, recipe.steps)
    linear = [each for each in net if isinstance(each, torch.nn.Linear)]
    return tuple(
        (each.weight.detach().numpy().copy(), each.bias.detach().numpy().copy()) for each in linear
    )


def _network(shape: tuple[int, int], recipe: PhiRecipe) -> "torch.nn.Sequential":
    from torch import nn

    dim, out = shape
    wide = recipe.widening * dim
    return nn.Sequential(
        nn.Linear(dim, wide),
        nn.GELU(),
        nn.Dropout(recipe.dropout),
        nn.Linear(wide, wide),
        nn.GELU(),
        nn.Dropout(recipe.dropout),
        nn.Linear(wide, out),
    )
