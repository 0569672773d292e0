"""Indexes a folder in a process of its own, which a test may kill.

usage: python -m tests.e2e.index_process ENCODER SEGMENT_ITEMS SOURCE COLLECTION

Says "ready" when it can be interrupted, "committed N" whenever N files of the run are durable, and
the counts as JSON at the end. Rests after each commit, so that a signal meets a run still going.
"""

import json
import signal
import sys
import time
from pathlib import Path

from indexer.service import IndexOptions, index_folders
from tests.factories import GeometryEncoder

REST_S = 0.05


def main(encoder, segment_items, source, collection):
    acknowledged = 0

    def acknowledge(progress):
        nonlocal acknowledged
        if progress.committed > acknowledged:
            acknowledged = progress.committed
            # One write for the whole line: an interrupt between two would leave half of it.
            sys.stdout.write(f"committed {acknowledged}\n")
            sys.stdout.flush()
            time.sleep(REST_S)

    report = index_folders(
        [Path(source)],
        Path(collection),
        encoder=GeometryEncoder() if encoder == "geometry" else encoder,
        options=IndexOptions(segment_items=int(segment_items), batch_size=8),
        on_progress=acknowledge,
    )
    print(json.dumps({"added": report.added, "unchanged": report.unchanged}), flush=True)


if __name__ == "__main__":
    # A shell that started the tests in the background has them, and us, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("ready", flush=True)
    main(*sys.argv[1:])
