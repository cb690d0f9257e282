"""Pictures of a submission: PNG and JPEG files that are what they say, and nothing else."""

import base64
import io
import warnings
from typing import Any, Final

from PIL import Image

__all__ = ["Picture", "genuine_picture", "harmless_attachments"]

Picture = tuple[str, str]
"""Its media type and its bytes in base64."""

_KINDS: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg"}
# A browser needs four bytes for each.
_MAX_PIXELS: Final = 50_000_000
# Pillow warns of more pixels than these. Filters belong to the whole process, not to a thread.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def genuine_picture(encoded: Any) -> Picture | None:
    """Return a picture from base64, as notebooks hold it, or None if it is no PNG or JPEG.

    What comes back is base64 and nothing else, so that it can stand between quotation marks.
    """
    try:
        joined = "".join(encoded if isinstance(encoded, list) else [encoded])
        data = base64.b64decode("".join(joined.split()), validate=True)
        # Only the file's structure is read: no decoder sees a student's pixels.
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            kind, pixels = _KINDS[picture.format or ""], picture.width * picture.height
            picture.verify()
    except Exception:
        # Whatever a damaged file makes Pillow raise: it is no picture.
        return None
    return (kind, base64.b64encode(data).decode("ascii")) if pixels <= _MAX_PIXELS else None


def harmless_attachments(attachments: Any) -> dict[str, dict[str, str]]:
    """Return a text cell's pasted pictures, by name, without anything that is no picture."""
    if not isinstance(attachments, dict):
        return {}
    kept: dict[str, dict[str, str]] = {}
    for name, forms in attachments.items():
        for form in forms.values() if isinstance(forms, dict) else ():
            picture = genuine_picture(form)
            if picture is not None:
                kept[str(name)] = dict([picture])
                break
    return kept
