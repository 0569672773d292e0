"""Texts as token ids of an open_clip model, with what its tokenizers keep to themselves.

They pad every text to the full context and cut longer ones without a word. Known here: how many
tokens each text has, and how many texts lost their end.

Those of NLLB put the token of a language before the text, and the tower pools that very place. How
open_clip 3.3.0 sets it, `HFTokenizer.set_language`, has no effect: at each call transformers goes
back to `src_lang`. So `src_lang` is set here, and what comes out is looked at.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from retrieval.errors import EncoderUnavailableError
from retrieval.languages.codes import flores_code, tag_of_flores

if TYPE_CHECKING:
    import torch

_WORD = "a"
"""In every vocabulary."""


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


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the tokens of every text.

    Attributes:
        before: ids in front of them.
        after: ids behind them, without padding.
        pad: the id of padding.
        word: the id of an ordinary word: neither special nor the greatest one.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    pad: int
    word: int


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
        self._own_code = self._code_at_first()
        self._lock = threading.Lock()

    @property
    def default_language(self) -> str | None:
        """Tag of the language of a text that is not told; None if the tokenizer takes none."""
        return None if self._own_code is None else tag_of_flores(self._own_code)

    @property
    def pads_right(self) -> bool:
        """Whether padding follows the text, so that it may be cut off."""
        return self._of_hub is None or self._of_hub.padding_side == "right"

    def pieces(self, text: str) -> list[int]:
        """The ids of a text alone: nothing around it, and nothing cut."""
        if self._of_hub is None:
            ids = self._tokenize.encode(text)
        else:
            cleaned = self._tokenize.clean_fn(text)
            ids = self._of_hub(cleaned, add_special_tokens=False, verbose=False).input_ids
        return [int(each) for each in ids]

    @cached_property
    def frame(self) -> Frame | None:
        """What stands around each text; None where that depends on the text.

        Found by looking at a text of one word: tokenizers do not agree on how to tell.
        """
        inner = self.pieces(_WORD)
        whole = self._tokenize([_WORD])[0].tolist()
        while whole and whole[-1] == self._pad:
            whole.pop()
        starts = [at for at in range(len(whole)) if whole[at : at + len(inner)] == inner]
        if not inner or len(starts) != 1 or len(whole) == self.context:
            return None
        (at,) = starts
        after = whole[at + len(inner) :]
        return Frame(tuple(whole[:at]), tuple(after), self._pad, inner[-1])

    def __call__(self, texts: Sequence[str], languages: Sequence[str | None] = ()) -> Tokens:
        """Tokenise n texts; longer ones are cut to the context.

        Args:
            texts: n.
            languages: tags of n, or nothing; None, and a language that the tokenizer does not
                know, is its default. Without meaning to one that takes none.

        Raises:
            EncoderUnavailableError: the tokenizer takes a language and does not say it.
        """
        ids = self._ids(texts, languages)
        used = (ids != self._pad).numpy()
        positions = np.arange(1, ids.shape[1] + 1)
        lengths = (used * positions).max(axis=1, initial=0).astype(np.int64)
        # Only a text that fills the context may have been cut. Where the end of a text is the same
        # token as padding (T5), a full row looks one shorter.
        full = np.flatnonzero(lengths >= self.context - 1)
        truncated = sum(self.count(texts[int(i)]) > self.context for i in full)
        return Tokens(ids, lengths, int(truncated))

    def _ids(self, texts: Sequence[str], languages: Sequence[str | None]) -> "torch.Tensor":
        if self._own_code is None or not texts:
            ids: torch.Tensor = self._tokenize(list(texts))
            return ids
        codes = np.array([self._code(each) for each in languages or [None] * len(texts)])
        found: torch.Tensor | None = None
        for code in dict.fromkeys(codes.tolist()):
            rows = np.flatnonzero(codes == code)
            part = self._ids_in(code, [texts[int(row)] for row in rows])
            found = part.new_empty((len(texts), part.shape[1])) if found is None else found
            found[rows] = part
        assert found is not None  # there are texts
        return found

    def _ids_in(self, code: str, texts: list[str]) -> "torch.Tensor":
        """Texts of one language, checked to begin with its token."""
        with self._lock:
            self._of_hub.src_lang = code
            ids: torch.Tensor = self._tokenize(texts)
        expected = self._of_hub.convert_tokens_to_ids(code)
        if not bool((ids[:, 0] == expected).all()):
            raise EncoderUnavailableError(
                f"the tokenizer does not put the language {code} before a text",
                hint="get the tokenizer of NLLB-200 without legacy_behaviour",
            )
        return ids

    def _code(self, language: str | None) -> str:
        """What the tokenizer calls a language; its default for one that it does not know."""
        assert self._own_code is not None  # it takes languages
        code = None if language is None else flores_code(language)
        return code if code is not None and self._knows(code) else self._own_code

    def _code_at_first(self) -> str | None:
        """The language that a tokenizer of NLLB was saved with; None for all others."""
        code = getattr(self._of_hub, "src_lang", None)
        return code if isinstance(code, str) and self._knows(code) and "_" in code else None

    def _knows(self, code: str) -> bool:
        number = self._of_hub.convert_tokens_to_ids(code)
        return number is not None and number != self._of_hub.unk_token_id

    def count(self, text: str) -> int:
        """Tokens of a whole text, special ones included."""
        if self._of_hub is None:
            return len(self._tokenize.encode(text)) + 2
        cleaned = self._tokenize.clean_fn(text)
        if self._tokenize.tokenizer_mode == "clips":
            ids = self._of_hub(cleaned, add_special_tokens=False, verbose=False).input_ids
            return len(ids) + 3
        return len(self._of_hub(cleaned, truncation=False, verbose=False).input_ids)
