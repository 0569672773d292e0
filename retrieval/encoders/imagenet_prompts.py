"""The texts that OpenAI put around the names of ImageNet's classes, as open_clip carries them.

Source: A. Radford et al., "Learning Transferable Visual Models From Natural Language Supervision",
ICML 2021, section 3.1.4, and the notebook that came with its code.
"""


def openai_templates() -> tuple[str, ...]:
    """Eighty English templates, each holding "{}" once."""
    from retrieval.encoders.torchvision_ops import mend_torchvision

    mend_torchvision()
    from open_clip.zero_shot_metadata import OPENAI_IMAGENET_TEMPLATES

    return tuple(each("{}") for each in OPENAI_IMAGENET_TEMPLATES)
