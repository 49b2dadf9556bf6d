"""Files written whole or not at all, and folders that one process at a time writes to."""

import errno
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from phase2sim.core.errors import BadInput
from phase2sim.core.io.plain_files import kind_of, reason_of

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_HELD = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}


def check_output(path: Path) -> None:
    """Raise ``BadInput`` for a place where no file can be written, before anything is computed."""
    try:
        kind = kind_of(path.stat().st_mode) if path.exists() else ""
        folder = path.parent.is_dir()
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path}: cannot be written: {reason_of(error)}. Choose another place."
        ) from None
    if kind:
        raise BadInput(f"{path}: is {kind}, not a file. Choose another place.")
    if not folder:
        raise BadInput(f"{path}: there is no folder {path.parent}. Make it, or choose another.")


def write_bytes(path: Path, content: bytes) -> None:
    """Write to a temporary name beside ``path``, sync, and rename over it.

    Raises ``BadInput`` if it cannot be written; what stood at ``path`` is then untouched.
    """
    check_output(path)
    try:
        write_synced(path, content)
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be written: {reason_of(error)}. Choose another place."
        ) from None


def write_synced(path: Path, content: bytes) -> None:
    """As ``write_bytes``, but raises ``OSError``."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError:
        _remove(temporary)
        raise


@contextmanager
def locked(path: Path) -> Iterator[str]:
    """Hold a lock on a file while the block runs; it ends with the process, however that ends.

    Yields who holds it, and does not wait, if it is another; else an empty text. Raises
    ``BadInput`` where there are no locks.
    """
    with path.open("a+", encoding="utf-8") as file:
        try:
            _lock(file)
        except OSError as error:
            if error.errno not in _HELD:
                reason = (error.strerror or "it failed").lower()
                raise BadInput(
                    f"{path}: cannot be locked: {reason}. Choose a local disk."
                ) from None
            file.seek(0)
            yield file.read().strip() or "another process"
            return
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}")
        file.flush()
        yield ""


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


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
