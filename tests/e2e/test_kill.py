"""kill -9 and Ctrl-C at random moments: nothing acknowledged is lost, and in the end nobody can
tell the collection from one that was made without them.
"""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from indexer.service import verify_collection
from retrieval.encoders.registry import get_encoder
from retrieval.engine import SearchEngine
from retrieval.errors import CollectionMissingError
from retrieval.model import gallery_of
from retrieval.query.algebra import Query
from retrieval.store.collection import Collection
from tests.factories import GeometryEncoder

PROJECT = Path(__file__).resolve().parents[2]


def start(encoder, segment_items, source, collection):
    command = [sys.executable, "-m", "tests.e2e.index_process", encoder, str(segment_items)]
    return subprocess.Popen(
        [*command, os.fspath(source), os.fspath(collection)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop(process, how, *, after_commits, delay_s):
    """Send a signal some time after a number of commits; returns the files acknowledged till then.

    None stands for a run that was faster than the signal.
    """
    assert process.stdout.readline() == "ready\n"
    lines = list(itertools.islice(process.stdout, after_commits))
    timer = threading.Timer(delay_s, process.send_signal, [how])
    timer.start()
    rest, errors = process.communicate(timeout=60)
    timer.cancel()
    lines += rest.splitlines()
    lines = [line for line in lines if line.startswith("committed")]
    if process.returncode == 0:
        return None
    # An interrupt that falls into an import may come out as the import's own failure, code 1.
    assert process.returncode == -how or "KeyboardInterrupt" in errors, errors
    return int(lines[-1].split()[1]) if lines else 0


def finish(process):
    """Let it run to its end; returns its counts."""
    out, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    return json.loads(out.splitlines()[-1])


def n_files(collection):
    try:
        with Collection.open(collection) as view:
            return view.catalogue.counts(view.generation).n_files
    except CollectionMissingError:
        return 0


def contents(collection, source):
    """sha256 and vector of every file, by path."""
    with Collection.open(collection) as view:
        found = view.catalogue.files_under(os.fsencode(source), view.generation)
        files = [entry for entry in found if gallery_of(entry.item_id) == "images"]
        ids = np.array([entry.item_id for entry in files])
        vectors = view.gallery("images").gather(ids)
        return {
            entry.file.path: (entry.sha256, vector)
            for entry, vector in zip(files, vectors, strict=True)
        }


def answers(collection, encoder, queries):
    """The ten best paths and their scores, for each text."""
    with SearchEngine.open(collection, encoder=encoder) as engine:
        results = engine.search_batch([Query.text(text) for text in queries], 10)
    return [{hit.path: hit.score for hit in result.hits} for result in results]


def check(killed, calm, source, encoder, queries):
    """Two collections hold the same and answer the same."""
    ours, theirs = contents(killed, source), contents(calm, source)
    assert len(ours) == len(list(source.iterdir()))
    assert {path: sha for path, (sha, _) in ours.items()} == {
        path: sha for path, (sha, _) in theirs.items()
    }
    for path, (_, vector) in ours.items():
        np.testing.assert_allclose(vector, theirs[path][1], atol=1e-3)
    both = zip(answers(killed, encoder, queries), answers(calm, encoder, queries), strict=True)
    for our_hits, their_hits in both:
        assert list(our_hits.values()) == pytest.approx(list(their_hits.values()), abs=1e-3)
        # Where scores are equal to within the rounding of the vectors, either order is right.
        cut = min(their_hits.values()) + 2e-3
        assert {p for p, score in our_hits.items() if score > cut} <= their_hits.keys()
    assert verify_collection(killed).problems == ()


def interrupt_and_resume(how, *, encoder, source, tmp_path, n_stops, segment_items, max_delay_s):
    """Interrupt one run after the other, then let one finish.

    Returns:
        The collection, and for every interruption the number of files acknowledged before it.
    """
    chance = random.Random(2)
    collection = tmp_path / "killed"
    durable, stops = 0, []
    for _ in range(n_stops):
        process = start(encoder, segment_items, source, collection)
        acknowledged = stop(
            process,
            how,
            after_commits=chance.randint(0, 2),
            delay_s=chance.uniform(0, max_delay_s),
        )
        if acknowledged is None:
            durable = n_files(collection)
            break
        found = n_files(collection)
        assert found >= durable + acknowledged, "an acknowledged file is lost"
        assert found <= durable + acknowledged + segment_items, "a commit was not acknowledged"
        durable = found
        stops.append(acknowledged)
    report = finish(start(encoder, segment_items, source, collection))
    assert report["unchanged"] == durable
    assert report["added"] + report["unchanged"] == len(list(source.iterdir()))
    return collection, stops


@pytest.fixture
def photographs(test_data, tmp_path):
    """150 photographs, in a folder of their own."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for path in sorted((test_data / "imagenet_sample").glob("*.JPEG"))[:150]:
        shutil.copy(path, folder)
    return folder


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_run_loses_nothing_acknowledged(photographs, tmp_path, how):
    collection, stops = interrupt_and_resume(
        how,
        encoder="geometry",
        source=photographs,
        tmp_path=tmp_path,
        n_stops=3,
        segment_items=12,
        max_delay_s=0.1,
    )
    assert any(stops)
    calm = tmp_path / "calm"
    finish(start("geometry", 4096, photographs, calm))
    check(collection, calm, photographs, GeometryEncoder(), ["red", "green", "blue"])


@pytest.mark.soak
def test_a_thousand_photographs_survive_ten_kills(test_data, tmp_path):
    source = test_data / "imagenet_sample"
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for path in source.glob("*.JPEG"):
        shutil.copy(path, photographs)
    collection, stops = interrupt_and_resume(
        signal.SIGKILL,
        encoder="mini",
        source=photographs,
        tmp_path=tmp_path,
        n_stops=10,
        segment_items=32,
        max_delay_s=1.5,
    )
    assert len(stops) == 10
    assert sum(acknowledged > 0 for acknowledged in stops) >= 5
    calm = tmp_path / "calm"
    finish(start("mini", 4096, photographs, calm))
    names = sorted(path.stem.split("_", 1)[1].replace("_", " ") for path in photographs.iterdir())
    check(collection, calm, photographs, get_encoder("mini"), names[::20])
