"""The texts gallery follows the captions of its sources: added, changed, moved, taken back."""

import os
import random

import pytest
from PIL import Image

from indexer.layout import CAPTIONS_DUE
from indexer.pipeline import Pipeline
from retrieval.model import FIRST_ID
from retrieval.store.collection import Collection
from tests.indexer.service.kit import index, paint
from tests.retrieval.images.test_descriptions import xmp


@pytest.fixture
def photos(tmp_path):
    for number, name in enumerate(["a", "b", "c"]):
        paint(tmp_path / "photos" / f"{name}.png", number)
    return tmp_path / "photos"


@pytest.fixture
def collection(tmp_path):
    return tmp_path / "collection"


def say(photos, **captions):
    """Write sidecars: say(photos, a="a dog") is a.txt; None takes one away."""
    for name, text in captions.items():
        path = photos / f"{name}.txt"
        path.unlink(missing_ok=True) if text is None else path.write_text(text, encoding="utf-8")


def counts(report):
    texts = report.texts
    return texts.added, texts.removed, texts.unchanged, len(texts.skipped)


def said(collection):
    """(text, picture, source) by base names, as the catalogue has them."""
    with Collection.open(collection) as view:
        gallery = view.gallery("texts")
        ids = [each for segment in gallery.segments for each in segment.ids.tolist()]
        records = view.catalogue.hydrate(ids, view.generation).values()
        assert len(records) == gallery.n_items, "living texts are those that have a file"
        return sorted(
            (record.captions[0], *(os.path.basename(each).decode() for each in (f.path, f.source)))
            for record in records
            for f in record.files
        )


def test_captions_beside_pictures_become_texts(photos, collection):
    say(photos, a="a dog\nDogs!", b="a dog")
    assert counts(index(photos, collection)) == (3, 0, 0, 0)
    assert said(collection) == [
        ("Dogs!", "a.png", "a.txt"),
        ("a dog", "a.png", "a.txt"),
        ("a dog", "b.png", "b.txt"),
    ]
    with Collection.open(collection) as view:
        assert view.gallery("texts").n_items == 2, "equal texts are one item"
        assert view.gallery("images").n_items == 3


def test_a_second_run_changes_nothing_and_reads_nothing(photos, collection, monkeypatch):
    say(photos, a="a dog", c="")
    generation = index(photos, collection).generation
    report = index(photos, collection)
    assert counts(report) == (0, 0, 1, 0)
    assert report.generation == generation


def test_a_changed_caption_takes_the_place_of_the_old_one(photos, collection):
    say(photos, a="a dog", b="a cat")
    index(photos, collection)
    say(photos, a="a horse\nan animal")
    assert counts(index(photos, collection)) == (2, 1, 1, 0)
    assert [text for text, *_ in said(collection)] == ["a cat", "a horse", "an animal"]


def test_a_caption_goes_with_its_file_and_comes_back(photos, collection):
    say(photos, a="a dog")
    index(photos, collection)
    say(photos, a=None)
    assert counts(index(photos, collection)) == (0, 1, 0, 0)
    assert said(collection) == []
    say(photos, a="a dog")
    assert counts(index(photos, collection)) == (1, 0, 0, 0)
    assert said(collection) == [("a dog", "a.png", "a.txt")]


def test_a_caption_goes_with_its_picture(photos, collection):
    say(photos, a="a dog")
    index(photos, collection)
    (photos / "a.png").unlink()
    assert counts(index(photos, collection)) == (0, 1, 0, 0)
    assert said(collection) == []


def test_a_picture_that_comes_later_finds_its_caption(photos, collection):
    (photos / "c.png").rename(photos.parent / "c.png")
    say(photos, c="a cat")
    index(photos, collection)
    assert said(collection) == []
    (photos.parent / "c.png").rename(photos / "c.png")
    assert counts(index(photos, collection)) == (1, 0, 0, 0)


def test_a_renamed_pair_keeps_its_vector(photos, collection, monkeypatch):
    say(photos, a="a dog")
    index(photos, collection)
    (photos / "a.png").rename(photos / "z.png")
    (photos / "a.txt").rename(photos / "z.txt")
    report = index(photos, collection)
    assert (report.moved, counts(report)) == (1, (1, 1, 0, 0))
    assert said(collection) == [("a dog", "z.png", "z.txt")]
    with Collection.open(collection) as view:
        assert view.gallery("texts").segments[0].ids.tolist() == [FIRST_ID["texts"]]


