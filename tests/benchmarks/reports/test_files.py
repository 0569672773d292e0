"""The files beside the page: Markdown and tables, letter for letter."""

import csv
import io
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.reports.clip_benchmark import COLUMNS, as_clip_benchmark
from benchmarks.reports.drawn import Drawn, drawn
from benchmarks.reports.markdown import as_markdown
from benchmarks.reports.shown.figures import as_csv, figure_rows
from benchmarks.reports.shown.report import report_of
from benchmarks.reports.thumbnails import SIDE_PX, Thumbnail, thumbnail
from benchmarks.reports.writing import write_report
from tests.benchmarks.reports.kit import KNOWN, babel, folder_of, record

SOURCE = (
    "open_clip, docs/openclip_retrieval_results.csv and "
    "docs/openclip_multilingual_retrieval_results.csv"
)
FIGURES = f"""\
record,dataset,split,language,captions,gallery,folds,prompt,rerank,training,model,fingerprint,\
system,entrant,figure,value,published,delta_pp,verdict,source,reasons
1,coco,test,en,first5,complete,1,,,zero-shot,openclip:ViT-B-32:openai,{"f" * 64},exact,\
ViT-B-32:openai,t2i_r@1,0.3054,0.3044,,incomparable,"{SOURCE}","captions: first5 here, all there \
(on COCO 25,000 or 25,010 captions, worth up to 0.1 pp)"
1,coco,test,en,first5,complete,1,,,zero-shot,openclip:ViT-B-32:openai,{"f" * 64},exact,\
ViT-B-32:openai,rsum,134.6,,,,,
"""


def test_figures_are_one_a_row():
    figures = {"t2i_r@1": 0.3054, "rsum": 134.6}
    assert as_csv(figure_rows([record(captions="first5", figures=figures)])) == FIGURES


MARKDOWN = """\
# Measured on coco

2 records of mini and openclip:ViT-B-32:openai; polyseek bench report

## Beside published figures

1 reproduced.

### coco test en, captions all, ViT-B-32:openai, exact; published: SOURCE

| figure | here | published | delta | verdict |
| --- | ---: | ---: | ---: | --- |
| t2i\\_r@1 | 30.54 | 30.44 | +0.10 | reproduced |

Nothing comparable was published of mini.

## Settings beside those of the reference

What is known of either run, the likeliest cause of a difference first.

### coco test en, captions all, ViT-B-32:openai; published: SOURCE

| setting | here | published |  |
| --- | --- | --- | --- |
| n pictures | 5000 | 5000 |  |
| n texts | 25010 | 25010 |  |
| activation | not known | quick\\_gelu |  |
| lower case | not known | yes |  |
| resize | not known | shortest |  |
| antialias | not known | yes |  |
| interpolation | not known | bicubic |  |
| decoding | not known | full |  |
| precision | not known | amp |  |

## All figures

Shares in percent; ranks and sums as they are.

### coco test en, captions all

| model | search | t2i\\_r@1 | t2i\\_mean\\_rank |
| --- | --- | ---: | ---: |
| mini | exact | 25.00 | 7.50 |
| ViT-B-32:openai | exact | 30.54 | - |

## What the figures rest on

### Data

| data set | what | value |
| --- | --- | --- |
| coco test | sha256 of coco\\_test\\_ids.npy | AAA |
| coco test | sha256 of the pictures | BBB |

### Models

| model | what | value |
| --- | --- | --- |
| mini | name | mini |
| mini | fingerprint | FFF |
| mini | dimensions | 8 |
| ViT-B-32:openai | name | openclip:ViT-B-32:openai |
| ViT-B-32:openai | fingerprint | FFF |
| ViT-B-32:openai | dimensions | 8 |

### Settings

| protocol | model | settings |
| --- | --- | --- |
| coco test | mini | score float32 cosine |
| coco test | ViT-B-32:openai | score float32 cosine |

### Environment

| what | value |
| --- | --- |
| packages | numpy 2.0 |
| python | 3.11 |

### Times

| protocol | model | search | wall s |
| --- | --- | --- | ---: |
| coco test en, captions all | mini | exact | 2.500 |
| coco test en, captions all | ViT-B-32:openai | exact | 2.500 |
"""


def test_the_report_in_markdown(tmp_path):
    first = record("mini", figures={"t2i_r@1": 0.25, "t2i_mean_rank": 7.5})
    run = folder_of(tmp_path, first, record(figures={"t2i_r@1": 0.3054}))
    text = as_markdown(report_of(run), Drawn((), (), (), ()))
    for short, long in (("SOURCE", SOURCE.replace("_", "\\_")), ("AAA", KNOWN)):
        text = text.replace(long, short)
    assert text.replace("b" * 64, "BBB").replace("f" * 64, "FFF") == MARKDOWN


