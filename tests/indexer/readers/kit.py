"""Sources of pictures for tests, written by hand."""

import io
import os
import tarfile

import numpy as np
from PIL import Image


def png(seed, *, size=(8, 6)):
    """Bytes of a small picture that no other seed gives."""
    noise = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(noise).save(content, format="PNG")
    return content.getvalue()


def write_tar(path, members, **options):
    """An archive of these members, in this order: (name, bytes) or (TarInfo, bytes)."""
    with tarfile.open(path, "w", **options) as archive:
        for name, content in members:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def member(name, kind, linkname=""):
    """The header of a link, a device or a folder."""
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, linkname
    return header


def relative(root, paths):
    """Paths below a root, for reading."""
    return [os.path.relpath(path, root) for path in paths]
