"""Queries that go through adapters: other languages, and another encoder, on one collection.

Colours by two encoders: the collection's, which reads English and German, and one whose space is
the same turned around, which also reads a language of its own.
"""

import numpy as np
import pytest
from PIL import Image

from indexer.service import index_folders
from retrieval.encoders import registry
from retrieval.encoders.fingerprint import encoder_info
from retrieval.engine import SearchEngine
from retrieval.errors import EncoderMismatchError, EncoderUnavailableError, TrainedMapError
from retrieval.languages.tags import ANY
from retrieval.learn.adapted import AdaptedEncoder, AdaptedTexts, adapted
from retrieval.learn.adapter import TEXT_ADAPTER_NAME, adapter_name
from retrieval.learn.adapter_fit import adapter_of, fit_adapter
from retrieval.learn.pairs import Pair, match_texts
from retrieval.query.algebra import ImageFile, Query, Text
from retrieval.query.encoding import QueryEncoder
from tests.contracts.encoder import EncoderContract
from tests.factories import COLOURS, GeometryEncoder

FRENCH = {"rouge": "red", "vert": "green", "bleu": "blue", "jaune": "yellow", "blanc": "white"}
_TURN, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((8, 8)))


class Turned(GeometryEncoder):
    """Sees what GeometryEncoder sees, in a space of its own, and reads French."""

    @property
    def info(self):
        return encoder_info("turned", 8, {"config": "turned"}, ("fr", "en"))

    def encode_pixels(self, pixels):
        return self._turned(super().encode_pixels(pixels))

    def encode_texts(self, texts):
        english = [" ".join(FRENCH.get(word, word) for word in text.split()) for text in texts]
        return self._turned(super().encode_texts(english))

    @staticmethod
    def _turned(rows):
        return np.ascontiguousarray(rows @ _TURN, np.float32)


def pairs():
    """Mixtures of colours, so many that there is something to hold out."""
    names = list(COLOURS)
    english = [f"{one} {two} {two} {three}" for one in names for two in names for three in names]
    return [Pair(each, each, "en") for each in english]


def trained(languages=(), modalities=("text", "image")):
    source, target = Turned(), GeometryEncoder()
    matched = match_texts(pairs(), source.encode_texts, target.encode_texts)
    fitted = fit_adapter(matched, "ridge")
    maps = dict.fromkeys(modalities, fitted)
    return adapter_of(source.info, target.info, "ridge", maps, {"texts": 512}, languages)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(registry._registered, "turned", Turned)
    monkeypatch.setitem(registry._registered, "geometry", GeometryEncoder)


