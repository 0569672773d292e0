"""The benchmark of minus: the gallery in which hardly anything is what is unwanted."""

from benchmarks.negation import RARE, gallery_of_few, is_rare
from benchmarks.shapes.pictures import ALL, Attributes
from benchmarks.shapes.world import draw_gallery, shown_by


def test_a_gallery_of_few_has_all_that_is_common_and_little_that_is_rare():
    few = gallery_of_few(0)
    common = [one for one in few if not is_rare(one)]
    assert common == [one for one in ALL if not is_rare(one)]
    assert len(common) == 7 * 7 * 3 * 4
    assert len(few) == len(set(few)) == len(common) + 12
    assert is_rare(Attributes("red", "cross", "small", "middle"))
    said = [value for one in few for value in (one.colour, one.shape, one.place)]
    assert all(0 < said.count(value) < 0.02 * len(few) for value in RARE)


def test_of_a_gallery_some_combinations_are_drawn_and_named_by_what_they_show(tmp_path):
    among = [ALL[5], ALL[900]]
    draw_gallery(tmp_path / "pictures", 2, among=among)
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert [shown_by(name) for name in names] == [ALL[5], ALL[5], ALL[900], ALL[900]]
