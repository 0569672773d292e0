"""Each data set measured by both harnesses, as rows of figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.datasets.base import DatasetError, DatasetSpec
from benchmarks.datasets.registry import dataset
from benchmarks.parity import flickr_form
from benchmarks.parity.material import Material
from benchmarks.parity.ours import Measured, Polyseek
from benchmarks.parity.table import TOLERANCE, Row
from benchmarks.parity.theirs import ClipBenchmark
from retrieval.errors import BenchmarkError

LANGUAGES = ("OM", "SO", "SW", "EN")
"""Three short lists of names, one of which holds names twice, and the longest."""

WITHOUT_TEMPLATES = ("BR", "FY", "LA")

ROUNDING = 1e-6
"""A cosine of float32 rows that went through a model in batches of another size: eight units of
the last place at 1, twice the most that was seen."""


@dataclass(frozen=True, slots=True)
class Harnesses:
    """Both, with one model and the same files."""

    theirs: ClipBenchmark
    ours: Polyseek
    material: Material

    def all_rows(self, languages: Sequence[str]) -> Iterator[Row]:
        """Everything that is compared.

        Args:
            languages: of Babel-ImageNet, with templates; () leaves all names of classes out.

        Raises:
            BenchmarkError: CLIP_benchmark failed where it should not.
            DatasetError: the files do not fit.
        """
        yield from self._coco()
        for name in ("shapes", "copies"):
            yield from self._flickr(name)
        if not languages:
            return
        self.theirs.take_for_imagenet(self.material.folder / "babel")
        self.theirs.take_for_imagenet(self.material.folder / "names")
        for language in WITHOUT_TEMPLATES:
            yield self._without_templates(language)
        for language in languages:
            yield from self._babel(language)
        yield from self._openai_names()

    def _coco(self) -> Iterator[Row]:
        folder = self.material.folder / "coco"
        theirs = self.theirs.retrieval("mscoco_captions", folder, folder / "captions_parity.json")
        ours = self.ours.retrieval(_in("coco-mini", "coco"))
        what = "photographs" if self.material.photographs else "shapes"
        yield from rows(f"COCO form, {what}", theirs, ours)

    def _flickr(self, name: str) -> Iterator[Row]:
        folder = self.material.folder / name
        theirs = self.theirs.retrieval("flickr30k", folder, folder / flickr_form.FILE)
        ours = self.ours.retrieval(flickr_form.spec(name))
        yield from rows(f"Flickr30K form, {name}", theirs, ours)

    def _babel(self, language: str) -> Iterator[Row]:
        folder = self.material.folder / "babel"
        theirs = self.theirs.classification("babel_imagenet", folder, language)
        ours = self.ours.classification(_in("babel-imagenet", "babel"), language, "translated")
        yield from rows(f"Babel-ImageNet {language}", theirs, ours)

    def _openai_names(self) -> Iterator[Row]:
        theirs = self.theirs.classification("imagenet1k", self.material.folder / "names", "en")
        spec = _in("babel-imagenet", "names")
        ours = self.ours.classification(spec, "EN", "openai_en")
        yield from rows("ImageNet, OpenAI's names", theirs, ours)

    def _without_templates(self, language: str) -> Row:
        spec = _in("babel-imagenet", "babel")
        expected = []
        try:
            folder = self.material.folder / "babel"
            self.theirs.classification("babel_imagenet", folder, language)
        except BenchmarkError as error:
            if f"KeyError: '{language}'" in str(error):
                expected.append(f"no translated templates: there a KeyError: '{language}'")
        try:
            self.ours.classification(spec, language, "translated")
        except DatasetError:
            expected.append("here refused; the figure is of --prompts label")
        ours = self.ours.classification(spec, language, "label").figures["top1"]
        why = ", ".join(expected) if len(expected) == 2 else ""
        return Row(f"Babel-ImageNet {language}", "top1", None, ours, expected=why)


def rows(data: str, theirs: Mapping[str, float], ours: Measured) -> Iterator[Row]:
    """All figures that both, or one of them, gave of what is compared.

    Args:
        data: what was measured.
        theirs: by name.
        ours: likewise, with what it was ranked from.
    """
    for asked in ours.asked:
        differ = any(
            abs(theirs.get(name, 0.0) - ours.figures[name]) > TOLERANCE for name in asked.figures
        )
        ties = asked.between(0.0) if differ else {}
        rounding = asked.between(ROUNDING) if differ else {}
        for name in asked.figures:
            yield Row(
                data,
                name,
                theirs.get(name),
                ours.figures[name],
                ties.get(name),
                rounding.get(name),
            )


def _in(name: str, folder: str) -> DatasetSpec:
    """The data set of a name, in another folder."""
    return replace(dataset(name), folder=folder)
