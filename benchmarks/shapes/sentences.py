"""A small multilingual encoder of texts for the world of shapes: it reads English and the ciphers.

A model of sentence-transformers: an XLM-R of random weights with a word for every word of every
language, its states averaged. Nobody taught it that words of two languages mean the same; an
adapter has to learn all of that from pairs.
"""

import warnings
from pathlib import Path

from benchmarks.shapes.grammar import CIPHERS, vocabulary
from retrieval.encoders.torchvision_ops import mend_torchvision

_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
_WIDTH, _LAYERS, _HEADS = 128, 2, 4
_MOST_TOKENS = 32


def write_sentence_encoder(folder: Path, seed: int = 0) -> None:
    """Write the encoder as `sentence:FOLDER` takes it.

    Args:
        folder: made here.
        seed: of the weights.
    """
    mend_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own deprecations
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer import modules
        from transformers import XLMRobertaConfig, XLMRobertaModel
        from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    words = [*vocabulary(), *(word for cipher in CIPHERS for word in cipher.words.values())]
    vocab = {word: number for number, word in enumerate((*_SPECIAL, *words))}
    config = XLMRobertaConfig(
        vocab_size=len(vocab),
        hidden_size=_WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_HEADS,
        intermediate_size=2 * _WIDTH,
        max_position_embeddings=_MOST_TOKENS + 2,
        pad_token_id=vocab["<pad>"],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = XLMRobertaModel(config)
    tower = folder / "tower"
    model.save_pretrained(tower)
    _write_tokenizer(vocab, tower)
    transformer = modules.Transformer(str(tower), max_seq_length=_MOST_TOKENS)
    pooling = modules.Pooling(_WIDTH)
    SentenceTransformer(modules=[transformer, pooling], device="cpu").save(str(folder / "model"))


def _write_tokenizer(vocab: dict[str, int], folder: Path) -> None:
    """A tokenizer that takes whole words between spaces."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    first, last = "<s>", "</s>"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(each, vocab[each]) for each in (first, last)]
    )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=first,
        eos_token=last,
        cls_token=first,
        sep_token=last,
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=_MOST_TOKENS,
    ).save_pretrained(folder)
