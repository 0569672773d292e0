"""An open_clip model in memory: its towers, laid out and run as the plan of its device says."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from retrieval.encoders.base import Pixels
from retrieval.encoders.openclip_bundle import staged, unavailable_as_one_error
from retrieval.encoders.openclip_source import ModelSource
from retrieval.encoders.openclip_tokens import Tokenizer
from retrieval.encoders.precision import Plan
from retrieval.encoders.targetpad import TARGET_PAD, target_pad
from retrieval.encoders.torchvision_ops import mend_torchvision
from retrieval.errors import EncoderUnavailableError
from retrieval.model import Float32Array

if TYPE_CHECKING:
    import torch

_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch on its way to the device.

    Attributes:
        batch: where it will be; not to be touched before `ready`.
        ready: reached by the device once the copy is complete; None if it is complete already.
    """

    batch: "torch.Tensor"
    ready: "torch.cuda.Event | None" = None


class Towers:
    """Both towers of a model, on their device.

    Attributes:
        tokenize: texts -> ids.
        resize: image -> RGB image of the tower's size.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - one of several classes of open_clip
        transform: Any,  # noqa: ANN401 - torchvision's Compose
        tokenize: Tokenizer,
        device: "torch.device",
        plan: Plan,
    ) -> None:
        """Lay a model out; `transform` is its preprocessing of one image."""
        import torch

        *geometry, normalize = transform.transforms
        self.tokenize = tokenize
        # Pictures travel as bytes, so the step to floating point (MaybeToTensor) is left out.
        self.resize = _compose(
            [step for step in geometry if not type(step).__name__.endswith("ToTensor")]
        )
        self._device = device
        self._plan = plan
        self._dtype: torch.dtype = getattr(torch, _DTYPES[plan.weights])
        self._layout = torch.channels_last if plan.channels_last else torch.contiguous_format
        self._mean = torch.tensor(normalize.mean, device=device).reshape(1, 3, 1, 1)
        self._std = torch.tensor(normalize.std, device=device).reshape(1, 3, 1, 1)
        self._model = model.eval().to(device=device, dtype=self._dtype, memory_format=self._layout)
        if plan.compile_model:
            self._model.visual.compile(dynamic=True)
        self._cutter = _padding_cutter(model, tokenize)
        self._copies = torch.cuda.Stream(device) if plan.overlap else None  # type: ignore[no-untyped-call]

    @property
    def device(self) -> "torch.device":
        """Where both towers are."""
        return self._device

    @property
    def text(self) -> Any:  # noqa: ANN401 - one of two classes of open_clip
        """The text tower."""
        return self._model.text

    @property
    def logit_scale(self) -> float:
        """The learned scale of cosines; a model keeps its logarithm."""
        return float(self._model.logit_scale.detach().float().exp())

    @property
    def logit_bias(self) -> float | None:
        """The learned bias of logits; None of models that have none."""
        bias = getattr(self._model, "logit_bias", None)
        return None if bias is None else float(bias.detach().float())

    def send(self, array: "Pixels | torch.Tensor") -> Sent:
        """Bring a batch to the device; where the plan overlaps, without waiting for it."""
        import torch

        batch = array if isinstance(array, torch.Tensor) else torch.from_numpy(array)
        if self._copies is None:
            return Sent(batch.to(self._device))
        pinned = batch.pin_memory()
        with torch.cuda.stream(self._copies):
            copied = pinned.to(self._device, non_blocking=True)
            # An event of this copy alone: the stream may hold the next one already.
            return Sent(copied, self._copies.record_event())

    def embed_pixels(self, sent: Sent) -> Float32Array:
        """Embed pictures (n, height, width, 3) uint8 on the device -> (n, dim) unit rows."""
        # Sent as bytes and normalised here.
        x = (self._arrived(sent).permute(0, 3, 1, 2).float() / 255 - self._mean) / self._std
        x = x.to(dtype=self._dtype, memory_format=self._layout)
        return self.run(lambda: self._model.encode_image(x, normalize=False))

    def embed_tokens(self, sent: Sent) -> Float32Array:
        """Embed token ids (n, length) on the device -> (n, dim) unit rows."""
        ids = self._arrived(sent)
        return self.run(lambda: self.text_features(ids))

    def text_features(self, ids: "torch.Tensor") -> "torch.Tensor":
        """Token ids (n, length) on the device -> (n, dim), not normalised."""
        self._cutter.fit(ids.shape[1])
        features: torch.Tensor = self._model.encode_text(ids, normalize=False)
        return features

    def cut_padding(self, ids: "torch.Tensor", longest: int) -> "torch.Tensor":
        """Ids without the padding that all of them share, where the text tower allows that."""
        return ids[:, :longest] if self._cutter.may_cut else ids

    def release(self) -> None:
        """Give memory that torch keeps for later back to the device."""
        import torch

        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._device.type == "mps":
            torch.mps.empty_cache()

    def _arrived(self, sent: Sent) -> "torch.Tensor":
        """The batch, for use by what is put on the device's present stream from now on."""
        if sent.ready is not None:
            import torch

            present = torch.cuda.current_stream(self._device)
            present.wait_event(sent.ready)
            # Its memory belongs to the other stream, which must not give it away meanwhile.
            sent.batch.record_stream(present)
        return sent.batch

    def run(self, encode: "Callable[[], torch.Tensor]") -> Float32Array:
        """What a tower gives, (n, dim), in the plan's precision -> unit rows on this machine."""
        import torch

        half = self._plan.autocast
        with torch.inference_mode():
            cast = (
                torch.autocast(self._device.type, getattr(torch, _DTYPES[half])) if half else None
            )
            with cast or nullcontext():
                rows = encode().float()
            if half and not bool(torch.isfinite(rows).all()):
                # Too large for half precision: rare, and worth a second run in fp32.
                rows = encode().float()
            unit = torch.nn.functional.normalize(rows, dim=-1)
            array: Float32Array = np.ascontiguousarray(unit.cpu().numpy())
            return array


