"""Flickr30K and Flickr8k: every form, counts of full files, and everything that may be wrong."""

import json
import shutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.datasets import flickr
from benchmarks.datasets.base import DatasetError, LoadOptions
from benchmarks.datasets.captioned import SplitCounts, first_read, settled
from benchmarks.datasets.flickr import FLICKR8K, FLICKR30K
from tests.benchmarks.datasets import forms
from tests.benchmarks.datasets.forms import Image, in_form
from tests.benchmarks.datasets.kit import touch, write

FORMS = ("karpathy", "parquet", "csv", "clip_benchmark", "albef", "tokens")
WITH_IDS = {"karpathy", "parquet", "csv"}
ODD = "A man, with a print.jpg, and a dog"


def five(first, *texts):
    said = [*texts, *(f"caption {first + at}" for at in range(5 - len(texts)))]
    return {first + at: text for at, text in enumerate(said)}


IMAGES = [
    Image("1000092795.jpg", five(0, "Two young guys with shaggy hair."), "train"),
    Image("1007129816.jpg", five(125, "The man with pierced ears is wearing glasses.", ODD)),
    Image("1009434119.jpg", five(130, "A black and white dog, running.", '"Run", she says')),
    Image("1018148011.jpg", five(135, "A group of people stand in the back of a truck."), "val"),
]
COUNTS = {
    "test": SplitCounts(2, 10, 10),
    "val": SplitCounts(1, 5, 5),
    "all": SplitCounts(4, 20, 20),
}
SMALL = replace(FLICKR30K, splits=COUNTS)
SMALL8K = replace(FLICKR8K, splits=COUNTS, landmark=FLICKR30K.landmark)


def with_pictures(folder, images=IMAGES):
    touch(folder, *(f"images/{image.name}" for image in images))
    return folder


@pytest.fixture
def folder(tmp_path):
    return with_pictures(tmp_path / "flickr30k")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_test_split(folder, form):
    (data,) = flickr.load(SMALL, in_form(folder, form, IMAGES, "flickr30k"), LoadOptions())
    assert [each.key for each in data.pictures] == ["1007129816.jpg", "1009434119.jpg"]
    assert data.pictures[0].path == folder / "images" / "1007129816.jpg"
    assert data.texts[:2] == ("The man with pierced ears is wearing glasses.", ODD)
    assert data.picture_of.tolist() == [0] * 5 + [1] * 5
    keys = ("125", "134") if form in WITH_IDS else ("1007129816.jpg#0", "1009434119.jpg#4")
    assert (data.text_keys[0], data.text_keys[-1]) == keys
    assert (data.origin.split, data.origin.rule, data.folds, data.missing) == ("test", "all", 1, ())
    assert all(len(each) == 64 for each in data.origin.sha256.values())
    assert len(data.origin.sha256) == (2 if form == "tokens" else 1)
    (five_each,) = flickr.load(SMALL, folder, LoadOptions(captions="first5"))
    assert (five_each.texts, five_each.origin.rule) == (data.texts, "first5")


@pytest.mark.parametrize("form", ["karpathy", "clip_benchmark", "tokens"])
def test_flickr8k_has_the_same_forms_but_two(folder, form):
    (data,) = flickr.load(SMALL8K, in_form(folder, form, IMAGES, "flickr8k"), LoadOptions())
    assert [each.key for each in data.pictures] == ["1007129816.jpg", "1009434119.jpg"]
    assert data.origin.name == "flickr8k"


WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"), min_size=1
).filter(lambda text: text.strip())
CAPTIONS = st.one_of(WORDS, st.sampled_from([ODD, ",", "#0", ".jpg,", '"a", b', "x.jpg#0\u2028y"]))


