"""Pictures as phones make them, and as nobody should send them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw

GPS, ORIENTATION, TAKEN = 0x8825, 0x0112, 0x9003
EXIF = 0x8769


def drawn(width: int = 900, height: int = 1200) -> Image.Image:
    """A picture whose upper left corner is red."""
    image = Image.new("RGB", (width, height), "#c0d0c8")
    ImageDraw.Draw(image).rectangle((0, 0, width // 3, height // 3), fill="red")
    return image


def as_bytes(image: Image.Image, kind: str = "JPEG", **how: Any) -> bytes:
    held = io.BytesIO()
    image.save(held, kind, **how)
    return held.getvalue()


def of_a_phone(*, orientation: int = 1) -> bytes:
    """A JPEG that says where and when it was taken, and how the phone was held."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "Maker of phones"
    exif.get_ifd(GPS).update({1: "N", 2: (48.0, 51.0, 24.0), 3: "E", 4: (2.0, 21.0, 3.0)})
    exif.get_ifd(EXIF).update({TAKEN: "2026:01:15 10:00:00", 0x9286: "Mia in front of the home"})
    return as_bytes(drawn(), exif=exif, comment=b"12 rue des Lilas")
