"""polyseek bench fetch: files of data sets from a server, and from the disk."""

import hashlib
from dataclasses import replace

import pytest

from benchmarks.datasets import babel_imagenet as babel
from benchmarks.datasets import registry
from benchmarks.datasets.base import FetchedFile
from tests.benchmarks.datasets.test_fetch import CONTENT, SHA256, serving
from tests.cli.commands.kit import refusal, run

FETCH = ("bench", "fetch", "babel-imagenet", "--data", "data")


@pytest.fixture
def served(here, monkeypatch):
    """Of Babel-ImageNet one file, from a server on this machine."""
    with serving("whole") as site:
        brought = FetchedFile("prompts.json", sha256=hashlib.sha256(b"{}").hexdigest())
        (spec,) = babel.SPECS
        monkeypatch.setattr(registry, "_SPECS", (replace(spec, files=(site.file, brought)),))
        yield site


def test_files_are_fetched_and_the_rest_is_explained(here, served):
    result = run(*FETCH)
    assert result.exit_code == 0, result.output
    assert result.stdout == "data/babel_imagenet/a.json\n"
    assert (here / "data" / "babel_imagenet" / "a.json").read_bytes() == CONTENT
    assert "BabelNet Non-Commercial" in result.stderr
    assert "prompts.json: bring it by --from FILE" in result.stderr
    assert "https://image-net.org" in result.stderr
    run(*FETCH)
    assert len(served.requests) == 1


def test_a_file_may_come_from_elsewhere(here, served):
    (here / "prompts.json").write_text("{}")
    assert run(*FETCH, "--from", "prompts.json").stdout == "data/babel_imagenet/prompts.json\n"
    result = run(*FETCH, "--from", served.file.url)
    assert result.stdout == "data/babel_imagenet/a.json\n"
    (here / "a.json").write_text("another")
    said = refusal(1, *FETCH, "--from", "a.json")
    assert f"should have sha256 {SHA256}" in said


def test_what_cannot_be_is_said(here, served):
    assert "babel-imagenet has no file 'b.json'" in refusal(2, *FETCH, "--from", "b.json")
    assert "no data set 'nothing'" in refusal(1, "bench", "fetch", "nothing", "--data", "data")
    served.manners = ["gone"]
    assert "the server answers 404" in refusal(1, *FETCH)
