"""Builds the wheel, installs it alone and uses it: run by `make wheel`, not collected by pytest.

The new environment sees the dependencies of the one that runs this script (through a .pth file,
which does not carry over its editable install), so that only polyseek comes from the wheel.
"""

import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
WHOSE = """
import json, cli, benchmarks, retrieval, indexer
print(json.dumps({m.__name__: m.__file__ for m in (cli, benchmarks, retrieval, indexer)}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and return its standard output; its failure ends the smoke test."""
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def build_wheel(folder: Path) -> Path:
    """Build the project's wheel in a copy, so that no stale build/ folder leaks into it."""
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=PROJECT)
    source = folder / "source"
    for name in tracked.splitlines():
        if (PROJECT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, source / name)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, source, cwd=folder)
    return next(folder.glob("*.whl"))


def check_contents(wheel: Path) -> None:
    """The wheel holds the packages and their data files, and no tests."""
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith(("tests/", "docs/", "demo-out/"))]
    for needed in (
        "benchmarks/datasets/sources.toml",
        "benchmarks/reference/tables/",
        "benchmarks/reference/values/",
        "retrieval/encoders/assets/",
        "retrieval/store/migrations/versions/",
    ):
        assert any(name.startswith(needed) for name in names), f"{needed} is not in {wheel.name}"


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel into an environment of its own and return its bin folder."""
    run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    site = Path(
        run(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
        ).strip()
    )
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(python, "-m", "pip", "install", "-q", "--no-deps", wheel, cwd=folder)
    for name, file in json.loads(run(python, "-c", WHOSE, cwd=folder)).items():
        assert Path(file).is_relative_to(folder), f"{name} resolves to {file}, not to the wheel"
    return python.parent


def use(bin_folder: Path, folder: Path) -> None:
    """Index photographs and find one, with the installed command."""
    import skimage.data

    photographs = folder / "photographs"
    photographs.mkdir()
    for name in ("chelsea.png", "coffee.png", "rocket.jpg"):
        shutil.copy(Path(skimage.data.__file__).parent / name, photographs)
    polyseek = bin_folder / "polyseek"
    print(run(polyseek, "--version", cwd=folder).strip())
    report = json.loads(run(polyseek, "index", photographs, "--json", cwd=folder))
    assert report["added"] == 3, report
    answer = json.loads(run(polyseek, "query", "a cat", "--json", cwd=folder))
    assert answer["hits"][0]["path"].endswith("chelsea.png"), answer


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="polyseek-wheel-") as name:
        folder = Path(name).resolve()
        wheel = build_wheel(folder)
        check_contents(wheel)
        use(install(wheel, folder / "environment"), folder)
        print(f"{wheel.name}: installed alone, indexed and queried")


if __name__ == "__main__":
    main()
