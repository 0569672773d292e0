"""Pseudo-tokens of an image by optimisation: no map, no training, some seconds an image.

Source: SEARLE (ICCV 2023), section 3.1, without its regularisation by phrases of a language model:
the token starts near zero and AdamW brings "a photo of *" to the image. Ours: the image is moved by
the difference of the means of texts and images first. Without that the token has to bridge the gap
between the two, and nothing is left of it beside other words (docs/pseudo-tokens.md).
"""

from retrieval.encoders.injection import Injector
from retrieval.learn.phi import prompt_of
from retrieval.model import Float32Array

STEPS = 150
RATE = 0.02
DECAY = 0.01
_START = 0.02
"""Deviation of what the token starts from."""


def invert(
    injector: Injector,
    images: Float32Array,
    gap: Float32Array,
    template: str,
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> Float32Array:
    """The pseudo-token of each image.

    Args:
        injector: into the text tower.
        images: (n, dim) unit rows.
        gap: (dim,) the mean of texts less the mean of images.
        template: whose text before the slot is used.
        steps: of the optimiser.
        seed: of the start.

    Returns:
        (n, 1, width) float32.
    """
    import torch

    moved = torch.nn.functional.normalize(torch.from_numpy(images + gap), dim=1)
    prompts = injector.prompts([[prompt_of(template), 1]] * len(images))
    start = torch.Generator().manual_seed(seed)
    tokens = torch.randn(len(images), injector.width, generator=start).mul_(_START)
    tokens.requires_grad_()
    optimizer = torch.optim.AdamW([tokens], lr=RATE, weight_decay=DECAY)
    for _ in range(steps):
        made = injector.features(prompts, tokens).float()
        cosines = torch.nn.functional.cosine_similarity(made, moved.to(made.device), dim=1)
        loss = (1 - cosines).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    found: Float32Array = tokens.detach().numpy()[:, None]
    return found
