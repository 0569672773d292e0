"""One small split in every form in which captions of Flickr and COCO go round."""

import csv
import io
import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.datasets.kit import write


@dataclass(frozen=True)
class Image:
    """A picture: file name, captions by id, split, and COCO's id where it has one."""

    name: str
    said: dict[int, str]
    split: str = "test"
    coco: int | None = None


def karpathy(images, dataset):
    """The value of Karpathy's JSON."""
    rows = []
    for number, image in enumerate(images):
        row = {
            "sentids": list(image.said),
            "imgid": number,
            "sentences": [
                {"tokens": text.lower().split(), "raw": text, "imgid": number, "sentid": key}
                for key, text in image.said.items()
            ],
            "split": image.split,
            "filename": image.name,
        }
        if image.coco is not None:
            row |= {"filepath": "val2014", "cocoid": image.coco}
        rows.append(row)
    return {"images": rows, "dataset": dataset}


def official(images, *, counted=False):
    """The value of a file of COCO's form."""
    said = [
        {"image_id": image.coco, "id": key, "caption": text}
        for image in images
        for key, text in image.said.items()
    ]
    if counted:
        said = [row | {"id": number} for number, row in enumerate(said)]
    return {
        "info": {},
        "images": [{"id": image.coco, "file_name": image.name} for image in images],
        "annotations": said,
    }


def albef(images, place="flickr30k-images"):
    return [
        {"image": f"{place}/{image.name}", "caption": list(image.said.values())} for image in images
    ]


def clip_benchmark(images):
    lines = [f"{image.name},{text}" for image in images for text in image.said.values()]
    return "".join(f"{line}\n" for line in ["image,caption", *lines])


def tokens(images):
    return "".join(
        f"{image.name}#{at}\t{text}\n"
        for image in images
        for at, text in enumerate(image.said.values())
    )


def ids(images):
    return np.array([key for image in images for key in list(image.said)[:5]])


def parquet(path, images, *, contents=None, leave_out=()):
    """A table as `datasets` writes them; pictures are those of `contents`, by file name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "image": [
            {"bytes": (contents or {}).get(image.name), "path": image.name} for image in images
        ],
        "caption": [list(image.said.values()) for image in images],
        "sentids": [[str(key) for key in image.said] for image in images],
        "split": [image.split for image in images],
        "img_id": [str(number) for number in range(len(images))],
        "filename": [image.name for image in images],
    }
    kinds = {"image": pa.struct([("bytes", pa.binary()), ("path", pa.string())])}
    arrays = {
        name: pa.array(values, kinds.get(name))
        for name, values in columns.items()
        if name not in leave_out
    }
    pq.write_table(pa.table(arrays), path)


def hf_csv(images):
    """The CSV file of a set at Hugging Face: lists are JSON."""
    table = io.StringIO(newline="")
    rows = csv.writer(table)
    rows.writerow(["raw", "sentids", "split", "filename", "img_id"])
    for number, image in enumerate(images):
        raw = json.dumps(list(image.said.values()))
        rows.writerow([raw, json.dumps(list(image.said)), image.split, image.name, number])
    return table.getvalue()


def in_form(folder, form, images, dataset):
    """Write the test split of `images` in one form, named as a loader looks for it."""
    test = [image for image in images if image.split == "test"]
    coco = dataset == "coco"
    if form == "parquet":
        parquet(folder / "0000.parquet", images)
        return folder
    if form == "ids":
        write(folder, {"captions_val2014.json": official(images)})
        np.save(folder / "coco_test_ids.npy", ids(test))
        return folder
    files = {
        "karpathy": lambda: {f"dataset_{dataset}.json": karpathy(images, dataset)},
        "albef": lambda: (
            {"coco_karpathy_test.json": albef(test, "val2014")}
            if coco
            else {f"{dataset}_test.json": albef(test)}
        ),
        "clip_benchmark": lambda: (
            {"coco_test_karpathy.json": official(test)}
            if coco
            else {f"{dataset}_test_karpathy.txt": clip_benchmark(test)}
        ),
        "csv": lambda: {
            "test_5k_mscoco_2014.csv" if coco else "flickr_annotations_30k.csv": hf_csv(images)
        },
        "tokens": lambda: (
            {
                "results_20130124.token": tokens(images),
                "karpathy_test.txt": "".join(f"{image.name}\n" for image in test),
            }
            if dataset == "flickr30k"
            else {
                "Flickr8k.token.txt": tokens(images),
                "Flickr_8k.testImages.txt": "".join(f"{image.name}\n" for image in test),
            }
        ),
    }
    return write(folder, files[form]())
