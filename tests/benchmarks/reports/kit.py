"""A small run that is written down here, and what reads pages back."""

from html.parser import HTMLParser

import numpy as np

from benchmarks.records.folder import RunFolder
from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import RunRecord

VOID = {"meta", "img"}

KNOWN = "edf99145aaed260188fd9384c1329ed287fca0e9b92e4e59de46660667932a15"
"""sha256 of the published ids of COCO's test split."""


def record(name="openclip:ViT-B-32:openai", system="exact", **changes):
    """A record of COCO at published figures, but for what is changed."""
    given = {
        "dataset": "coco",
        "split": "test",
        "language": "en",
        "captions": "all",
        "figures": {"t2i_r@1": 0.3054, "t2i_r@5": 0.5594, "i2t_r@1": 0.4812, "rsum": 134.6},
        "counts": {"pictures": 5000, "texts": 25010, "t2i_queries": 25010, "i2t_queries": 5000},
        "annotations": {"coco_test_ids.npy": KNOWN},
        "settings": {"score": "float32 cosine"},
        "times": {"wall_s": 2.5},
        "ranks": "",
    } | changes
    key = {
        field: given[field]
        for field in ("dataset", "split", "language", "captions", "folds", "gallery", "prompt")
        if field in given
    }
    return RunRecord(
        ProtocolKey(**key),
        system,
        given["figures"],
        given["counts"],
        {"name": name, "fingerprint": given.get("fingerprint", "f" * 64), "dim": 8, "parts": {}},
        {"annotations": given["annotations"], "pictures": "b" * 64, "missing": []},
        given["settings"],
        {"packages": {"numpy": "2.0"}, "revision": "", "python": "3.11"},
        given["times"],
        given["ranks"],
    )


def babel(language, n_classes, top1, name="mini", **changes):
    """A record of Babel-ImageNet."""
    return record(
        name,
        dataset="babel-imagenet",
        split="val",
        language=language,
        captions="",
        prompt="label",
        figures={"top1": top1},
        counts={"classes": n_classes, "pictures": 50_000, "pictures_per_class": 50},
        **changes,
    )


def folder_of(path, *records):
    """A run of these records."""
    folder = RunFolder(path)
    for each in records:
        folder.add(each)
    return folder


def ranked(folder, **ranks):
    """The digest of ranks that are kept in a run."""
    return folder.add_ranks({way: np.array(own) for way, own in ranks.items()})


class Page(HTMLParser):
    """Reads a page: that every element is closed in its order, what it links to, what it says."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.said, self.tags = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        assert len(given) == len(attrs), (tag, attrs)
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        self.links += [
            (tag, name, given[name]) for name in ("href", "src", "xlink:href") if name in given
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)

    @property
    def text(self):
        return " ".join("".join(self.said).split())

    @property
    def heads(self):
        """The sections' names."""
        return [given["id"] for tag, given in self.tags if tag == "h2"]
