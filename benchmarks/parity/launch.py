"""Run CLIP_benchmark's own command line; a script for its environment, where polyseek is not.

    python -I launch.py about               what is installed, as JSON
    python -I launch.py classes FOLDER      let torchvision take FOLDER/val for ImageNet
    python -I launch.py run eval --dataset ...

Beside a CPU build of torch, PyPI's torchvision does not import; polyseek's mending of that is taken
from its file. Nothing of CLIP_benchmark is changed.
"""

import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

_MENDING = Path(__file__).parents[2] / "retrieval" / "encoders" / "torchvision_ops.py"
_PACKAGES = ("clip-benchmark", "torch", "torchvision", "open_clip_torch", "pillow", "numpy")


def about() -> dict[str, Any]:
    """Versions of packages, and the folder with the annotations that CLIP_benchmark carries.

    Raises:
        ModuleNotFoundError: it is not installed here.
    """
    spec = importlib.util.find_spec("clip_benchmark")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("clip_benchmark is not installed in this environment")
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    files = Path(spec.submodule_search_locations[0], "datasets")
    return {"versions": versions, "files": str(files)}


def write_classes(folder: Path) -> None:
    """Write the file that torchvision would make of ImageNet's devkit archive.

    It names the classes, and CLIP_benchmark then puts its own names in their place.
    """
    import torch

    wnids = sorted(each.name for each in (folder / "val").iterdir())
    torch.save(({wnid: (wnid,) for wnid in wnids}, wnids), folder / "meta.bin")


def run(arguments: list[str]) -> None:
    """Run the command line of CLIP_benchmark."""
    spec = importlib.util.spec_from_file_location("torchvision_ops", _MENDING)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.mend_torchvision()
    from clip_benchmark.cli import main

    sys.argv = ["clip_benchmark", *arguments]
    main()


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    if verb == "about":
        sys.stdout.write(json.dumps(about()))
    elif verb == "classes":
        write_classes(Path(rest[0]))
    else:
        run(rest)