@given(said=st.lists(st.lists(CAPTIONS, min_size=5, max_size=5), min_size=1, max_size=3))
def test_the_same_captions_are_read_from_every_form(tmp_path_factory, said):
    names = [FLICKR30K.landmark, "2.jpg", "3.jpg"]
    images = [
        Image(names[row], {5 * row + at: text for at, text in enumerate(texts)})
        for row, texts in enumerate(said)
    ]
    which = replace(SMALL, splits={"test": SplitCounts(len(said), *(5 * len(said),) * 2)})
    found = {}
    for form in FORMS:
        folder = with_pictures(tmp_path_factory.mktemp("set"), images)
        (data,) = flickr.load(which, in_form(folder, form, images, "flickr30k"), LoadOptions())
        names_of = tuple(each.key for each in data.pictures)
        found[form] = names_of, data.texts, data.picture_of.tolist(), data.missing
        by_place = [f"{name}#{at}" for name in names_of for at in range(5)]
        by_id = [str(number) for number in range(5 * len(said))]
        assert list(data.text_keys) == (by_id if form in WITH_IDS else by_place)
        shutil.rmtree(folder)
    assert all(each == found["karpathy"] for each in found.values())
    assert found["karpathy"][1] == tuple(text.strip() for texts in said for text in texts)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_a_byte_order_mark_are_no_part_of_captions(folder, end):
    content = "\ufeff" + forms.clip_benchmark(IMAGES[1:3]).replace("\n", end)
    write(folder, {"flickr30k_test_karpathy.txt": content.encode()})
    (data,) = flickr.load(SMALL, folder, LoadOptions())
    assert data.texts[1] == ODD
    (folder / "flickr30k_test_karpathy.txt").unlink()
    value = json.dumps(forms.karpathy(IMAGES, "flickr30k"), indent=1).replace("\n", end)
    write(folder, {"dataset_flickr30k.json": ("\ufeff" + value).encode()})
    (again,) = flickr.load(SMALL, folder, LoadOptions())
    assert again.texts == data.texts


def test_a_caption_of_two_lines_stays_one_where_the_form_can_hold_it(folder):
    images = [replace(IMAGES[1], said=five(125, " Two\nlines \n")), IMAGES[2]]
    (data,) = flickr.load(SMALL, in_form(folder, "karpathy", images, "flickr30k"), LoadOptions())
    assert data.texts[0] == "Two\nlines"


def test_an_empty_line_and_a_missing_header_do_no_harm(folder):
    content = "\n".join(forms.clip_benchmark(IMAGES[1:3]).split("\n")[1:]) + "\n\n"
    (data,) = flickr.load(
        SMALL, write(folder, {"annotations/flickr30k_test_karpathy.txt": content}), LoadOptions()
    )
    assert len(data.texts) == 10


def test_another_split_is_read_on_request(folder):
    (data,) = flickr.load(
        SMALL, in_form(folder, "karpathy", IMAGES, "flickr30k"), LoadOptions(split="val")
    )
    assert ([each.key for each in data.pictures], data.origin.split) == (["1018148011.jpg"], "val")


def test_the_token_file_alone_is_all_pictures_and_never_test(folder):
    write(folder, {"results_20130124.token": forms.tokens(IMAGES)})
    (data,) = flickr.load(SMALL, folder, LoadOptions(split="all"))
    assert (data.origin.split, len(data.pictures)) == ("all", 4)
    with pytest.raises(DatasetError, match="no captions of flickr30k test") as caught:
        flickr.load(SMALL, folder, LoadOptions())
    assert "karpathy_test.txt" in caught.value.hint
    write(folder, {"dataset_flickr30k.json": forms.karpathy(IMAGES, "flickr30k")})
    (again,) = flickr.load(SMALL, folder, LoadOptions(split="all"))
    assert again.texts == data.texts
    (folder / "results_20130124.token").unlink()
    with pytest.raises(DatasetError, match="no captions of flickr30k all"):
        flickr.load(SMALL, folder, LoadOptions(split="all"))


