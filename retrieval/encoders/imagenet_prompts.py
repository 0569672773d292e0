"""OpenAI's names of ImageNet's classes and the texts around them, as open_clip carries them.

Source: A. Radford et al., "Learning Transferable Visual Models From Natural Language Supervision",
ICML 2021, section 3.1.4, and the notebook that came with its code.
"""


def openai_templates() -> tuple[str, ...]:
    """Eighty English templates, each holding "{}" once."""
    from retrieval.encoders.torchvision_ops import mend_torchvision

    mend_torchvision()
    from open_clip.zero_shot_metadata import OPENAI_IMAGENET_TEMPLATES

    return tuple(each("{}") for each in OPENAI_IMAGENET_TEMPLATES)


def openai_class_names() -> tuple[str, ...]:
    """The English names of the 1,000 classes, in the order of their WordNet ids; two come twice."""
    from retrieval.encoders.torchvision_ops import mend_torchvision

    mend_torchvision()
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES

    return tuple(IMAGENET_CLASSNAMES)
