"""Whatever is sent as a photo: what is kept is a picture and nothing else."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from city311.requests.pictures import LARGEST_BYTES, BadPicture, Fault, draw


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def photo(size: tuple[int, int] = (600, 400), **options: object) -> bytes:
    return encoded(Image.linear_gradient("L").resize(size).convert("RGB"), **options)


def exif(*, lat: tuple[object, object] | None = None, lon: tuple[object, object] | None = None) -> Image.Exif:
    made = Image.Exif()
    made[ExifTags.Base.Make] = "SecretCam"
    gps = made.get_ifd(ExifTags.IFD.GPSInfo)
    if lat and lon:
        gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = lat
        gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = lon
    return made


HERE = exif(lat=("N", (42.0, 22.0, 12.0)), lon=("W", (71.0, 6.0, 36.0)))


def test_device_and_place_are_left_behind_and_the_place_is_told() -> None:
    sent = photo(exif=HERE, comment=b"my name")
    assert b"SecretCam" in sent
    drawn = draw(sent)
    assert drawn.position == (42.37, -71.11)
    for kept in (drawn.content, drawn.small):
        image = Image.open(io.BytesIO(kept))
        assert image.format == "JPEG"
        assert not image.getexif() and "comment" not in image.info
        assert b"SecretCam" not in kept and b"my name" not in kept


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP"])
def test_other_kinds_become_jpeg(kind: str) -> None:
    drawn = draw(photo(kind=kind))
    assert Image.open(io.BytesIO(drawn.content)).format == "JPEG"
    assert (drawn.width, drawn.height) == (600, 400)


def test_large_ones_shrink_and_small_ones_stay() -> None:
    drawn = draw(photo((5000, 2500)))
    assert (drawn.width, drawn.height) == (2048, 1024)
    assert Image.open(io.BytesIO(drawn.small)).size == (320, 160)
    assert draw(photo((40, 20))).width == 40


def test_turned_upright() -> None:
    lying = Image.Exif()
    lying[ExifTags.Base.Orientation] = 6
    assert draw(photo((600, 400), exif=lying)).height == 600


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "I;16"])
def test_every_way_to_keep_pixels(mode: str) -> None:
    plain = Image.linear_gradient("L").resize((30, 20))
    image = Image.new("I;16", (30, 20)) if mode == "I;16" else plain.convert(mode)
    assert draw(encoded(image, "PNG")).width == 30
    assert draw(encoded(plain.convert("CMYK"))).width == 30


def test_what_is_transparent_becomes_white() -> None:
    drawn = draw(encoded(Image.new("RGBA", (30, 20), (0, 0, 0, 0)), "PNG"))
    assert min(Image.open(io.BytesIO(drawn.content)).convert("L").getextrema()) > 250


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is that large, with next to no data."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (b"", Fault.NOT_A_PHOTO),
        (b"hello", Fault.NOT_A_PHOTO),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", Fault.NOT_A_PHOTO),
        (b"<html><script>alert(1)</script></html>", Fault.NOT_A_PHOTO),
        (b"%PDF-1.7", Fault.NOT_A_PHOTO),
        (b"\xff\xd8\xff", Fault.NOT_A_PHOTO),
        (b"\x89PNG\r\n\x1a\n", Fault.BROKEN),
        (png_of(30_000, 30_000), Fault.TOO_LARGE),
        (png_of(200, 200), Fault.BROKEN),
        (photo()[:2000], Fault.BROKEN),
        (b"\0" * (LARGEST_BYTES + 1), Fault.TOO_LARGE),
    ],
    ids=["empty", "text", "svg", "html", "pdf", "start", "png start", "bomb", "no pixels", "cut off", "too many bytes"],
)
def test_what_is_no_photo_is_refused(sent: bytes, fault: Fault) -> None:
    with pytest.raises(BadPicture) as refused:
        draw(sent)
    assert refused.value.fault in ({fault, Fault.NOT_A_PHOTO} if fault is Fault.BROKEN else {fault})


def test_what_follows_the_picture_is_left_behind() -> None:
    drawn = draw(photo() + b"PK\x03\x04<script>alert(1)</script>")
    assert b"script" not in drawn.content


@pytest.mark.parametrize(
    "made",
    [
        exif(),
        exif(lat=("N", (0.0, 0.0, 0.0)), lon=("E", (0.0, 0.0, 0.0))),
        exif(lat=("N", (99.0, 0.0, 0.0)), lon=("E", (1.0, 0.0, 0.0))),
        exif(lat=("X", (9.0, 0.0, 0.0)), lon=("E", (1.0, 0.0, 0.0))),
    ],
    ids=["none", "zero", "beyond the pole", "no hemisphere"],
)
def test_a_position_without_sense_is_none(made: Image.Exif) -> None:
    assert draw(photo(exif=made)).position is None


def test_no_file_of_the_system_is_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(photo())
    with pytest.raises(BadPicture):
        draw(str(tmp_path / "secret.jpg").encode())


WHOLE = [photo((48, 32), exif=HERE), *(photo((48, 32), kind=kind) for kind in ("PNG", "WEBP", "GIF", "BMP"))]


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    st.integers(0, 5000),
)
def test_damage_anywhere_is_refused_or_drawn_anew(whole: bytes, changes: list[tuple[int, int]], length: int) -> None:
    sent = bytearray(whole[:length])
    for at, value in changes:
        if at < len(sent):
            sent[at] = value
    try:
        drawn = draw(bytes(sent))
    except BadPicture:
        return
    assert Image.open(io.BytesIO(drawn.content)).format == "JPEG"


def test_a_picture_that_is_a_page_too_becomes_a_picture_alone() -> None:
    page = photo(kind="GIF", comment=b"<script>alert(1)</script>") + b"<html><script>alert(2)</script></html>"
    drawn = draw(page)
    assert b"script" not in drawn.content + drawn.small


@pytest.mark.parametrize("parts", [(4e9, 4e9, 4e9), (42.0, 22.0)])
def test_a_position_of_impossible_numbers_is_none(parts: tuple[float, ...]) -> None:
    made = exif(lat=("N", (42.0, 22.0, 12.0)), lon=("W", (71.0, 6.0, 36.0)))
    made.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = parts
    assert draw(photo(exif=made)).position is None


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """A whole PNG with further chunks behind its head."""
    whole = photo((64, 48), kind="PNG")
    extra = b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
    return whole[:33] + extra + whole[33:]


XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><exif:GPSLatitude>42,22.2N</exif:GPSLatitude>Ana</x:xmpmeta>"
INSIDE = [
    pytest.param(photo(xmp=XMP), id="xmp of a jpeg"),
    pytest.param(photo(kind="WEBP", xmp=XMP), id="xmp of a webp"),
    pytest.param(png_with((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)), id="xmp of a png"),
    pytest.param(png_with((b"tEXt", b"Author\0Ana")), id="text of a png"),
    pytest.param(photo(exif=HERE) + photo((80, 60), exif=HERE, comment=b"Ana"), id="a second picture behind"),
    pytest.param(b"".join((photo()[:2], b"\xff\xe1\0\x20Ana" + b"a" * 27, photo()[2:])), id="a made-up segment"),
]


@pytest.mark.parametrize("sent", INSIDE)
def test_whatever_else_a_file_tells_is_left_behind(sent: bytes) -> None:
    assert b"Ana" in sent
    drawn = draw(sent)
    for kept in (drawn.content, drawn.small):
        assert b"Ana" not in kept and b"xmp" not in kept and b"GPS" not in kept
        assert set(Image.open(io.BytesIO(kept)).info) <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "progressive",
            "progression",
        }


@pytest.mark.parametrize(
    "head",
    [b"%PDF-1.7\n", b"PK\x03\x04", b"<html><script>alert(1)</script>", b"#!/bin/sh\n", b"\n"],
    ids=["pdf", "zip", "page", "program", "newline"],
)
def test_a_picture_behind_something_else_is_none(head: bytes) -> None:
    with pytest.raises(BadPicture):
        draw(head + photo())


def test_a_moving_picture_of_many_frames_is_its_first() -> None:
    frames = [Image.new("RGB", (40, 30), (shade, 0, 0)) for shade in range(200)]
    sent = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    drawn = draw(sent)
    assert (drawn.width, drawn.height) == (40, 30)


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
def test_a_small_chunk_that_unfolds_to_a_hundred_megabytes_does_no_harm(name: bytes) -> None:
    bomb = zlib.compress(b"\0" * (100 * 1024 * 1024), 9)
    try:
        drawn = draw(png_with((name, b"a\0\0" + bomb)))
    except BadPicture:
        return
    assert len(drawn.content) < 100_000


@pytest.mark.parametrize("side", [0, 9, 65535])
def test_a_camera_that_says_nonsense_about_upright(side: int) -> None:
    made = Image.Exif()
    made[ExifTags.Base.Orientation] = side
    drawn = draw(photo((60, 40), exif=made))
    assert (drawn.width, drawn.height) == (60, 40)


def test_facts_that_point_at_themselves_end() -> None:
    """An IFD whose GPS pointer and whose next pointer lead back to itself."""
    ifd = struct.pack("<HHHIII", 1, 0x8825, 4, 1, 8, 8)
    tiff = b"Exif\0\0II*\0" + struct.pack("<I", 8) + ifd
    segment = b"\xff\xe1" + struct.pack(">H", len(tiff) + 2) + tiff
    drawn = draw(photo((60, 40))[:2] + segment + photo((60, 40))[2:])
    assert drawn.position is None and drawn.width == 60
