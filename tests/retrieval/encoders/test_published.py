"""The table of published models: complete, plausible, and what its builder makes of the sources."""

import importlib.metadata

import pytest

from retrieval.encoders.build_published import build
from retrieval.encoders.names import TagName, parse_model_name
from retrieval.encoders.published import (
    COLUMNS,
    TABLE,
    find_published,
    published_models,
    search_published,
)
from retrieval.encoders.torchvision_ops import mend_torchvision
from retrieval.languages.codes import FLORES, XLM_R

SCORES = COLUMNS[COLUMNS.index("imagenet") :]


def test_every_set_of_weights_that_is_accepted_is_listed():
    mend_torchvision()
    import open_clip

    listed = {(each.model, each.pretrained) for each in published_models()}
    tags = set(open_clip.list_pretrained())
    assert listed < tags
    # The others are those of another activation, which are listed under their right name.
    for model, tag in tags - listed:
        assert {(f"{model}-quickgelu", tag), (model.removesuffix("-quickgelu"), tag)} & listed


def test_every_name_can_be_given_to_model():
    for model in published_models():
        assert parse_model_name(model.name) == TagName(model.model, model.pretrained)


def test_the_figures_are_plausible():
    for model in published_models():
        assert 10 < model.mparams < 6_000
        assert model.gflops is None or 1 < model.gflops < 5_000
        for column in SCORES:
            score = getattr(model, column)
            assert score is None or 0 < score < 1


def test_a_known_model_has_its_known_figures():
    model = find_published("openclip:ViT-B-32:laion2b_s34b_b79k")
    assert (model.dim, model.image_px, model.languages) == (512, 224, "en")
    assert (model.mparams, model.gflops) == (151.28, 14.78)
    assert (model.imagenet, model.flickr_t2i, model.coco_i2t) == (0.6656, 0.6678, 0.5632)
    assert find_published("openclip:ViT-B-32-quickgelu:openai").imagenet == pytest.approx(0.6332)
    assert find_published("mini") is None


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("openclip:ViT-B-32:laion2b_s34b_b79k", ("en",)),
        ("openclip:xlm-roberta-base-ViT-B-32:laion5b_s13b_b90k", XLM_R),
        ("openclip:nllb-clip-base-siglip:mrl", FLORES),
        ("openclip:ViT-B-16-SigLIP2:webli", ("*",)),
    ],
)
def test_the_languages_of_a_model_follow_from_its_text_tower(name, languages):
    assert find_published(name).known_languages == languages


def test_a_search_takes_words_of_the_name_and_of_the_languages():
    found = search_published("SIGLIP many")
    assert found
    assert all("siglip" in each.model.lower() and each.languages == "many" for each in found)
    assert search_published("") == published_models()
    assert search_published("no such model") == ()


@pytest.mark.slow
def test_the_shipped_table_is_what_the_builder_makes_of_its_sources(test_data):
    from retrieval.encoders.build_published import ASSETS

    version = importlib.metadata.version("open_clip_torch")
    shipped = (ASSETS / TABLE).read_text(encoding="utf-8")
    if f"open_clip {version} " not in shipped.splitlines()[0]:
        pytest.skip("the table was made with another version of open_clip")
    assert build(test_data / "reference" / "open_clip", version) == shipped
