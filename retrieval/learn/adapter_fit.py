"""How an adapter is learned: rows of one space, and the rows of another that they should become.

Sources: F. Carlsson, P. Eisen, F. Rekathati, M. Sahlgren, "Cross-lingual and Multilingual CLIP",
LREC 2022: the embedding of a translation is drawn to the teacher's embedding of the English text.
Here the student is frozen and the map alone is trained, as in uCLIP (arXiv 2511.13036, 2025), which
has English for its pivot. A light query encoder before a heavy gallery: Y. Du, M. Wang, W. Zhou, S.
Hui, H. Li, "Image2Sentence based Asymmetrical Zero-shot Composed Image Retrieval" (ISA), ICLR 2024.
Ours: the penalty is chosen, and the result measured, on targets that were held out with all of
their sources.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from retrieval.errors import TrainedMapError
from retrieval.learn.adapter import Adapter, AdapterCard, Alignment, SpaceMap
from retrieval.learn.maps import Layers
from retrieval.learn.net import NetRecipe, OnProgress, fit
from retrieval.model import EncoderInfo, Float32Array, Int64Array, Modality

if TYPE_CHECKING:
    import torch

Method = Literal["ridge", "mlp"]

GATE = 0.5
"""Least share of held-out texts (images) that have to meet their own partner, for an adapter to be
of use (docs/adapters.md)."""

FEWEST_TARGETS = 100
"""Different targets below which nothing can be held out that would tell anything."""

_HELD_OUT, _MOST_HELD_OUT = 0.1, 1_000
"""Share of the targets that an adapter is measured on, and the most of them."""

_PENALTIES = np.logspace(-6, 1, 15)
"""Of ridge, in mean squares of the centred inputs; the best on held-out targets is taken."""

_AT_ONCE = 4_096
"""Rows that are compared with all held-out targets in one product."""


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """What an adapter learns from.

    Attributes:
        sources: (n, d) unit rows of the encoder that is mapped.
        targets: (n, D) unit rows that they should become.
        groups: (n,) number of each row's target; rows of one target are held out together, or the
            same text in another language would tell.
    """

    sources: Float32Array
    targets: Float32Array
    groups: Int64Array

    def rows(self, chosen: npt.NDArray[np.bool_]) -> "Matched":
        """Some of the rows."""
        return Matched(self.sources[chosen], self.targets[chosen], self.groups[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A map, and what is known of it.

    Attributes:
        space_map: learned from all rows.
        alignment: of the map that was learned in the same way without the held-out ones.
        settings: of the training.
    """

    space_map: SpaceMap
    alignment: Alignment
    settings: dict[str, float | int | str]


def fit_adapter(
    matched: Matched,
    method: Method,
    recipe: NetRecipe | None = None,
    on_progress: OnProgress | None = None,
) -> Fitted:
    """Learn a map, and measure it on targets that it was not shown.

    Args:
        matched: at least FEWEST_TARGETS different targets.
        method: ridge is a closed form, mlp a network with two hidden layers.
        recipe: of the network, and the seed of what is held out.
        on_progress: told after every step of the network.

    Raises:
        TrainedMapError: there are too few different targets.
    """
    recipe = recipe or NetRecipe()
    n_targets = len(np.unique(matched.groups))
    if n_targets < FEWEST_TARGETS:
        raise TrainedMapError(
            f"an adapter learns from {FEWEST_TARGETS} different targets at least, got {n_targets}",
            hint="give more texts or images",
        )
    held_out = _drawn(matched.groups, recipe.seed)
    shown, kept_back = matched.rows(~held_out), matched.rows(held_out)
    if method == "ridge":
        penalty = _best_penalty(shown, recipe.seed)
        measured = _ridge(shown, np.array([penalty]))[0]
        final = _ridge(matched, np.array([penalty]))[0]
        settings: dict[str, float | int | str] = {"penalty": penalty, "seed": recipe.seed}
    else:
        half = _halves(recipe.steps, on_progress)
        measured, final = _mlp(shown, recipe, half[0]), _mlp(matched, recipe, half[1])
        settings = dict(recipe.settings)
    return Fitted(final, alignment(measured(kept_back.sources), kept_back), settings)


