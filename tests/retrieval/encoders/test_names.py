"""Names of open_clip models, taken apart and put together again."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.encoders.names import (
    FileName,
    FolderName,
    HubName,
    TagName,
    is_model_name,
    parse_model_name,
)
from retrieval.errors import EncoderUnavailableError

HERE = Path.cwd()
HOME = Path.home()


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("openclip:ViT-B-32:openai", TagName("ViT-B-32", "openai")),
        ("openclip:ViT-B/32:openai", TagName("ViT-B-32", "openai")),
        ("openclip:RN50:yfcc15m", TagName("RN50", "yfcc15m")),
        ("openclip:ViT-B-32:/w/a.safetensors", FileName("ViT-B-32", Path("/w/a.safetensors"))),
        ("openclip:ViT-B-32:a.safetensors", FileName("ViT-B-32", HERE / "a.safetensors")),
        ("openclip:ViT-B-32:w/a.pt", FileName("ViT-B-32", HERE / "w/a.pt")),
        ("openclip:ViT-B-32:C.PT", FileName("ViT-B-32", HERE / "C.PT")),
        ("openclip:ViT-B-32:~/a:b.bin", FileName("ViT-B-32", HOME / "a:b.bin")),
        ("openclip:hf-hub:org/repo", HubName("org/repo")),
        ("hf-hub:org/repo", HubName("org/repo")),
        ("hf-hub:org/re.po_2@v1.0", HubName("org/re.po_2", "v1.0")),
        ("openclip:hf-hub:org/repo@refs/pr/1", HubName("org/repo", "refs/pr/1")),
        ("local-dir:/models/a", FolderName(Path("/models/a"))),
        ("local-dir:models/a b@c", FolderName(HERE / "models/a b@c")),
        ("local-dir:~/m", FolderName(HOME / "m")),
        ("openclip:local-dir:/m", FolderName(Path("/m"))),
    ],
)
def test_every_form_of_a_name_is_understood(name, parsed):
    assert is_model_name(name)
    assert parse_model_name(name) == parsed
    assert parse_model_name(str(parsed)) == parsed


@pytest.mark.parametrize(
    "name",
    [
        "openclip:",
        "openclip:ViT-B-32",
        "openclip:ViT-B-32:",
        "openclip::openai",
        "local-dir:",
        "hf-hub:",
        "hf-hub:repo",
        "hf-hub:org/repo@",
        "hf-hub:org/repo/file",
        "hf-hub:../../etc@main",
        "openclip:hf-hub:@main",
    ],
)
def test_a_name_that_cannot_be_meant_is_refused_with_the_right_form(name):
    with pytest.raises(EncoderUnavailableError, match="names no") as caught:
        parse_model_name(name)
    assert "write " in caught.value.hint


@pytest.mark.parametrize("name", ["mini", "mini-en", "openclip", "ViT-B-32", ""])
def test_other_names_belong_to_no_family(name):
    assert not is_model_name(name)


_part = st.text("abcXYZ019-_.", min_size=1, max_size=12)


@given(model=_part, tag=_part.filter(lambda tag: "." not in tag))
def test_the_spelling_of_a_tag_is_its_only_one(model, tag):
    name = f"openclip:{model}:{tag}"
    assert str(parse_model_name(name)) == name


@given(org=_part, repo=_part, revision=_part)
def test_a_revision_is_kept(org, repo, revision):
    parsed = parse_model_name(f"openclip:hf-hub:{org}/{repo}@{revision}")
    assert parsed == HubName(f"{org}/{repo}", revision)
    assert str(parsed) == f"hf-hub:{org}/{repo}@{revision}"
