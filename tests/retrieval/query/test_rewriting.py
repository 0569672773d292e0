from retrieval.query.algebra import ImageFile, ItemRef, Minus, Scale, Sum, Text
from retrieval.query.ensemble import TEMPLATES, ensembled
from retrieval.query.rewriting import with_texts
from retrieval.query.ways import EachOf, Feedback, Mean, Residual, Slerp, Where
from retrieval.store.filters.grammar import parse_filter

A, B, C, POOL = Text("a"), Text("b"), Text("c"), ImageFile("pool.jpg")


def louder(text):
    return Text(text.text.upper())


def test_texts_change_wherever_they_stand():
    wide = parse_filter("width > 10")
    made = Where(Minus(Sum((Scale(A, 2.0), Slerp(POOL, B), Residual(POOL, (A, B), (C,)))), C), wide)
    big = [Text(each) for each in "ABC"]
    expected = Where(
        Minus(
            Sum(
                (
                    Scale(big[0], 2.0),
                    Slerp(POOL, big[1]),
                    Residual(POOL, (big[0], big[1]), (big[2],)),
                )
            ),
            big[2],
        ),
        wide,
    )
    assert with_texts(made, louder) == expected
    assert with_texts(EachOf((A, Mean((B,)))), louder) == EachOf((big[0], Mean((big[1],))))


def test_marks_stay():
    made = Feedback(A, (ItemRef(3), B))
    assert with_texts(made, louder) == Feedback(Text("A"), (ItemRef(3), B))
    alone = Feedback(None, (B,))
    assert with_texts(alone, louder) is alone


def test_what_does_not_change_is_returned_itself():
    made = Sum((A, POOL))
    assert with_texts(made, lambda text: text) is made


def test_wordings_begin_with_the_text_itself():
    found = ensembled(Text("a dog."))
    assert found.parts[0] == Text("a dog.")
    assert found.parts[1] == Text("a photo of a dog.")
    assert len(set(found.parts)) == 1 + len(TEMPLATES) == 8
    assert ensembled(Text("...")).parts[1] == Text("a photo of ....")
