"""Which published model a name of polyseek means."""

from typing import NamedTuple

from retrieval.encoders.names import HubName, TagName, is_model_name, parse_model_name

_QUICK = "-quickgelu"

_SAME = {("ViT-B-16", "dfn2b"): "ViT-B-16-quickgelu"}
"""open_clip's tables name these weights without what their tag asks for; their accuracy there is
that of their authors, so they were measured with the right activation."""


class ModelId(NamedTuple):
    """A model as published figures name it.

    Attributes:
        model: open_clip's architecture, a repository of the hub, or what its authors call it.
        pretrained: open_clip's tag of the weights; "" where the name says all.
    """

    model: str
    pretrained: str = ""

    def __str__(self) -> str:
        return f"{self.model}:{self.pretrained}" if self.pretrained else self.model


def model_id(model: str, pretrained: str = "") -> ModelId:
    """The one spelling of a model: OpenAI's weights go without "-quickgelu".

    open_clip computes QuickGELU for them under either name. For all other weights the two names are
    two models: one of them computes another activation than the weights were trained with.
    """
    if pretrained == "openai":
        model = model.removesuffix(_QUICK)
    return ModelId(_SAME.get((model, pretrained), model), pretrained)


def published_as(name: str) -> ModelId | None:
    """The published model of a name as given to --model; None for weights of one's own.

    Args:
        name: such as "openclip:ViT-B-32:openai"; built-in encoders have no published figures.

    Raises:
        EncoderUnavailableError: the name lacks a part.
    """
    if not is_model_name(name):
        return None
    parsed = parse_model_name(name)
    if isinstance(parsed, TagName):
        return model_id(parsed.model, parsed.pretrained)
    if isinstance(parsed, HubName) and parsed.revision is None:
        return ModelId(parsed.repo)
    return None
