"""Files that a user names: read whole, or refused by their kind before a byte is read."""

import errno
import stat
from pathlib import Path

from phase2sim.core.errors import BadInput

LARGEST_BYTES = 1 << 30
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def read_regular_file(path: Path) -> bytes:
    """Return the content of a file of our own.

    Raises ``OSError`` with a reason in words, also for a folder, a pipe or a device.
    """
    kind = kind_of(path.stat().st_mode)
    if kind:
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))
    return path.read_bytes()


def read_bytes_of(path: Path, refusal: type[BadInput]) -> bytes:
    """Return the content of a file; raises ``refusal`` for what cannot be read, or is no file.

    A device may never end and a pipe may never begin, so they are not opened.
    """
    try:
        about = path.stat()
        kind = kind_of(about.st_mode)
        if kind:
            raise refusal(f"{path}: is {kind}, not a file. Name a file.")
        if about.st_size > LARGEST_BYTES:
            raise refusal(
                f"{path}: has {about.st_size:,} bytes; at most {LARGEST_BYTES:,} are read."
                " Name another file."
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a name may hold a null character
        raise refusal(
            f"{path}: cannot be read: {reason_of(error)}. Check its name and rights."
        ) from None


def read_text(path: Path, refusal: type[BadInput]) -> str:
    """As ``read_bytes_of``, decoded as UTF-8."""
    try:
        return read_bytes_of(path, refusal).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refusal(
            f"{path}: byte {error.start} is not UTF-8 text. Save the file as UTF-8."
        ) from None


def kind_of(mode: int) -> str:
    """Return what stands at a path in words; empty for a file."""
    return next((kind for is_kind, kind in _KINDS if is_kind(mode)), "")


def reason_of(error: OSError | ValueError) -> str:
    """Return the system's reason in lower case."""
    strerror = error.strerror if isinstance(error, OSError) else None
    return (strerror or "it is no name of a file").lower()
