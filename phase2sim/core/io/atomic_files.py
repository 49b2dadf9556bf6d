"""Files written whole or not at all, and folders that one process at a time writes to."""

import errno
import os
import platform
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from phase2sim.core.errors import BadInput

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_HELD = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}


def read_regular_file(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises ``OSError`` with a reason in words, also for a folder, a pipe or a device, which is not
    opened: a pipe would be waited for.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))
    return path.read_bytes()


def reason_of(error: OSError) -> str:
    """Reason of an operating system's error, in words that go on from a colon."""
    return (error.strerror or "it failed").lower()


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


def write_bytes(path: Path, content: bytes) -> None:
    """Write to a temporary name beside ``path``, sync, and rename over it.

    Raises ``BadInput`` if the folder cannot be written; what stood at ``path`` is then untouched.
    """
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