def test_markdown_names_the_plots_beside_it(tmp_path):
    report = report_of(folder_of(tmp_path, record()))
    plots = drawn(report)
    text = as_markdown(report, plots)
    for plot in plots.all:
        assert f"]({plot.name}.svg)" in text


def test_words_cannot_break_a_markdown_table(tmp_path):
    run = folder_of(tmp_path, record("a|b\n<i>", figures={"x": 0.5}))
    text = as_markdown(report_of(run), Drawn((), (), (), ()))
    assert "| a\\|b \\<i\\> | exact | 50.00 |" in text


def test_clip_benchmarks_table_has_its_columns_and_names():
    text, n_left_out = as_clip_benchmark(
        [
            record(),
            record(dataset="flickr30k", captions="first5"),
            record("mini", dataset="coco-mini"),
            record(system="auto"),
            record(folds=5),
            babel("DE", 738, 0.25),
            record("mini", dataset="xtd", language="ja", captions=""),
        ]
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == COLUMNS
    assert n_left_out == 3
    coco, flickr, classes, xtd = rows
    assert (coco["dataset"], coco["task"]) == ("mscoco_captions", "zeroshot_retrieval")
    assert (coco["model"], coco["pretrained"]) == ("ViT-B-32", "openai")
    assert coco["model_fullname"] == "ViT-B-32 openai"
    assert coco["image_retrieval_recall@1"] == "0.3054"
    assert coco["text_retrieval_recall@1"] == "0.4812"
    assert (coco["acc1"], coco["differs"]) == ("", "")
    assert (flickr["dataset"], flickr["differs"]) == ("flickr30k", "")
    assert (classes["dataset"], classes["language"]) == ("babel_imagenet", "DE")
    assert (classes["acc1"], classes["task"]) == ("0.25", "zeroshot_classification")
    assert classes["differs"] == "prompt label"
    assert (xtd["dataset"], xtd["language"]) == ("multilingual_mscoco_captions", "jp")


def test_languages_have_clip_benchmarks_codes():
    runs = [record(dataset="xtd200", language=code, captions="") for code in ("en", "de")]
    rows = list(csv.DictReader(io.StringIO(as_clip_benchmark(runs)[0])))
    assert [(row["dataset"], row["language"]) for row in rows] == [
        ("xtd200", "eng_Latn"),
        ("xtd200", "deu_Latn"),
    ]


def test_one_picture_a_class_is_told():
    text, _ = as_clip_benchmark([replace(babel("DE", 738, 0.25), counts={"pictures_per_class": 1})])
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["differs"] == "prompt label; pictures of a class 1"


def test_what_a_record_does_otherwise_is_told():
    text, _ = as_clip_benchmark([record(captions="first5", gallery="79 of 5000")])
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["differs"] == "captions first5; gallery 79 of 5000"


def test_a_thumbnail_is_small_and_keeps_nothing_of_the_file(tmp_path):
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    Image.new("RGB", (1000, 500), "red").save(path, exif=exif, comment=b"secret")
    found = thumbnail(path)
    assert isinstance(found, Thumbnail)
    assert (found.width, found.height) == (SIDE_PX, SIDE_PX // 2)
    content = b64decode(found.uri.partition(",")[2])
    assert b"where" not in content
    assert b"secret" not in content
    with Image.open(io.BytesIO(content)) as image:
        assert (image.size, dict(image.getexif())) == ((SIDE_PX, SIDE_PX // 2), {})


@pytest.mark.parametrize(("content", "reason"), [(None, "missing"), (b"no", "not an image")])
def test_a_picture_that_is_none_says_so(tmp_path, content, reason):
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    assert thumbnail(path) == reason


def test_all_files_are_written_or_none(tmp_path, monkeypatch):
    run = folder_of(tmp_path / "run", record())
    report = report_of(run)
    out = tmp_path / "out"
    out.mkdir()
    paths, n_left_out = write_report(report, run, out)
    assert n_left_out == 0
    assert sorted(out.iterdir()) == sorted(paths)
    before = {path: path.read_bytes() for path in paths}
    write_report(report, run, out)
    assert {path: path.read_bytes() for path in out.iterdir()} == before

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(report_of(folder_of(tmp_path / "run")), run, out)
    assert {path: path.read_bytes() for path in out.iterdir()} == before
