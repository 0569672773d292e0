"""Texts as token ids of an open_clip model, with what its tokenizers keep to themselves.

They pad every text to the full context and cut longer ones without a word. Known here: how many
tokens each text has, and how many texts lost their end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Tokens:
    """n texts as ids.

    Attributes:
        ids: (n, context) int64, padded on the right.
        lengths: (n,) tokens of each text up to the last that is no padding.
        truncated: number of texts that lost their end.
    """

    ids: "torch.Tensor"
    lengths: npt.NDArray[np.int64]
    truncated: int


class Tokenizer:
    """One of open_clip's tokenizers (its own BPE, or one of the hub's), asked for more.

    Attributes:
        context: most tokens of a text, special ones included.
    """

    def __init__(self, tokenize: Any) -> None:  # noqa: ANN401 - its classes share no base
        """Take what `open_clip.get_tokenizer` gave."""
        self._tokenize = tokenize
        self._of_hub: Any = getattr(tokenize, "tokenizer", None)
        self._pad = 0 if self._of_hub is None else int(self._of_hub.pad_token_id or 0)
        self.context = int(tokenize.context_length)

    @property
    def pads_right(self) -> bool:
        """Whether padding follows the text, so that it may be cut off."""
        return self._of_hub is None or self._of_hub.padding_side == "right"

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Tokenise n texts; longer ones are cut to the context."""
        ids = self._tokenize(list(texts))
        used = (ids != self._pad).numpy()
        positions = np.arange(1, ids.shape[1] + 1)
        lengths = (used * positions).max(axis=1, initial=0).astype(np.int64)
        # Only a text that fills the context may have been cut. Where the end of a text is the same
        # token as padding (T5), a full row looks one shorter.
        full = np.flatnonzero(lengths >= self.context - 1)
        truncated = sum(self._count(texts[int(i)]) > self.context for i in full)
        return Tokens(ids, lengths, int(truncated))

    def _count(self, text: str) -> int:
        """Tokens of a whole text, special ones included."""
        if self._of_hub is None:
            return len(self._tokenize.encode(text)) + 2
        cleaned = self._tokenize.clean_fn(text)
        if self._tokenize.tokenizer_mode == "clips":
            ids = self._of_hub(cleaned, add_special_tokens=False, verbose=False).input_ids
            return len(ids) + 3
        return len(self._of_hub(cleaned, truncation=False, verbose=False).input_ids)
