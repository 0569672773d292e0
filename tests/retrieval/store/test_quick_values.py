"""Values that are made quickly are those that their classes make."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from retrieval.model import FileRef, Hit, ImageMeta, ItemRecord
from retrieval.store.quick_values import file_ref, hit, image_meta, item_record, quick

FILE, META = (b"/a.jpg", 1, 2, b"/a.txt"), ("JPEG", 640, 480, None, "Acme", 48.5, -0.0)
RECORD = (7, "ab", ImageMeta(*META), (FileRef(*FILE),), ("a dog",), "2026-01-02T03:04:05")


@pytest.mark.parametrize(
    ("make", "known", "values"),
    [
        (file_ref, FileRef, FILE),
        (file_ref, FileRef, FILE[:3]),
        (image_meta, ImageMeta, META),
        (image_meta, ImageMeta, META[:3]),
        (item_record, ItemRecord, RECORD),
        (item_record, ItemRecord, RECORD[:3]),
        (hit, Hit, (1, 0.5, ItemRecord(*RECORD), 0.25)),
        (hit, Hit, (1, 0.5, ItemRecord(*RECORD))),
    ],
)
def test_a_value_is_the_one_that_its_class_makes(make, known, values):
    quickly, plainly = make(*values), known(*values)
    assert type(quickly) is known
    assert quickly == plainly
    assert hash(quickly) == hash(plainly)
    assert repr(quickly) == repr(plainly)
    assert pickle.dumps(quickly) == pickle.dumps(plainly)
    assert copy.deepcopy(quickly) == replace(quickly) == plainly
    with pytest.raises(FrozenInstanceError):
        setattr(quickly, next(iter(known.__slots__)), None)
    with pytest.raises(TypeError):
        make(*values[:2])


def test_defaults_that_are_made_are_made_anew_for_each():
    @dataclass(frozen=True, slots=True)
    class Listed:
        number: int
        values: list = field(default_factory=list)

    make = quick(Listed)
    assert make(1) == Listed(1)
    assert make(1).values is not make(1).values
