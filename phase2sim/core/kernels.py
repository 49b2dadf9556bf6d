"""Compiled inner loops: every kernel is compiled the same way."""

import gc
import hashlib
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numba
from numba import njit
from numba.core.caching import IndexDataCacheFile
from numba.core.event import Listener, install_listener
from numba.core.serialize import dumps

from phase2sim.core.io.plain_files import read_regular_file

# The package's root, wherever in it this module stands, and how a file names this module.
PACKAGE = Path(import_module(__name__.partition(".")[0]).__path__[0])
MODULE = __name__.encode()


def kernel_sources() -> list[Path]:
    """Files that define or call kernels: those that import this module, and itself."""
    itself = Path(__file__)
    paths = sorted(PACKAGE.rglob("*.py"))
    return [path for path in paths if path == itself or MODULE in path.read_bytes()]


@cache
def kernels_digest() -> str:
    """Digest of every file with kernels; kernels compiled from other sources must not be reused.

    The compiler itself checks only the file that a kernel stands in. A kernel that calls another
    file's, or a model that holds one, would silently go on with the old one.
    """
    digest = hashlib.sha256()
    for path in kernel_sources():
        digest.update(str(path.relative_to(PACKAGE)).encode() + path.read_bytes())
    return digest.hexdigest()


def compiled_folder() -> Path:
    """Folder of compiled kernels, another one after any change to any file with kernels."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "phase2sim" / "kernels" / kernels_digest()[:16]


_DIGEST_BYTES = hashlib.sha256().digest_size


class KernelFiles(IndexDataCacheFile):
    """Compiled kernels on disk, with a digest; what is damaged is compiled again.

    The compiler would run whatever machine code it finds.
    """

    def __init__(self, folder: str, name: str, stamp: object) -> None:
        files: Any = super()
        files.__init__(folder, name, stamp)

    def save(self, key: object, data: object) -> None:
        """Keep a compiled kernel; where it cannot be written it is compiled again next time."""
        files: Any = super()
        with suppress(OSError):
            files.save(key, data)

    def _dump(self, obj: object) -> bytes:
        content: bytes = dumps(obj)  # type: ignore[no-untyped-call]
        return hashlib.sha256(content).digest() + content

    def _save_index(self, overloads: object) -> None:
        content = self._dump((self._version, self._source_stamp, overloads))
        with self._open_for_write(self._index_path) as file:
            file.write(content)

    def _load_index(self) -> dict[Any, Any]:
        try:
            version, stamp, overloads = self._load(self._index_path)
        except OSError:
            return {}
        is_current = (version, stamp) == (self._version, self._source_stamp)
        return overloads if is_current else {}

    def _load_data(self, name: str) -> Any:  # noqa: ANN401 - a compiled kernel
        return self._load(f"{self._cache_path}/{name}")

    def _load(self, path: str) -> Any:  # noqa: ANN401
        """Return what a file holds; raises ``OSError``, as of a missing file, if it is damaged."""
        stored = read_regular_file(Path(path))
        digest, content = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != digest:
            raise OSError(f"{path} is damaged")
        return pickle.loads(content)  # noqa: S301 - our own file


def use_checked_files(cache: Any) -> None:  # noqa: ANN401 - the compiler's own
    """Let the cache of a kernel keep its files as ``KernelFiles``."""
    cache._cache_file = KernelFiles(  # noqa: SLF001
        cache.cache_path,
        cache._impl.filename_base,  # noqa: SLF001
        cache._impl.locator.get_source_stamp(),  # noqa: SLF001
    )


settings: Any = numba.config
if not settings.CACHE_DIR:  # else NUMBA_CACHE_DIR says where
    settings.CACHE_DIR = str(compiled_folder())


@contextmanager
def lightly_optimised() -> Iterator[None]:
    """Compile with the compiler's first level of optimisation inside this block.

    For what is compiled once and runs for seconds: it compiles in a sixth less time.
    """
    before = settings.OPT
    settings.OPT = type(before)(1)
    try:
        yield
    finally:
        settings.OPT = before


_MADE_BETWEEN_COLLECTIONS = (20_000, 20, 20)  # objects, and collections of the two younger ages


@contextmanager
def rare_garbage_collections() -> Iterator[None]:
    """Leave what exists before this block alone, and look seldom for garbage among what it makes.

    The compiler makes many objects and drops few; to go through them takes 8 % of its time.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_MADE_BETWEEN_COLLECTIONS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class _First(Listener):
    """Calls once, when a kernel is about to be compiled; one that is loaded from disk is not."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def on_start(self, event: object) -> None:
        """Call at the first compilation."""
        del event
        call, self._call = self._call, None
        if call is not None:
            call()

    def on_end(self, event: object) -> None:
        """Do nothing."""


@contextmanager
def at_first_compilation(call: Callable[[], None]) -> Iterator[None]:
    """Call when the block first compiles a kernel; never if all of them are loaded."""
    with install_listener("numba:compile", _First(call)):
        yield


def kernel[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` for arrays and numbers, keeping its type.

    The result holds no interpreter lock, so threads run it side by side; it is cached on disk;
    a division by zero gives nan or inf, as in numpy. Sums keep their order (no fast maths), so a
    result does not depend on the machine's vector width.
    """
    # Without a wrapper for C, which nothing calls, it compiles in six sevenths of the time.
    options: Any = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    compiled: Any = njit(**options)(function)
    with suppress(RuntimeError):  # no folder can be written: it is compiled in every process
        compiled.enable_caching()
        use_checked_files(compiled._cache)  # noqa: SLF001 - there is no public way
    kernel_of_function: Callable[P, R] = compiled
    return kernel_of_function


def is_on_disk(compiled: Any) -> bool:  # noqa: ANN401 - a kernel
    """Whether the kernel was compiled before, for these or other inputs, or cannot be kept."""
    files = vars(compiled._cache).get("_cache_file")  # noqa: SLF001 - there is no public way
    return files is None or Path(files._index_path).exists()  # noqa: SLF001


def inline_kernel[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` as part of each kernel that calls it: no cost of a call."""
    compiled: Callable[P, R] = njit(nogil=True, error_model="numpy", inline="always")(function)
    return compiled
