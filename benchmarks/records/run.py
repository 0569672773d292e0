"""One record of a run: a protocol, a model, a way of searching, and all that makes the figures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from benchmarks.records.key import ProtocolKey
from retrieval.encoders.fingerprint import canonical_json

FORMAT = 1

EXACT = "exact"
"""The way of searching whose figures are held against published ones."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What was measured, of what, how.

    On a CPU the same command gives the same record but for `times`.

    Attributes:
        key: the protocol.
        system: EXACT, or the kind of index that was searched.
        figures: shares in [0, 1], but ranks ("t2i_median_rank"), by name.
        counts: pictures, texts, queries of each direction, classes, missing, unreadable.
        model: name, fingerprint, dim and parts of the encoder.
        data: where the data set comes from: sha256 of its annotations and pictures, licence, names
            of what is missing.
        settings: everything else that the figures depend on; JSON values.
        environment: versions of packages, git revision, processor; JSON values.
        times: wall and CPU seconds, pictures a second, peak memory; the only part that differs
            between two runs.
        ranks: sha256 of the file with the rank of every query, "" where there is none.
        index: of each direction the index that was built and searched: its canonical text
            ("exact", "ivf1024,pq256x4fs"), its seed, and of each kind of query how many lists and
            candidates it visits; {} where no index was asked.
    """

    key: ProtocolKey
    system: str
    figures: Mapping[str, float]
    counts: Mapping[str, int]
    model: Mapping[str, Any]
    data: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    ranks: str = ""
    index: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """What is measured, as one line: two records of it are the same measurement.

        Of the environment the device is part of it: another one rounds otherwise.
        """
        what = [asdict(self.key), self.system, self.model["fingerprint"], self.data["pictures"]]
        device = self.environment.get("device", "cpu")
        return canonical_json([*what, self.data["annotations"], self.settings, device])

    def to_json(self) -> dict[str, Any]:
        """A JSON object, with the format's number."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def of_json(cls, given: Mapping[str, Any]) -> Self:
        """A record as `to_json` gave it.

        Raises:
            ValueError: it is of another format.
            KeyError: a field is missing.
            TypeError: there is a strange one.
        """
        fields = dict(given)
        if (version := fields.pop("format", None)) != FORMAT:
            raise ValueError(f"format {version}, and this polyseek knows format {FORMAT}")
        record = cls(**(fields | {"key": ProtocolKey(**fields["key"])}))
        _check(record)
        return record


def _check(record: RunRecord) -> None:
    """Refuse a record whose parts are of other types, or lack what makes its identity."""
    for name in ("figures", "counts", "model", "data", "settings", "environment", "times"):
        if not isinstance(getattr(record, name), Mapping):
            raise TypeError(f"{name} is no object")
    for name, value in record.figures.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"the figure {name} is no number: {value!r}")
    for whole, names in (
        (record.model, ("name", "fingerprint")),
        (record.data, ("annotations", "pictures", "missing")),
    ):
        if lacking := [name for name in names if name not in whole]:
            raise KeyError(lacking[0])
