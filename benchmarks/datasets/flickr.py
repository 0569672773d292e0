"""Flickr30K and Flickr8k: pictures of people doing things, five captions each, Karpathy's splits.

    flickr30k/dataset_flickr30k.json         Karpathy's JSON; has ids of captions
    flickr30k/0000.parquet, ...              nlphuji/flickr30k; has ids of captions, and pictures
    flickr30k/flickr_annotations_30k.csv     what those tables are made from
    flickr30k/flickr30k_test_karpathy.txt    CLIP_benchmark's
    flickr30k/flickr30k_test.json            ALBEF's, BLIP's and LAVIS'
    flickr30k/results_20130124.token         the authors'; with karpathy_test.txt, a picture a line
    flickr30k/images/                        pictures; or flickr30k-images/

    flickr8k/dataset_flickr8k.json, flickr8k_test_karpathy.txt
    flickr8k/Flickr8k.token.txt              with Flickr_8k.{trainImages,devImages,testImages}.txt
    flickr8k/images/                         pictures; or Flicker8k_Dataset/

The first of these that is there is read. Karpathy's JSON, the tables and the CSV name captions by
their ids ("sentids"); the other forms have none, and name them 1007129816.jpg#0, ... Pictures are
named by their files in all forms.

The token file of Flickr30K has 31,783 pictures and no splits, where Karpathy's splits have 31,014:
without a list of names it is the split "all", which is no published protocol and never "test".
Taken for the test split, it gave a recall at 5 of 0.657 where 0.949 was known (mteb, issue 1434).

Sources: P. Young et al., "From image descriptions to visual denotations", TACL 2014; M. Hodosh, P.
Young, J. Hockenmaier, "Framing Image Description as a Ranking Task", JAIR 47, 2013; splits:
A. Karpathy, L. Fei-Fei, CVPR 2015.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.datasets.albef import read_albef
from benchmarks.datasets.base import (
    Crossmodal,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
    Picture,
    crossmodal_of,
)
from benchmarks.datasets.caption_lines import read_clip_benchmark, read_tokens
from benchmarks.datasets.captioned import (
    RULES,
    Annotations,
    Reader,
    SplitCounts,
    first_read,
    settled,
)
from benchmarks.datasets.choices import chosen_languages, one_of, refuse
from benchmarks.datasets.hf_parquet import is_table, read_tables, write_pictures
from benchmarks.datasets.hf_rows import read_csv
from benchmarks.datasets.karpathy import read_karpathy
from benchmarks.datasets.places import flickr8k, flickr30k


@dataclass(frozen=True, slots=True)
class FlickrSet:
    """What tells one of the two from the other.

    Attributes:
        name: as `polyseek bench list` names it.
        splits: what each has, the one of published results first.
        landmark: file name of a picture that is in the test split, and so in no other.
        readers: of its forms, the preferred one first.
        picture: where a file name lies, below a folder.
        wanted: the files that are looked for, for an error.
    """

    name: str
    splits: Mapping[str, SplitCounts]
    landmark: str
    readers: Sequence[Reader]
    picture: Callable[[Path, str], Path]
    wanted: str


def _five(pictures: int) -> SplitCounts:
    return SplitCounts(pictures, 5 * pictures, 5 * pictures)


FLICKR30K = FlickrSet(
    "flickr30k",
    {"test": _five(1_000), "val": _five(1_014), "train": _five(29_000), "all": _five(31_783)},
    "1007129816.jpg",
    (
        partial(read_karpathy, dataset="flickr30k"),
        read_tables,
        partial(read_csv, files=("flickr_annotations_30k.csv",)),
        partial(
            read_clip_benchmark,
            files=("flickr30k_{}_karpathy.txt", "annotations/flickr30k_{}_karpathy.txt"),
        ),
        partial(read_albef, files=("flickr30k_{}.json", "annotations/flickr30k_{}.json")),
        partial(
            read_tokens,
            files=("results_20130124.token", "annotations/results_20130124.token"),
            lists={split: (f"karpathy_{split}.txt",) for split in ("train", "val", "test")},
        ),
    ),
    flickr30k,
    "dataset_flickr30k.json (Karpathy), *.parquet or flickr_annotations_30k.csv (nlphuji), "
    "flickr30k_{0}_karpathy.txt (CLIP_benchmark), flickr30k_{0}.json (ALBEF), or "
    "results_20130124.token with karpathy_{0}.txt, a list of its pictures",
)

FLICKR8K = FlickrSet(
    "flickr8k",
    {"test": _five(1_000), "val": _five(1_000), "train": _five(6_000)},
    "1056338697_4f7d7ce270.jpg",
    (
        partial(read_karpathy, dataset="flickr8k"),
        partial(
            read_clip_benchmark,
            files=("flickr8k_{}_karpathy.txt", "annotations/flickr8k_{}_karpathy.txt"),
        ),
        partial(
            read_tokens,
            files=("Flickr8k.token.txt", "Flickr8k_text/Flickr8k.token.txt"),
            lists={
                split: (
                    f"Flickr_8k.{named}Images.txt",
                    f"Flickr8k_text/Flickr_8k.{named}Images.txt",
                )
                for split, named in (("train", "train"), ("val", "dev"), ("test", "test"))
            },
        ),
    ),
    flickr8k,
    "dataset_flickr8k.json (Karpathy), flickr8k_{0}_karpathy.txt (CLIP_benchmark), or "
    "Flickr8k.token.txt with Flickr_8k.trainImages.txt, devImages.txt or testImages.txt",
)


def load(which: FlickrSet, folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """One split, in English.

    Args:
        which: of the two.
        folder: of the data set.
        options: `captions` "all" and "first5" are the same here.

    Raises:
        DatasetError: files are missing, damaged, or of another split; or a choice is not there.
        MissingDependencyError: only tables are there, and pyarrow is not installed.
    """
    refuse(options, which.name, "gallery")
    chosen_languages(options.languages, ("en",), which.name)
    split = one_of(options.split, tuple(which.splits), "split", which.name)
    asked = one_of(options.captions, RULES, "captions rule", which.name)
    read = first_read(which.readers, folder, split)
    if read is None:
        raise DatasetError(
            f"no captions of {which.name} {split} in {folder}",
            hint="results_20130124.token is read as the split all"
            if split == "all"
            else f"put there {which.wanted.format(split)}; --data names its parent",
        )
    chosen, rule = settled(read, which.splits[split], asked, split)
    _check_landmark(which, chosen, split)
    origin = Origin(which.name, split, rule, chosen.sha256)
    places = {each.name: which.picture(folder, each.name) for each in chosen.pictures}
    if is_table(read):
        absent = {name: path for name, path in places.items() if not path.is_file()}
        write_pictures(folder, absent)
    said = [(Picture(each.name, places[each.name]), each.said) for each in chosen.pictures]
    return (crossmodal_of(origin, said),)


def _check_landmark(which: FlickrSet, read: Annotations, split: str) -> None:
    """Two splits may have as many pictures: a file of another one tells itself by one of them.

    Raises:
        DatasetError: the test split lacks a picture of it, or another split has it.
    """
    has = any(each.name == which.landmark for each in read.pictures)
    if has != (split in ("test", "all")):
        raise DatasetError(
            f"{read.place} is not the split {split} of {which.name}: "
            f"{which.landmark} is {'in it' if has else 'not in it'}",
            hint="that picture is of Karpathy's test split; take the file of the split you want",
        )


def _spec(which: FlickrSet, title: str, instructions: str) -> DatasetSpec:
    return DatasetSpec(
        which.name,
        "crossmodal",
        title,
        partial(load, which),
        which.name,
        instructions=instructions,
    )


SPECS = (
    _spec(
        FLICKR30K,
        "Flickr30K, Karpathy's 1,000 test pictures, 5,000 captions",
        "ask the authors of Flickr30K for its pictures (they have a form for it) and put them into "
        "images/; captions: dataset_flickr30k.json of Karpathy's caption_datasets.zip, or "
        "flickr30k_test_karpathy.txt of release 1.0.0 of "
        "https://github.com/mehdidc/retrieval_annotations, or the tables of nlphuji/flickr30k at "
        "Hugging Face",
    ),
    _spec(
        FLICKR8K,
        "Flickr8k, 1,000 test pictures, 5,000 captions",
        "ask the authors of Flickr8k for its pictures (they have a form for it) and put them into "
        "images/; captions: dataset_flickr8k.json of Karpathy's caption_datasets.zip, or "
        "Flickr8k.token.txt and Flickr_8k.testImages.txt that come with the pictures",
    ),
)
