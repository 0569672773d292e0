"""What the adapters of photographs may learn from."""

from benchmarks.adapters_photographs import taught
from retrieval.learn.pairs import Pair


def test_no_name_that_is_asked_is_learned():
    names = {
        "EN": {0: "crane", 2: "dog", 4: "lark", 3: "crane"},
        "DE": {0: "Kran", 2: "Hund", 4: "Lerche", 5: "Hund"},
    }
    pairs = taught(names, ["DE"])
    assert Pair("Lerche", "lark") in pairs
    said = {word for each in pairs[:3] for word in (each.text, each.english)}
    assert {"Hund", "crane", "Kran"}.isdisjoint(said)
