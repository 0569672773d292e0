"""The detector: an optional package, and silence where it is not sure."""

import pytest

from retrieval.languages import detect


class Sure:
    """Stands for the package: as sure of a language as it was told."""

    def __init__(self, language, probability):
        self._found = [(language, probability)]

    def rank(self, text):
        return self._found


def test_without_the_package_nothing_is_detected(monkeypatch):
    monkeypatch.setattr(detect, "PACKAGE", "no_such_package")
    monkeypatch.setattr(detect, "_identifier", detect._identifier.__wrapped__)
    assert detect.detected_language("ein Hund am Strand im Schnee") is None


@pytest.mark.parametrize(
    ("language", "probability", "expected"),
    [("de", 0.9, "de"), ("de", 0.3, None), ("zxx", 0.9, None), ("arz", 0.5, "arz")],
)
def test_only_a_sure_answer_about_a_language_counts(monkeypatch, language, probability, expected):
    monkeypatch.setattr(detect, "_identifier", lambda: Sure(language, probability))
    assert detect.detected_language("some text") == expected


def test_sentences_are_recognised():
    pytest.importorskip("py3langid", reason="needs polyseek[detect]")
    assert detect.detected_language("un chien noir dans la neige") == "fr"
    assert detect.detected_language("pies na plaży") == "pl"
    assert detect.detected_language("hund") is None
    assert detect.detected_language(" ") is None
