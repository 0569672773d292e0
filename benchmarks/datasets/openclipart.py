"""Open Clip Art: drawings whose title stands in the picture file itself.

    usr/share/openclipart/png/**/NAME.png    with a text chunk `Title`

They come with the Debian package openclipart-png. Only the head of a file is read, up to its first
pixel. A title that several pictures have is that of a collection ("Flat Icon Collection") and says
nothing about them: pictures with a title of their own are taken, and links to others are not. Most
titles are English, a few are Italian or French.

Source of the form: W3C, "Portable Network Graphics Specification", section 11.3.3, tEXt.
"""

import html
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets.base import (
    Crossmodal,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
    Picture,
    crossmodal_of,
)
from benchmarks.datasets.choices import chosen_languages, refuse
from benchmarks.datasets.packages import FOLDER, digest, packaged

PACKAGE = "openclipart-png"
CLIP_ART = "usr/share/openclipart/png"

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LENGTH_AND_TYPE = struct.Struct(">I4s")
_CRC_BYTES = 4


def read_title(path: Path) -> str:
    """The title that a PNG file has before its pixels; "" where there is none.

    Raises:
        DatasetError: it is no PNG file, or is cut off.
    """
    with path.open("rb") as file:
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            raise DatasetError(f"{path} is no PNG file", hint=f"apt-get install {PACKAGE}")
        while len(head := file.read(_LENGTH_AND_TYPE.size)) == _LENGTH_AND_TYPE.size:
            length, kind = _LENGTH_AND_TYPE.unpack(head)
            if kind == b"IDAT":
                return ""
            if kind != b"tEXt":
                file.seek(length + _CRC_BYTES, 1)
                continue
            keyword, _, text = file.read(length + _CRC_BYTES)[:length].partition(b"\0")
            if keyword == b"Title":
                return _cleaned(text)
    raise DatasetError(f"{path} is cut off before its pixels", hint=f"apt-get install {PACKAGE}")


def load(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """The pictures that have a title of their own."""
    refuse(options, "openclipart", "split", "captions", "gallery")
    chosen_languages(options.languages, ("en",), "openclipart")
    pictures = packaged(folder, CLIP_ART, PACKAGE)
    titles = {
        path.relative_to(pictures).as_posix(): title
        for path in sorted(pictures.rglob("*.png"))
        if not path.is_symlink() and (title := read_title(path))
    }
    count = Counter(titles.values())
    own = {name: title for name, title in titles.items() if count[title] == 1}
    sha256 = digest((name, title.encode()) for name, title in own.items())
    origin = Origin("openclipart", "all", sha256={"titles": sha256})
    captions = [(Picture(name, pictures / name), [(name, title)]) for name, title in own.items()]
    return (crossmodal_of(origin, captions),)


def _cleaned(text: bytes) -> str:
    """A title as it was meant: some are UTF-8 where the form says Latin-1, some are escaped."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        decoded = text.decode("latin-1")
    return " ".join(html.unescape(decoded).split())


SPEC = DatasetSpec(
    "openclipart",
    "crossmodal",
    "drawings of the Debian package openclipart-png",
    load,
    FOLDER,
)
