"""What is made of the files of others, on literal samples of them."""

import json

import pytest

from benchmarks.reference import (
    from_babel,
    from_clip_benchmark,
    from_composed,
    from_open_clip,
    from_papers,
)
from benchmarks.reference.reading import read_values
from benchmarks.reference.writing import write_table, write_values

ENGLISH = """\
name,pretrained,params (M),{columns}
ViT-B-32,openai,151.28,{figures}
ViT-B-32-quickgelu,openai,151.28,{others}
"""
COLUMNS = [
    f"{data_set} {found} retr. R@{k}"
    for data_set in ("Flickr", "MSCOCO")
    for found in ("image", "text")
    for k in (1, 5, 10)
]
FIGURES = ["0.5878", "0.8356", "0.9002", "0.7890", "0.9490", "0.9820",
           "0.3044", "0.5594", "0.6687", "0.5012", "0.7500", "0.8352"]  # fmt: skip

MANY = [
    f"{data_set} {found}_retrieval_recall@{k} {language}"
    for data_set, languages in (
        ("crossmodal3600", ("avg", "de", "iw")),
        ("multilingual_mscoco_captions", ("avg", "jp")),
    )
    for found in ("image", "text")
    for k in (1, 10, 5)
    for language in languages
]


def docs_of_open_clip(folder, *, others=FIGURES):
    """Its two tables, with one model under two names."""
    (folder / from_open_clip.RETRIEVAL).write_text(
        ENGLISH.format(
            columns=",".join(COLUMNS), figures=",".join(FIGURES), others=",".join(others)
        ),
        encoding="utf-8",
    )
    values = ",".join(f"0.{row:02d}" for row in range(len(MANY)))
    (folder / from_open_clip.MULTILINGUAL).write_text(
        f"model,version,avg,{','.join(MANY)}\nnllb-clip-base,v1,0.5,{values}\n", encoding="utf-8"
    )
    return folder


def test_tables_of_open_clip(tmp_path):
    tables = dict(from_open_clip.tables(docs_of_open_clip(tmp_path)))
    assert tables["flickr30k.open_clip"] == [
        {"model": "ViT-B-32", "pretrained": "openai",
         "t2i_r@1": "0.5878", "t2i_r@5": "0.8356", "t2i_r@10": "0.9002",
         "i2t_r@1": "0.7890", "i2t_r@5": "0.9490", "i2t_r@10": "0.9820"},
    ]  # fmt: skip
    assert tables["coco.open_clip"][0]["i2t_r@1"] == "0.5012"
    assert tables["xm3600.open_clip"][:2] == [
        {"model": "nllb-clip-base", "pretrained": "v1", "metric": "t2i_r@1",
         "de": "0.01", "he": "0.02"},
        {"model": "nllb-clip-base", "pretrained": "v1", "metric": "t2i_r@5",
         "de": "0.07", "he": "0.08"},
    ]  # fmt: skip
    assert [*tables["xtd.open_clip"][0]] == ["model", "pretrained", "metric", "ja"]


def test_one_model_with_two_figures_is_refused(tmp_path):
    others = ["0.1", *FIGURES[1:]]
    with pytest.raises(ValueError, match="two rows"):
        dict(from_open_clip.tables(docs_of_open_clip(tmp_path, others=others)))


def test_tables_of_clip_benchmark(tmp_path):
    (tmp_path / from_clip_benchmark.FILE).write_text(
        "acc1,dataset,model,pretrained,image_retrieval_recall@5,text_retrieval_recall@5\n"
        ",flickr30k,ViT-B-32,openai,0.8342000246047974,0.9490000009536743\n"
        ",flickr8k,ViT-B-32,openai,0.8,0.9\n"
        "0.63,imagenet1k,ViT-B-32,openai,,\n",
        encoding="utf-8",
    )
    assert dict(from_clip_benchmark.tables(tmp_path)) == {
        "flickr30k.clip_benchmark": [
            {"model": "ViT-B-32", "pretrained": "openai", "t2i_r@5": 0.8342, "i2t_r@5": 0.949}
        ],
        "coco.clip_benchmark": [],
    }


def result_file(folder, results):
    folder.mkdir(parents=True)
    meta = {"model": "xlm-roberta-base-ViT-B-32@laion5b_s13b_b90k", "source": "openclip"}
    text = json.dumps({"meta": meta, "results": results})
    (folder / "openclip-xlmrb-vitb32.json").write_text(text, encoding="utf-8")


