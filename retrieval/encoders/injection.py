"""Vectors in place of words: texts with slots, for the text towers of open_clip.

A slot stands for one or several pseudo-tokens: vectors in the space of token embeddings that no
word has. A text with slots becomes ids segment by segment,

    [start] + ids(left) + [a word's id] * n + ids(right) + [end],

beside a mask that says where the slots are. They are never looked for by a glyph: in CLIP's
vocabulary "*," is one token, so that a "*" before a comma would be lost.

The tower runs as it always does. A hook behind its table of token embeddings puts the pseudo-tokens
in, before positions are added; so injecting a token's own embedding gives what `encode_texts` gives
to the last bit, for every tower that has such a table, scaled (M2M100) or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrieval.encoders.base import Encoder
from retrieval.encoders.openclip_towers import Towers
from retrieval.errors import EncoderUnavailableError, QueryError
from retrieval.model import Float32Array

if TYPE_CHECKING:
    import torch

Segments: TypeAlias = Sequence[str | int]
"""A text with slots, in its order: strings are text, a number is a slot of so many tokens."""

Filled: TypeAlias = Sequence[str | Float32Array]
"""A text with its pseudo-tokens, each (n, width)."""

_BATCH = 256
"""Texts that are encoded at once."""

UNSUPPORTED_HINT = (
    "use a CLIP, a SigLIP or a model with a text tower of transformers, or another --compose"
)


@dataclass(frozen=True, slots=True)
class Prompts:
    """Texts with slots, as ids.

    Attributes:
        ids: (n, length) int64, padded on the right.
        slots: (n, length), True where a pseudo-token goes; in the order of the rows.
        truncated: number of texts that lost their end; slots are never lost.
    """

    ids: "torch.Tensor"
    slots: "torch.Tensor"
    truncated: int


class Injector:
    """The text tower of a model, with its token embeddings within reach.

    Not to be used from several threads at once, nor together with the encoder.

    Attributes:
        towers: of the model.
        dim: numbers of an embedding of a text.
        width: numbers of a token embedding.
    """

    def __init__(self, towers: Towers, dim: int) -> None:
        """Take the towers of a model that `supports_injection`."""
        self.towers = towers
        self.dim = dim
        self._embed = _table_of(towers.text)
        frame = towers.tokenize.frame
        assert frame is not None, "can_inject saw to it"
        self._frame = frame
        # Training a map needs the way back to the slots, and never that to the weights.
        towers.text.requires_grad_(False)
        self.width = int(self.embeddings_of(["a"])[0].shape[1])

    def prompts(self, texts: Sequence[Segments]) -> Prompts:
        """Ids of texts with slots.

        Raises:
            QueryError: the slots alone do not fit into the context.
        """
        import torch

        rows, truncated = [], 0
        for segments in texts:
            row, is_cut = self._row(segments)
            rows.append(row)
            truncated += is_cut
        context = self.towers.tokenize.context
        ids = torch.full((len(rows), context), self._frame.pad, dtype=torch.int64)
        slots = torch.zeros_like(ids, dtype=torch.bool)
        for number, (row, segments) in enumerate(zip(rows, texts, strict=True)):
            ids[number, : len(row)] = torch.tensor([each for each, _ in row])
            slots[number, : len(row)] = torch.tensor([is_slot for _, is_slot in row])
            wanted = sum(each for each in segments if isinstance(each, int))
            assert int(slots[number].sum()) == wanted, "a slot was lost"
        longest = max((len(row) for row in rows), default=1)
        return Prompts(
            self.towers.cut_padding(ids, longest).contiguous(),
            self.towers.cut_padding(slots, longest).contiguous(),
            truncated,
        )

    def features(self, prompts: Prompts, tokens: "torch.Tensor") -> "torch.Tensor":
        """Embed texts with slots; gradients flow to `tokens`.

        Args:
            prompts: n of them.
            tokens: (s, width), one for each slot, in the order of the texts and of their slots.

        Returns:
            (n, dim), not normalised.

        Raises:
            ValueError: there are more or fewer tokens than slots.
        """
        if len(tokens) != int(prompts.slots.sum()):
            raise ValueError(f"{len(tokens)} tokens for {int(prompts.slots.sum())} slots")
        towers = self.towers
        slots = prompts.slots.to(towers.device)

        def put_in(module: object, inputs: object, embedded: "torch.Tensor") -> "torch.Tensor":
            own = tokens.to(device=embedded.device, dtype=embedded.dtype)
            return embedded.masked_scatter(slots[..., None], own)

        hook = self._embed.register_forward_hook(put_in)
        try:
            return towers.text_features(prompts.ids.to(towers.device))
        finally:
            hook.remove()

    def encode(self, texts: Sequence[Filled]) -> tuple[Float32Array, int]:
        """Embed texts with their pseudo-tokens.

        Returns:
            (n, dim) unit rows, float32, and how many texts lost their end.

        Raises:
            QueryError: the slots of a text do not fit into the context.
            ValueError: pseudo-tokens are not (n, width).
        """
        vectors = np.empty((len(texts), self.dim), np.float32)
        truncated = 0
        for start in range(0, len(texts), _BATCH):
            block = texts[start : start + _BATCH]
            prompts = self.prompts([[_segment(each) for each in text] for text in block])
            tokens = self._given(block)
            vectors[start : start + len(block)] = self.towers.run(
                partial(self.features, prompts, tokens)
            )
            truncated += prompts.truncated
        return vectors, truncated

    def embeddings_of(self, texts: Sequence[str]) -> list[Float32Array]:
        """The embeddings of the tokens of each text, without start and end, each (n, width)."""
        import torch

        pieces = [self.towers.tokenize.pieces(text) for text in texts]
        ids = torch.tensor([each for own in pieces for each in own], dtype=torch.int64)
        with torch.inference_mode():
            rows = self._embed(ids.to(self.towers.device)).float().cpu().numpy()
        return np.split(rows, np.cumsum([len(own) for own in pieces])[:-1]) if texts else []

    def _given(self, texts: Sequence[Filled]) -> "torch.Tensor":
        """All pseudo-tokens of some texts, (s, width), in their order."""
        import torch

        given = [np.asarray(each) for text in texts for each in text if not isinstance(each, str)]
        for each in given:
            if each.ndim != 2 or each.shape[1] != self.width:
                raise ValueError(f"expected pseudo-tokens (n, {self.width}), got {each.shape}")
        none = np.empty((0, self.width), np.float32)
        return torch.from_numpy(np.concatenate([none, *given]).astype(np.float32))

    def _row(self, segments: Segments) -> tuple[list[tuple[int, bool]], bool]:
        """Ids of one text, each with whether it is a slot, and whether its end was cut."""
        frame, context = self._frame, self.towers.tokenize.context
        inner: list[tuple[int, bool]] = []
        for segment in segments:
            if isinstance(segment, int):
                inner += [(frame.word, True)] * segment
            else:
                inner += [(each, False) for each in self.towers.tokenize.pieces(segment)]
        room = context - len(frame.before) - len(frame.after)
        too_many = len(inner) - room
        if too_many > 0:
            inner = _without_last_words(inner, too_many)
        if len(inner) > room:
            raise QueryError(
                f"{len(inner)} pseudo-tokens do not fit into a text of {context} tokens",
                hint="name fewer images in one text",
            )
        outer = [[(each, False) for each in part] for part in (frame.before, frame.after)]
        return outer[0] + inner + outer[1], too_many > 0


def supports_injection(encoder: Encoder) -> bool:
    """Whether a text of this encoder can hold pseudo-tokens; loads the model to know it."""
    return bool(getattr(encoder, "supports_injection", False))


def injector_of(encoder: Encoder) -> Injector:
    """The way into the text tower of an encoder; loads the model.

    Raises:
        EncoderUnavailableError: it has none, or the model cannot be had.
    """
    if not supports_injection(encoder):
        raise EncoderUnavailableError(
            f"{encoder.info.name} cannot take an image inside of a text", hint=UNSUPPORTED_HINT
        )
    injector: Injector = encoder.injector  # type: ignore[attr-defined]
    return injector


def can_inject(towers: Towers) -> bool:
    """Whether a model has a table of token embeddings that its text is read through.

    Not CoCa, whose text tower appends a token of its own and masks by ids, and not texts that are
    padded on the left.
    """
    from open_clip.hf_model import HFTextEncoder
    from open_clip.transformer import TextTransformer

    text = towers.text
    if not towers.tokenize.pads_right or towers.tokenize.frame is None:
        return False
    if isinstance(text, TextTransformer):
        return text.cls_emb is None
    return isinstance(text, HFTextEncoder)


def _table_of(text: Any) -> Any:  # noqa: ANN401 - one of two classes of open_clip
    own = getattr(text, "token_embedding", None)
    return text.transformer.get_input_embeddings() if own is None else own


def _segment(part: str | Float32Array) -> str | int:
    return part if isinstance(part, str) else len(part)


def _without_last_words(inner: list[tuple[int, bool]], count: int) -> list[tuple[int, bool]]:
    """Without the last `count` ids that are no slots."""
    words = [at for at, (_, is_slot) in enumerate(inner) if not is_slot]
    dropped = set(words[max(0, len(words) - count) :])
    return [each for at, each in enumerate(inner) if at not in dropped]
