"""The torchvision trap, mended in one place.

A CPU build of torch beside torchvision from PyPI (built for CUDA) is what many machines have. Then
torchvision's compiled operators do not load, and `import torchvision` itself fails with "operator
torchvision::nms does not exist", because it registers a rule for an operator that nobody declared.
open_clip and timm import torchvision for image transforms, which need no compiled operator at all.

Declaring the two operators that torchvision 0.28 mentions at import lets the import pass. Calling
one of them still fails, as it should: there is no kernel. A healthy torchvision is left alone.
"""

import importlib
import importlib.util
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_DECLARED = ("nms", "qnms")
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

_keep: "list[torch.library.Library]" = []
"""A declaration lives as long as its Library object."""


@cache
def mend_torchvision() -> bool:
    """Make `import torchvision` work, whatever build of torch is there. Call before open_clip.

    Returns:
        True if the operators had to be declared, False if torchvision was healthy or is absent.
    """
    if importlib.util.find_spec("torchvision") is None:
        return False
    try:
        importlib.import_module("torchvision")
    except (RuntimeError, ImportError, OSError):
        # What it imported so far is half made; it must start afresh.
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
    else:
        return False
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in _DECLARED:
        library.define(name + _SIGNATURE)  # type: ignore[no-untyped-call]
    _keep.append(library)
    importlib.import_module("torchvision")
    return True