def adapter_of(
    source: EncoderInfo,
    target: EncoderInfo,
    method: Method,
    fitted: Mapping[Modality, Fitted],
    trained_on: Mapping[str, int],
    languages: tuple[str, ...] = (),
) -> Adapter:
    """The maps that were learned, with their card."""
    card = AdapterCard(
        source=source.name,
        source_fingerprint=source.fingerprint,
        source_dim=source.dim,
        target=target.name,
        fingerprint=target.fingerprint,
        dim=target.dim,
        method=method,
        languages=languages,
        alignment={modality: each.alignment for modality, each in fitted.items()},
        settings={
            f"{modality} {name}": value
            for modality, each in fitted.items()
            for name, value in each.settings.items()
        },
        trained_on=trained_on,
    )
    return Adapter(card, {modality: each.space_map for modality, each in fitted.items()})


def alignment(mapped: Float32Array, matched: Matched) -> Alignment:
    """Hold mapped rows against the targets of them all.

    Args:
        mapped: (n, D) unit rows of `matched.sources`.
        matched: n rows.
    """
    numbers, first, own = np.unique(matched.groups, return_index=True, return_inverse=True)
    targets = matched.targets[first]
    n_right, cosines = 0, 0.0
    for start in range(0, len(mapped), _AT_ONCE):
        scores = mapped[start : start + _AT_ONCE] @ targets.T
        rows, columns = np.arange(len(scores)), own[start : start + _AT_ONCE]
        mine = scores[rows, columns].copy()
        cosines += float(mine.sum())
        scores[rows, columns] = -np.inf
        n_right += int((mine > scores.max(axis=1)).sum())
    return Alignment(n_right / len(mapped), cosines / len(mapped), len(numbers))


def _drawn(groups: Int64Array, seed: int) -> npt.NDArray[np.bool_]:
    """Which rows are held out: all of a tenth of the targets."""
    numbers = np.unique(groups)
    count = min(_MOST_HELD_OUT, max(1, round(_HELD_OUT * len(numbers))))
    return np.isin(groups, np.random.default_rng(seed).choice(numbers, count, replace=False))


def _best_penalty(shown: Matched, seed: int) -> float:
    """The penalty under which rows that were left out come nearest to their targets."""
    left_out = _drawn(shown.groups, seed + 1)
    rest = shown.rows(left_out)
    maps = _ridge(shown.rows(~left_out), _PENALTIES)
    cosines = [float((each(rest.sources) * rest.targets).sum(axis=1).mean()) for each in maps]
    return float(_PENALTIES[int(np.argmax(cosines))])


def _ridge(shown: Matched, penalties: npt.NDArray[np.float64]) -> list[SpaceMap]:
    """The linear map with the least squares under each penalty; one factorisation serves all."""
    mean, offset = shown.sources.mean(axis=0), shown.targets.mean(axis=0)
    inputs = (shown.sources - mean).astype(np.float64)
    values, vectors = np.linalg.eigh(inputs.T @ inputs)
    size = max(float(values.sum()) / len(values), np.finfo(float).tiny)
    products = vectors.T @ (inputs.T @ (shown.targets - offset).astype(np.float64))
    made = []
    for penalty in penalties:
        weight = vectors @ (products / (np.maximum(values, 0.0) + penalty * size)[:, None])
        made.append(SpaceMap(mean, ((weight.T.astype(np.float32), offset),)))
    return made


def _mlp(shown: Matched, recipe: NetRecipe, on_progress: OnProgress | None) -> SpaceMap:
    """A network whose outputs point where the targets do."""
    import torch

    mean = shown.sources.mean(axis=0)
    spread = max(float((shown.sources - mean).std()), float(np.finfo(np.float32).tiny))
    inputs = torch.from_numpy((shown.sources - mean) / np.float32(spread))
    targets = torch.from_numpy(shown.targets)

    def loss_of(net: "torch.nn.Module") -> "torch.Tensor":
        rows = torch.randint(len(inputs), (recipe.batch,))
        cosines = torch.nn.functional.cosine_similarity(net(inputs[rows]), targets[rows])
        return 1 - cosines.mean()

    layers = fit((inputs.shape[1], targets.shape[1]), recipe, loss_of, on_progress)
    return SpaceMap(mean, _for_unscaled(layers, spread))


def _for_unscaled(layers: Layers, spread: float) -> Layers:
    """The same network for inputs that were not divided by their spread."""
    (weight, bias), *rest = layers
    return ((weight / np.float32(spread), bias), *rest)


def _halves(
    steps: int, on_progress: OnProgress | None
) -> tuple[OnProgress | None, OnProgress | None]:
    """Two trainings as one: what each tells its progress to."""
    if on_progress is None:
        return None, None
    return (
        lambda done, _: on_progress(done, 2 * steps),
        lambda done, _: on_progress(steps + done, 2 * steps),
    )