def test_tables_of_babel_imagenet(tmp_path):
    zeroshot = [
        {"lang": lang, "prompt": prompt, "num_classes": n, "accuracy": accuracy}
        for lang, prompt, n, accuracy in (
            ("FR", "nllb_dist13b_prompts", 799, 0.4620776),
            ("FR", "label", 799, 0.42973717146433044),
            ("EN", "nllb_dist13b_prompts", 1_000, 0.62324),
        )
    ]
    result_file(tmp_path / "babel-imagenet", zeroshot)
    figures = {"t2i_r@1": 0.5450000166893005, "i2t_r@1": 0.5879999995231628}
    for name in ("xtd", "xflickrco", "xm3600"):
        result_file(tmp_path / "retrieval" / name, [{**figures, "lang": "jp"}])
    tables = dict(from_babel.tables(tmp_path))
    model = "xlm-roberta-base-ViT-B-32:laion5b_s13b_b90k"
    assert tables["babel-imagenet.babel_imagenet"] == [
        {"language": "EN", "prompt": "openai_en", "n_classes": 1_000,
         "gallery": "OpenAI's class names", model: 0.62324},
        {"language": "FR", "prompt": "label", "n_classes": 799, "gallery": "", model: 0.429737},
        {"language": "FR", "prompt": "translated", "n_classes": 799, "gallery": "",
         model: 0.462078},
    ]  # fmt: skip
    assert tables["xtd.babel_imagenet"] == [
        {"model": "xlm-roberta-base-ViT-B-32", "pretrained": "laion5b_s13b_b90k",
         "language": "ja", "t2i_r@1": 0.545, "i2t_r@1": 0.588},
    ]  # fmt: skip


def recalls(first, fifth=None, tenth=None):
    return {"R@1": first, "R@5": fifth, "R@10": tenth}


def test_values_of_papers(tmp_path):
    readme = {
        "model": "OpenAI ViT-L/14 (eccv_caption README)",
        "setting": "zero-shot",
        "flickr30k_1k": {"i2t": None, "t2i": None},
        "coco_5k": {"i2t": recalls(56.36, 79.28, 86.7), "t2i": recalls(36.58)},
        "source": "naver-ai/eccv-caption README",
        "note": "25,000 captions; coco_1k I2T 74.26/92.82/96.58 T2I 55.44/82.32/90.15",
    }
    (tmp_path / from_papers.CROSSMODAL).write_text(json.dumps({"rows": [readme]}))
    (tmp_path / from_papers.CHINESE).write_text("[]")
    found = {name: rows for name, _, rows in from_papers.values(tmp_path)}
    assert found["flickr30k"] == found["coco-cn"] == []
    whole, folded, further = found["coco"]
    assert (whole["model"], whole["pretrained"], whole["captions"]) == (
        "ViT-L-14", "openai", "first5",
    )  # fmt: skip
    assert whole["figures"] == {
        "t2i_r@1": 36.58, "i2t_r@1": 56.36, "i2t_r@5": 79.28, "i2t_r@10": 86.7,
    }  # fmt: skip
    assert folded["folds"] == 5
    assert folded["figures"]["t2i_r@10"] == 90.15
    assert further["figures"]["i2t_eccv_map@r"] == 23.99


def test_composed_values(tmp_path):
    row = {
        "method": "image-only",
        "backbone": "CLIP ViT-B/32",
        "setting": "zero-shot",
        "circo_test_mAP@5/10/25/50": [1.34, 1.6, 2.12, 2.41],
        "cirr_test_R@1/5/10/50": [6.89, 22.99, 33.68, None],
        "cirr_test_Rsubset@1/2/3": None,
        "fashioniq_val_avg_R@10/50": None,
        "fashioniq_val_per_cat_R@10/50": {"dress": [4.46, 12.19]},
        "source": "table copied in AutoCIR paper",
        "note": "CIRCO row is from the writer's memory, UNVERIFIED",
    }
    (tmp_path / from_composed.FILE).write_text(json.dumps([row]))
    found = {name: rows for name, _, rows in from_composed.values(tmp_path)}
    assert found["circo"][0]["source"] == "memory"
    assert found["cirr"][0]["source"] == "autocir"
    assert found["cirr"][0]["figures"] == {"r@1": 6.89, "r@5": 22.99, "r@10": 33.68}
    assert [(each["split"], each["figures"]) for each in found["fashioniq"]] == [
        ("val dress", {"r@10": 4.46, "r@50": 12.19})
    ]


def test_values_are_read_as_they_were_written(tmp_path):
    row = {
        "model": 'A "B"', "pretrained": "", "source": "align", "split": "test",
        "note": "é", "figures": {"t2i_r@1": 50.5},
    }  # fmt: skip
    write_values(tmp_path / "coco.toml", "a.json", [row])
    text = (tmp_path / "coco.toml").read_text(encoding="utf-8")
    assert text.startswith("# Made from a.json")
    (found,) = read_values("coco", text)
    assert (found.model, found.share, found.note) == (('A "B"', ""), 0.505, "é")


def test_a_table_has_plain_line_ends(tmp_path):
    write_table(tmp_path / "a.csv", [{"model": "A, B", "x": 0.5}])
    assert (tmp_path / "a.csv").read_bytes() == b'model,x\n"A, B",0.5\n'
