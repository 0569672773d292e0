"""Crossmodal-3600, Multi30K, Flickr30K-CN and COCO-CN."""

import gzip

import pytest

from benchmarks.datasets import coco_cn, flickr30k_cn, multi30k, xm3600
from benchmarks.datasets.base import DatasetError, LoadOptions
from tests.benchmarks.datasets.kit import touch, write

ALL = LoadOptions(languages=("all",))
XM3600 = (
    '{"image/key": "00a1", "image/locale": "de", "de": {"caption": ["Ein Berg", "Berge"], '
    '"caption/tokenized": ["Ein Berg", "Berge"]}, "en": {"caption": ["A hill"]}}\n'
    '{"image/key": "00b2", "image/locale": "mi", "de": {"caption": ["Ein Haus"]}, '
    '"en": {"caption": ["A house", "A home"]}}\n'
)


def test_xm3600_counts_the_first_caption_or_all(tmp_path):
    touch(tmp_path, "images/00a1.jpg", "images/00b2.jpg")
    write(tmp_path, {"captions.jsonl": XM3600})
    english, german = xm3600.load(tmp_path, ALL)
    assert (english.language, english.texts) == ("en", ("A hill", "A house"))
    assert (german.texts, german.origin.rule) == (("Ein Berg", "Ein Haus"), "first")
    (german,) = xm3600.load(tmp_path, LoadOptions(captions="all", languages=("de",)))
    assert (german.texts, german.origin.rule) == (("Ein Berg", "Berge", "Ein Haus"), "all")
    assert german.picture_of.tolist() == [0, 0, 1]
    assert german.text_keys == ("00a1#0", "00a1#1", "00b2#0")


def test_xm3600_has_no_first_five(tmp_path):
    with pytest.raises(DatasetError, match="no captions rule 'first5'"):
        xm3600.load(tmp_path, LoadOptions(captions="first5"))


def test_xm3600_refuses_a_line_that_lacks_a_language(tmp_path):
    write(tmp_path, {"captions.jsonl": XM3600 + '{"image/key": "00c3", "en": {"caption": ["x"]}}'})
    with pytest.raises(DatasetError, match="a line lacks 'de'"):
        xm3600.load(tmp_path, LoadOptions())


def multi30k_files(folder):
    touch(folder, "images/1.jpg", "images/2.jpg")
    return write(
        folder,
        {
            "data/task1/image_splits/test_2016_flickr.txt": "1.jpg\n2.jpg\n",
            "data/task1/raw/test_2016_flickr.en": "A man.\nA dog.\n",
            "data/task1/raw/test_2016_flickr.de.gz": gzip.compress(b"Ein Mann.\nEin Hund.\n"),
        },
    )


def test_multi30k_reads_plain_and_packed_lines(tmp_path):
    english, german = multi30k.load(multi30k_files(tmp_path), ALL)
    assert (english.language, english.texts) == ("en", ("A man.", "A dog."))
    assert (german.language, german.texts) == ("de", ("Ein Mann.", "Ein Hund."))
    assert sorted(german.origin.sha256) == ["test_2016_flickr.de.gz", "test_2016_flickr.txt"]
    assert german.origin.split == "test_2016_flickr"


def test_multi30k_names_coco_pictures_by_their_captions(tmp_path):
    picture = "COCO_val2014_000000398076.jpg"
    touch(tmp_path / "coco", f"val2014/{picture}")
    write(
        tmp_path / "multi30k",
        {
            "data/task1/image_splits/test_2017_mscoco.txt": f"{picture}#657409\n{picture}#657410\n",
            "data/task1/raw/test_2017_mscoco.fr": "Un train.\nUne gare.\n",
        },
    )
    options = LoadOptions(split="test_2017_mscoco", languages=("fr",))
    (found,) = multi30k.load(tmp_path / "multi30k", options)
    assert [each.key for each in found.pictures] == [picture]
    assert found.text_keys == (f"{picture}#657409", f"{picture}#657410")


