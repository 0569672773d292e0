"""COCO: every form, both rules of captions, folds, and everything that may be wrong."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.datasets import coco
from benchmarks.datasets.base import DatasetError, LoadOptions
from benchmarks.datasets.captioned import settled
from benchmarks.datasets.karpathy import read_karpathy
from benchmarks.datasets.registry import dataset, known_datasets
from tests.benchmarks.datasets import forms
from tests.benchmarks.datasets.forms import Image, in_form
from tests.benchmarks.datasets.kit import touch, write

FORMS = ("karpathy", "ids", "clip_benchmark", "parquet", "csv", "albef")


def image(number, said, split="test"):
    return Image(f"COCO_val2014_{number:012}.jpg", said, split, number)


def captions(first, count, *texts):
    said = [*texts, *(f"caption {first + at} " for at in range(count - len(texts)))]
    return {first + at: text for at, text in enumerate(said)}


IMAGES = [
    image(522418, captions(681330, 5, "A woman cuts a cake."), "restval"),
    image(391895, captions(770337, 6, "A man with a red helmet on a small moped. ", "x.jpg, y")),
    image(60623, captions(152106, 5, "A young girl inhales\nwith intent.")),
    image(184613, captions(474921, 5, "A child holding a flowered umbrella."), "val"),
]
TEST, SIXTH = IMAGES[1:3], 770342


def digest(*keys):
    return hashlib.sha256("\n".join(map(str, keys)).encode()).hexdigest()


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder with all pictures; the test split has two, ten captions at most five each."""
    for name, value in (("N_PICTURES", 2), ("N_CAPTIONS", 10), ("N_ALL", 11)):
        monkeypatch.setattr(coco, name, value)
    monkeypatch.setattr(coco, "IN_ORDER", digest(391895, 60623))
    monkeypatch.setattr(coco, "SORTED", digest(60623, 391895))
    monkeypatch.setitem(coco._OTHER_SPLITS, "val", coco.SplitCounts(1, 5, 5))
    touch(tmp_path, *(f"coco/val2014/{each.name}" for each in IMAGES))
    return tmp_path / "coco"


def load(folder, **options):
    (data,) = coco.load_test(folder, LoadOptions(**options))
    return data


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_all_captions_unless_asked_otherwise(folder, form):
    in_form(folder, form, IMAGES, "coco")
    data = load(folder)
    assert [each.key for each in data.pictures] == ["391895", "60623"]
    assert data.pictures[0].path == folder / "val2014" / TEST[0].name
    assert data.texts[0] == "A man with a red helmet on a small moped."
    assert data.texts[6] == "A young girl inhales\nwith intent."
    assert data.picture_of.tolist() == [0] * 6 + [1] * 5
    assert (data.origin.rule, data.origin.split, data.folds, data.missing) == ("all", "test", 5, ())
    assert load(folder, captions="all").texts == data.texts
    first5 = load(folder, captions="first5")
    assert (first5.origin.rule, first5.picture_of.tolist()) == ("first5", [0] * 5 + [1] * 5)
    assert first5.texts == data.texts[:5] + data.texts[6:]
    keys = [str(key) for each in TEST for key in each.said]
    if form == "albef":
        keys = [f"{each.name}#{at}" for each in TEST for at in range(len(each.said))]
    assert list(data.text_keys) == keys
    assert first5.text_keys == data.text_keys[:5] + data.text_keys[6:]


@given(
    said=st.lists(
        st.lists(st.text(min_size=1).filter(str.strip), min_size=5, max_size=7),
        min_size=1,
        max_size=3,
    )
)
def test_the_same_captions_are_read_from_every_form(tmp_path_factory, said):
    said = [[text.encode("utf-8", "replace").decode() for text in texts] for texts in said]
    images = [
        image(90 - row, {10 * row + at + 5: text for at, text in enumerate(texts)})
        for row, texts in enumerate(said)
    ]
    keys = [str(each.coco) for each in images]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(coco, "N_PICTURES", len(said))
        patched.setattr(coco, "N_CAPTIONS", 5 * len(said))
        patched.setattr(coco, "N_ALL", sum(map(len, said)))
        patched.setattr(coco, "IN_ORDER", digest(*keys))
        patched.setattr(coco, "SORTED", digest(*sorted(keys, key=int)))
        found = []
        for form in FORMS:
            folder = tmp_path_factory.mktemp("coco")
            touch(folder, *(f"images/{each.name}" for each in images))
            data = load(in_form(folder, form, images, "coco"))
            found.append(
                (
                    tuple(each.key for each in data.pictures),
                    data.texts,
                    data.picture_of.tolist(),
                    (data.folds, data.language, data.missing),
                )
            )
    assert all(each == found[0] for each in found)
    assert found[0][:2] == (tuple(keys), tuple(text.strip() for texts in said for text in texts))


