"""A phi learned from images alone: "a photo of *" has to find its image among others.

Both towers are frozen, so the images are embedded once; a collection has them already.

Source: K. Saito, K. Sohn, X. Zhang, C.-L. Li, C.-Y. Lee, K. Saenko, T. Pfister, "Pic2Word: Mapping
Pictures to Words for Zero-shot Composed Image Retrieval", CVPR 2023, section 3.2 (InfoNCE both ways
with the model's own temperature).
"""

from retrieval.errors import TrainedMapError
from retrieval.learn.net import OnProgress, fit
from retrieval.learn.phi import Phi, prompt_of
from retrieval.learn.phi_lessons import Lessons, PhiRecipe

_FEWEST = 2


def train_pic2word(
    lessons: Lessons, recipe: PhiRecipe | None = None, on_progress: OnProgress | None = None
) -> Phi:
    """Train the map.

    Args:
        lessons: with images; their texts are not used.
        recipe: how long and so on; its batch is cut to the number of images.
        on_progress: told after every step.

    Raises:
        TrainedMapError: there are fewer than two images.
    """
    import torch

    if lessons.images is None or len(lessons.images) < _FEWEST:
        raise TrainedMapError(
            "pic2word learns from images, and there are none",
            hint="give a --collection or a folder of --images, or --method lincir, which needs "
            "texts alone",
        )
    recipe = recipe or PhiRecipe()
    injector = lessons.injector
    images = torch.from_numpy(lessons.images)
    inputs = torch.from_numpy(lessons.images - lessons.image_mean)
    batch = min(recipe.batch, len(images))
    prompts = injector.prompts([[prompt_of(lessons.template), recipe.n_tokens]] * batch)
    scale = injector.towers.logit_scale

    def loss_of(net: torch.nn.Module) -> "torch.Tensor":
        rows = torch.randperm(len(images))[:batch]
        tokens = net(inputs[rows]).reshape(-1, injector.width)
        made = injector.features(prompts, tokens).float()
        unit = torch.nn.functional.normalize(made, dim=1)
        logits = scale * unit @ images[rows].to(unit.device).T
        right = torch.arange(batch, device=logits.device)
        there = torch.nn.functional.cross_entropy(logits, right)
        back = torch.nn.functional.cross_entropy(logits.T, right)
        return (there + back) / 2

    shape = (images.shape[1], recipe.n_tokens * injector.width)
    layers = fit(shape, recipe, loss_of, on_progress)
    return lessons.phi("pic2word", layers, recipe.settings, n_tokens=recipe.n_tokens)