def test_names_of_a_list_may_lack_their_ending(folder):
    in_form(folder, "tokens", IMAGES, "flickr30k")
    write(folder, {"karpathy_test.txt": "1009434119\r\n1007129816\r\n"})
    (data,) = flickr.load(SMALL, folder, LoadOptions())
    assert [each.key for each in data.pictures] == ["1009434119.jpg", "1007129816.jpg"]


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("1007129816.jpg\n1.jpg\n", "lacks 1 of the 2 pictures of karpathy_test.txt, e.g. 1.jpg"),
        ("1007129816.jpg\n1007129816\n", "has the picture 1007129816.jpg twice"),
        ("1007129816.jpg,A man.\n", "is no name of a picture"),
        ("1007129816.jpg\n", "has 1 pictures in the split test, which has 2"),
        ("1000092795.jpg\n1009434119.jpg\n", "1007129816.jpg is not in it"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(folder, listed, message):
    in_form(folder, "tokens", IMAGES, "flickr30k")
    with pytest.raises(DatasetError, match=message):
        flickr.load(SMALL, write(folder, {"karpathy_test.txt": listed}), LoadOptions())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1007129816.jpg#0\tA man.\n1007129816.jpg#0\tA man.\n", "caption 1007129816.jpg#0 twice"),
        ("1007129816.jpg#0\tA man.\n1007129816.jpg A man.\n", "line 2 is no picture with its"),
        ("1007129816.jpg#0\t \n", "caption 1007129816.jpg#0 of .* has no words"),
    ],
)
def test_a_damaged_token_file_is_refused(folder, content, message):
    write(folder, {"results_20130124.token": content})
    with pytest.raises(DatasetError, match=message):
        flickr.load(SMALL, folder, LoadOptions(split="all"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,caption\n1007129816.png,A man.\n", "line 2 is no picture with its caption"),
        ("image,caption\n.jpg,A man.\n", "line 2 is no picture"),
        ("image,caption\n1007129816.jpg, \n", "caption 1007129816.jpg#0 of .* has no words"),
        ("image,caption\n", "has 0 pictures in the split test, which has 2"),
    ],
)
def test_a_damaged_file_of_lines_is_refused(folder, content, message):
    write(folder, {"flickr30k_test_karpathy.txt": content})
    with pytest.raises(DatasetError, match=message):
        flickr.load(SMALL, folder, LoadOptions())


def test_a_file_that_is_called_after_another_split_is_refused(folder):
    one_each = {"test": SplitCounts(1, 5, 5), "val": SplitCounts(1, 5, 5)}
    which = replace(FLICKR30K, splits=one_each)
    write(folder, {"flickr30k_test_karpathy.txt": forms.clip_benchmark(IMAGES[3:])})
    with pytest.raises(DatasetError, match=r"not the split test of flickr30k: .* is not in it"):
        flickr.load(which, folder, LoadOptions())
    write(folder, {"flickr30k_val.json": forms.albef(IMAGES[1:2])})
    with pytest.raises(DatasetError, match=r"not the split val of flickr30k: .* is in it"):
        flickr.load(which, folder, LoadOptions(split="val"))


@pytest.mark.parametrize(
    "value",
    [
        {"images": []},
        [],
        ["1007129816.jpg"],
        [{"image": "1007129816.jpg"}],
        [{"image": 1, "caption": ["A man."]}],
        [{"image": "1007129816.jpg", "caption": [None]}],
    ],
)
def test_json_that_is_not_albefs_is_refused(folder, value):
    write(folder, {"flickr30k_test.json": value})
    with pytest.raises(DatasetError, match=r"row 0 has not the form|has 0 pictures"):
        flickr.load(SMALL, folder, LoadOptions())


def test_albefs_train_has_a_row_a_caption_and_its_test_a_row_a_picture(folder):
    rows = [
        {"image": f"flickr30k-images/{image.name}", "caption": text, "image_id": number}
        for number, image in enumerate(IMAGES[1:3])
        for text in image.said.values()
    ]
    (data,) = flickr.load(SMALL, write(folder, {"flickr30k_test.json": rows}), LoadOptions())
    assert data.picture_of.tolist() == [0] * 5 + [1] * 5
    twice = forms.albef([IMAGES[1], IMAGES[1]])
    with pytest.raises(DatasetError, match=r"has the picture 1007129816.jpg twice"):
        flickr.load(SMALL, write(folder, {"flickr30k_test.json": twice}), LoadOptions())


def test_an_image_without_captions_is_refused(folder):
    images = [IMAGES[1], Image("1009434119.jpg", {})]
    for form in ("karpathy", "albef", "parquet"):
        in_form(folder / form, form, images, "flickr30k")
        with pytest.raises(DatasetError, match=r"the picture 1009434119.jpg has no caption"):
            flickr.load(SMALL, folder / form, LoadOptions())


