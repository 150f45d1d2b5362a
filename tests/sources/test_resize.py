"""Pictures in the sizes of a mail, and files that are none."""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image

from digest.sources.resize import SIZES, Resized, resized
from tests.pictures import BLUE, RED, bomb, halves, logo, photo, turned_photo, written


def opened(copy: Resized) -> Image.Image:
    image = Image.open(io.BytesIO(copy.body))
    image.load()
    return image


def is_near(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(a - b) < 12 for a, b in zip(pixel[:3], colour, strict=True))


@pytest.mark.parametrize("body", [photo(), turned_photo(), written(halves(90, 40), "GIF"), written(halves(), "WEBP")])
def test_every_copy_has_the_size_that_its_attributes_claim(body: bytes) -> None:
    copies = resized(body)
    assert {name: opened(copy).size for name, copy in copies.items()} == dict(SIZES)
    assert {copy.suffix for copy in copies.values()} == {"jpg"}
    assert all(opened(copy).format == "JPEG" for copy in copies.values())


def test_a_picture_that_lies_on_its_side_stands_upright() -> None:
    image = opened(resized(turned_photo())["lead"])
    assert is_near(image.getpixel((600, 20)), RED)
    assert is_near(image.getpixel((600, 620)), BLUE)


def test_a_copy_says_nothing_of_camera_place_or_author() -> None:
    body = turned_photo()
    assert b"Mira" in body
    for copy in resized(body).values():
        image = opened(copy)
        assert not image.getexif()
        assert {"icc_profile", "comment", "exif"}.isdisjoint(image.info)
        assert b"Mira" not in copy.body


def test_what_shines_through_stays_so() -> None:
    copy = resized(logo())["card"]
    image = opened(copy)
    assert (copy.suffix, image.format, image.mode, image.size) == ("png", "PNG", "RGBA", (520, 390))
    assert image.getpixel((2, 2)) == (0, 0, 0, 0)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "I;16", "LA", "YCbCr"])
def test_every_mode_becomes_a_picture_that_mail_programs_show(mode: str) -> None:
    grey = halves(400, 400).convert("L")
    image = Image.new("I;16", (400, 400), 40_000) if mode == "I;16" else grey.convert(mode)
    form = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
    body = written(image, "JPEG") if form == "TIFF" else written(image, form)
    assert opened(resized(body)["row"]).mode == "RGB"


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert resized(photo()) == resized(photo())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "is an SVG drawing"),
        (b"<html><body>Not found</body></html>", "is no JPEG, PNG, GIF, WebP or BMP"),
        (b"", "is no JPEG, PNG, GIF, WebP or BMP"),
        (photo()[:3_000], "cannot be read, or breaks off"),
        (logo()[:400], "cannot be read, or breaks off"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "cannot be read, or breaks off|is no JPEG"),
        (bomb(9_000, 9_000), "has more than 20,000,000 pixels"),
    ],
    ids=["svg", "html", "empty", "half a JPEG", "half a PNG", "a header", "many pixels"],
)
def test_what_is_no_picture_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        resized(body)


@pytest.mark.slow
def test_a_decompression_bomb_is_refused_before_it_is_unpacked() -> None:
    body = bomb()
    started = time.process_time()
    with pytest.raises(ValueError, match="has more than 20,000,000 pixels"):
        resized(body)
    assert (len(body) < 1_000_000, time.process_time() - started < 1) == (True, True)