def test_a_file_with_five_captions_a_picture_gives_first5(folder):
    five = [replace(TEST[0], said=dict(list(TEST[0].said.items())[:5])), TEST[1]]
    for form in FORMS:
        in_form(folder / form, form, five, "coco")
        touch(folder / form, *(f"images/{each.name}" for each in five))
        assert load(folder / form).origin.rule == "first5"
        with pytest.raises(DatasetError, match="has five captions a picture, 10 of 11") as caught:
            load(folder / form, captions="all")
        assert "--captions first5" in caught.value.hint


def test_ids_put_their_captions_first_and_the_rest_behind(folder, monkeypatch):
    said = {SIXTH + 1: "The seventh.", **dict(reversed(TEST[0].said.items()))}
    write(folder, {"captions_val2014.json": forms.official([TEST[1], replace(TEST[0], said=said)])})
    np.save(folder / "coco_test_ids.npy", forms.ids(TEST))
    monkeypatch.setattr(coco, "N_ALL", 12)
    data = load(folder)
    assert data.text_keys[:7] == tuple(map(str, [*range(770337, 770342), SIXTH, SIXTH + 1]))
    assert [each.key for each in data.pictures] == ["391895", "60623"]
    assert sorted(data.origin.sha256) == ["captions_val2014.json", "coco_test_ids.npy"]


def test_val_and_restval_are_read_on_request(folder, monkeypatch):
    in_form(folder, "karpathy", IMAGES, "coco")
    data = load(folder, split="val")
    assert ([each.key for each in data.pictures], data.folds) == (["184613"], 1)
    assert data.origin.split == "val"
    monkeypatch.setitem(coco._OTHER_SPLITS, "restval", coco.SplitCounts(1, 5, 5))
    assert load(folder, split="restval").text_keys[0] == "681330"
    with pytest.raises(DatasetError, match="has 0 pictures in the split train, which has 82,783"):
        load(folder, split="train")


def test_captions_that_are_but_counted_have_no_ids(folder):
    write(folder, {"coco_test_karpathy.json": forms.official(TEST, counted=True)})
    data = load(folder)
    assert data.text_keys[0] == "COCO_val2014_000000391895.jpg#0"
    assert data.texts[0] == "A man with a red helmet on a small moped."


def test_pictures_in_another_order_have_no_folds(folder):
    write(folder, {"coco_karpathy_test.json": forms.albef(TEST[::-1], "val2014")})
    data = load(folder)
    assert ([each.key for each in data.pictures], data.folds) == (["60623", "391895"], 1)


def test_pictures_of_a_table_are_written_out(folder):
    contents = {each.name: each.name.encode() for each in IMAGES}
    for each in IMAGES:
        (folder / "val2014" / each.name).unlink()
    forms.parquet(folder / "data" / "test-0.parquet", IMAGES, contents=contents)
    data = load(folder)
    assert data.pictures[0].path == folder / "images" / TEST[0].name
    assert data.pictures[0].path.read_bytes() == TEST[0].name.encode()


def test_a_picture_that_is_missing_is_named(folder):
    in_form(folder, "ids", IMAGES, "coco")
    (folder / "val2014" / TEST[0].name).unlink()
    data = load(folder)
    assert (data.missing, len(data.texts)) == (("391895",), 5)


