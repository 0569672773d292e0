"""A tokenizer that is told the language of a text, and open_clip's call that has no effect."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from retrieval.encoders.base import LanguageAware, default_language
from retrieval.encoders.openclip import OpenClipEncoder
from retrieval.encoders.openclip_tokens import Tokenizer
from retrieval.encoders.options import EncoderOptions
from retrieval.errors import EncoderUnavailableError
from retrieval.languages.codes import FLORES
from tests import bundles
from tests.factories import GeometryEncoder

pytest.importorskip("transformers", reason="needs polyseek[towers]")

TEXT = "ein roter Wagen und zwei Hunde"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return bundles.nllb(tmp_path_factory.mktemp("nllb"))


@pytest.fixture(scope="module")
def encoder(folder):
    return OpenClipEncoder(f"local-dir:{folder}", "cpu", EncoderOptions(precision="fp32"))


@pytest.fixture
def stock(folder):
    """What open_clip gives for the same folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import open_clip

        return open_clip.get_tokenizer(f"local-dir:{folder}")


def id_of(stock, code):
    return stock.tokenizer.convert_tokens_to_ids(code)


def test_the_stock_call_has_no_effect_and_ours_has(stock):
    """The bug of open_clip 3.3.0. Once this fails at the second line, it is mended there."""
    stock.set_language("deu_Latn")
    assert int(stock([TEXT])[0, 0]) == id_of(stock, "eng_Latn")
    ids = Tokenizer(stock)([TEXT, TEXT], ["de", None]).ids
    assert ids[:, 0].tolist() == [id_of(stock, "deu_Latn"), id_of(stock, "eng_Latn")]


def test_each_text_begins_with_its_language_and_keeps_its_place(stock):
    languages = ["de", "fr", None, "ja", "de", "ru", "zh-CN", "sw", "fr"]
    codes = ["deu", "fra", "eng", "jpn", "deu", "rus", "zho", "eng", "fra"]  # it knows no Swahili
    texts = [f"{TEXT} {'very ' * number}" for number in range(len(languages))]
    tokenize = Tokenizer(stock)
    found = tokenize(texts, languages)
    firsts = [stock.tokenizer.convert_ids_to_tokens(int(first))[:3] for first in found.ids[:, 0]]
    assert firsts == codes
    for row, text, language in zip(found.ids, texts, languages, strict=True):
        np.testing.assert_array_equal(row, tokenize([text], [language]).ids[0])
    np.testing.assert_array_equal(found.ids[:, 1:], tokenize(texts).ids[:, 1:])


def test_the_language_changes_the_vector_and_the_default_does_not(encoder):
    german, default, english = encoder.encode_texts_in([TEXT] * 3, ["de", None, "en"])
    assert german @ english < 0.999
    np.testing.assert_allclose(default, english, atol=1e-6)
    np.testing.assert_allclose(encoder.encode_texts([TEXT])[0], english, atol=1e-6)


def test_a_batch_of_languages_equals_its_texts_one_by_one(encoder):
    languages = ["de", None, "ja", "fr", "de"]
    texts = [TEXT, "犬と猫", "犬と猫", "un chien", "zwei Hunde " * 20]
    together = encoder.encode_texts_in(texts, languages)
    pairs = zip(texts, languages, strict=True)
    alone = np.concatenate([encoder.encode_texts_in([text], [lang]) for text, lang in pairs])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_threads_do_not_mix_up_languages(stock):
    tokenize = Tokenizer(stock)
    languages = ["de", "fr", "ja", "ru"]
    expected = {each: tokenize([TEXT], [each]).ids for each in languages}
    start = threading.Barrier(len(languages))

    def run(language):
        start.wait()
        return [tokenize([TEXT], [language]).ids for _ in range(50)]

    with ThreadPoolExecutor(len(languages)) as pool:
        for language, found in zip(languages, pool.map(run, languages), strict=True):
            assert all(bool((each == expected[language]).all()) for each in found)


def test_a_tokenizer_that_does_not_put_the_language_first_is_refused(stock):
    tokenize = Tokenizer(stock)
    stock.tokenizer.legacy_behaviour = True  # the language goes behind the text
    with pytest.raises(EncoderUnavailableError, match="deu_Latn") as caught:
        tokenize([TEXT], ["de"])
    assert "legacy_behaviour" in caught.value.hint


def test_the_encoder_says_that_it_is_told_languages_and_which_it_knows(encoder):
    assert isinstance(encoder, LanguageAware)
    assert default_language(encoder) == "en"
    assert encoder.info.languages == FLORES
    assert default_language(GeometryEncoder()) is None


def test_to_other_tokenizers_a_language_means_nothing(tmp_path):
    other = OpenClipEncoder(f"local-dir:{bundles.xlm_roberta(tmp_path)}", "cpu")
    assert other.default_language is None
    assert "br" in other.info.languages
    assert "yue" not in other.info.languages
    told, untold = other.encode_texts_in([TEXT] * 2, ["de", None])
    np.testing.assert_array_equal(told, untold)
    np.testing.assert_allclose(other.encode_texts([TEXT])[0], told, atol=1e-6)
