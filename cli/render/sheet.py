"""The contact sheet: the pictures of one or more queries on one PNG."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from cli.render.fonts import Lettering
from cli.render.thumbnails import Section, Thumbnail, shown_name, shown_text, thumbnail_of
from retrieval.model import Hit

_PAPER, _GONE, _RULE = "#ffffff", "#e4e4e0", "#dcdcd8"
_INK, _FAINT, _ACCENT = "#1c1c1a", "#7a7a75", "#0b63ce"

_MARGIN = 36
_GAP = 20
_TILE_WIDTH, _TILE_HEIGHT = 248, 186  # 4:3, the shape of most photographs
_CAPTION = 56  # height below a tile: a line of rank and score, a line with the name
_TITLE = 58
_SECTION_GAP = 30
_MAX_COLUMNS = 5
_MIN_COLUMNS = 3  # so that a title has room above a single hit
_CORNER = 8
_BLUR, _PALENESS = 18, 0.55
_SMOOTHING = 4  # corners are drawn this much larger and shrunk

_TITLE_TEXT = Lettering(26)
_RANK_TEXT = Lettering(16)
_NAME_TEXT = Lettering(13)
_WORD_TEXT = Lettering(15)


def draw_sheet(sections: Sequence[Section]) -> Image.Image:
    """Draw the pictures in a grid, rank and score under each, each query as a title.

    Args:
        sections: each query with its hits, in the order to be shown; a query without hits says so.
    """
    most = max((len(hits) for _, hits in sections), default=0)
    n_columns = min(max(most, _MIN_COLUMNS), _MAX_COLUMNS)
    width = 2 * _MARGIN + n_columns * (_TILE_WIDTH + _GAP) - _GAP
    heights = [_section_height(len(hits), n_columns) for _, hits in sections]
    height = 2 * _MARGIN + sum(heights) + _SECTION_GAP * max(len(heights) - 1, 0)
    sheet = Image.new("RGB", (width, height), _PAPER)
    corners = _rounded_mask(_TILE_WIDTH, _TILE_HEIGHT, _CORNER)
    top = _MARGIN
    for (title, hits), section_height in zip(sections, heights, strict=True):
        _draw_title(sheet, top, title, len(hits))
        for place, hit in enumerate(hits):
            row, column = divmod(place, n_columns)
            left = _MARGIN + column * (_TILE_WIDTH + _GAP)
            _draw_tile(sheet, (left, top + _TITLE + row * (_TILE_HEIGHT + _CAPTION)), hit, corners)
        top += section_height + _SECTION_GAP
    return sheet


def _section_height(n_hits: int, n_columns: int) -> int:
    n_rows = -(-n_hits // n_columns)
    return _TITLE + n_rows * (_TILE_HEIGHT + _CAPTION)


def _draw_title(sheet: Image.Image, top: int, title: str, n_hits: int) -> None:
    canvas = ImageDraw.Draw(sheet)
    right = sheet.width - _MARGIN
    count = "no hits" if n_hits == 0 else f"{n_hits} hit{'s' if n_hits > 1 else ''}"
    count_left = right - _RANK_TEXT.width(count)
    baseline = top + 26
    text = _TITLE_TEXT.fit(shown_text(title), count_left - _MARGIN - _GAP)
    _TITLE_TEXT.draw(canvas, (_MARGIN, baseline), text, _INK)
    _RANK_TEXT.draw(canvas, (count_left, baseline), count, _FAINT)
    canvas.line([(_MARGIN, top + 40), (right, top + 40)], fill=_RULE)


def _draw_tile(sheet: Image.Image, at: tuple[int, int], hit: Hit, corners: Image.Image) -> None:
    left, top = at
    canvas = ImageDraw.Draw(sheet)
    sheet.paste(_tile(thumbnail_of(hit, _TILE_WIDTH, _TILE_HEIGHT)), at, corners)
    baseline = top + _TILE_HEIGHT + 22
    rank, score = str(hit.rank), f"{hit.score:.3f}"
    _RANK_TEXT.draw(canvas, (left + 2, baseline), rank, _ACCENT)
    _RANK_TEXT.draw(
        canvas, (left + _TILE_WIDTH - 2 - _RANK_TEXT.width(score), baseline), score, _INK
    )
    name = _NAME_TEXT.fit(shown_name(hit.item.files[0]), _TILE_WIDTH - 4, keep_end=True)
    _NAME_TEXT.draw(canvas, (left + 2, baseline + 19), name, _FAINT)


def _tile(thumbnail: Thumbnail) -> Image.Image:
    image = thumbnail.image
    if image is None:
        return _word_tile(thumbnail.reason)
    tile = _backdrop(image)
    tile.paste(image, ((tile.width - image.width) // 2, (tile.height - image.height) // 2))
    return tile


def _word_tile(word: str) -> Image.Image:
    tile = Image.new("RGB", (_TILE_WIDTH, _TILE_HEIGHT), _GONE)
    word = _WORD_TEXT.fit(word, tile.width - 16)
    left = (tile.width - _WORD_TEXT.width(word)) / 2
    _WORD_TEXT.draw(ImageDraw.Draw(tile), (left, tile.height / 2 + 5), word, _FAINT)
    return tile


def _backdrop(image: Image.Image) -> Image.Image:
    """The picture itself, blurred and pale: fills what a picture of another shape leaves free."""
    filled = ImageOps.fit(image, (_TILE_WIDTH, _TILE_HEIGHT), Image.Resampling.BILINEAR)
    blurred = filled.filter(ImageFilter.GaussianBlur(_BLUR))
    return Image.blend(blurred, Image.new("RGB", filled.size, _PAPER), _PALENESS)


def _rounded_mask(width: int, height: int, radius: int) -> Image.Image:
    large = Image.new("L", (width * _SMOOTHING, height * _SMOOTHING))
    box = (0, 0, large.width - 1, large.height - 1)
    ImageDraw.Draw(large).rounded_rectangle(box, radius * _SMOOTHING, fill=255)
    return large.resize((width, height), Image.Resampling.LANCZOS)