def test_another_split_under_the_name_of_one_is_refused(folder, monkeypatch):
    others = [IMAGES[3], replace(IMAGES[0], said=captions(681330, 6))]
    for form in FORMS:
        in_form(folder / form, form, [replace(each, split="test") for each in others], "coco")
        with pytest.raises(DatasetError, match="has other pictures than Karpathy's test split"):
            load(folder / form)
    monkeypatch.setitem(coco._OTHER_SPLITS, "val", coco.SplitCounts(2, 11, 10))
    write(folder / "val", {"coco_val_karpathy.json": forms.official(TEST)})
    with pytest.raises(DatasetError, match=r"has the pictures of .*, and should be the split val"):
        load(folder / "val", split="val")


def test_val2017_is_refused_with_the_reason(folder):
    names = [f"{each.coco:012}.jpg" for each in TEST]
    of_2017 = [replace(each, name=name) for each, name in zip(TEST, names, strict=True)]
    write(folder, {"annotations/captions_val2017.json": forms.official(of_2017)})
    with pytest.raises(DatasetError, match=r"captions_val2017.json is not Karpathy's") as caught:
        load(folder)
    assert "val2017 has as many pictures and is another set" in caught.value.hint
    write(folder, {"coco_karpathy_test.json": forms.albef(of_2017, "val2017")})
    with pytest.raises(DatasetError, match=r"000000391895.jpg is no picture of COCO 2014"):
        load(folder)


@pytest.mark.parametrize("split", ["test", "val", "train"])
def test_what_is_wanted_is_said(folder, split):
    with pytest.raises(DatasetError, match=f"no captions of coco {split} in") as caught:
        load(folder, split=split)
    assert "dataset_coco.json" in caught.value.hint
    assert ("coco_test_ids.npy" in caught.value.hint) == (split == "test")
    assert (f"coco_karpathy_{split}.json" in caught.value.hint) == (split != "train")


def test_other_files_than_the_splits_are_refused(folder):
    in_form(folder, "ids", IMAGES, "coco")
    path = folder / "captions_val2014.json"
    whole = path.read_text()
    path.write_text(whole[:-30])
    with pytest.raises(DatasetError, match="is no JSON, or is cut off"):
        load(folder)
    write(folder, {path.name: forms.official(IMAGES[:2])})
    with pytest.raises(DatasetError, match="lacks 5 of the 10 captions") as caught:
        load(folder)
    assert "val2017 is another set" in caught.value.hint
    path.write_text(whole)
    ids = folder / "coco_test_ids.npy"
    np.save(ids, np.array([770337]))
    with pytest.raises(DatasetError, match="should hold 10 caption ids"):
        load(folder)
    np.save(ids, np.array([770337] * 10))
    with pytest.raises(DatasetError, match="has a caption id twice"):
        load(folder)
    ids.write_bytes(b"no array")
    with pytest.raises(DatasetError, match="cannot read"):
        load(folder)
    ids.unlink()
    with pytest.raises(DatasetError, match="no ids of Karpathy's test split") as caught:
        load(folder)
    assert "coco_test_ids.npy" in caught.value.hint


@pytest.mark.parametrize(
    "options",
    [
        {"captions": "first"},
        {"split": "test2015"},
        {"languages": ("de",)},
        {"gallery": "other"},
    ],
)
def test_choices_that_it_does_not_have_are_refused(folder, options):
    in_form(folder, "ids", IMAGES, "coco")
    with pytest.raises(DatasetError, match="coco"):
        load(folder, **options)
    with pytest.raises(DatasetError, match="coco-mini"):
        coco.load_mini(folder, LoadOptions(split="val"))
    with pytest.raises(DatasetError, match="coco-mini is in English"):
        coco.load_mini(folder, LoadOptions(languages=("de",)))


def test_any_file_of_the_form_claims_no_split(folder):
    write(folder, {"captions_mine.json": forms.official(TEST)})
    (folder / "val2014").rename(folder / "images")
    (data,) = coco.load_mini(folder, LoadOptions())
    assert (data.origin.name, data.origin.split, data.folds) == ("coco-mini", "captions_mine", 1)
    assert data.texts[0] == "A man with a red helmet on a small moped."
    assert data.text_keys[-1] == "152110"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda value: value["images"].append(value["images"][0]), "has a picture id twice"),
        (lambda value: value["annotations"].append(value["annotations"][0]), "a caption id twice"),
        (lambda value: value["images"].pop(), "caption 152106 is of no picture that it lists"),
        (lambda value: value["images"].append({"id": 1}), "has not the form of COCO's captions"),
        (lambda value: None, "has 12 captions in the split test, which has 11"),
    ],
)
def test_files_that_contradict_themselves_are_refused(folder, change, message):
    value = forms.official([TEST[0], replace(TEST[1], said=captions(152106, 6))])
    change(value)
    write(folder, {"captions_mine.json": value, "coco_test_karpathy.json": value})
    with pytest.raises(DatasetError, match=message):
        load(folder)