def test_multi30k_refuses_files_that_do_not_fit_and_languages_that_are_not_there(tmp_path):
    folder = multi30k_files(tmp_path)
    with pytest.raises(DatasetError, match="no language 'cs'") as caught:
        multi30k.load(folder, LoadOptions(languages=("cs",)))
    assert caught.value.hint == "it has en, de"
    write(folder, {"data/task1/raw/test_2016_flickr.en": "A man.\n"})
    with pytest.raises(DatasetError, match="has 1 captions for 2 images"):
        multi30k.load(folder, LoadOptions())


@pytest.mark.parametrize(
    "content",
    [
        "image,caption\n100.jpg,一只狗, 在跑\n100.jpg,狗\n200.jpg,两个人\n",
        "100\t一只狗, 在跑\n100\t狗\n200\t两个人\n",
    ],
)
def test_flickr30k_cn_reads_both_forms(tmp_path, content):
    touch(tmp_path, "images/100.jpg", "images/200.jpg")
    write(tmp_path, {"flickr30k_cn_test.txt": content})
    (found,) = flickr30k_cn.load(tmp_path, LoadOptions(languages=("zh",)))
    assert found.texts == ("一只狗, 在跑", "狗", "两个人")
    assert found.picture_of.tolist() == [0, 0, 1]
    assert (found.language, found.origin.rule) == ("zh", "all")


@pytest.mark.parametrize(
    "line",
    [
        "831025550.jpg,一个:m 打:v 着:uzhe 石膏:n 的:ude 小:a 女孩:n",
        "831025550#zhm#4 一个:m 打:v 着:uzhe 石膏:n 的:ude 小:a 女孩:n",
        "861608773#zhm#4 狗:n 跑步:vi 。:wj",
    ],
)
def test_flickr30k_cn_refuses_parts_of_speech(tmp_path, line):
    write(tmp_path, {"flickr30k_test_zh.txt": f"100.jpg,狗\n{line}\n"})
    with pytest.raises(DatasetError, match="line 2 holds words with their parts of speech") as no:
        flickr30k_cn.load(tmp_path, LoadOptions())
    assert "PR 101" in (no.value.hint or "")


@pytest.mark.parametrize("line", ["100.png,狗", "100.jpg,", "狗", ""])
def test_flickr30k_cn_names_a_line_of_another_form(tmp_path, line):
    write(tmp_path, {"flickr30k_cn_test.txt": f"100.jpg,时间:12 点\n{line}\n"})
    with pytest.raises(DatasetError, match="line 2 is no image with its caption"):
        flickr30k_cn.load(tmp_path, LoadOptions())


COCO_CN = {
    "coco-cn_test.txt": "COCO_val2014_000000316323\nCOCO_train2014_000000000101\n",
    "imageid.human-written-caption.txt": "COCO_train2014_000000000101#0\t文本\n"
    "COCO_val2014_000000316323#0\t一只猫\nCOCO_val2014_000000316323#1\t猫\n"
    "COCO_val2014_000000000009#0\t在别处\n",
}


def test_coco_cn_takes_the_captions_of_its_split_in_the_order_of_the_split(tmp_path):
    touch(
        tmp_path / "coco",
        "val2014/COCO_val2014_000000316323.jpg",
        "train2014/COCO_train2014_000000000101.jpg",
    )
    (found,) = coco_cn.load(write(tmp_path / "coco_cn", COCO_CN), LoadOptions())
    assert found.texts == ("一只猫", "猫", "文本")
    assert found.text_keys[2] == "COCO_train2014_000000000101#0"
    assert (found.origin.split, len(found.origin.sha256)) == ("test", 2)


def test_coco_cn_refuses_an_image_without_a_caption_and_a_line_without_a_tab(tmp_path):
    write(tmp_path, COCO_CN | {"coco-cn_test.txt": "COCO_val2014_000000000001\n"})
    with pytest.raises(DatasetError, match="COCO_val2014_000000000001"):
        coco_cn.load(tmp_path, LoadOptions())
    write(tmp_path, {"imageid.human-written-caption.txt": "COCO_val2014_000000000001#0 文本\n"})
    with pytest.raises(DatasetError, match="line 1 is no image with its caption"):
        coco_cn.load(tmp_path, LoadOptions())
