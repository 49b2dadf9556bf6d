"""Files written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from phase2sim.errors import BadInput


def write_bytes(path: Path, content: bytes) -> None:
    """Write to a temporary name beside ``path``, sync, and rename over it.

    Raises ``BadInput`` if the folder cannot be written; what stood at ``path`` is then untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        _remove(temporary)
        reason = (error.strerror or "it failed").lower()
        raise BadInput(f"{path}: cannot be written: {reason}. Choose another place.") from None


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """As ``write_bytes``, UTF-8."""
    write_bytes(path, text.encode())
