"""What a camera wrote beside the pixels: orientation, date, maker and model, position.

EXIF in the wild is often damaged. Nothing here raises: a field that cannot be read is absent.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

_DATE = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_MAX_CAMERA_CHARS = 100


@dataclass(frozen=True, slots=True)
class ExifFields:
    """The fields polyseek keeps; see `retrieval.model.ImageMeta` for their meaning.

    Attributes:
        orientation: EXIF 2.32 tag 0x0112, 1 to 8; 1 where absent or out of range.
    """

    orientation: int = 1
    taken: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None


def read_exif(image: Image.Image) -> ExifFields:
    """Fields of a loaded picture (a PNG may carry its EXIF behind the pixels)."""
    try:
        exif = image.getexif()
    except Exception:  # noqa: BLE001 - whatever damaged bytes make Pillow raise, the pixels are fine
        return ExifFields()
    return fields_of(exif)


def fields_of(exif: Image.Exif) -> ExifFields:
    """Fields of parsed EXIF."""
    if not exif:
        return ExifFields()
    base = _readable(exif, Base.Orientation, Base.DateTime, Base.Make, Base.Model)
    details = _directory(exif, IFD.Exif, Base.DateTimeOriginal, Base.DateTimeDigitized)
    position = _directory(exif, IFD.GPSInfo, *GPS)
    latitude = _degrees(position.get(GPS.GPSLatitude), position.get(GPS.GPSLatitudeRef), 90)
    longitude = _degrees(position.get(GPS.GPSLongitude), position.get(GPS.GPSLongitudeRef), 180)
    has_position = latitude is not None and longitude is not None
    orientation = base.get(Base.Orientation)
    return ExifFields(
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        taken=_date(details.get(Base.DateTimeOriginal))
        or _date(details.get(Base.DateTimeDigitized))
        or _date(base.get(Base.DateTime)),
        camera=_camera(_text(base.get(Base.Make)), _text(base.get(Base.Model))),
        latitude=latitude if has_position else None,
        longitude=longitude if has_position else None,
    )


def _directory(exif: Image.Exif, where: IFD, *tags: int) -> Mapping[int, object]:
    try:
        fields = exif.get_ifd(where)
    except Exception:  # noqa: BLE001 - as in read_exif: one damaged directory spoils no other
        return {}
    return {tag: fields[tag] for tag in tags if tag in fields}


def _readable(exif: Image.Exif, *tags: int) -> Mapping[int, object]:
    """The values that can be decoded; Pillow decodes each when it is first asked for."""
    values: dict[int, object] = {}
    for tag in tags:
        try:
            values[tag] = exif.get(tag)
        except Exception:  # noqa: BLE001 - one damaged field spoils no other
            continue
    return values


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if not isinstance(value, str):
        return ""
    printable = "".join(c if c.isprintable() else " " for c in value.split("\0", 1)[0])
    return " ".join(printable.split())[:_MAX_CAMERA_CHARS]


def _date(value: object) -> str | None:
    match = _DATE.match(_text(value))
    if match is None:
        return None
    try:
        return datetime(*map(int, match.groups())).isoformat()  # type: ignore[arg-type]
    except ValueError:  # "0000:00:00 00:00:00" is what a camera without a clock writes
        return None


def _camera(make: str, model: str) -> str | None:
    """Make and model as one name; most models already begin with their maker's first word."""
    if make and model and model.casefold().startswith(make.split()[0].casefold()):
        return model
    return f"{make} {model}".strip() or None


def _degrees(value: object, hemisphere: object, limit: float) -> float | None:
    """Signed degrees from (degrees, minutes, seconds); None if unset or off the globe."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3:
        return None
    try:
        parts = [float(part) for part in value]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    degrees = sum((part / 60.0**power for power, part in enumerate(parts)), 0.0)
    if not math.isfinite(degrees) or abs(degrees) > limit:
        return None
    return -degrees if _text(hemisphere).upper() in ("S", "W") else degrees
