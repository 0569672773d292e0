"""A build takes the device that is named, all the way down; codes do not show which it was."""

import hashlib

import pytest
import torch

from indexer.build import bring_index_up_to_date
from indexer.options import BuildOptions, IndexOptions
from indexer.writer import CollectionWriter
from retrieval.ann.device_coding import subspace_codes
from retrieval.errors import EncoderUnavailableError
from tests.indexer.build.kit import INFO, ConeEncoder


def sha256_of_codes(folder):
    return {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.read_bytes()[:8] == b"pslists\x01"
    }


def test_an_index_built_the_way_of_a_device_has_the_same_files(plain, built, monkeypatch):
    for user in ("indexer.build", "indexer.training"):
        monkeypatch.setattr(f"{user}.computing_device", lambda asked: "cpu:0")
    coded_on = []

    def spy(device, *rest):
        coded_on.append(device)
        return subspace_codes(device, *rest)

    monkeypatch.setattr("retrieval.ann.codebook.subspace_codes", spy)
    with CollectionWriter.open(plain, INFO) as writer:
        bring_index_up_to_date(writer, ConeEncoder(), options=BuildOptions(seed=3))
        here = writer.manifest.galleries["images"].index
    with CollectionWriter.open(built, INFO) as writer:
        there = writer.manifest.galleries["images"].index
    assert set(coded_on) == {"cpu:0"}
    assert here.codebook == there.codebook
    assert here.router == there.router
    assert sha256_of_codes(plain) == sha256_of_codes(built)
    assert len(sha256_of_codes(plain)) == 3


def test_cuda_by_name_is_refused_where_there_is_none(plain, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with (
        CollectionWriter.open(plain, INFO) as writer,
        pytest.raises(EncoderUnavailableError, match="cuda"),
    ):
        bring_index_up_to_date(writer, None, options=BuildOptions(device="cuda"))


def test_a_build_runs_where_the_options_around_it_say_unless_it_says_itself():
    assert IndexOptions(device="cuda").build_here.device == "cuda"
    own = IndexOptions(device="cuda", build=BuildOptions(device="cpu"))
    assert own.build_here.device == "cpu"
    assert IndexOptions().build_here.device == "auto"