def test_a_nearer_file_takes_the_place_of_another(photos, collection):
    say(photos, a="far")
    index(photos, collection)
    (photos / "a.png.txt").write_text("near")
    report = index(photos, collection)
    assert counts(report) == (1, 1, 0, 0)
    assert [skip.reason for skip in report.skipped] == ["another captions file: a.png.txt"]
    assert said(collection) == [("near", "a.png", "a.png.txt")]


def test_what_is_written_inside_a_picture_follows_the_picture(photos, collection):
    image = Image.new("RGB", (16, 16), "red")
    image.save(photos / "d.jpg", xmp=xmp("a red square").encode())
    assert counts(index(photos, collection)) == (1, 0, 0, 0)
    assert said(collection) == [("a red square", "d.jpg", "d.jpg")]
    (photos / "d.jpg").rename(photos / "e.jpg")
    assert counts(index(photos, collection)) == (1, 1, 0, 0)
    assert said(collection) == [("a red square", "e.jpg", "e.jpg")]
    image.save(photos / "e.jpg", xmp=xmp("a square").encode())
    assert counts(index(photos, collection)) == (1, 1, 0, 0)
    (photos / "e.jpg").unlink()
    assert counts(index(photos, collection)) == (0, 1, 0, 0)
    assert said(collection) == []


def test_a_text_that_two_sources_say_counts_once_and_stays(photos, collection):
    Image.new("RGB", (16, 16), "red").save(photos / "d.jpg", xmp=xmp("red").encode())
    say(photos, d="red")
    assert counts(index(photos, collection)) == (1, 0, 0, 0)
    assert counts(index(photos, collection)) == (0, 0, 1, 0)
    assert said(collection) == [("red", "d.jpg", "d.txt")]


def test_a_list_names_pictures_and_captions(photos, collection):
    pairs = photos.parent / "pairs.csv"
    pairs.write_text("image,caption\nphotos/a.png,a dog\nphotos/b.png,\nphotos/z.png,gone\n")
    report = index(pairs, collection)
    assert (report.added, counts(report)) == (2, (1, 0, 0, 2))
    assert {skip.reason for skip in report.skipped} == {"no such file"}
    assert sorted(skip.reason for skip in report.texts.skipped) == [
        "caption without image: z.png",
        "image without caption",
    ]
    assert counts(index(pairs, collection)) == (0, 0, 1, 0)


def test_a_list_takes_back_what_it_says_no_more_and_keeps_the_pictures(photos, collection):
    pairs = photos.parent / "pairs.csv"
    pairs.write_text("image,caption\nphotos/a.png,a dog\nphotos/b.png,a cat\n")
    index(pairs, collection)
    pairs.write_text("image,caption\nphotos/a.png,a dog\n")
    report = index(pairs, collection)
    assert (report.removed, counts(report)) == (0, (0, 1, 1, 0))
    assert said(collection) == [("a dog", "a.png", "pairs.csv")]
    report = index(photos, collection)
    assert (report.unchanged, counts(report)) == (2, (0, 0, 0, 0)), "a folder leaves lists alone"


def test_captions_can_be_left_out(photos, collection):
    say(photos, a="a dog")
    assert index(photos, collection, captions=False).texts is None
    assert said(collection) == []
    assert counts(index(photos, collection)) == (1, 0, 0, 0)


def test_an_unreadable_source_keeps_what_it_said(photos, collection, monkeypatch):
    say(photos, a="a dog")
    index(photos, collection)
    say(photos, a="x" * (1 << 21))
    assert counts(index(photos, collection)) == (0, 0, 1, 1)
    assert said(collection) == [("a dog", "a.png", "a.txt")]