def test_another_number_of_captions_is_refused(folder):
    images = [IMAGES[1], replace(IMAGES[2], said=IMAGES[2].said | {999: "A sixth."})]
    for form in ("karpathy", "albef", "parquet", "clip_benchmark"):
        in_form(folder / form, form, images, "flickr30k")
        with pytest.raises(DatasetError, match=r"1009434119.jpg has 6 captions, not five"):
            flickr.load(SMALL, folder / form, LoadOptions())


def test_a_file_that_lacks_a_picture_is_refused(folder):
    for form in FORMS:
        in_form(folder / form, form, IMAGES[:2], "flickr30k")
        with pytest.raises(DatasetError, match="has 1 pictures in the split test, which has 2"):
            flickr.load(SMALL, folder / form, LoadOptions())


def test_a_picture_that_is_missing_is_named(folder):
    in_form(folder, "karpathy", IMAGES, "flickr30k")
    (folder / "images" / "1007129816.jpg").unlink()
    (data,) = flickr.load(SMALL, folder, LoadOptions())
    assert (data.missing, len(data.texts)) == (("1007129816.jpg",), 5)


@pytest.mark.parametrize("place", ["Images", "flickr30k-images", "."])
def test_pictures_are_found_where_they_are_unpacked(tmp_path, place):
    touch(tmp_path, f"{place}/1007129816.jpg", f"{place}/1009434119.jpg")
    (data,) = flickr.load(SMALL, in_form(tmp_path, "albef", IMAGES, "flickr30k"), LoadOptions())
    assert data.missing == ()


def test_pictures_of_flickr8k_are_found_under_their_misspelt_folder(tmp_path):
    touch(tmp_path, *(f"Flicker8k_Dataset/{image.name}" for image in IMAGES))
    (data,) = flickr.load(SMALL8K, in_form(tmp_path, "tokens", IMAGES, "flickr8k"), LoadOptions())
    assert data.missing == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (LoadOptions(captions="first"), "no captions rule 'first'"),
        (LoadOptions(split="restval"), "no split 'restval'"),
        (LoadOptions(gallery="other"), "no choice of gallery"),
        (LoadOptions(languages=("de",)), "no language 'de'"),
    ],
)
def test_choices_that_it_does_not_have_are_refused(folder, options, message):
    in_form(folder, "karpathy", IMAGES, "flickr30k")
    with pytest.raises(DatasetError, match=message):
        flickr.load(SMALL, folder, options)


def full_size(splits, landmark):
    """Images of a full data set, splits mixed; the landmark is the first of test."""
    images, number = [], 0
    for split, count in splits.items():
        for row in range(count):
            name = landmark if (split, row) == ("test", 0) else f"9{number:07}.jpg"
            images.append(Image(name, {5 * number + at: "A dog." for at in range(5)}, split))
            number += 1
    return images[::2] + images[1::2]


def settled_split(which, folder, split):
    """The split as it is before its pictures are looked for."""
    read = first_read(which.readers, folder, split)
    return settled(read, which.splits[split], None, split)[0]


@pytest.mark.parametrize(
    ("which", "splits"),
    [
        (FLICKR30K, {"train": 29_000, "val": 1_014, "test": 1_000}),
        (FLICKR8K, {"train": 6_000, "val": 1_000, "test": 1_000}),
    ],
    ids=["flickr30k", "flickr8k"],
)
def test_a_file_of_full_size_has_the_published_counts(tmp_path, which, splits):
    images = full_size(splits, which.landmark)
    touch(tmp_path, f"images/{which.landmark}")
    in_form(tmp_path, "karpathy", images, which.name)
    for split, count in splits.items():
        read = settled_split(which, tmp_path, split)
        assert (len(read.pictures), read.n_captions) == (count, 5 * count)
    (data,) = flickr.load(which, tmp_path, LoadOptions())
    assert (len(data.texts), len(data.missing)) == (5, 999)


def test_all_pictures_of_flickr30k_are_31783(tmp_path):
    images = full_size({"train": 30_783, "test": 1_000}, FLICKR30K.landmark)
    write(tmp_path, {"results_20130124.token": forms.tokens(images)})
    read = settled_split(FLICKR30K, tmp_path, "all")
    assert (len(read.pictures), read.n_captions) == (31_783, 158_915)
