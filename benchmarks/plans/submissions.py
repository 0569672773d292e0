"""What is sent to servers, for splits whose targets are known to nobody else."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.datasets.base import Composed, DatasetError
from benchmarks.features import Features
from benchmarks.plans.base import RunOptions, seen
from benchmarks.plans.composed import asker_of, encoder_for, methods_of, phi_of
from benchmarks.protocols.submissions import SERVERS
from retrieval.model import EncoderInfo


@dataclass(frozen=True, slots=True)
class Submission:
    """A file for a server.

    Attributes:
        name: of the file.
        content: JSON.
        server: where it goes.
        missing: names of pictures that are not there; they are in no ranking.
    """

    name: str
    content: bytes
    server: str
    missing: tuple[str, ...]


def submissions(data: Composed, features: Features, options: RunOptions) -> Iterator[Submission]:
    """The files of each way to compose; embeds pictures and texts.

    Raises:
        DatasetError: queries lack their picture, or are limited: a server takes all or nothing.
    """
    if options.limit is not None or options.distractors:
        raise DatasetError(
            f"{data.origin.name} {data.origin.split} is answered for a server, which takes all of "
            "its queries and no other pictures",
            hint="leave --limit and --distractors out",
        )
    methods = methods_of(options)
    encoder, _ = encoder_for(methods, features, options)
    data, found, _ = seen(data, features, options)
    if data.n_left_out:
        raise DatasetError(
            f"{data.n_left_out:,} queries of {data.origin.name} {data.origin.split} lack their "
            "picture, and a server takes all",
            hint=f"{', '.join(data.missing[:3])} ... are missing",
        )
    asker = asker_of(data, found.rows, features, encoder)
    server = SERVERS[data.origin.name]
    for method in methods:
        asked = asker(method)
        for kind, make in server.files.items():
            content = json.dumps(make(data, found.rows, asked), separators=(",", ":"))
            way = "-".join([method.name, *(each[:8] for each in phi_of(method, options).values())])
            name = _name(data, features.encoder, way, kind)
            yield Submission(name, content.encode(), server.address, data.missing)


def _name(data: Composed, info: EncoderInfo, way: str, kind: str) -> str:
    said = (data.origin.name, data.origin.split, info.name, info.fingerprint[:8], way, kind)
    return re.sub(r"[^\w.+-]+", "_", "-".join(said)) + ".json"
