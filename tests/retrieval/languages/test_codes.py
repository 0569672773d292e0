"""What FLORES-200 and Babel-ImageNet call languages."""

import json
import os
from pathlib import Path

import pytest

from retrieval.errors import QueryError
from retrieval.languages.codes import (
    FLORES_OF,
    XLM_R,
    babel_code,
    flores_code,
    tag_of_babel,
    tag_of_flores,
)
from retrieval.languages.tags import canonical_tag

_BABEL_TABLE = """
NE ID DE NL AF HE SQ UZ KN KU TA LV KO UG BR EL SU KK SK GL OM FA JV CS LO HY XH HR SO GU AM
AR SA CA IS IT SV GA BG VI SD UR KM PL HU SR FR HI FY ET BS SW AZ MK ES MN JA TL TR GD RO MG
MR SL PT LT NO YI UK KY KA BN OR MY EN PS FI ZH DA ML BE EO HA EU AS TE TH CY SI RU LA PA MS
"""
BABEL_93 = _BABEL_TABLE.split()


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("de", "deu_Latn"),
        ("de-AT", "deu_Latn"),
        ("jp", "jpn_Jpan"),
        ("iw", "heb_Hebr"),
        ("ar", "arb_Arab"),
        ("arz", "arz_Arab"),
        ("ku", "kmr_Latn"),
        ("ckb", "ckb_Arab"),
        ("nb", "nob_Latn"),
        ("nn", "nno_Latn"),
        ("quz", "quy_Latn"),
        ("tl", "tgl_Latn"),
        ("prs", "prs_Arab"),
        ("ks-Deva", "kas_Deva"),
        ("fuv", "fuv_Latn"),
        ("zh", "zho_Hans"),
        ("zh-TW", "zho_Hant"),
        ("zh-Hans-HK", "zho_Hans"),
        ("yue", "yue_Hant"),
        ("la", None),
    ],
)
def test_a_language_has_a_code_of_flores(tag, code):
    assert flores_code(tag) == code


def test_every_code_of_flores_comes_back():
    assert len(FLORES_OF) == 202
    for code in FLORES_OF.values():
        assert flores_code(tag_of_flores(code)) == code
        assert flores_code(code) == code  # as a tag it is read, too


def test_every_code_is_one_that_the_tokenizer_of_nllb_knows():
    nllb = pytest.importorskip("transformers.models.nllb.tokenization_nllb")
    assert set(FLORES_OF.values()) == set(nllb.FAIRSEQ_LANGUAGE_CODES)


def test_codes_that_clip_benchmark_reads_otherwise():
    tags = ("zh", "no", "ku", "de")
    assert [flores_code(tag, compat="clip_benchmark") for tag in tags] == [
        "zho_Hant", "nno_Latn", "ckb_Arab", "deu_Latn",
    ]  # fmt: skip


def test_90_of_93_codes_of_babel_imagenet_map_to_flores():
    assert {code for code in BABEL_93 if flores_code(tag_of_babel(code)) is None} == {
        "BR", "FY", "LA",
    }  # fmt: skip


def test_these_93_are_the_languages_of_xlm_r():
    assert {babel_code(tag) for tag in XLM_R} == set(BABEL_93)


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("ZH", "zh"),
        ("TL", "fil"),
        ("ALS", "gsw"),
        ("BE_X_OLD", "be-tarask"),
        ("SIMPLE", "en-simple"),
        ("ZH_YUE", "yue"),
        ("NDS_NL", "nds-NL"),
        ("SH", "sr-Latn"),
    ],
)
def test_codes_of_babel_imagenet_are_those_of_wikipedia(code, tag):
    assert tag_of_babel(code) == tag
    assert babel_code(tag) == code


@pytest.mark.parametrize("name", ["babel_imagenet.json", "babel_imagenet-298.json"])
def test_every_code_of_the_true_tables_comes_back(name):
    folder = os.environ.get("POLYSEEK_TEST_DATA")
    table = Path(folder or ".") / "babel_imagenet" / name
    if not table.is_file():
        pytest.skip("needs Babel-ImageNet in POLYSEEK_TEST_DATA")
    codes = list(json.loads(table.read_text()))
    tags = [tag_of_babel(code) for code in codes]
    assert [canonical_tag(tag) for tag in tags] == tags
    assert [babel_code(tag) for tag in tags] == codes
    if len(codes) == 93:
        assert sorted(codes) == sorted(BABEL_93)


def test_unknown_codes_are_refused():
    with pytest.raises(QueryError, match="no code of FLORES-200"):
        tag_of_flores("deu_Cyrl")
    with pytest.raises(QueryError, match="no language"):
        tag_of_babel("ZZZZ")
