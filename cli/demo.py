"""`polyseek demo`: the whole way from photographs to answers, on pictures that packages carry."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import begin
from cli.exits import ExitCode, reported_errors
from cli.index import Job, run_index
from cli.options import QuietOption, examples
from cli.output import note, write_text
from retrieval.errors import MissingDependencyError

if TYPE_CHECKING:
    from retrieval.model import Hit
    from retrieval.query.algebra import Query

PHOTOGRAPHS = {
    "skimage": (
        "data/astronaut.png",
        "data/chelsea.png",
        "data/coffee.png",
        "data/hubble_deep_field.jpg",
        "data/ihc.png",
        "data/motorcycle_left.png",
        "data/motorcycle_right.png",
        "data/retina.jpg",
        "data/rocket.jpg",
    ),
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
}
"""The colour photographs in the wheels of scikit-image and scikit-learn."""

HITS_SHOWN = 4

EXAMPLES = examples("polyseek demo", "polyseek demo --out /tmp/demo")


@dataclass(frozen=True, slots=True)
class Question:
    """One query of the demo and its known answer.

    Attributes:
        title: shown above its hits.
        expected: name of the file that has to come first.
        text: of the query; empty for none.
        image: name of a photograph that the query starts from; empty for none.
    """

    title: str
    expected: str
    text: str = ""
    image: str = ""

    def to_query(self, photographs: Path) -> "Query":
        """The query value that the engine takes."""
        from retrieval.query.algebra import Expression, ImageFile, Query, Sum, Text

        terms: list[Expression] = [ImageFile(photographs / self.image)] if self.image else []
        terms += [Text(self.text)] if self.text else []
        return Query(Sum(tuple(terms)))


QUESTIONS = (
    Question("English: a cup of coffee", "coffee.png", text="a cup of coffee"),
    Question(
        "English: a rocket on the launch pad at night",
        "rocket.jpg",
        text="a rocket on the launch pad at night",
    ),
    Question("German: ein Tempel in China", "china.jpg", text="ein Tempel in China"),
    Question("Japanese: 猫 (a cat)", "chelsea.png", text="猫"),
    Question("like motorcycle_left.png", "motorcycle_right.png", image="motorcycle_left.png"),
    Question(
        "rocket.jpg + a person in a space suit",
        "astronaut.png",
        text="a person in a space suit",
        image="rocket.jpg",
    ),
)


def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where pictures and answers are put.")
    ] = Path("demo-out"),
    quiet: QuietOption = False,
) -> None:
    """Index sample photographs, answer six queries and draw the answers.

    The photographs come with scikit-image and scikit-learn (`pip install 'polyseek[demo]'`). Every
    answer is known: exit 1 if one does not come first.
    """
    with reported_errors():
        photographs = out / "photographs"
        copy_photographs(photographs)
        collection = out / ".polyseek"
        context = begin({"collection": collection}, quiet=quiet)
        run_index(context, Job((photographs,)))
        sections, wrong = [], []
        for question, hits in answers(photographs, collection):
            right = hits[0].path.endswith(b"/" + question.expected.encode())
            found = hits[0].item.files[0].name
            write_text(f"{'ok  ' if right else 'FAIL'}  {question.title}  ->  {found}")
            sections.append((question.title, hits))
            wrong += [] if right else [question.title]
        draw(sections, out)
        note(f"look at {out / 'sheet.png'} and {out / 'index.html'}", quiet=quiet)
        if wrong:
            raise typer.Exit(ExitCode.FAILURE)


def copy_photographs(folder: Path) -> None:
    """Put the sample photographs into a folder.

    Raises:
        MissingDependencyError: the packages that carry them are not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package, names in PHOTOGRAPHS.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise MissingDependencyError(
                f"the sample photographs come with {package}, which is not installed",
                hint="pip install 'polyseek[demo]'",
            )
        for name in names:
            source = Path(spec.origin).parent / name
            shutil.copy2(source, folder / source.name)


def answers(photographs: Path, collection: Path) -> Iterator[tuple[Question, "tuple[Hit, ...]"]]:
    """Each question of the demo with its hits, best first."""
    from retrieval.engine import SearchEngine

    with SearchEngine.open(collection) as engine:
        for question in QUESTIONS:
            result = engine.search(question.to_query(photographs), k=HITS_SHOWN)
            yield question, result.hits


def draw(sections: "list[tuple[str, tuple[Hit, ...]]]", out: Path) -> None:
    """Write the answers as a contact sheet and as a page."""
    from cli.render.page import render_page
    from cli.render.sheet import draw_sheet

    draw_sheet(sections).save(out / "sheet.png", optimize=True)
    (out / "index.html").write_text(render_page(sections), encoding="utf-8")
