"""What other tables call languages: FLORES-200 (and so NLLB), Babel-ImageNet, XLM-R.

Sources: the 202 codes that the tokenizer of NLLB-200 knows (Costa-jussa et al., 2022); the codes of
Babel-ImageNet are those of Wikipedia in capitals (Geigle, Timofte & Glavas, 2023). Where a table
knows only a member of a family (Northern Kurdish, of Kurdish), the family's tag names that one.
"""

from collections.abc import Iterator
from typing import Literal

from retrieval.errors import QueryError
from retrieval.languages.tags import canonical_tag, family, primary

Compat = Literal["clip_benchmark"]
"""Whose mistakes to share, to reproduce figures."""

_FLORES_TABLE = """
ace=ace_Latn ace-Arab=ace_Arab acm=acm_Arab acq=acq_Arab aeb=aeb_Arab af=afr_Latn ajp=ajp_Arab
ak=aka_Latn am=amh_Ethi apc=apc_Arab ar=arb_Arab ars=ars_Arab ary=ary_Arab arz=arz_Arab
as=asm_Beng ast=ast_Latn awa=awa_Deva ay=ayr_Latn az=azj_Latn azb=azb_Arab ba=bak_Cyrl
ban=ban_Latn be=bel_Cyrl bem=bem_Latn bg=bul_Cyrl bho=bho_Deva bjn=bjn_Latn bjn-Arab=bjn_Arab
bm=bam_Latn bn=ben_Beng bo=bod_Tibt bs=bos_Latn bug=bug_Latn ca=cat_Latn ceb=ceb_Latn cjk=cjk_Latn
ckb=ckb_Arab crh=crh_Latn cs=ces_Latn cy=cym_Latn da=dan_Latn de=deu_Latn din=dik_Latn
dyu=dyu_Latn dz=dzo_Tibt ee=ewe_Latn el=ell_Grek en=eng_Latn eo=epo_Latn es=spa_Latn et=est_Latn
eu=eus_Latn fa=pes_Arab fa-AF=prs_Arab ff=fuv_Latn fi=fin_Latn fil=tgl_Latn fj=fij_Latn
fo=fao_Latn fon=fon_Latn fr=fra_Latn fur=fur_Latn ga=gle_Latn gd=gla_Latn gl=glg_Latn gn=grn_Latn
gu=guj_Gujr ha=hau_Latn he=heb_Hebr hi=hin_Deva hne=hne_Deva hr=hrv_Latn ht=hat_Latn hu=hun_Latn
hy=hye_Armn id=ind_Latn ig=ibo_Latn ilo=ilo_Latn is=isl_Latn it=ita_Latn ja=jpn_Jpan jv=jav_Latn
ka=kat_Geor kab=kab_Latn kac=kac_Latn kam=kam_Latn kbp=kbp_Latn kea=kea_Latn kg=kon_Latn
ki=kik_Latn kk=kaz_Cyrl km=khm_Khmr kmb=kmb_Latn kn=kan_Knda ko=kor_Hang kr=knc_Latn
kr-Arab=knc_Arab ks=kas_Arab ks-Deva=kas_Deva ku=kmr_Latn ky=kir_Cyrl lb=ltz_Latn lg=lug_Latn
li=lim_Latn lij=lij_Latn lmo=lmo_Latn ln=lin_Latn lo=lao_Laoo lt=lit_Latn ltg=ltg_Latn
lua=lua_Latn luo=luo_Latn lus=lus_Latn lv=lvs_Latn mag=mag_Deva mai=mai_Deva mg=plt_Latn
mi=mri_Latn min=min_Latn mk=mkd_Cyrl ml=mal_Mlym mn=khk_Cyrl mni=mni_Beng mos=mos_Latn mr=mar_Deva
ms=zsm_Latn mt=mlt_Latn my=mya_Mymr ne=npi_Deva nl=nld_Latn nn=nno_Latn no=nob_Latn nso=nso_Latn
nus=nus_Latn ny=nya_Latn oc=oci_Latn om=gaz_Latn or=ory_Orya pa=pan_Guru pag=pag_Latn pap=pap_Latn
pl=pol_Latn ps=pbt_Arab pt=por_Latn qu=quy_Latn rn=run_Latn ro=ron_Latn ru=rus_Cyrl rw=kin_Latn
sa=san_Deva sat=sat_Beng sc=srd_Latn scn=scn_Latn sd=snd_Arab sg=sag_Latn shn=shn_Mymr si=sin_Sinh
sk=slk_Latn sl=slv_Latn sm=smo_Latn sn=sna_Latn so=som_Latn sq=als_Latn sr=srp_Cyrl ss=ssw_Latn
st=sot_Latn su=sun_Latn sv=swe_Latn sw=swh_Latn szl=szl_Latn ta=tam_Taml taq=taq_Latn
taq-Tfng=taq_Tfng te=tel_Telu tg=tgk_Cyrl th=tha_Thai ti=tir_Ethi tk=tuk_Latn tn=tsn_Latn
tpi=tpi_Latn tr=tur_Latn ts=tso_Latn tt=tat_Cyrl tum=tum_Latn tw=twi_Latn tzm=tzm_Tfng ug=uig_Arab
uk=ukr_Cyrl umb=umb_Latn ur=urd_Arab uz=uzn_Latn vec=vec_Latn vi=vie_Latn war=war_Latn wo=wol_Latn
xh=xho_Latn yi=ydd_Hebr yo=yor_Latn yue=yue_Hant zh=zho_Hans zh-Hant=zho_Hant zu=zul_Latn
"""

