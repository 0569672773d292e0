"""Writers that die: by kill -9 at any moment, and at every named point of a commit.

After each death the last acknowledged generation is there, whole; and the next writer goes on.
"""

import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from indexer import durable
from indexer.writer import CollectionWriter
from retrieval.store.collection import Collection
from retrieval.store.manifest import IndexRecord, codebook_entry, decode_manifest, manifest_paths
from tests.collection_kit import ENCODER, add, digest, item, new_collection, put, remove, vectors

FORK = multiprocessing.get_context("forkserver")
# What a child needs is loaded once, by the server that the children are forks of.
FORK.set_forkserver_preload(
    [
        __name__,
        "alembic.command",
        "sqlalchemy.dialects.sqlite",
        "sqlalchemy.dialects.postgresql.psycopg",
    ]
)
CHECKPOINTS = {
    "segment_written": "before",
    "segment_renamed": "before",
    "rows_written": "before",
    "rows_committed": "before",
    "manifest_written": "before",
    "manifest_linked": "after",
    "garbage_manifests_gone": "after",
}


def step(writer, number):
    """One commit; which one follows from its number alone, so that a test can tell what it did."""
    match number % 5:
        case 3:
            writer.commit(
                None, [], [remove(f"/photos/{number - 3}.jpg", number_to_id(writer, number - 3))]
            )
        case 4:
            writer.commit(None, [], [add(f"/copy-{number}.jpg", number_to_id(writer, number - 2))])
            writer.merge_small_segments(16)
            writer.collect_garbage()
        case _:
            put(writer, number)


def number_to_id(writer, number):
    view = writer.collection
    return view.catalogue.items_by_sha256([digest(number)], view.generation)[digest(number)]


def expected_after(n_steps):
    """Contents and their paths when this many steps were done."""
    paths = {}
    for number in range(n_steps):
        match number % 5:
            case 3:
                del paths[digest(number - 3)]
            case 4:
                paths[digest(number - 2)].append(b"/copy-%d.jpg" % number)
            case _:
                paths[digest(number)] = [b"/photos/%d.jpg" % number]
    return paths


def contents(folder, url):
    with Collection.open(folder, catalogue_url=url) as view:
        found = {}
        for segment in view.gallery("images").segments:
            records = view.catalogue.hydrate(segment.ids.tolist(), view.generation)
            for record in records.values():
                found[record.sha256] = [file.path for file in record.files]
            segment.vectors.gather(np.arange(segment.vectors.n))
        return found


def keep_committing(folder, url, n_done, acknowledge):
    with CollectionWriter.open(folder, ENCODER, catalogue_url=url) as writer:
        for number in range(n_done, n_done + 1000):
            step(writer, number)
            acknowledge.send(number + 1)


def kill_while_committing(folder, url, rng, n_done):
    """Steps acknowledged when the process was killed."""
    receive, send = FORK.Pipe(duplex=False)
    process = FORK.Process(target=keep_committing, args=(folder, url, n_done, send), daemon=True)
    process.start()
    send.close()
    wanted = n_done + int(rng.integers(1, 4))
    while n_done < wanted:
        assert receive.poll(30), "the writer stands still"
        n_done = receive.recv()
    time.sleep(rng.uniform(0, 0.04))
    process.kill()
    process.join(30)
    while receive.poll():
        try:
            n_done = receive.recv()
        except EOFError:
            break
    receive.close()
    return n_done


def survive_kills(folder, url, n_kills, seed):
    rng = np.random.default_rng(seed)
    n_done = 0
    for _ in range(n_kills):
        acknowledged = kill_while_committing(folder, url, rng, n_done)
        found = contents(folder, url)  # a reader comes before any writer repaired anything
        possible = {n: expected_after(n) for n in range(acknowledged, acknowledged + 2)}
        n_done = next((n for n in reversed(possible) if found == possible[n]), None)
        if n_done is None:  # died in step 4 between its commits: the copy is there, unacknowledged
            pytest.fail(f"after {acknowledged} acknowledged steps the collection holds {found}")
    with CollectionWriter.open(folder, ENCODER, catalogue_url=url) as writer:
        writer.collect_garbage()
    assert_nothing_is_left_over(folder)


