"""A picture from anywhere -> the sizes in which a mail shows it. Pure; Pillow comes in with the first picture.

What a file can be, and what comes of it:

turned by its EXIF data      turned upright
with a colour profile        sRGB, which is all that mail programs know
with transparent parts       PNG; everything else JPEG, quality 80, progressive
animated                     its first frame
a decompression bomb         refused by its size as the header says, before a pixel is unpacked
SVG, HTML, text, cut off     refused with a reason for people

Name, place and camera of whoever took it are in no copy: only pixels are.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as Pixels

SIZES: Mapping[str, tuple[int, int]] = {"lead": (1200, 640), "row": (272, 204), "card": (520, 390)}
"""Twice what the templates show, for screens of double density; the ratio is that of their width and height."""

LOGO: Mapping[str, tuple[int, int]] = {"logo": (112, 112)}
WIDE: Mapping[str, tuple[int, int]] = {"wide": (992, 0)}
"""Of a sponsor. Without a height: as high as it is, and never made larger."""

MAX_PIXELS = 20_000_000
"""As a good camera has them; with what is made on the way 240 MB at the peak, in a child process."""

QUALITY = 80
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
_SVG = re.compile(rb"<svg[\s>]", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resized:
    body: bytes
    suffix: str


def resized(body: bytes, sizes: Mapping[str, tuple[int, int]] = SIZES) -> dict[str, Resized]:
    """One file for each of the sizes; ValueError says why there is none."""
    with warnings.catch_warnings():  # Pillow warns of large pictures; we refuse them
        warnings.simplefilter("ignore")
        upright = _upright(body, max(max(size) for size in sizes.values()))
        return {name: _fitted(upright, size) for name, size in sizes.items()}


def _upright(body: bytes, longest: int) -> Pixels:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        opened = Image.open(io.BytesIO(body), formats=_FORMATS)
    except UnidentifiedImageError as cause:
        what = "an SVG drawing" if _SVG.search(body[:4_000]) else "no JPEG, PNG, GIF, WebP or BMP"
        raise ValueError(f"is {what}") from cause
    except Image.DecompressionBombError as cause:
        raise ValueError(f"has more than {MAX_PIXELS:,} pixels") from cause
    except Exception as cause:  # each format stumbles in its own way over what is not meant well
        raise ValueError("cannot be read, or breaks off") from cause
    if opened.width * opened.height > MAX_PIXELS:
        raise ValueError(f"has more than {MAX_PIXELS:,} pixels: {opened.width:,} by {opened.height:,}")
    try:
        opened.draft("RGB", (longest, longest))  # a large JPEG is unpacked at a half, a quarter or an eighth
        opened.load()
        return _plain(ImageOps.exif_transpose(opened))
    except Exception as cause:
        raise ValueError("cannot be read, or breaks off") from cause


def _plain(image: Pixels) -> Pixels:
    """RGB, or RGBA where something shines through; in sRGB, and with nothing but pixels."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16 bits of grey
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] == 255:
            image = image.convert("RGB")
    elif image.mode != "CMYK" or not profile:
        image = image.convert("RGB")
    image = _in_srgb(image, profile) if profile else image
    image.info = {}
    return image if image.mode in ("RGB", "RGBA") else image.convert("RGB")


def _in_srgb(image: Pixels, profile: bytes) -> Pixels:
    """As it is where its profile is broken, or of another kind of picture: a colour that is a little off is no loss."""
    from PIL import ImageCms

    try:
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        of = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, of, ImageCms.createProfile("sRGB"), outputMode=mode) or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def _fitted(image: Pixels, size: tuple[int, int]) -> Resized:
    """Cropped around the middle, a little above it: faces are there."""
    from PIL import Image, ImageOps

    if not size[1]:
        width = min(size[0], image.width)
        size = (width, max(1, round(image.height * width / image.width)))
    fitted = ImageOps.fit(image, size, Image.Resampling.LANCZOS, centering=(0.5, 0.4))
    fitted.info = {}
    out = io.BytesIO()
    if fitted.mode == "RGBA":
        fitted.save(out, "PNG", optimize=True)
        return Resized(body=out.getvalue(), suffix="png")
    fitted.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return Resized(body=out.getvalue(), suffix="jpg")
