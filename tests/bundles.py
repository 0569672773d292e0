"""Tiny open_clip models of every kind of text tower, random weights, as `local-dir:` takes them.

Their tokenizers are real ones, trained on a few lines of text.
"""

import json
import warnings

from retrieval.encoders.torchvision_ops import mend_torchvision

LINES = [
    "a red car on the street",
    "two dogs on a beach at sunset",
    "ein roter Wagen und zwei Hunde",
    "un chien noir dans la neige",
    "犬と猫 собака и кот",
    "a photograph of a mountain lake, very long and with many details",
]
VISION = {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
OPENAI = {
    "mean": [0.48, 0.46, 0.41],
    "std": [0.27, 0.26, 0.28],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
HALVES = {
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "interpolation": "bicubic",
    "resize_mode": "squash",
}

CONTEXT = 32
"""Of the towers with a trained tokenizer: short, so that texts get cut."""


def native(folder):
    """The plain CLIP: a causal tower, the end-of-text token pooled."""
    return _write(folder, {"embed_dim": 64, "vision_cfg": VISION, "text_cfg": TEXT}, OPENAI)


def siglip(folder):
    """The SigLIP type: bias, no causal mask, last token pooled, T5-like tokens, squashed images."""
    vocabulary = _t5_tokenizer(folder)
    text = TEXT | {
        "context_length": CONTEXT,
        "vocab_size": vocabulary,
        "hf_tokenizer_name": "local",
        "tokenizer_kwargs": {"clean": "canonicalize"},
        "no_causal_mask": True,
        "proj_bias": True,
        "pool_type": "last",
        "norm_kwargs": {"eps": 1e-6},
    }
    config = {"embed_dim": 64, "init_logit_bias": -10, "custom_text": True}
    return _write(folder, config | {"vision_cfg": VISION, "text_cfg": text}, HALVES)


def timm_siglip(folder):
    """A SigLIP type whose image tower is timm's, with attention pooling and no projection."""
    siglip(folder)
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())["model_cfg"]
    config["vision_cfg"] = {
        "image_size": 160,
        "timm_model_name": "test_vit",
        "timm_model_pretrained": False,
        "timm_pool": "map",
        "timm_proj": "none",
    }
    return _write(folder, config, HALVES)


def xlm_roberta(folder):
    """A text tower of transformers, its states averaged, an MLP for projection."""
    from transformers import XLMRobertaConfig

    vocabulary = _roberta_tokenizer(folder)
    XLMRobertaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=CONTEXT + 2,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    ).save_pretrained(folder)
    return _write_tower(folder, {"hf_pooler_type": "mean_pooler", "hf_proj_type": "mlp"})


def nllb(folder):
    """The encoder half of a translator, its first token taken, as in NLLB-CLIP.

    That token says the language: one of NLLB_CODES.
    """
    from transformers import M2M100Config

    vocabulary = _nllb_tokenizer(folder)
    M2M100Config(
        vocab_size=vocabulary,
        d_model=32,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=64,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    ).save_pretrained(folder)
    return _write_tower(folder, {"hf_pooler_type": "cls_pooler", "hf_proj_type": "linear"})


def coca(folder):
    """CoCa: a class token at the end of the text, attention pooling of the image, a decoder."""
    vision = VISION | {"attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True}
    text = TEXT | {"context_length": 76, "embed_cls": True, "output_tokens": True}
    decoder = TEXT | {"context_length": 76, "attn_pooler_heads": 2}
    config = {"embed_dim": 64, "custom_text": True, "multimodal_cfg": decoder}
    return _write(folder, config | {"vision_cfg": vision, "text_cfg": text}, OPENAI)


def clipa(folder):
    """The CLIPA type: a BERT tokenizer, whose class only the model's configuration tells."""
    from transformers import BertConfig

    vocabulary = _bert_tokenizer(folder)
    BertConfig(vocab_size=vocabulary).save_pretrained(folder)
    text = TEXT | {
        "context_length": CONTEXT,
        "vocab_size": vocabulary,
        "hf_tokenizer_name": "bert-base-uncased",
        "tokenizer_kwargs": {"strip_sep_token": True},
        "no_causal_mask": True,
        "pool_type": "last",
    }
    return _write(folder, {"embed_dim": 64, "vision_cfg": VISION, "text_cfg": text}, OPENAI)


KINDS = (native, siglip, timm_siglip, xlm_roberta, nllb, coca, clipa)


NLLB_CODES = ("eng_Latn", "deu_Latn", "fra_Latn", "jpn_Jpan", "rus_Cyrl", "zho_Hans")
"""The languages of the tiny translator."""


def _write_tower(folder, options):
    text = options | {
        "hf_model_name": "org/not-on-this-machine",
        "hf_tokenizer_name": "org/not-on-this-machine",
        "context_length": CONTEXT,
    }
    config = {"embed_dim": 64, "custom_text": True, "vision_cfg": VISION, "text_cfg": text}
    return _write(folder, config, OPENAI)


def _write(folder, model_cfg, preprocess_cfg):
    """Make the model of a configuration with random weights; returns the folder."""
    mend_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own deprecations
        import open_clip
        import torch
        from open_clip.factory import load_checkpoint  # noqa: F401 - the import is what warns
        from safetensors.torch import save_file

        made = json.loads(json.dumps(model_cfg))
        kind = open_clip.CLIP
        if made.pop("custom_text", False):
            kind = open_clip.CoCa if "multimodal_cfg" in made else open_clip.CustomTextCLIP
        if "hf_model_name" in made["text_cfg"]:
            made["text_cfg"] |= {"hf_model_name": str(folder), "hf_model_pretrained": False}
        torch.manual_seed(0)
        model = kind(**made)
    weights = {name: value.contiguous().clone() for name, value in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    config = {"model_cfg": model_cfg, "preprocess_cfg": preprocess_cfg}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


def _t5_tokenizer(folder):
    """Unigrams with </s> (1) at the end, which pads, too; returns how many there are."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<unk>", "</s>"]
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>")
    trainer.show_progress = False
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", None, [("</s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>", pad_token="</s>"
    ).save_pretrained(folder)
    return tokenizer.get_vocab_size()


def _bert_tokenizer(folder):
    """Word pieces between [CLS] and [SEP], as bert-base-uncased has them: a bare vocabulary."""
    words = sorted({word for line in LINES for word in line.lower().replace(",", "").split()})
    letters = sorted({letter for word in words for letter in word})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*special, *letters, *(f"##{letter}" for letter in letters), *words]
    vocabulary = list(dict.fromkeys(vocabulary))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    return len(vocabulary)


def _roberta_tokenizer(folder):
    """Byte pairs between <s> (0) and </s> (2), padded with <pad> (1)."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", None, [("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
    ).save_pretrained(folder)
    return tokenizer.get_vocab_size()


def _nllb_tokenizer(folder):
    """NLLB's own class: the token of a language, byte pairs, </s> (2); padded with <pad> (1)."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import NllbTokenizer

    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    trained.train_from_iterator(LINES, trainer)
    model = json.loads(trained.to_str())["model"]
    tokenizer = NllbTokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        extra_special_tokens=list(NLLB_CODES),
    )
    tokenizer.save_pretrained(folder)
    return len(tokenizer)
