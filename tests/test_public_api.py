"""The names that users import are there, and importing the packages stays light."""

import subprocess
import sys

import pytest

import indexer
import retrieval


@pytest.mark.parametrize("package", [retrieval, indexer])
def test_every_public_name_loads(package):
    assert [name for name in package.__all__ if getattr(package, name) is None] == []
    assert package.__all__ == sorted(package.__all__)


@pytest.mark.parametrize("package", [retrieval, indexer])
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
        _ = package.nonesuch


def test_importing_the_packages_loads_nothing_heavy():
    heavy = "{'torch', 'faiss', 'sqlalchemy', 'open_clip'} & set(sys.modules)"
    code = f"import sys, retrieval, indexer, cli, benchmarks; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
