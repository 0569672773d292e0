import pytest

from benchmarks.datasets import xflickrco, xtd
from benchmarks.datasets.base import DatasetError, LoadOptions
from tests.benchmarks.datasets.kit import touch, write

ALL = LoadOptions(languages=("all",))
TRAIN, VAL = "COCO_train2014_000000061844.jpg", "COCO_val2014_000000129903.jpg"
TABLE = {
    "images": [TRAIN, VAL],
    "captions": {"de": [["Ein Spiel"], ["Ein Zug"]], "en": [["A game"], ["A train"]]},
}


def test_one_value_a_language_with_pictures_in_the_order_of_the_table(tmp_path):
    touch(tmp_path, f"train2014/{TRAIN}", f"val2014/{VAL}")
    english, german = xtd.load(write(tmp_path, {"xtd.json": TABLE}), ALL)
    assert (english.language, english.texts) == ("en", ("A game", "A train"))
    assert (german.language, german.texts) == ("de", ("Ein Spiel", "Ein Zug"))
    assert [each.path for each in german.pictures] == [
        tmp_path / "train2014" / TRAIN,
        tmp_path / "val2014" / VAL,
    ]
    assert german.picture_of.tolist() == [0, 1]
    assert german.text_keys == (f"{TRAIN}#0", f"{VAL}#0")
    assert list(german.origin.sha256) == ["xtd.json"]


def test_pictures_may_lie_with_those_of_coco_and_the_absent_are_named(tmp_path):
    touch(tmp_path / "coco", f"val2014/{VAL}")
    (english,) = xtd.load(write(tmp_path / "xtd", {"xtd.json": TABLE}), LoadOptions())
    assert [each.key for each in english.pictures] == [VAL]
    assert (english.texts, english.missing) == (("A train",), (TRAIN,))


def test_adobes_files_say_the_same(tmp_path):
    touch(tmp_path, f"images/{TRAIN}", f"images/{VAL}")
    write(
        tmp_path,
        {
            "XTD10/test_image_names.txt": f"{TRAIN}\n{VAL}\n",
            "XTD10/test_1kcaptions_en.txt": "A game\nA train\n",
            "MIC/test_1kcaptions_de.txt": "Ein Spiel\nEin Zug\n",
            "STAIR/test_1kcaptions_jp.txt": "試合\n電車\n",
        },
    )
    found = xtd.load(tmp_path, ALL)
    assert [each.language for each in found] == ["en", "de", "ja"]
    assert found[2].texts == ("試合", "電車")
    assert len(found[0].origin.sha256) == 4


def test_lists_of_different_length_are_refused(tmp_path):
    write(tmp_path, {"xtd.json": TABLE | {"captions": {"en": [["A game"]]}}})
    with pytest.raises(DatasetError, match="2 images, and captions in en for 1"):
        xtd.load(tmp_path, LoadOptions())


@pytest.mark.parametrize("table", [[], {"images": []}, {"images": [], "captions": []}])
def test_another_form_is_refused(tmp_path, table):
    with pytest.raises(DatasetError, match="has not the form of images and captions"):
        xtd.load(write(tmp_path, {"xtd.json": table}), LoadOptions())


def test_an_empty_folder_is_told_what_to_put_there(tmp_path):
    with pytest.raises(DatasetError, match=r"neither xtd.json nor test_image_names.txt"):
        xtd.load(tmp_path, LoadOptions())


def test_names_that_are_none_of_cocos_are_missing_as_others_are(tmp_path):
    touch(tmp_path, f"images/{VAL}")
    table = {"images": ["red.jpg", VAL], "captions": {"en": [["A game"], ["A train"]]}}
    (found,) = xtd.load(write(tmp_path, {"xtd.json": table}), LoadOptions())
    assert (found.missing, found.texts) == (("red.jpg",), ("A train",))


def test_xflickrco_takes_pictures_of_both(tmp_path):
    table = {"images": ["1007129816.jpg", VAL], "captions": {"id": [["satu"], ["dua"]]}}
    touch(tmp_path, "flickr30k/flickr30k-images/1007129816.jpg", f"coco/val2014/{VAL}")
    folder = write(tmp_path / "xflickrco", {"xflickrco.json": table})
    (found,) = xflickrco.load(folder, ALL)
    assert (found.language, len(found.pictures), found.missing) == ("id", 2, ())


def test_the_true_files_hold_a_thousand_in_eleven_and_two_thousand_in_eight(test_data):
    read = xtd.read_captions(test_data / "xtd")
    assert sorted(read.captions) == sorted(
        ["de", "en", "es", "fr", "it", "jp", "ko", "pl", "ru", "tr", "zh"]
    )
    assert len(read.images) == 1_000
    assert sum(name.startswith("COCO_train2014") for name in read.images) == 800
    both = xflickrco.read_captions(test_data / "xflickrco")
    assert sorted(both.captions) == sorted(["de", "en", "es", "id", "ja", "ru", "tr", "zh"])
    assert len(both.images) == 2_000
    for each in (read, both):
        assert all(len(said) == 1 for lists in each.captions.values() for said in lists)
    assert read.images[0] == "COCO_train2014_000000061844.jpg"
    assert both.captions["de"][0] == ("Der Mann trägt eine orange Wollmütze.",)


def test_the_true_files_give_a_value_for_each_language(test_data, tmp_path):
    touch(tmp_path, *(f"images/{name}" for name in xtd.read_captions(test_data / "xtd").images))
    (tmp_path / "xtd.json").symlink_to(test_data / "babel_imagenet" / "xtd.json")
    found = xtd.load(tmp_path, ALL)
    assert len(found) == 11
    assert {(len(each.pictures), len(each.texts)) for each in found} == {(1_000, 1_000)}
