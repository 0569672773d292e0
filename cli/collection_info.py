"""What `polyseek collection info` tells, for people and as JSON."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.output import shown_path

if TYPE_CHECKING:
    from retrieval.store.collection import Collection
    from retrieval.store.entries import CatalogueLocation
    from retrieval.store.hubness_record import HubnessRecord
    from retrieval.store.index_record import IndexRecord, ModeRecord, RecallRecord

Facts = dict[str, Any]

_ID_BYTES = 8  # beside each code


def collect_info(collection: "Collection") -> Facts:
    """All facts about an open collection, in the shape of the JSON output."""
    from retrieval.model import display_path

    manifest = collection.manifest
    counts = collection.catalogue.counts(manifest.generation, "images")
    return {
        "collection": display_path(os.fsencode(collection.folder.resolve())),
        "format_version": manifest.format_version,
        "generation": manifest.generation,
        "key": manifest.key,
        "model": manifest.encoder.name,
        "dim": manifest.encoder.dim,
        "fingerprint": manifest.encoder.fingerprint,
        "items": counts.n_items,
        "files": counts.n_files,
        "roots": [display_path(root) for root in manifest.roots],
        "galleries": {
            name: {
                "items": gallery.n_items,
                "segments": len(gallery.segments),
                "tombstones": gallery.n_tombstones,
                "uncoded": collection.gallery(name).n_uncoded,
                "index": _index_facts(gallery.index),
                "hubness": _hubness_facts(gallery.hubness),
            }
            for name, gallery in manifest.galleries.items()
        },
        "bytes_on_disk": _bytes_below(collection.folder),
        "catalogue": catalogue_url(manifest.catalogue),
    }


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # a writer may collect old generations
            total += path.lstat().st_size if path.is_file() else 0
    return total


def _index_facts(index: "IndexRecord | None") -> Facts:
    if index is None:
        return {"kind": "exact", "recall": []}
    return {
        "kind": "ivfpq",
        "spec": index.spec,
        "trained_on": index.n_trained,
        "bytes_per_vector": _code_bytes(index.spec),
        "modes": mode_facts(index.modes),
        "recall": recall_facts(index.recall),
    }


def _hubness_facts(record: "HubnessRecord | None") -> Facts | None:
    if record is None:
        return None
    return {
        "alpha": record.alpha,
        "k": record.k,
        "bank": record.bank.sha256 if record.bank else None,
        "source": record.source,
        "bank_size": record.n_bank,
        "queries": record.n_queries,
        "recall": [each.to_json() for each in record.recall],
    }


def _code_bytes(spec: str) -> int:
    from retrieval.ann.spec import IndexSpec

    return IndexSpec.parse(spec).code_bytes + _ID_BYTES


def mode_facts(modes: "Sequence[ModeRecord]") -> list[Facts]:
    """How each kind of query is searched for, in the shape of the JSON output."""
    return [
        {
            "modality": mode.modality,
            "target": mode.target,
            "nprobe": mode.nprobe,
            "candidates": mode.candidates,
            "routed": mode.routed,
            "floor": mode.floor,
            "recall": mode.recall.mean,
            "standard_error": mode.recall.standard_error,
            "queries": mode.recall.n_queries,
            "ms": round(mode.ms, 3),
        }
        for mode in modes
    ]


def recall_facts(records: "Sequence[RecallRecord]") -> list[Facts]:
    """Measurements in the shape of the JSON output."""
    return [
        {
            "modality": record.modality,
            "k": record.k,
            "mean": record.mean,
            "standard_error": record.standard_error,
            "queries": record.n_queries,
        }
        for record in records
    ]


def catalogue_url(location: "CatalogueLocation") -> str:
    """Where the catalogue is, as the manifest has it: without user and password."""
    if location.kind == "sqlite":
        return "sqlite (catalogue.db)"
    port = f":{location.port}" if location.port else ""
    return f"postgresql://{location.host or ''}{port}/{location.database or ''}"


def info_lines(facts: Facts) -> list[str]:
    """The facts for a reader."""
    lines = [
        f"collection: {shown_path(facts['collection'])} (format {facts['format_version']})",
        f"model: {facts['model']}, {facts['dim']} dimensions",
        f"fingerprint: {facts['fingerprint']}",
        f"generation: {facts['generation']}",
        f"items: {facts['items']:,} in {facts['files']:,} files",
        *(f"root: {shown_path(root)}" for root in facts["roots"]),
    ]
    for name, gallery in facts["galleries"].items():
        lines.append(
            f"{name}: {gallery['items']:,} items in {gallery['segments']:,} segments, "
            f"{gallery['tombstones']:,} deleted"
        )
        lines += _index_lines(gallery["index"])
        lines += _hubness_lines(name, gallery["hubness"])
        if gallery["uncoded"]:
            lines.append(f"  {uncoded_note(gallery['uncoded'])}")
    lines.append(f"on disk: {facts['bytes_on_disk'] / 1e6:,.1f} MB")
    lines.append(f"catalogue: {facts['catalogue']}")
    return lines


def _index_lines(index: Facts) -> list[str]:
    if index["kind"] == "exact":
        return ["  search: exact (IVF-PQ takes over where there are enough items to train it)"]
    return [
        f"  search: {index['spec']}, trained on {index['trained_on']:,} items; "
        f"{index['bytes_per_vector']} bytes a vector in memory, candidates re-scored exactly",
        *mode_lines(index["modes"]),
    ]


def _hubness_lines(gallery: str, hubness: Facts | None) -> list[str]:
    if hubness is None:
        return []
    asking = "image" if gallery == "texts" else "text"
    first = hubness["recall"][0]
    measured = (
        f"recall@{first['k']} {first['plain']:.3f} -> {first['adjusted']:.3f} "
        f"± {first['standard_error']:.3f} ({hubness['queries']:,} held-out {asking} queries)"
    )
    if not hubness["alpha"]:
        return [f"  hubness bias: off, it does not win on both halves; on the second: {measured}"]
    return [f"  hubness bias: {hubness['alpha']:g}; {measured}"]


def mode_lines(modes: list[Facts]) -> list[str]:
    """A table for a reader: what each kind of query was to find and finds, and what it costs."""
    rows = [
        f"  {mode['modality']:9} {mode['target']:6.3f} {mode['recall']:7.3f} "
        f"± {mode['standard_error']:.3f} {_most_lists(mode):>7} {mode['candidates']:11,} "
        f"{mode['ms']:7.2f}  {'learned' if mode['routed'] else 'nearest'}"
        for mode in modes
    ]
    head = "  queries   target  recall@10      nprobe  candidates      ms  lists"
    return [head, *rows] if rows else []


def _most_lists(mode: Facts) -> str:
    """Lists that a query visits; where it may leave out unlikely ones, at most so many."""
    return f"{'≤' if mode['floor'] else ''}{mode['nprobe']:,}"


def uncoded_note(n_items: int) -> str:
    """What to say of items that an index has no codes of yet."""
    return (
        f"{n_items:,} items have no codes yet and are searched one by one: "
        "`polyseek collection compact`, or the next `polyseek index`, makes them"
    )


def recall_lines(recall: list[Facts]) -> list[str]:
    """Measurements for a reader, one line each."""
    return [
        f"recall@{record['k']} against exact search, {record['modality']} queries: "
        f"{record['mean']:.3f} ± {record['standard_error']:.3f} ({record['queries']:,} queries)"
        for record in recall
    ]
