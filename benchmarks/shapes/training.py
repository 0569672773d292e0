"""Trains a small CLIP on pictures of shapes with English captions, and writes it as a bundle.

The classes, the loss and the tokenizer are open_clip's own. The image tower is its ResNet, as small
as it gets: after a minute it tells the shapes apart, where a ViT of 8 px patches mistook a third.
"""

import json
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from benchmarks.shapes.grammar import FORMS, PARTIAL_FORMS, english
from benchmarks.shapes.pictures import SIDE, TRAINED, draw
from retrieval.encoders.torchvision_ops import mend_torchvision

mend_torchvision()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the libraries' own deprecations
    import open_clip
    import torch

MODEL: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 12, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
MEAN, STD = 0.5, 0.25
PREPROCESSING = {
    "mean": [MEAN] * 3,
    "std": [STD] * 3,
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
TRAINED_TOKENS = 13
"""Of the longest caption; the places beyond keep their random start values."""

MAX_LOGIT_SCALE = math.log(100)
"""As in CLIP (Radford et al., 2021)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    Attributes:
        seed: of the weights, the pictures and their order.
        steps: of the optimiser.
        batch: pictures in a step, no two of the same attributes.
        views: pictures drawn of each combination of attributes.
        learning_rate: its peak; it rises over the first tenth of the steps, then falls to 0.
        partial: share of the captions that leave out some attributes, in [0, 1].
        threads: of torch. One is hardly slower than two for tensors so small, is not held up by
            a busy core, and adds up in one order.
    """

    seed: int = 0
    steps: int = 550
    batch: int = 160
    views: int = 8
    learning_rate: float = 2.5e-3
    partial: float = 0.2
    threads: int = 1


@dataclass(frozen=True, slots=True)
class _Data:
    """What is trained on; row i of each belongs to TRAINED[i].

    Attributes:
        pictures: (n, views, SIDE, SIDE, 3) uint8.
        captions: (n, forms, TRAINED_TOKENS) token ids of captions that say everything.
        partial: likewise, of captions that leave something out.
    """

    pictures: torch.Tensor
    captions: torch.Tensor
    partial: torch.Tensor


def train(recipe: Recipe) -> open_clip.CLIP:
    """Train on TRAINED, in English, by the contrastive loss alone; a minute by default.

    Equal recipes give equal weights on one machine with the same libraries.
    """
    with _torch_of_its_own(recipe):
        short = deepcopy(MODEL)
        short["text_cfg"]["context_length"] = TRAINED_TOKENS
        model = open_clip.CLIP(**short)
        # A quarter faster; the pictures are kept that way too.
        model.to(memory_format=torch.channels_last)
        _fit(model, _make_data(recipe), recipe)
        return _lengthened(model)


def write_bundle(model: open_clip.CLIP, folder: Path) -> None:
    """Write a model of this configuration as `local-dir:` takes it."""
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    config = {"model_cfg": MODEL, "preprocess_cfg": PREPROCESSING}
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")


@contextmanager
def _torch_of_its_own(recipe: Recipe) -> Iterator[None]:
    """Seed torch and set its threads, and leave both as they were."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        torch.set_num_threads(recipe.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _make_data(recipe: Recipe) -> _Data:
    seeds = range(recipe.seed * recipe.views, (recipe.seed + 1) * recipe.views)
    pictures = np.array([[np.asarray(draw(one, seed)) for seed in seeds] for one in TRAINED])
    captions, partial = _tokens(FORMS), _tokens(PARTIAL_FORMS)
    return _Data(torch.from_numpy(pictures), captions, partial)


def _tokens(forms: Sequence[str]) -> torch.Tensor:
    """Token ids of TRAINED in every form, (n, forms, TRAINED_TOKENS)."""
    tokenize = open_clip.SimpleTokenizer(context_length=TRAINED_TOKENS)
    texts = [english(one, form) for one in TRAINED for form in forms]
    each = list(dict.fromkeys(texts))  # many partial captions are the same
    row_of = {text: row for row, text in enumerate(each)}
    ids: torch.Tensor = tokenize(each)[[row_of[text] for text in texts]]
    return ids.reshape(len(TRAINED), len(forms), TRAINED_TOKENS)


def _fit(model: open_clip.CLIP, data: _Data, recipe: Recipe) -> None:
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=(0.9, 0.98), eps=1e-6, weight_decay=0.0, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.learning_rate,
        total_steps=recipe.steps,
        pct_start=0.1,
        cycle_momentum=False,
    )
    loss_of = open_clip.ClipLoss()
    model.train()
    for _ in range(recipe.steps):
        loss = loss_of(*model(*_batch(data, recipe)))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, MAX_LOGIT_SCALE)


def _batch(data: _Data, recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw pictures (batch, 3, SIDE, SIDE), normalised, and the token ids of their captions."""
    n, views = data.pictures.shape[:2]
    rows = torch.randperm(n)[: recipe.batch]
    pictures = data.pictures[rows, torch.randint(views, rows.shape)].permute(0, 3, 1, 2).float()
    whole, partial = (
        ids[rows, torch.randint(ids.shape[1], rows.shape)] for ids in (data.captions, data.partial)
    )
    leave_out = torch.rand(len(rows), 1) < recipe.partial
    return (pictures / 255 - MEAN) / STD, torch.where(leave_out, partial, whole)


def _lengthened(trained: open_clip.CLIP) -> open_clip.CLIP:
    """The same model with the full context length.

    The text tower is causal and reads its answer at the end of the text: for texts that fit into
    the short one nothing changes, and training need not pay for the padding.
    """
    model = open_clip.CLIP(**MODEL)
    weights = trained.state_dict()
    places = model.positional_embedding.detach().clone()
    places[:TRAINED_TOKENS] = weights["positional_embedding"]
    model.load_state_dict(weights | {"positional_embedding": places})
    return model.eval()