class _PaddingCutter:
    """Lets a text tower read ids without the padding at their end, where that changes nothing.

    It does so for a causal tower of open_clip that looks at the end-of-text token (what follows it
    is not seen), and for towers of transformers, which mask padding. The mask of the former has to
    fit the length.
    """

    def __init__(self, tower: Any, *, may_cut: bool, mask: "torch.Tensor | None") -> None:  # noqa: ANN401
        self._tower = tower
        self._mask = mask
        self.may_cut = may_cut

    def fit(self, length: int) -> None:
        """Make the tower ready for ids of this length."""
        if self._mask is not None:
            self._tower.attn_mask = self._mask[:length, :length]


def _padding_cutter(model: Any, tokenize: Tokenizer) -> _PaddingCutter:  # noqa: ANN401
    from open_clip.hf_model import HFTextEncoder
    from open_clip.transformer import TextTransformer

    tower = getattr(model, "text", None)
    if not tokenize.pads_right:
        return _PaddingCutter(tower, may_cut=False, mask=None)
    if isinstance(tower, HFTextEncoder):
        return _PaddingCutter(tower, may_cut=True, mask=None)
    if (
        isinstance(tower, TextTransformer)
        and tower.attn_mask is not None
        and tower.cls_emb is None
        and not tower.use_pad_mask
        and tower.pool_type in ("argmax", "eos")
    ):
        return _PaddingCutter(tower, may_cut=True, mask=tower.attn_mask)
    return _PaddingCutter(tower, may_cut=False, mask=None)


def load_towers(source: ModelSource, device: "torch.device", plan: Plan) -> Towers:
    """Load a model.

    Raises:
        EncoderUnavailableError: the weights do not fit the configuration, the tokenizer or a
            package is missing.
    """
    mend_torchvision()
    import open_clip

    name = str(source.name)
    with warnings.catch_warnings(), unavailable_as_one_error(name), staged(source) as folder:
        # The libraries warn of their own deprecations; what matters is checked in openclip_source.
        warnings.simplefilter("ignore")
        model, transform = open_clip.create_model_from_pretrained(
            folder,
            # A text tower of its own class: the only one that reads texts shorter than the context.
            force_custom_text=True,
            weights_only=True,
        )
        tokenize = Tokenizer(open_clip.get_tokenizer(folder))
        if source.preprocess_cfg.get("resize_mode") == TARGET_PAD:
            transform.transforms.insert(0, target_pad)
        return Towers(model, transform, tokenize, device, plan)


def check_dim(rows: Float32Array, source: ModelSource) -> Float32Array:
    """Pass rows on that have the length that the configuration promises.

    Raises:
        EncoderUnavailableError: a tower gives others.
    """
    if rows.shape[1] != source.dim:
        raise EncoderUnavailableError(
            f"{source.name} promises embeddings of {source.dim} numbers and gives {rows.shape[1]}",
            hint="correct embed_dim in its configuration",
        )
    return rows


def _compose(
    steps: Sequence[Callable[[Image.Image], Image.Image]],
) -> Callable[[Image.Image], Image.Image]:
    def run(image: Image.Image) -> Image.Image:
        for step in steps:
            image = step(image)
        return image

    return run
