"""A tiny BLIP with random weights, as transformers saves one."""

import json
import warnings

from retrieval.encoders.torchvision_ops import mend_torchvision

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = (*SPECIAL, "a", "red", "green", "blue", "yellow", "picture", "dog", "of", ",", ".")


def tiny_blip(folder, seed=0):
    """Write the model into a folder, which is made; returns it."""
    mend_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own deprecations
        import torch
        from transformers import BertTokenizer
        from transformers.models.blip import BlipConfig, BlipForImageTextRetrieval

    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = BlipConfig(
        text_config={
            **small,
            "vocab_size": len(WORDS),
            "num_attention_heads": 2,
            "encoder_hidden_size": 32,
            "max_position_embeddings": 48,
            "projection_dim": 16,
        },
        vision_config={**small, "num_attention_heads": 2, "image_size": 32, "patch_size": 16},
        projection_dim=16,
        image_text_hidden_size=16,
    )
    torch.manual_seed(seed)
    model = BlipForImageTextRetrieval(config)
    for weights in model.parameters():  # as it begins, all pairs match alike
        torch.nn.init.normal_(weights, std=0.3)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    scale = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}
    (folder / "preprocessor_config.json").write_text(json.dumps(scale))
    return folder
