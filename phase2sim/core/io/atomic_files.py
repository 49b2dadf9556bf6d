"""Files written whole or not at all, and folders that one process at a time writes to."""

import errno
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from phase2sim.core.errors import BadInput
from phase2sim.core.io.plain_files import kind_of, reason_of

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_HELD = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}


def move_aside(path: Path, destination: Path) -> Path:
    """Move what stands at ``path`` to a free name at ``destination``; return where it is now.

    Raises ``OSError``.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    free, number = destination, 1
    while os.path.lexists(free):
        number += 1
        free = destination.with_name(f"{destination.name}.{number}")
    path.rename(free)
    return free


def try_folder(folder: Path, room: int = 1) -> None:
    """Make a folder, and write and remove ``room`` bytes in it; raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, prefix=".", suffix=".tmp") as file:
        file.write(bytes(room))
        file.flush()


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
    except BaseException:
        _remove(temporary)
        raise


@contextmanager
def locked(path: Path) -> Iterator[str]:
    """Hold a lock on a file while the block runs; it ends with the process, however that ends.

    Yields who holds it, and does not wait, if it is another; else an empty text. Raises
    ``BadInput`` where there are no locks, or where something else stands at ``path``.
    """
    with _opened_lock(path) as file:
        try:
            _lock(file)
        except OSError as error:
            if error.errno not in _HELD:
                raise BadInput(
                    f"{path}: cannot be locked: {reason_of(error)}. Choose a local disk."
                ) from None
            file.seek(0)
            yield file.read().strip() or "another process"
            return
        with suppress(OSError):  # who holds it is only for a message; the lock itself is held
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), f"process {os.getpid()} on {platform.node()}".encode())
        yield ""


def _opened_lock(path: Path) -> IO[str]:
    """Open the file of a lock; what stands there may be anything."""
    try:
        if os.path.lexists(path) and not path.is_file():
            raise BadInput(
                f"{path}: is not a file, so it cannot be locked. Remove it, and run the same"
                " command again."
            )
        return path.open("a+", encoding="utf-8", errors="replace")
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be opened: {reason_of(error)}. Correct its rights, or choose another"
            " folder."
        ) from None


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
