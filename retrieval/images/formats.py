"""What a picture's bytes claim to be: its format by magic number, and whether its end is missing.

Reads headers with `struct` alone and never decodes. Pillow's own identification is not used: it
tries every plugin it knows, takes a RAW photograph for its TIFF thumbnail, and checks pixels
against a process-wide limit.
"""

import itertools
import struct
from collections.abc import Callable, Mapping

_PLAIN_SUFFIXES = ".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .dib .tif .tiff .avif"
_HEIF_SUFFIXES = ".heic .heif .hif"
_RAW_SUFFIXES = ".dng .cr2 .cr3 .nef .arw .orf .rw2 .raf .pef .srw"

IMAGE_SUFFIXES: frozenset[str] = frozenset(
    f"{_PLAIN_SUFFIXES} {_HEIF_SUFFIXES} {_RAW_SUFFIXES}".split()
)
"""Lower-case suffixes of files worth reading. HEIC and RAW belong even where their extra is not
installed: such a file is then reported as skipped with the extra's name, not passed over."""

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"IIRO", "RAW"),  # Olympus
    (b"IIRS", "RAW"),
    (b"MMOR", "RAW"),
    (b"IIU\0", "RAW"),  # Panasonic
)
_TIFF_MAGIC = (b"II*\0", b"MM\0*")
_BIG_TIFF_MAGIC = (b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_CANON_RAW_BRAND = b"crx "

# TIFF tags and values (TIFF 6.0; DNG 1.7; TIFF/EP for the sub-directories of RAW files).
_SUBFILE_TYPE, _PHOTOMETRIC, _SUB_DIRECTORIES, _DNG_VERSION = 254, 262, 330, 50706
_STRIP_OFFSETS, _STRIP_SIZES, _TILE_OFFSETS, _TILE_SIZES = 273, 279, 324, 325
_SENSOR_PHOTOMETRICS = (32803, 34892)  # colour filter array, linear raw
_INTEGER_FIELDS = {1: "B", 3: "H", 4: "L"}
_MAX_FIELD_VALUES = 1 << 16


def sniff_format(data: bytes) -> str | None:
    """Name of the format by its first bytes, or None for what is no supported picture.

    One of "JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "HEIF", "RAW".
    """
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] in _TIFF_MAGIC:
        return "RAW" if _is_raw(data) else "TIFF"
    if data[:4] in _BIG_TIFF_MAGIC:
        return "TIFF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    if data[4:8] == b"ftyp":
        return _sniff_brands(data)
    return None


def is_cut_short(name: str, data: bytes) -> bool:
    """True if the file's own structure promises bytes beyond its end.

    Args:
        name: as `sniff_format` gave it.
        data: the whole file; asked only after decoding failed, to tell the reason.
    """
    check = _COMPLETENESS.get(name)
    try:
        return check is not None and check(data)
    except (struct.error, IndexError):  # the header itself ends early
        return True


def _sniff_brands(data: bytes) -> str | None:
    end = int.from_bytes(data[:4], "big")
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, min(end, 256), 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIF_BRANDS:
        return "HEIF"
    return "RAW" if _CANON_RAW_BRAND in brands else None


def _is_raw(data: bytes) -> bool:
    """A RAW photograph in TIFF clothes: its first directory holds a thumbnail or sensor data."""
    if data[8:10] == b"CR":
        return True
    try:
        fields = _first_directory(data)
    except struct.error:
        return False
    is_thumbnail = bool(fields.get(_SUBFILE_TYPE, (0,))[0] & 1)
    return (
        _DNG_VERSION in fields
        or fields.get(_PHOTOMETRIC, (0,))[0] in _SENSOR_PHOTOMETRICS
        or (is_thumbnail and _SUB_DIRECTORIES in fields)
    )


def _first_directory(data: bytes) -> dict[int, tuple[int, ...]]:
    """Integer fields of a classic TIFF's first directory; raises struct.error past the end."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}L", data, 4)
    (n_fields,) = struct.unpack_from(f"{order}H", data, start)
    fields = {}
    for at in range(start + 2, start + 2 + 12 * n_fields, 12):
        tag, kind, count = struct.unpack_from(f"{order}HHL", data, at)
        code = _INTEGER_FIELDS.get(kind)
        if code is None or not 0 < count <= _MAX_FIELD_VALUES:
            continue
        layout = f"{order}{count}{code}"
        values_at = at + 8
        if struct.calcsize(layout) > 4:
            (values_at,) = struct.unpack_from(f"{order}L", data, at + 8)
        fields[tag] = struct.unpack_from(layout, data, values_at)
    return fields


def _jpeg_cut_short(data: bytes) -> bool:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xDA:  # the scan: coded data up to the end-of-image marker
            return data.find(b"\xff\xd9", at) < 0
        at += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", data, at + 2)[0]
    return False


def _png_cut_short(data: bytes) -> bool:
    at = 8
    while data[at + 4 : at + 8] != b"IEND":
        at += 12 + struct.unpack_from(">L", data, at)[0]
    return False


def _gif_cut_short(data: bytes) -> bool:
    return not data.rstrip(b"\0").endswith(b";")


def _bmp_cut_short(data: bytes) -> bool:
    return int(struct.unpack_from("<L", data, 2)[0]) > len(data)


def _webp_cut_short(data: bytes) -> bool:
    return int(struct.unpack_from("<L", data, 4)[0]) + 8 > len(data)


def _boxes_cut_short(data: bytes) -> bool:
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">L", data, at)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
        if size == 0:  # up to the end, wherever that is
            return False
        at += max(size, 8)
    return at > len(data)


def _tiff_cut_short(data: bytes) -> bool:
    if data[:4] in _BIG_TIFF_MAGIC:
        (start,) = struct.unpack_from("<Q" if data[:2] == b"II" else ">Q", data, 8)
        return bool(start >= len(data))
    fields = _first_directory(data)
    pieces = itertools.chain(
        zip(fields.get(_STRIP_OFFSETS, ()), fields.get(_STRIP_SIZES, ()), strict=False),
        zip(fields.get(_TILE_OFFSETS, ()), fields.get(_TILE_SIZES, ()), strict=False),
    )
    return any(offset + size > len(data) for offset, size in pieces)


_COMPLETENESS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": _jpeg_cut_short,
    "PNG": _png_cut_short,
    "GIF": _gif_cut_short,
    "BMP": _bmp_cut_short,
    "WEBP": _webp_cut_short,
    "AVIF": _boxes_cut_short,
    "HEIF": _boxes_cut_short,
    "TIFF": _tiff_cut_short,
}
