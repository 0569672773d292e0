"""Makes the tables of published figures.

    python -m benchmarks.reference.build REFERENCE BABEL_RESULTS

REFERENCE holds `open_clip/` with the tables of open_clip's documentation, `clip_benchmark/` with
those of CLIP_benchmark, and `papers/` with figures collected by hand; BABEL_RESULTS is the folder
`results` of Babel-ImageNet's repository. The same files give the same bytes.
"""

import argparse
from pathlib import Path

from benchmarks.reference import (
    from_babel,
    from_clip_benchmark,
    from_composed,
    from_open_clip,
    from_papers,
)
from benchmarks.reference.writing import write_table, write_values

OWN = Path(__file__).parent


def build(reference: Path, babel: Path, out: Path) -> None:
    """Write `tables/*.csv` and `values/*.toml`.

    Args:
        reference: see above.
        babel: see above.
        out: the folder that holds `tables` and `values`.
    """
    for folder in ("tables", "values"):
        (out / folder).mkdir(exist_ok=True)
    tables = (
        *from_open_clip.tables(reference / "open_clip"),
        *from_clip_benchmark.tables(reference / "clip_benchmark"),
        *from_babel.tables(babel),
    )
    for name, rows in tables:
        write_table(out / "tables" / f"{name}.csv", rows)
    papers = reference / "papers"
    for name, made_from, rows in (*from_papers.values(papers), *from_composed.values(papers)):
        write_values(out / "values" / f"{name}.toml", made_from, rows)


def main() -> None:
    """Build beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference", type=Path)
    parser.add_argument("babel", type=Path)
    given = parser.parse_args()
    build(given.reference, given.babel, OWN)


if __name__ == "__main__":
    main()
