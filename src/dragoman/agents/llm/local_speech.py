"""Voice notes written down on this machine, with the optional extra `local-speech`.

The model lies in `speech/` under the data directory, put there by the operator: nothing is fetched here, and what a tenant writes
after `local/` is one of the library's own names and never a path.
"""

import asyncio
import functools
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PREFIX = "local/"
MISSING = "local/… needs the extra local-speech: pip install 'dragoman[local-speech]'"

# One at a time: each takes all the cores it may have.
_listener = ThreadPoolExecutor(1, thread_name_prefix="speech")


class Unheard(Exception):
    """It could not be written down here; the message says why, for people."""


async def transcribe(folder: Path, size: str, data: bytes) -> str:
    """The words of a recording, by the model `size` ("small") in `folder`. Raises Unheard."""
    return await asyncio.get_running_loop().run_in_executor(_listener, _transcribe, folder, size, data)


def _transcribe(folder: Path, size: str, data: bytes) -> str:
    try:
        import faster_whisper  # type: ignore[import-not-found]
    except ImportError:
        raise Unheard(MISSING) from None
    if size not in faster_whisper.available_models():
        raise Unheard(f"local/{size[:50]} is not a model of faster-whisper; local/small is one")
    try:
        model = _loaded(faster_whisper.WhisperModel, size, folder)
    except Exception as error:  # the library passes on whatever its own libraries raise
        raise Unheard(f"the speech model {size} is not in {folder}, or broken ({type(error).__name__})") from None
    try:
        segments, _ = model.transcribe(io.BytesIO(data))
        return " ".join(segment.text.strip() for segment in segments)
    except Exception as error:
        raise Unheard(f"the recording could not be read ({type(error).__name__})") from None


@functools.lru_cache(maxsize=1)
def _loaded(make: Any, size: str, folder: Path) -> Any:
    return make(size, device="cpu", compute_type="int8", download_root=str(folder), local_files_only=True)
