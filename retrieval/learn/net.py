"""The network of a trained map, and the loop that trains it.

Source of its shape (two hidden layers of four times the embedding, GELU, dropout): SEARLE, ICCV
2023, section 3.2, and LinCIR. Their dropout of 0.5 is for millions of texts.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeAlias

from retrieval.learn.maps import Layers

if TYPE_CHECKING:
    import torch

OnProgress: TypeAlias = Callable[[int, int], None]
"""Told how many steps are done, and of how many."""


@dataclass(frozen=True, slots=True)
class NetRecipe:
    """How a network is trained; a closed form takes none of this.

    Attributes:
        steps: of the optimiser (AdamW).
        batch: texts or images in a step.
        rate: of learning, constant.
        decay: of weights.
        dropout: between layers.
        widening: of the two layers in the middle, times the embedding. Source: SEARLE and LinCIR.
        seed: of weights, order and noise.
    """

    steps: int = 600
    batch: int = 256
    rate: float = 1e-3
    decay: float = 0.01
    dropout: float = 0.1
    widening: int = 4
    seed: int = 0

    @property
    def settings(self) -> Mapping[str, float | int | str]:
        """As a card keeps them."""
        return asdict(self)


def fit(
    shape: tuple[int, int],
    recipe: NetRecipe,
    loss_of: "Callable[[torch.nn.Module], torch.Tensor]",
    on_progress: OnProgress | None = None,
) -> Layers:
    """Train a network.

    Args:
        shape: numbers that it takes, and that it gives.
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


def _network(shape: tuple[int, int], recipe: NetRecipe) -> "torch.nn.Sequential":
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
