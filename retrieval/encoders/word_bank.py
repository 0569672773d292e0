"""English words, the most frequent first, from the vocabulary that open_clip carries.

CLIP's tokenizer joins the pairs of letters and syllables that its texts had most often; a join that
ends a word is a word, or the end of one. Adapters learn from them what single words mean: of
polyseek's own captions they would know some hundred.

Source of the vocabulary: A. Radford et al., "Learning Transferable Visual Models From Natural
Language Supervision", ICML 2021, section 2.4 (byte pair encoding, 49,152 entries).
"""

import gzip
import importlib.util
from functools import cache
from pathlib import Path

_FILE = "bpe_simple_vocab_16e6.txt.gz"
_MERGES = 49_152 - 256 - 2
"""Joins that CLIP uses, of those in the file: its entries less the single bytes and two marks."""

_END = "</w>"
_SHORTEST = 3


@cache
def word_bank(size: int) -> tuple[str, ...]:
    """Different words of at least three letters, none but a to z; there are some 32,000.

    Args:
        size: at least 1.
    """
    spec = importlib.util.find_spec("open_clip")
    assert spec is not None, "open_clip is what polyseek is made of"
    assert spec.submodule_search_locations, "it is a package"
    path = Path(spec.submodule_search_locations[0]) / _FILE
    lines = gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()[1 : _MERGES + 1]
    joined = (line.replace(" ", "") for line in lines)
    ends = (each.removesuffix(_END) for each in joined if each.endswith(_END))
    words = (each for each in ends if len(each) >= _SHORTEST and each.isascii() and each.isalpha())
    return tuple(dict.fromkeys(words))[:size]
