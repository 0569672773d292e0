"""A phi learned from texts alone: the words of a text have to stand for all that it says.

Every run of words that name something is replaced by the pseudo-token that the map gives for the
text's own embedding; the text must stay where it was. Noise on the embedding makes the map fit for
images, which lie beside the texts.

Source: G. Gu, S. Chun, W. Kim, Y. Kang, S. Yun, "Language-only Efficient Training of Zero-shot
Composed Image Retrieval" (LinCIR), CVPR 2024, section 4: loss, noise, one token for all runs. Ours:
runs are found by stop words; the embedding is centred and of length 1 before the mean goes, so
noise is measured in its lengths.
"""

from typing import TYPE_CHECKING

import numpy as np

from retrieval.encoders.injection import Injector, Prompts
from retrieval.learn.net import OnProgress, fit
from retrieval.learn.phi import Phi
from retrieval.learn.phi_lessons import Lessons, PhiRecipe
from retrieval.learn.phi_words import masked

if TYPE_CHECKING:
    import torch

_BLOCK = 512
"""Texts whose own features are worked out at once."""


def train_lincir(
    lessons: Lessons, recipe: PhiRecipe | None = None, on_progress: OnProgress | None = None
) -> Phi:
    """Train the map.

    Args:
        lessons: their images serve for the mean of images alone.
        recipe: how long and so on.
        on_progress: told after every step.
    """
    import torch

    recipe = recipe or PhiRecipe()
    injector = lessons.injector
    prompts = injector.prompts([masked(text, recipe.n_tokens) for text in lessons.texts])
    wanted = _features(injector, lessons.texts)
    inputs = torch.from_numpy(lessons.vectors - lessons.text_mean)
    dim = inputs.shape[1]
    # U(0, 1) times a Gaussian of the length that the recipe names.
    loudness = recipe.noise * float(inputs.norm(dim=1).mean()) / np.sqrt(dim)
    runs = prompts.slots.sum(dim=1) // recipe.n_tokens

    def loss_of(net: torch.nn.Module) -> "torch.Tensor":
        rows = torch.randint(len(inputs), (recipe.batch,))
        share = torch.rand(len(rows), 1)
        noisy = inputs[rows] + share * loudness * torch.randn(len(rows), dim)
        own = net(noisy).reshape(len(rows), recipe.n_tokens, injector.width)
        tokens = own.repeat_interleave(runs[rows], dim=0).reshape(-1, injector.width)
        made = injector.features(_part(prompts, rows), tokens)
        return torch.nn.functional.mse_loss(made.float(), wanted[rows].to(made.device))

    shape = (dim, recipe.n_tokens * injector.width)
    layers = fit(shape, recipe, loss_of, on_progress)
    return lessons.phi("lincir", layers, recipe.settings, n_tokens=recipe.n_tokens)


def _part(prompts: Prompts, rows: "torch.Tensor") -> Prompts:
    return Prompts(prompts.ids[rows], prompts.slots[rows], prompts.truncated)


def _features(injector: Injector, texts: tuple[str, ...]) -> "torch.Tensor":
    """What the tower gives for whole texts, (n, dim), not normalised."""
    import torch

    none = torch.empty(0, injector.width)
    prompts = injector.prompts([[text] for text in texts])
    with torch.no_grad():
        blocks = [
            injector.features(_part(prompts, rows), none).float()
            for rows in torch.split(torch.arange(len(texts)), _BLOCK)
        ]
    return torch.cat(blocks)
