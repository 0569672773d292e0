"""Descriptions that people wrote into a picture: XMP's dc:description and IPTC's caption.

Like EXIF they are often damaged, and nothing here raises. EXIF's own ImageDescription is left out:
cameras fill it with their names.

Sources: ISO 16684-1 (XMP), section 8.3 (dc:description, a language alternative); IPTC Information
Interchange Model 4.2, dataset 2:120 (Caption/Abstract).
"""

from collections.abc import Iterator
from xml.etree import ElementTree

from PIL import ImageFile, IptcImagePlugin

MAX_CHARS = 4_000
"""A description is a few sentences; more is a document that strayed into the field."""

_MAX_XMP_BYTES = 1 << 20
_DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"
_LANGUAGE_ITEM = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_CAPTION = (2, 120)


def read_descriptions(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """The descriptions of a loaded picture, each once: XMP's in all its languages, then IPTC's."""
    found = [*_from_xmp(image), *_from_iptc(image)]
    cleaned = (" ".join(text[: 2 * MAX_CHARS].split())[:MAX_CHARS] for text in found)
    return tuple(dict.fromkeys(text for text in cleaned if text))


def _from_xmp(image: ImageFile.ImageFile) -> Iterator[str]:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    data = packet.encode("utf-8", "replace") if isinstance(packet, str) else packet
    # XMP has no document type; one that comes with entities comes to do harm.
    if not isinstance(data, bytes) or len(data) > _MAX_XMP_BYTES or b"<!" in data:
        return
    try:
        root = ElementTree.fromstring(data.strip(b"\0 \r\n\t"))
    except ElementTree.ParseError:
        return
    for description in root.iter(_DESCRIPTION):
        for item in description.iter(_LANGUAGE_ITEM):
            yield item.text or ""


def _from_iptc(image: ImageFile.ImageFile) -> Iterator[str]:
    try:
        fields = IptcImagePlugin.getiptcinfo(image) or {}
    except Exception:  # noqa: BLE001 - whatever damaged bytes make Pillow raise, the pixels are fine
        return
    found = fields.get(_CAPTION, b"")
    for value in found if isinstance(found, list) else [found]:
        if isinstance(value, bytes):
            yield _decoded(value)


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")  # what IPTC's default code set comes down to in practice
