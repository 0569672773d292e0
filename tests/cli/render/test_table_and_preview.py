import io
from dataclasses import replace

import pytest
from PIL import Image
from rich.console import Console

from cli.render.preview import HalfBlocks, hits_preview
from cli.render.table import hits_table

COLOURS = {"force_terminal": True, "color_system": "truecolor", "legacy_windows": False}


def printed(renderable, width=100, **options):
    file = io.StringIO()
    Console(file=file, width=width, **{"color_system": None, **options}).print(renderable)
    return file.getvalue()


class TestTable:
    def test_a_row_holds_rank_score_path_and_size(self, make_hit):
        hit = make_hit(rank=3, score=0.28764)
        lines = printed(hits_table([hit]), width=300).splitlines()
        assert lines[0].split() == ["rank", "score", "path", "pixels", "size"]
        assert lines[1].split() == ["3", "0.288", hit.path.decode(), "80x60", "1.2", "MB"]

    def test_what_ranks_in_place_of_the_score_has_a_column(self, make_hit):
        hits = [replace(make_hit(rank=1), adjusted=0.25), make_hit(rank=2)]
        lines = printed(hits_table(hits), width=300).splitlines()
        assert lines[0].split()[:4] == ["rank", "score", "adjusted", "path"]
        assert lines[1].split()[2] == "0.250"
        assert lines[2].split()[2] == hits[1].path.decode()
        named = [replace(make_hit(), adjusted=0.1, reranked=0.2, confidence=0.3)]
        columns = printed(hits_table(named), width=300).splitlines()[0].split()
        assert columns[:5] == ["rank", "score", "adjusted", "reranked", "confidence"]

    def test_a_long_path_is_folded_and_not_cut(self, make_hit):
        hit = make_hit("x" * 200 + ".png")
        text = printed(hits_table([hit]), width=60)
        assert text.count("x") == 200 + "pixels".count("x") + "80x60".count("x")

    def test_a_name_is_neither_markup_nor_a_command_to_the_terminal(self, make_hit):
        text = printed(hits_table([make_hit("[red]\x1b[2J\n.png")]), width=300, **COLOURS)
        assert "[red]\u241b[2J\u240a.png" in text

    @pytest.mark.parametrize(
        ("size_bytes", "shown"),
        [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9949, "9.9 kB"), (9950, "10 kB"),
         (999_499, "999 kB"), (999_500, "1.0 MB"), (5 * 10**15, "5000 TB")],
    )  # fmt: skip
    def test_sizes_have_two_or_three_digits(self, make_hit, size_bytes, shown):
        hit = make_hit()
        file = replace(hit.item.files[0], size_bytes=size_bytes)
        hit = replace(hit, item=replace(hit.item, files=(file,)))
        assert printed(hits_table([hit]), width=300).splitlines()[1].rstrip().endswith(f" {shown}")

    def test_no_hits_make_an_empty_table(self):
        assert printed(hits_table([])).split() == ["rank", "score", "path", "pixels", "size"]


class TestPreview:
    def test_a_cell_shows_two_pixels(self):
        image = Image.new("RGB", (1, 2), (1, 2, 3))
        image.putpixel((0, 1), (4, 5, 6))
        text = printed(HalfBlocks(image), **COLOURS)
        assert text == "\x1b[38;2;1;2;3;48;2;4;5;6m\u2580\x1b[0m\n"

    @pytest.mark.parametrize("height", [1, 2, 3, 4])
    def test_two_rows_of_pixels_are_one_line(self, height):
        text = printed(HalfBlocks(Image.new("RGB", (5, height), "red")), **COLOURS)
        assert len(text.splitlines()) == -(-height // 2)
        assert "48;2;0;0;0" not in text  # an odd last row is not filled up with black

    def test_without_colours_lightness_is_shown(self):
        image = Image.new("RGB", (2, 2), "black")
        image.paste("white", (1, 0, 2, 2))
        assert printed(HalfBlocks(image)) == " \u2588\n"

    def test_pictures_have_captions_and_lie_side_by_side(self, make_hit):
        hits = [make_hit(f"{rank}.png", rank=rank, score=0.5 - rank / 10) for rank in (1, 2)]
        text = printed(hits_preview(hits, width_cells=20), **COLOURS)
        assert any("0.400" in line and "0.300" in line for line in text.splitlines())
        assert text.count("\u2580") == 2 * 20 * 8  # 4:3, two pixels a cell, rounded up to even

    def test_a_missing_picture_and_a_hostile_name_do_no_harm(self, make_hit):
        text = printed(hits_preview([make_hit("[b]\x1b[2J.png", None)]), **COLOURS)
        assert "missing" in text
        assert "[b]\u241b[2J.png" in text
