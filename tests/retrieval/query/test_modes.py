import pytest

from retrieval.errors import QueryError
from retrieval.model import FIRST_ID
from retrieval.query.algebra import ImageFile, ItemRef, Minus, Scale, Sum, Text
from retrieval.query.modes import Mode, composed
from retrieval.query.ways import Product, Residual, Slerp, Where
from retrieval.store.filters.grammar import parse_filter

SOFA, LEATHER, FABRIC = ImageFile("sofa.jpg"), Text("leather"), Text("fabric")


def as_mode(text, expression):
    return composed(expression, Mode.parse(text))


@pytest.mark.parametrize("order", [SOFA + LEATHER, LEATHER + SOFA])
def test_the_image_is_the_first_side_in_either_order(order):
    assert as_mode("slerp:0.3", order) == Slerp(SOFA, LEATHER, 0.3)
    assert as_mode("product", order) == Product(SOFA, LEATHER)
    assert as_mode("sum", order) == order
    assert as_mode("auto", order) == Slerp(SOFA, LEATHER, 0.75)


def test_sides_of_several_terms_are_sums_with_their_weights():
    item = ItemRef(7)
    found = as_mode("slerp", SOFA * 2 + item + LEATHER)
    assert found == Slerp(Sum((Scale(SOFA, 2.0), item)), LEATHER, 0.75)


def test_two_terms_of_one_kind_are_sides_in_their_order():
    assert as_mode("product", LEATHER + FABRIC) == Product(LEATHER, FABRIC)
    caption = ItemRef(FIRST_ID["texts"])
    assert as_mode("slerp", caption + LEATHER) == Slerp(caption, LEATHER, 0.75)


def test_a_residual_goes_from_what_is_unwanted_to_what_is_wanted():
    edit = SOFA + LEATHER - FABRIC
    found = as_mode("residual:0.5", edit)
    assert found == Residual(SOFA, (LEATHER,), (Sum((Scale(FABRIC, 1.0),)),), 0.5)
    guarded = as_mode("auto", edit)
    assert guarded == Minus(as_mode("residual:0.7", edit), Scale(FABRIC, 0.5))
    from_common = as_mode("residual", SOFA + LEATHER)
    assert (from_common.away, from_common.gain) == ((), 2.0)


@pytest.mark.parametrize(
    "plain",
    [
        LEATHER,
        SOFA,
        LEATHER + FABRIC,
        LEATHER - FABRIC,
        SOFA - FABRIC,
        SOFA + -LEATHER,
        SOFA + LEATHER * 2,
        LEATHER * 2 + SOFA - FABRIC,
    ],
)
def test_terms_of_one_kind_or_of_different_weights_are_added(plain):
    assert as_mode("auto", plain) == plain


def test_equal_weights_count_as_none():
    assert as_mode("auto", SOFA * 2 + LEATHER * 2) == Slerp(SOFA * 2, LEATHER * 2)


def test_auto_goes_from_text_to_text_only():
    other = ImageFile("b.jpg")
    assert as_mode("auto", SOFA + LEATHER - other) == Minus(Slerp(SOFA, LEATHER), other)


def test_what_is_unwanted_and_a_filter_stay_around_a_slerp():
    wide = parse_filter("width > 10")
    found = as_mode("slerp", Where(SOFA + LEATHER - FABRIC, wide))
    assert found == Where(Minus(Slerp(SOFA, LEATHER, 0.75), FABRIC), wide)


@pytest.mark.parametrize(
    ("mode", "expression", "says"),
    [
        ("slerp", LEATHER, "has 1 of one kind"),
        ("product", LEATHER + FABRIC + Text("old"), "has 3 of one kind"),
        ("residual", SOFA, "has 1 of one kind"),
        ("product", SOFA + LEATHER - FABRIC, "takes nothing away"),
        ("slerp", SOFA + -LEATHER, "negative weights"),
    ],
)
def test_terms_that_a_way_cannot_take_are_refused(mode, expression, says):
    with pytest.raises(QueryError, match=says):
        as_mode(mode, expression)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mean", "no way to compose"),
        ("", "no way to compose"),
        ("sum:2", "takes no number"),
        ("slerp:x", "is no number"),
        ("slerp:", "is no number"),
        ("slerp:-1", "is no number"),
        ("slerp:nan", "is no number"),
    ],
)
def test_a_way_that_there_is_not_is_refused(text, says):
    with pytest.raises(QueryError, match=says):
        Mode.parse(text)


def test_a_share_outside_of_the_arc_is_refused():
    with pytest.raises(QueryError, match="between 0 and 1"):
        as_mode("slerp:1.5", SOFA + LEATHER)
