"""Pictures of others, on their way to somebody who takes JPEG."""

from concurrent.futures import ThreadPoolExecutor

from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_PIXELS = 40_000_000

# Unpacked, a picture can have 160 MB.
painters = ThreadPoolExecutor(2, thread_name_prefix="pictures")


def on_white(picture: Image.Image) -> Image.Image:
    """JPEG has no transparency."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    ground = Image.new("RGB", layer.size, "white")
    ground.paste(layer, mask=layer)
    return ground
