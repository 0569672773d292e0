import pytest

from benchmarks.systems.registry import NAMES, find_system
from retrieval.errors import SettingsError


@pytest.mark.parametrize(
    ("name", "kind", "option"),
    [
        ("faiss:IVF1024,PQ64", "Faiss", "IVF1024,PQ64"),
        ("autofaiss", "Autofaiss", ""),
        ("autofaiss:16GB", "Autofaiss", "16GB"),
        ("hnswlib", "Hnswlib", ""),
    ],
)
def test_a_name_brings_its_system_and_what_follows_the_colon(name, kind, option):
    entry = find_system(name)
    assert (entry.name, entry.kind, entry.option) == (name, kind, option)
    assert entry.is_peer == (kind != "Faiss")


def test_every_fixed_name_is_found():
    assert [find_system(name).name for name in NAMES] == list(NAMES)


@pytest.mark.parametrize("name", ["", "annoy", "faiss:", "hnswlib:32", "polyseek:fast"])
def test_others_are_refused_with_the_names_there_are(name):
    with pytest.raises(SettingsError) as caught:
        find_system(name)
    assert "autofaiss:MEMORY" in caught.value.hint
