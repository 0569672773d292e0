"""Pictures: bytes of any supported format -> one upright 8-bit sRGB image and its metadata.

Opens no file and no socket: callers read the bytes. Every failure is an `ImageError` with a
short, stable reason; a hostile or broken picture can raise nothing else.
"""

from retrieval.images.decode import DecodedImage, PixelLimits, decode_image
from retrieval.images.formats import IMAGE_SUFFIXES

__all__ = ["IMAGE_SUFFIXES", "DecodedImage", "PixelLimits", "decode_image"]
