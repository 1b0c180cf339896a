"""From the bytes somebody sent to a picture that is safe to keep and show. Pure: no database, no files.

What is kept is drawn anew from the pixels: whatever else the file carried (device, place, time, a second file behind
the first, scripts) is left behind. The camera's position is read first, because the resident may want to use it.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from dataclasses import dataclass
from enum import Enum
from typing import Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

LARGEST_BYTES = 15 * 1024 * 1024
"""Of one photo as it is sent."""
MOST_PIXELS = 60_000_000
"""Of one photo as it is sent; the best telephones make 50 million."""
_SIDE, _SMALL_SIDE = 2048, 320
_KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
_QUALITY, _SMALL_QUALITY = 85, 75


class Fault(str, Enum):
    """Why something that was sent cannot be kept as a photo."""

    TOO_LARGE = "too_large"
    NOT_A_PHOTO = "not_a_photo"
    BROKEN = "broken"


class BadPicture(ValueError):
    """What was sent is no photo that can be kept; ``fault`` says why. Nothing of the file is in the message."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True)
class Picture:
    """A photo drawn anew, as JPEG.

    Attributes:
        content: at most 2,048 pixels a side.
        small: at most 320 pixels a side.
        width, height: of ``content``, in pixels.
        position: where the camera says it stood, WGS 84 degrees ``(lat, lon)``; None where it does not say.
    """

    content: bytes
    small: bytes
    width: int
    height: int
    position: tuple[float, float] | None


def draw(sent: bytes) -> Picture:
    """The picture in ``sent``, whatever its name or declared type say. The first frame of a moving one.

    Raises:
        BadPicture: it is too large, no picture of a known kind, or broken.
    """
    if len(sent) > LARGEST_BYTES:
        raise BadPicture(Fault.TOO_LARGE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(sent), formats=_KINDS) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise BadPicture(Fault.TOO_LARGE)
                position = _position(opened)
                # A JPEG decodes straight to a smaller size; the others ignore it.
                opened.draft("RGB", (_SIDE, _SIDE))
                upright = _plain(ImageOps.exif_transpose(opened))
        except BadPicture:
            raise
        except UnidentifiedImageError:
            raise BadPicture(Fault.NOT_A_PHOTO) from None
        except Image.DecompressionBombError:
            raise BadPicture(Fault.TOO_LARGE) from None
        except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, struct.error):
            # Pillow's decoders raise any of these on a damaged file.
            raise BadPicture(Fault.BROKEN) from None
    upright.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    small = upright.copy()
    small.thumbnail((_SMALL_SIDE, _SMALL_SIDE), Image.Resampling.LANCZOS)
    return Picture(_jpeg(upright, _QUALITY), _jpeg(small, _SMALL_QUALITY), upright.width, upright.height, position)


def _plain(image: Image.Image) -> Image.Image:
    """Pixels alone, in RGB; what is transparent becomes white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        plain = Image.new("RGB", layered.size, "white")
        plain.paste(layered, mask=layered.getchannel("A"))
        return plain
    if image.mode.startswith(("I", "F")):
        image = image.convert("L")
    converted = image.convert("RGB")
    plain = Image.new("RGB", converted.size)
    plain.paste(converted)
    return plain


def _jpeg(image: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=quality, optimize=True, progressive=True)
    return target.getvalue()


def _position(image: Image.Image) -> tuple[float, float] | None:
    """The camera's position; None when it is absent or makes no sense."""
    try:
        entries: dict[int, Any] = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        lat = _degrees(entries[ExifTags.GPS.GPSLatitude], entries[ExifTags.GPS.GPSLatitudeRef], "NS")
        lon = _degrees(entries[ExifTags.GPS.GPSLongitude], entries[ExifTags.GPS.GPSLongitudeRef], "EW")
    except Exception:  # whatever a made-up entry may break: a photo without a position is a photo all the same
        return None
    sensible = math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180
    # 0, 0 is what cameras write that do not know
    return (round(lat, 6), round(lon, 6)) if sensible and (lat or lon) else None


def _degrees(parts: Any, side: Any, sides: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    letter = (side.decode("ascii") if isinstance(side, bytes) else str(side)).strip("\0 ").upper()
    if letter not in tuple(sides):
        raise ValueError("no hemisphere")
    value = degrees + minutes / 60 + seconds / 3600
    return -value if letter == sides[1] else value
