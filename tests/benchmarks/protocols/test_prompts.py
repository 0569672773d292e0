"""Names of classes in templates."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.base import ClassNames, DatasetError, Origin, Picture, Zeroshot
from benchmarks.protocols.prompts import class_features, templates_in_all, templates_of

DATA = Zeroshot(
    Origin("babel-imagenet", "val"),
    (Picture("a", Path("a")),),
    np.array([0]),
    2,
    {code: ClassNames(np.array([0, 1]), ("x", "y")) for code in ("DE", "BR")},
    {"DE": ("ein Foto von {} .",)},
)


def test_the_kinds_of_templates():
    assert templates_of(DATA, "DE", "label") == ("{}",)
    assert templates_of(DATA, "DE", "translated") == ("ein Foto von {} .",)
    english = templates_of(DATA, "BR", "openai_en")
    assert len(english) == 80
    assert english[0] == "a bad photo of a {}."
    with pytest.raises(DatasetError, match="no translated templates for BR"):
        templates_of(DATA, "BR", "translated")


def test_languages_without_translated_templates_are_named_before_any_is_asked():
    assert templates_in_all(DATA, "label") == {"DE": ("{}",), "BR": ("{}",)}
    with pytest.raises(DatasetError, match="no translated templates for BR") as caught:
        templates_in_all(DATA, "translated")
    assert caught.value.hint == "ask with --prompts label, or leave them out: --languages DE"
    alone = replace(DATA, names={"DE": DATA.names["DE"]})
    assert templates_in_all(alone, "translated") == {"DE": ("ein Foto von {} .",)}
    with pytest.raises(DatasetError) as caught:
        templates_in_all(replace(DATA, templates={}), "translated")
    assert caught.value.hint == "ask with --prompts label"
    many = replace(DATA, names={f"L{n}": DATA.names["BR"] for n in range(9)})
    with pytest.raises(DatasetError, match="for L0, L1, L2, L3, L4 and 4 others"):
        templates_in_all(many, "translated")


def test_the_mean_of_unit_rows_is_made_a_unit_again():
    asked = []

    def embed(texts):
        asked.extend(texts)
        return np.array([[1, 0] if text.endswith("!") else [0, 1] for text in texts], np.float32)

    found = class_features(["cat", "dog", "cat"], ["{}", "a {}!"], embed)
    assert asked == ["cat", "a cat!", "dog", "a dog!"]
    np.testing.assert_allclose(found, np.full((3, 2), np.sqrt(0.5)), rtol=1e-6)
    assert found.dtype == np.float32