FLORES_OF = dict(pair.split("=") for pair in _FLORES_TABLE.split())
"""Codes of FLORES-200 as NLLB spells them, by tag."""

_TAG_OF_FLORES = {code: tag for tag, code in FLORES_OF.items()}

_ALSO = (
    {code[:3]: code for code in reversed(FLORES_OF.values())}
    | {code.replace("_", "-"): code for code in FLORES_OF.values()}
    | {"nb": "nob_Latn", "zh-Hans": "zho_Hans"}
)
"""Further tags that name one of them: its own code of three letters where the family's tag does."""

_CLIP_BENCHMARK = {"zh": "zho_Hant", "no": "nno_Latn", "ku": "ckb_Arab"}
"""Three codes of Babel-ImageNet that CLIP_benchmark reads in another way."""

_TRADITIONAL = {"TW", "HK", "MO"}
"""Regions where Chinese is written in traditional characters, unless the tag says otherwise."""

_BABEL = {
    "ALS": "gsw",
    "BAT_SMG": "sgs",
    "BE_X_OLD": "be-tarask",
    "EML": "egl",
    "FIU_VRO": "vro",
    "GMQ_BOT": "gmq",
    "NDS_NL": "nds-NL",
    "ROA_RUP": "rup",
    "SIMPLE": "en-simple",
    "ZH_CLASSICAL": "lzh",
    "ZH_MIN_NAN": "nan",
    "ZH_YUE": "yue",
}
"""Codes of Babel-ImageNet that mean something else as a tag, or nothing."""

_BABEL_OF = {tag: code for code, tag in _BABEL.items()} | {"fil": "TL", "sr-Latn": "SH"}

FLORES = tuple(FLORES_OF)
"""Tags of the languages that NLLB-200 was trained on."""

_XLM_R_TABLE = """
af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fil fr fy ga gd gl gu ha he hi
hr hu hy id is it ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my ne nl no om or pa pl
ps pt ro ru sa sd si sk sl so sq sr su sv sw ta te th tr ug uk ur uz vi xh yi zh
"""

XLM_R = tuple(_XLM_R_TABLE.split())
"""Tags of the languages that XLM-R was trained on (Conneau et al., ACL 2020, appendix A), without
those of them that are a second script of one; multilingual-e5 starts from it."""


def flores_code(tag: str, *, compat: Compat | None = None) -> str | None:
    """The code of FLORES-200, as NLLB spells it, for a language; None where it has none.

    Args:
        tag: of BCP 47.
        compat: "clip_benchmark" reads zh, no and ku as CLIP_benchmark does, to reproduce figures.

    Raises:
        QueryError: the tag names no language.
    """
    known = _ALSO | FLORES_OF | (_CLIP_BENCHMARK if compat == "clip_benchmark" else {})
    return next((known[each] for each in _wider(canonical_tag(tag)) if each in known), None)


def tag_of_flores(code: str) -> str:
    """The tag for a code of FLORES-200.

    Raises:
        QueryError: NLLB knows no such code.
    """
    if code not in _TAG_OF_FLORES:
        raise QueryError(f"{code!r} is no code of FLORES-200", hint="give one such as deu_Latn")
    return _TAG_OF_FLORES[code]


def tag_of_babel(code: str) -> str:
    """The tag for a code of Babel-ImageNet, such as ZH, TL or BE_X_OLD.

    Raises:
        QueryError: it stands for no language.
    """
    return _BABEL.get(code.upper()) or canonical_tag(code)


def babel_code(tag: str) -> str:
    """What Babel-ImageNet calls a language, whether it names classes in it or not.

    Raises:
        QueryError: the tag names no language.
    """
    canonical = canonical_tag(tag)
    return (
        _BABEL_OF.get(canonical) or _BABEL_OF.get(primary(canonical)) or primary(canonical).upper()
    )


def _wider(tag: str) -> Iterator[str]:
    """A canonical tag, and what it is a kind of: with its script, its region, neither."""
    language, *rest = tag.split("-")
    scripts = [each for each in rest if len(each) == 4 and each.isalpha()]
    regions = [each for each in rest if len(each) == 2]
    yield tag
    yield from (f"{language}-{each}" for each in (*scripts, *regions))
    if language == "zh" and not scripts and not _TRADITIONAL.isdisjoint(regions):
        yield "zh-Hant"
    yield language
    yield family(tag)
