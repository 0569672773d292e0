import pytest

from cli.render.sheet import draw_sheet

WHITE = (255, 255, 255)


def share_of(image, colour):
    pixels = image.convert("RGB").get_flattened_data()
    return sum(pixel == colour for pixel in pixels) / len(pixels)


def test_every_picture_is_on_the_sheet(make_hit):
    colours = {"red": (255, 0, 0), "blue": (0, 0, 255), "lime": (0, 255, 0)}
    hits = [
        make_hit(f"{colour}.png", colour, rank=rank) for rank, colour in enumerate(colours, start=1)
    ]
    sheet = draw_sheet([("three colours", hits)])
    shares = [share_of(sheet, colour) for colour in colours.values()]
    assert min(shares) > 0.01
    assert max(shares) == pytest.approx(min(shares), rel=0.05)


def test_the_grid_grows_to_five_columns_and_then_down(make_hit):
    hit = make_hit(size=(8, 6))
    sizes = {n: draw_sheet([("q", [hit] * n)]).size for n in (1, 3, 4, 5, 6, 10, 11)}
    assert sizes[1] == sizes[3]
    assert sizes[3][0] < sizes[4][0] < sizes[5][0] == sizes[6][0] == sizes[11][0]
    assert sizes[5][1] < sizes[6][1] == sizes[10][1] < sizes[11][1]


def test_what_is_missing_or_broken_is_a_grey_tile(make_hit):
    sheet = draw_sheet([("gone", [make_hit(colour=None)])])
    assert share_of(sheet, (228, 228, 224)) > 0.1


def test_several_queries_lie_below_each_other(make_hit):
    one = draw_sheet([("first", [make_hit()])])
    two = draw_sheet([("first", [make_hit()]), ("second", [make_hit()])])
    assert two.width == one.width
    assert two.height > 1.8 * one.height


@pytest.mark.parametrize("sections", [[], [("nothing like it", [])]])
def test_without_hits_there_is_still_a_sheet(sections):
    sheet = draw_sheet(sections)
    assert share_of(sheet, WHITE) > 0.9


@pytest.mark.parametrize("title", ["", "x" * 5000, "a\nb\0c", "犬 🐶 كلب", "half \ud83d"])
def test_any_title_can_be_drawn(make_hit, title):
    plain = draw_sheet([("plain", [make_hit()])])
    sheet = draw_sheet([(title, [make_hit()])])
    assert sheet.size == plain.size
    margin = sheet.crop((sheet.width - 30, 0, sheet.width, sheet.height))
    assert share_of(margin, WHITE) == 1
