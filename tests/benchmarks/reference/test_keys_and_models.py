"""Spellings of protocols and of models that mean the same."""

import pytest

from benchmarks.records.key import ProtocolKey
from benchmarks.reference.keys import settled
from benchmarks.reference.models import ModelId, model_id, published_as
from retrieval.errors import EncoderUnavailableError


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("openclip:ViT-B-32:openai", ModelId("ViT-B-32", "openai")),
        ("openclip:ViT-B-32-quickgelu:openai", ModelId("ViT-B-32", "openai")),
        ("openclip:ViT-B/32:openai", ModelId("ViT-B-32", "openai")),
        ("openclip:ViT-B-32-quickgelu:laion400m_e32",
         ModelId("ViT-B-32-quickgelu", "laion400m_e32")),
        ("openclip:ViT-B-16-quickgelu:dfn2b", ModelId("ViT-B-16-quickgelu", "dfn2b")),
        ("hf-hub:M-CLIP/M-BERT-Base-ViT-B", ModelId("M-CLIP/M-BERT-Base-ViT-B")),
        ("hf-hub:M-CLIP/M-BERT-Base-ViT-B@some-branch", None),
        ("local-dir:/models/own", None),
        ("openclip:ViT-B-32:/models/own.safetensors", None),
        ("mini", None),
    ],
)  # fmt: skip
def test_names(name, model):
    assert published_as(name) == model


def test_a_name_that_lacks_a_part_is_refused():
    with pytest.raises(EncoderUnavailableError):
        published_as("openclip:ViT-B-32")


def test_a_model_is_written_as_in_the_tables():
    assert str(model_id("ViT-B-32", "openai")) == "ViT-B-32:openai"
    assert str(model_id("ALIGN")) == "ALIGN"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (dict(dataset="coco", language="en", captions="all"), dict(language="", captions="all")),
        (dict(dataset="coco", captions="first5"), dict(captions="first5")),
        (dict(dataset="flickr30k", captions="first5"), dict(captions="all")),
        (dict(dataset="flickr30k", captions="first"), dict(captions="first")),
        (dict(dataset="flickr30k", language="de"), dict(language="de", captions="all")),
        (dict(dataset="xtd", language="jp", captions="first"), dict(language="ja", captions="")),
        (dict(dataset="xm3600", language="de", captions="first"), dict(captions="first")),
        (dict(dataset="babel-imagenet", language="de"), dict(language="DE")),
        (dict(dataset="babel-imagenet", language="ZH_YUE"), dict(language="ZH_YUE")),
    ],
)
def test_protocols(given, expected):
    found = settled(ProtocolKey(split="test", **given))
    assert {name: getattr(found, name) for name in expected} == expected
    assert settled(found) == found