@pytest.fixture(scope="module")
def test_images(test_data):
    """The true ids and order of the test split; ten pictures have a sixth caption here."""
    place = test_data / "eccv_caption"
    of = json.loads((place / "original_caption_to_image.json").read_text())
    said = {}
    for number in np.load(place / "coco_test_ids.npy").tolist():
        said.setdefault(of[str(number)][0], {})[number] = f"caption {number}"
    images = [image(number, texts) for number, texts in said.items()]
    for row, each in enumerate(images[:10]):
        each.said[9_000_000 + row] = "a sixth"
    return images


def test_the_true_ids_are_the_test_split_in_karpathys_order(test_images):
    keys = [str(each.coco) for each in test_images]
    assert (digest(*keys), digest(*sorted(keys, key=int))) == (coco.IN_ORDER, coco.SORTED)
    assert keys[:2] == ["391895", "60623"]


@pytest.mark.parametrize("form", FORMS)
def test_a_test_split_of_full_size_has_the_published_counts(tmp_path, test_images, form):
    touch(tmp_path, f"val2014/{test_images[0].name}")
    in_form(tmp_path, form, test_images, "coco")
    data = load(tmp_path)
    assert (data.folds, len(data.texts), len(data.missing)) == (5, 6, 4_999)
    read = coco._read(tmp_path, "test")
    counts = coco.SplitCounts(5_000, 25_010, 25_000)
    both = [settled(read, counts, rule, "test")[0].n_captions for rule in ("all", "first5")]
    assert both == [25_010, 25_000]


@pytest.mark.slow
def test_a_karpathy_file_of_full_size_has_the_published_counts(tmp_path, test_images):
    images, number = list(test_images), 10_000_000
    for split, counts in coco._OTHER_SPLITS.items():
        n_more = counts.captions - counts.first5
        for row in range(counts.pictures):
            images.append(image(number, captions(number, 5 + (row < n_more)), split))
            number += 10
    in_form(tmp_path, "karpathy", images, "coco")
    assert sum(counts.pictures for counts in coco._OTHER_SPLITS.values()) + 5_000 == 123_287
    for split, counts in coco._OTHER_SPLITS.items():
        read = read_karpathy(tmp_path, split, dataset="coco")
        for rule, wanted in (("all", counts.captions), ("first5", counts.first5)):
            assert settled(read, counts, rule, split)[0].n_captions == wanted


def test_the_true_small_file_has_its_counts(test_data):
    (data,) = coco.load_mini(test_data / "coco_mini", LoadOptions())
    assert (len(data.pictures), len(data.texts), data.missing) == (79, 395, ())


def test_names():
    names = [each.name for each in known_datasets()]
    assert len(set(names)) == len(names)
    assert dataset("coco-mini").task == "crossmodal"
    assert dataset("flickr30k").folder == "flickr30k"
    with pytest.raises(DatasetError, match="no data set 'cocomini'") as caught:
        dataset("cocomini")
    assert "coco-mini" in caught.value.hint


def test_further_pairs_come_with_the_test_split(folder):
    """Of ECCV Caption's files those that are there; a form without caption ids has none."""
    pairs = {"60623": [770337, 152106]}
    write(folder, {"eccv_caption/eccv_image_to_caption.json": pairs})
    in_form(folder, "karpathy", IMAGES, "coco")
    data = load(folder)
    assert {name: rows.tolist() for name, rows in data.more.items()} == {
        "eccv_i2t": [[0, 1], [6, 1]]
    }
    assert "eccv_image_to_caption.json" in data.origin.sha256
    assert not load(folder, split="val").more
    (folder / "dataset_coco.json").unlink()
    in_form(folder, "albef", IMAGES, "coco")
    bare = load(folder)
    assert not bare.more
    assert "eccv_image_to_caption.json" not in bare.origin.sha256