def assert_nothing_is_left_over(folder):
    """After a collection of garbage every file is one that a kept manifest names."""
    manifests = [
        decode_manifest(path.read_bytes(), path) for path in manifest_paths(folder).values()
    ]
    named = set().union(*(manifest.file_names() for manifest in manifests))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    others = ("LOCK", "catalogue.db", "manifest-")
    assert {name for name in files if not name.startswith(others)} == named
    assert len(manifests) <= 2


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path, catalogue_url):
    n_kills = 10 if catalogue_url is None else 3
    survive_kills(tmp_path / "c", catalogue_url, n_kills, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 20))
def test_kill_9_again_and_again(tmp_path, catalogue_url, seed):
    survive_kills(tmp_path / "c", catalogue_url, 100, seed)


def die_at(name, folder, url):
    def checkpoint(here):
        if here == name:
            os.kill(os.getpid(), signal.SIGKILL)

    durable.checkpoint = checkpoint
    with CollectionWriter.open(folder, ENCODER, catalogue_url=url) as writer:
        writer.commit(vectors([3]), [item(3)], [remove("/photos/1.jpg", 1), add("/copy.jpg", 2)])
        writer.collect_garbage()


@pytest.mark.parametrize(("name", "outcome"), CHECKPOINTS.items())
def test_death_at_a_named_point_is_before_or_after_and_never_between(
    tmp_path, catalogue_url, name, outcome
):
    folder = new_collection(tmp_path / "c", 1, 2, url=catalogue_url)
    before = contents(folder, catalogue_url)
    after = {
        digest(2): [b"/photos/2.jpg", b"/copy.jpg"],
        digest(3): [b"/photos/3.jpg"],
    }
    process = FORK.Process(target=die_at, args=(name, folder, catalogue_url))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL

    expected = before if outcome == "before" else after
    assert contents(folder, catalogue_url) == expected
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        assert not [*folder.rglob(durable.TEMPORARY + "*")]
        if outcome == "before":
            commit = writer.commit(
                vectors([3]), [item(3)], [remove("/photos/1.jpg", 1), add("/copy.jpg", 2)]
            )
            assert commit.ids == (3,)
        assert writer.collection.gallery("images").tombstones.tolist() == [1]
        writer.collect_garbage()
    assert contents(folder, catalogue_url) == after
    assert_nothing_is_left_over(folder)


def die_publishing_an_index(name, folder):
    def checkpoint(here):
        if here == name:
            os.kill(os.getpid(), signal.SIGKILL)

    durable.checkpoint = checkpoint
    with CollectionWriter.open(folder, ENCODER) as writer:
        publish_index(writer)


def publish_index(writer):
    record = IndexRecord("ivf1,pq1", codebook_entry("images", b"codebook"), (), 2, 0, 0.5)
    (segment,) = writer.manifest.galleries["images"].segments
    return writer.publish_index("images", record, b"codebook", {segment.name: b"codes"})


@pytest.mark.parametrize("name", ["rows_written", "rows_committed", "manifest_written"])
def test_an_index_is_published_whole_or_not_at_all(tmp_path, name):
    folder = new_collection(tmp_path / "c", 1, 2)
    process = FORK.Process(target=die_publishing_an_index, args=(name, folder))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    with Collection.open(folder) as view:
        assert view.gallery("images").read_codebook() is None
    with CollectionWriter.open(folder, ENCODER) as writer:
        publish_index(writer)
        gallery = writer.collection.gallery("images")
        assert gallery.read_codebook() == b"codebook"
        assert gallery.entry.index is not None
        codebook = gallery.entry.index.codebook.short
        assert gallery.segments[0].codes_path(codebook).read_bytes() == b"codes"
