"""Pictures as they come from cameras, editors and attackers, made by Pillow."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, ImageCms, ImageDraw

RED, BLUE = (220, 20, 20), (20, 20, 220)


def halves(width: int = 1600, height: int = 1200) -> Image.Image:
    """Red above, blue below."""
    image = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(image).rectangle((0, height // 2, width, height), fill=BLUE)
    return image


def written(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def photo() -> bytes:
    return written(halves())


def turned_photo() -> bytes:
    """Lying on its side as the camera held it, with the place and the camera's name in its EXIF data."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees to the right to look at it
    exif[0x010F] = "A camera of Mira"
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    side = halves(1200, 1600).transpose(Image.Transpose.ROTATE_90)
    return written(side, exif=exif, icc_profile=profile, comment=b"by Mira")


def logo() -> bytes:
    image = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((50, 50, 250, 250), fill=(*RED, 255))
    return written(image, "PNG")


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few hundred kilobytes that unpacks to ten gigabytes; each row is really there."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + width // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