@pytest.fixture
def folder(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, corner in COLOURS.items():
        colour = tuple(255 * value for value in corner)
        Image.new("RGB", (16, 16), colour).save(pictures / f"{name}.png")
    index_folders([pictures], tmp_path / "collection", encoder=GeometryEncoder())
    return tmp_path / "collection"


def best(engine, text, lang=None):
    result = engine.search(Query(Text(text, lang=lang)), 1)
    return result.hits[0].item.files[0].name.removesuffix(".png")


class TestAnEncoderBehindAnAdapter(EncoderContract):
    @pytest.fixture
    def encoder(self):
        return AdaptedEncoder(Turned(), trained())

    def test_it_stands_for_the_gallerys_encoder(self, encoder):
        assert encoder.stands_for == GeometryEncoder().info.fingerprint
        assert encoder.info.fingerprint not in {encoder.stands_for, Turned().info.fingerprint}
        assert encoder.info.languages == ("fr", "en")
        np.testing.assert_allclose(
            encoder.encode_texts(["rouge"]), GeometryEncoder().encode_texts(["red"]), atol=1e-3
        )

    def test_other_maps_are_another_identity(self, encoder):
        other = AdaptedEncoder(Turned(), trained(modalities=("text",)))
        assert other.info.fingerprint != encoder.info.fingerprint
        with pytest.raises(EncoderUnavailableError, match="from turned maps no images"):
            other.encode_images([Image.new("RGB", (8, 8))])

    def test_another_source_is_refused(self):
        with pytest.raises(TrainedMapError, match="the adapter takes turned"):
            AdaptedEncoder(GeometryEncoder(), trained())


def test_another_encoder_asks_through_the_adapter_in_the_folder(folder):
    with pytest.raises(EncoderMismatchError):
        SearchEngine.open(folder, encoder=Turned())
    trained().save(folder / adapter_name(Turned().info.fingerprint))
    with SearchEngine.open(folder, encoder=Turned()) as engine:
        assert best(engine, "rouge") == "red"
        picture = folder.parent / "pictures" / "blue.png"
        found = engine.search(ImageFile(picture), 8).hits
        assert found[0].item.files[0].name != "blue.png"  # a query's own picture is not returned
        assert len(found) == 7


def test_an_adapter_to_another_collection_is_refused(folder):
    (path := folder / adapter_name(Turned().info.fingerprint)).write_bytes(b"no adapter")
    with pytest.raises(TrainedMapError, match="is no adapter"):
        SearchEngine.open(folder, encoder=Turned())
    path.unlink()
    assert adapted(Turned(), folder) is None


def test_languages_that_the_model_does_not_know_go_through_the_text_adapter(folder):
    with SearchEngine.open(folder, encoder=GeometryEncoder()) as engine:
        before = engine.encode([Query(Text("rouge", lang="fr")), Query(Text("red"))])
        assert not engine.languages_of(Text("rouge", lang="fr")).choices[0].is_known
    trained(("fr",)).save(folder / TEXT_ADAPTER_NAME)
    with SearchEngine.open(folder, encoder=GeometryEncoder()) as engine:
        assert best(engine, "rouge", "fr") == "red"
        assert best(engine, "rot", "de") == "red"
        after = engine.encode([Query(Text("rouge", lang="fr")), Query(Text("red", lang="en"))])
        mixed = engine.search(Query(Text("rouge", lang="fr") + Text("blue", lang="en")), 3)
        assert {"red.png", "blue.png"} < {hit.item.files[0].name for hit in mixed.hits}
        choices = engine.languages_of(Text("rouge", lang="fr") + Text("red", lang="en")).choices
        assert [(each.is_known, each.is_adapted) for each in choices] == [
            (True, True),
            (True, False),
        ]
    np.testing.assert_array_equal(after[1], before[1])
    assert after[0] @ after[1] > 0.99 > before[0] @ before[1]


def test_what_a_collection_asks_itself_does_not_go_through_the_text_adapter(folder):
    trained(("ja",)).save(folder / TEXT_ADAPTER_NAME)
    own = GeometryEncoder().encode_texts(["いぬ red"])
    asking = QueryEncoder(
        GeometryEncoder().info, GeometryEncoder(), text_adapter=folder / TEXT_ADAPTER_NAME
    )
    np.testing.assert_array_equal(asking.encode_captions(["いぬ red"]), own)
    assert not np.array_equal(asking.encode_texts(["いぬ red"]), own)


def test_english_wordings_around_a_text_leave_it_in_its_language(folder):
    trained(("ja",)).save(folder / TEXT_ADAPTER_NAME)
    with SearchEngine.open(folder, encoder=GeometryEncoder()) as engine:
        told, guessed = (Query(Text("いぬ", lang=lang), ensemble=True) for lang in ("ja", None))
        np.testing.assert_array_equal(engine.encode([told]), engine.encode([guessed]))


def test_a_text_adapter_of_another_space_is_refused_when_a_text_is_asked(folder, monkeypatch):
    trained(("fr",)).save(folder / TEXT_ADAPTER_NAME)
    other = encoder_info("geometry", 8, {"config": "another"}, ("en",))
    monkeypatch.setattr(GeometryEncoder, "info", property(lambda self: other))
    foreign = folder.parent / "foreign"
    index_folders([folder.parent / "pictures"], foreign, encoder=GeometryEncoder())
    (folder / TEXT_ADAPTER_NAME).rename(foreign / TEXT_ADAPTER_NAME)
    with SearchEngine.open(foreign, encoder=GeometryEncoder()) as engine:
        assert engine.search(ImageFile(folder.parent / "pictures" / "red.png"), 2).hits
        with pytest.raises(TrainedMapError, match="the adapter leads to geometry"):
            engine.search(Query.text("red"), 2)


@pytest.mark.parametrize(
    ("languages", "known", "language", "takes"),
    [
        (("fr",), ("en",), "fr", True),
        (("fr",), ("en",), "fr-CA", True),
        (("fr",), ("en",), "de", False),
        (("fr",), ("en",), "en", False),
        (("fr",), ("fr",), "fr", True),  # it was named
        ((ANY,), ("en",), "de", True),
        ((ANY,), ("en",), "en", False),
        ((ANY,), (ANY,), "de", False),
        ((ANY, "de"), (ANY,), "de", True),
        (("fr",), ("en",), None, False),
    ],
)
def test_which_texts_go_through(languages, known, language, takes):
    assert AdaptedTexts(trained(languages), known).takes(language) is takes
