import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from cli.render import fonts
from cli.render.fonts import Lettering

LETTERING = Lettering(16)


def ink(text):
    """Box of the pixels that are drawn, or None."""
    image = Image.new("L", (600, 40))
    LETTERING.draw(ImageDraw.Draw(image), (5, 25), text, "white")
    return image.getbbox()


@pytest.fixture
def no_fonts(monkeypatch):
    """A machine on which no font is installed."""
    caches = (fonts._drawable, fonts._has)
    for cache in caches:
        cache.cache_clear()
    monkeypatch.setattr(fonts, "_FACES", ())
    yield
    for cache in caches:
        cache.cache_clear()


def drawn(text):
    return "".join(run for _, run in fonts._runs(text))


def test_text_is_as_wide_as_measured():
    left, _, right, _ = ink("Hamburg")
    assert right - left == pytest.approx(LETTERING.width("Hamburg"), abs=3)


def test_without_any_font_ascii_is_drawn_and_accents_are_lost(no_fonts):
    assert drawn("größer café 犬!") == "gro?er cafe ?!"
    assert ink("größer") is not None


def test_one_face_draws_all_of_what_it_can():
    assert len(list(fonts._runs("a plain query, 2 words"))) == 1


def test_a_script_of_its_own_gets_a_face_of_its_own():
    faces = [fonts._drawable(character)[0] for character in "a犬"]
    if drawn("犬") == "?":
        pytest.skip("no font with Chinese or Japanese characters is installed")
    assert drawn("a犬 b") == "a犬 b"
    assert None not in faces


def test_nothing_is_drawn_for_nothing():
    assert LETTERING.width("") == 0
    assert ink("") is None


@settings(deadline=None)
@given(text=st.text(max_size=40), width=st.integers(40, 400))
def test_fitted_text_fits_and_text_that_fits_stays(text, width):
    for keep_end in (False, True):
        fitted = LETTERING.fit(text, width, keep_end=keep_end)
        assert LETTERING.width(fitted) <= width
        assert fitted == text or LETTERING.width(text) > width


def test_a_shortened_name_keeps_its_suffix():
    name = "a very long name of a photograph on the beach.jpeg"
    assert LETTERING.fit(name, 150, keep_end=True).endswith(".jpeg")
    assert LETTERING.fit(name, 150).startswith("a very")
