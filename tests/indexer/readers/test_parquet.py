"""Parquet tables: which column holds what, rows in any order, damage."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.readers.base import Caption, Skip
from indexer.readers.columns import Columns
from indexer.readers.globs import Globs
from indexer.readers.parquet import ParquetReader
from indexer.readers.parquet_table import RowStream, inspect_table
from retrieval.errors import ImageError, SourceError
from tests.contracts.reader import ReaderContract, Source
from tests.indexer.readers.kit import png


def write(path, columns, **options):
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    pq.write_table(table, path, **options)
    return path


def reader(path, *, globs=None, **columns):
    return ParquetReader(os.fsencode(path), Columns(**columns), globs or Globs())


def row(path, number):
    return os.fsencode(path) + b"/row-%09d" % number


def fetched(made):
    return [made.fetch(file)[1] for file in made.read().files]


def as_hugging_face(pictures):
    return pa.array(
        [{"bytes": each, "path": f"{i}.png"} for i, each in enumerate(pictures)],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )


class TestContractOfRowsWithBytes(ReaderContract):
    @pytest.fixture
    def source(self, tmp_path):
        path = tmp_path / "train.parquet"
        pictures = [png(i) for i in range(50)]
        columns = {"image": as_hugging_face(pictures), "caption": ["a dog"] * 50}
        write(path, columns, row_group_size=20)
        return Source(
            make=lambda: reader(path),
            contents={row(path, i): each for i, each in enumerate(pictures)},
            strangers=[os.fsencode(path), row(path, 1) + b"/x", row(tmp_path / "other", 1)],
            cut=lambda: os.truncate(path, path.stat().st_size // 2),
            empty=lambda: path.write_bytes(b""),
            n_captions=1,
        )


class TestContractOfRowsWithPaths(ReaderContract):
    @pytest.fixture
    def source(self, tmp_path):
        (tmp_path / "img").mkdir()
        names = [f"img/{i}.png" for i in range(5)]
        contents = {os.fsencode(tmp_path / name): png(i) for i, name in enumerate(names)}
        for name, content in contents.items():
            with open(name, "wb") as opened:
                opened.write(content)
        path = tmp_path / "train.parquet"
        rows = [*names, names[0], "img/none.png", None, "https://x/y.png"]
        write(path, {"file_name": rows, "text": [["a", "b"]] * len(rows)})
        return Source(
            make=lambda: reader(path),
            contents=contents,
            strangers=[row(path, 0), os.fsencode(tmp_path / "img" / "9.png")],
            cut=lambda: os.truncate(path, path.stat().st_size // 2),
            empty=lambda: write(path, {"file_name": pa.array([], pa.string())}),
            skipped={
                os.fsencode(tmp_path / "img/none.png"): "no such file",
                row(path, 7): "no path in this row",
                row(path, 8): "an address; name its column with --url-column",
            },
            n_captions=1,
        )


@pytest.mark.parametrize(
    "kind", [pa.binary(), pa.large_binary(), pa.binary(3), pa.binary_view(), "hugging face"]
)
def test_every_type_that_holds_bytes(tmp_path, kind):
    pictures = [b"one", b"two", b"six"]
    column = as_hugging_face(pictures) if kind == "hugging face" else pa.array(pictures, kind)
    made = reader(write(tmp_path / "t.parquet", {"x": [1, 2, 3], "jpg": column}))
    assert made.is_tree
    assert fetched(made) == pictures


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(), "dictionary"])
def test_every_type_that_holds_paths(tmp_path, kind):
    (tmp_path / "a.png").write_bytes(b"a")
    column = pa.array(
        ["a.png", str(tmp_path / "a.png")], pa.string() if kind == "dictionary" else kind
    )
    if kind == "dictionary":
        column = column.dictionary_encode()
    made = reader(write(tmp_path / "t.parquet", {"image_path": column}))
    assert not made.is_tree
    assert [file.path for file in made.read().files] == [os.fsencode(tmp_path / "a.png")]
    assert fetched(made) == [b"a"]


def test_a_hugging_face_table_without_bytes_names_files(tmp_path):
    (tmp_path / "0.png").write_bytes(b"zero")
    made = reader(write(tmp_path / "t.parquet", {"image": as_hugging_face([None])}))
    assert fetched(made) == [b"zero"]
    assert not made.is_tree


def test_a_row_without_bytes_is_skipped_when_it_is_read(tmp_path):
    made = reader(write(tmp_path / "t.parquet", {"image": as_hugging_face([b"a", None, b"c"])}))
    first, second, third = made.read().files
    assert made.fetch(first)[1] == b"a"
    with pytest.raises(ImageError, match="no picture in this row"):
        made.fetch(second)
    assert made.fetch(third)[1] == b"c"


def test_captions_by_row(tmp_path):
    texts = pa.array([["one", " two\n words"], None, [], ["", "three"]])
    path = write(tmp_path / "t.parquet", {"image": [b"a", b"b", b"c", b"d"], "captions": texts})
    (each,) = reader(path).read().captions
    assert each.images == ()
    assert each.file.path == os.fsencode(path)
    assert list(each.read()) == [
        Caption("one", row(path, 0)),
        Caption("two words", row(path, 0)),
        Caption("three", row(path, 3)),
    ]


def test_a_table_that_names_files_says_captions_of_files(tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    path = write(tmp_path / "t.parquet", {"path": ["a.png", None], "TEXT": ["hello", "lost"]})
    made = reader(path)
    (each,) = made.read().captions
    assert list(each.read()) == [Caption("hello", os.fsencode(tmp_path / "a.png"))]


def test_columns_can_be_named(tmp_path):
    path = write(
        tmp_path / "t.parquet",
        {"image": [b"no"], "mine": [b"yes"], "caption": ["no"], "words": ["yes"]},
    )
    made = reader(path, image="mine", caption="words")
    assert fetched(made) == [b"yes"]
    assert [each.text for each in made.read().captions[0].read()] == ["yes"]


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"a": [1], "b": ["x"]}, {}, "no column 'image'; its columns: a, b"),
        ({"image": [b"x"], "b": ["x"]}, {"image": "img"}, "no column 'img'; its columns: image, b"),
        ({"image": [b"x"]}, {"caption": "words"}, "no column 'words'; its columns: image"),
        ({"image": [1.5]}, {}, "column 'image' of .* holds double"),
        ({"image": [[b"x"]]}, {}, "holds list<.*>, not pictures"),
        ({"image": [{"x": 1}]}, {}, "holds struct<.*>, not pictures"),
        ({"image": [b"x"], "n": [1]}, {"caption": "n"}, "holds int64, not texts"),
    ],
)
def test_a_wrong_column_is_an_error_that_names_what_is_there(tmp_path, columns, options, message):
    path = write(tmp_path / "t.parquet", columns)
    with pytest.raises(SourceError, match=message) as error:
        reader(path, **options).read()
    assert "-column" in error.value.hint


def test_a_usual_name_of_another_type_gives_no_captions(tmp_path):
    made = reader(write(tmp_path / "t.parquet", {"image": [b"x"], "text": [3]}))
    assert made.read().captions == ()


def test_patterns_apply_to_paths_and_not_to_rows(tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    path = write(tmp_path / "t.parquet", {"path": ["a.png", "b.jpg"]})
    listing = reader(path, globs=Globs.parse(include=["*.png"])).read()
    assert [file.path for file in listing.files] == [os.fsencode(tmp_path / "a.png")]
    assert listing.skips == (Skip(row(path, 1), "left out by a pattern"),)
    write(path, {"image": [b"a"]})
    assert len(reader(path, globs=Globs.parse(include=["*.png"])).read().files) == 1


def test_rows_asked_for_in_about_their_order_are_read_once(tmp_path):
    values = [b"%d" % i for i in range(1000)]
    path = write(tmp_path / "t.parquet", {"image": values}, row_group_size=130)
    stream = RowStream(inspect_table(os.fsencode(path), Columns()))
    assert [stream.value(i) for i in range(1000)] == values
    assert stream.n_starts == 1
    near = [i ^ 31 for i in range(960)]  # as threads that overtake each other would ask
    stream = RowStream(inspect_table(os.fsencode(path), Columns()))
    assert [stream.value(i) for i in near] == [values[i] for i in near]
    assert stream.n_starts == 1
    assert [stream.value(i) for i in (999, 0, 500, 499, 131)] == [
        b"999",
        b"0",
        b"500",
        b"499",
        b"131",
    ]


def test_one_group_of_many_rows_is_not_held_whole(tmp_path):
    path = write(
        tmp_path / "t.parquet", {"image": [bytes([i % 251]) * 10_000 for i in range(4000)]}
    )
    stream = RowStream(inspect_table(os.fsencode(path), Columns()))
    before = pa.total_allocated_bytes()
    for i in range(4000):
        assert stream.value(i) == bytes([i % 251]) * 10_000
    assert stream.n_starts == 1
    assert pa.total_allocated_bytes() - before < 10_000_000


def test_a_table_that_changed_since_is_not_read(tmp_path):
    path = write(tmp_path / "t.parquet", {"image": [b"a"] * 300})
    made = reader(path)
    files = made.read().files
    made.fetch(files[0])
    os.utime(path, ns=(1, 1))
    with pytest.raises(ImageError, match="changed since"):
        made.fetch(files[299])
    os.unlink(path)
    with pytest.raises(FileNotFoundError):
        made.fetch(files[299])


def test_damaged_pages_cost_their_rows_and_are_not_read_again_and_again(tmp_path):
    path = write(
        tmp_path / "t.parquet",
        {"image": [os.urandom(3000) for _ in range(60)]},
        row_group_size=20,
        compression="gzip",
        use_dictionary=False,
    )
    with path.open("r+b") as opened:
        opened.seek(100_000)  # in the second group, which 20 rows of 3,000 bytes fill
        opened.write(b"\x00" * 3000)
    made = reader(path)
    outcomes = []
    for file in made.read().files:
        try:
            made.fetch(file)
            outcomes.append("ok")
        except ImageError as error:
            outcomes.append(error.reason)
    assert set(outcomes[20:40]) == {"damaged table"}
    assert set(outcomes[:20] + outcomes[40:]) == {"ok"}


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(500) + b"PAR1", b"x" * 999])
def test_what_is_no_table_is_an_error(tmp_path, content):
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="no parquet file, or was cut") as error:
        reader(path).read()
    assert error.value.hint


def test_rows_that_were_taken_out_are_gone(tmp_path):
    path = write(tmp_path / "t.parquet", {"image": [b"a", b"b"]})
    made = reader(path)
    made.read()
    assert not made.is_gone(row(path, 1))
    assert made.is_gone(row(path, 2))


def test_a_table_with_a_name_that_is_no_text(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\xff.parquet")
    pq.write_table(pa.table({"image": [b"a"]}), tmp_path / "t.parquet")
    os.rename(tmp_path / "t.parquet", path)
    assert fetched(ParquetReader(path)) == [b"a"]