def test_a_run_that_died_before_the_captions_is_made_good(photos, collection, monkeypatch):
    pairs = photos.parent / "pairs.csv"
    pairs.write_text("image,caption\nphotos/a.png,a dog\n")
    index(pairs, collection)
    Image.new("RGB", (16, 16), "red").save(photos / "d.jpg", xmp=xmp("red").encode())

    def pipeline_then_die(*arguments, **options):
        run(*arguments, **options)
        raise KeyboardInterrupt

    run = Pipeline.run
    monkeypatch.setattr(Pipeline, "run", pipeline_then_die)
    with pytest.raises(KeyboardInterrupt):
        index(photos, collection)
    monkeypatch.undo()
    assert (collection / CAPTIONS_DUE).exists()
    report = index(photos, collection)
    assert (report.unchanged, counts(report)) == (4, (1, 0, 0, 0))
    assert not (collection / CAPTIONS_DUE).exists()
    assert ("red", "d.jpg", "d.jpg") in said(collection)


def test_any_life_of_captions_ends_as_a_fresh_index_of_them(photos, tmp_path):
    rng = random.Random(5)
    texts = ["a dog", "a cat", "a dog\na cat", "", "two\nlines\nand one", None]
    for step in range(12):
        say(photos, **{rng.choice("abc"): rng.choice(texts) for _ in range(2)})
        if step % 4 == 3:
            source, target = rng.sample("abcd", 2)
            if (photos / f"{source}.png").exists():
                (photos / f"{source}.png").replace(photos / f"{target}.png")
        index(photos, tmp_path / "old", segment_items=2, prune=True)
        index(photos, tmp_path / f"fresh{step}")
        assert said(tmp_path / "old") == said(tmp_path / f"fresh{step}")


def test_a_text_that_another_source_says_still_stays_when_the_first_takes_it_back(
    photos, collection
):
    pairs = photos.parent / "pairs.csv"
    pairs.write_text("image,caption\nphotos/a.png,one cat\nphotos/b.png,three dogs\n")
    say(photos, a="one cat\ntwo cats")
    index([photos, pairs], collection)
    assert counts(index([photos, pairs], collection))[:2] == (0, 0)
    say(photos, a="two cats")
    index([photos, pairs], collection)
    assert ("one cat", "a.png", "pairs.csv") in said(collection)
    pairs.write_text("image,caption\nphotos/b.png,three dogs\n")
    index([photos, pairs], collection)
    assert [text for text, *_ in said(collection)] == ["three dogs", "two cats"]


def test_what_a_picture_says_itself_stays_when_the_file_beside_it_goes(photos, collection):
    Image.new("RGB", (16, 16), "red").save(photos / "d.jpg", xmp=xmp("red").encode())
    say(photos, d="red")
    index(photos, collection)
    say(photos, d=None)
    index(photos, collection)
    assert said(collection) == [("red", "d.jpg", "d.jpg")]
    assert counts(index(photos, collection)) == (0, 0, 1, 0)


def test_a_list_that_was_renamed_takes_its_captions_over(photos, collection):
    pairs, renamed = photos.parent / "l.csv", photos.parent / "m.csv"
    pairs.write_text("image,caption\nphotos/a.png,a dog\nphotos/b.png,a cat\n")
    index(pairs, collection)
    pairs.rename(renamed)
    index(renamed, collection)
    assert {source for *_, source in said(collection)} == {"m.csv"}
    renamed.write_text("image,caption\nphotos/a.png,a dog\n")
    index(renamed, collection)
    assert said(collection) == [("a dog", "a.png", "m.csv")]


def test_without_captions_and_then_with_them_is_as_with_them(photos, collection):
    image = Image.new("RGB", (16, 16), "red")
    image.save(photos / "d.jpg", xmp=xmp("first").encode())
    say(photos, a="a dog", b="a cat")
    index(photos, collection, captions=False)
    index(photos, collection)
    assert [text for text, *_ in said(collection)] == ["a cat", "a dog", "first"]
    image.save(photos / "d.jpg", xmp=xmp("second").encode())
    (photos / "b.png").unlink()
    index(photos, collection, captions=False)
    index(photos, collection)
    assert [text for text, *_ in said(collection)] == ["a dog", "second"]


def test_what_is_due_of_one_folder_outlives_a_run_over_another(photos, collection):
    paint(photos.parent / "other" / "x.png", 77)
    Image.new("RGB", (16, 16), "red").save(photos / "d.jpg", xmp=xmp("red").encode())
    index(photos, collection, captions=False)
    index(photos.parent / "other", collection)
    assert said(collection) == []
    index(photos, collection)
    assert said(collection) == [("red", "d.jpg", "d.jpg")]
    assert not (collection / CAPTIONS_DUE).exists()
