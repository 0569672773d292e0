"""What people wrote into a picture: XMP and IPTC descriptions."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from retrieval.images import decode_image
from retrieval.images.descriptions import MAX_CHARS

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>{items}</rdf:Alt>'
    "</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def xmp(*texts):
    return XMP.format(items="".join(f"<rdf:li xml:lang='x'>{text}</rdf:li>" for text in texts))


def jpeg(packet=None):
    out = io.BytesIO()
    options = {"xmp": packet.encode()} if packet else {}
    Image.new("RGB", (16, 16), "red").save(out, "JPEG", **options)
    return out.getvalue()


def with_iptc(*captions):
    """A JPEG with a Photoshop resource block that holds IPTC captions."""
    fields = b"".join(b"\x1c\x02\x78" + struct.pack(">H", len(text)) + text for text in captions)
    padded = fields + b"\0" * (len(fields) % 2)
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(fields)) + padded
    segment = b"Photoshop 3.0\0" + block
    data = jpeg()
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def descriptions(data):
    return decode_image(data).descriptions


def test_a_picture_without_any_says_nothing():
    assert descriptions(jpeg()) == ()


def test_xmp_is_read_in_all_its_languages():
    assert descriptions(jpeg(xmp("a dog", "ein Hund", "a dog"))) == ("a dog", "ein Hund")


def test_iptc_is_read_in_either_encoding():
    assert descriptions(with_iptc("ein Käfer".encode())) == ("ein Käfer",)
    assert descriptions(with_iptc("ein Käfer".encode("latin-1"))) == ("ein Käfer",)
    assert descriptions(with_iptc(b"first", b"second")) == ("first", "second")


def test_white_space_is_squeezed_and_blank_is_nothing():
    assert descriptions(jpeg(xmp("  a \n dog\t", "", " \n"))) == ("a dog",)


def test_a_document_in_the_field_is_cut():
    (text,) = descriptions(jpeg(xmp("word " * 10_000)))
    assert len(text) <= MAX_CHARS


def png_options():
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp("a dog"))
    return {"pnginfo": info}


@pytest.mark.parametrize(
    ("name", "options"), [("PNG", png_options()), ("WEBP", {"xmp": xmp("a dog").encode()})]
)
def test_other_formats_carry_them_too(name, options):
    out = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(out, name, **options)
    assert descriptions(out.getvalue()) == ("a dog",)


@pytest.mark.parametrize(
    "packet",
    [
        "<x:xmpmeta",
        "no xml at all",
        "<!DOCTYPE x [<!ENTITY a 'b'>]>" + xmp("&a;"),
        xmp("a dog").replace("dc:description", "dc:title"),
    ],
)
def test_what_is_damaged_or_comes_to_do_harm_costs_only_itself(packet):
    decoded = decode_image(jpeg(packet))
    assert decoded.descriptions == ()
    assert decoded.image.size == (16, 16)


@given(st.binary(max_size=200))
def test_nonsense_in_the_block_of_iptc_never_costs_the_picture(nonsense):
    segment = b"Photoshop 3.0\0" + nonsense
    data = jpeg()
    odd = data[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    assert decode_image(odd).image.size == (16, 16)
