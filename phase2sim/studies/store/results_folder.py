"""A folder of results: trials of every study, found by content, checked when they are read.

A study is all that determines the simulated data: its folder is named by a hash of that. A file
holds a stretch of its trials and is named by the stretch and a hash of its bytes, so that the file
names alone tell which trials are stored and whether they are intact.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from phase2sim.core.errors import BadInput, NotWritten
from phase2sim.core.io.atomic_files import locked, write_synced
from phase2sim.studies.store.batches import decode_batch
from phase2sim.trial.batch_results import BatchResults, concatenate_batches, cut

MANIFEST = "manifest.json"
_TRIALS = "trials"
_DAMAGED = "damaged"
_LOCK = ".lock"
_HASH_DIGITS = 16
_NAME = re.compile(rf"(\d+)-(\d+)-([0-9a-f]{{{_HASH_DIGITS}}})\.parquet")


class Stretch(NamedTuple):
    """A file of trials ``first`` up to, but not including, ``last``."""

    first: int
    last: int
    path: Path


class DamagedFile(BadInput):
    """A file of trials whose bytes differ from those written."""


@dataclass(slots=True)
class Store:
    """A folder of results; open it with ``writing`` to add to it."""

    folder: Path
    _checked_files: set[Path] = field(default_factory=set)  # files whose bytes were checked

    def stretches(self, study: str) -> list[Stretch]:
        """Files of a study in order of trial, without those that add no trials."""
        ordered = sorted(
            self._list_stretches(study), key=lambda stretch: (stretch.first, -stretch.last)
        )
        useful: list[Stretch] = []
        for stretch in ordered:
            if not useful or stretch.last > useful[-1].last:
                useful.append(stretch)
        return useful

    def trials(self, study: str) -> int:
        """Number of trials stored from the first on, without a gap."""
        trials = 0
        for stretch in self.stretches(study):
            if stretch.first > trials:
                break
            trials = stretch.last
        return trials

    def contents(self, study: str) -> str:
        """Short hash of the stored trials, which changes whenever they do."""
        names = "\n".join(stretch.path.name for stretch in self.stretches(study))
        return _hash(names.encode())

    def batch_results(
        self, study: str, first: int = 0, last: int | None = None
    ) -> dict[str, BatchResults]:
        """Results of trials ``first`` up to ``last`` of a study, by truth; by default all.

        Only those before the first gap. Raises ``DamagedFile``.
        """
        available = self.trials(study)
        end = available if last is None else min(last, available)
        parts: dict[str, list[BatchResults]] = {}
        reached = first
        for stretch in self.stretches(study):
            if stretch.first <= reached < min(stretch.last, end):
                stop = min(stretch.last, end)
                for truth, results in self._read_batches(stretch.path).items():
                    parts.setdefault(truth, []).append(cut(results, reached, stop))
                reached = stop
        return {truth: concatenate_batches(batches) for truth, batches in parts.items()}

    def add(self, study: str, first: int, last: int, content: bytes) -> None:
        """Keep a file of trials; raises ``NotWritten`` and leaves the rest as it is."""
        path = self._folder_of(study) / f"{first:09d}-{last:09d}-{_hash(content)}.parquet"
        self.write(path, content)
        self._checked_files.add(path)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all; raises ``NotWritten``."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_synced(path, content)
        except OSError as error:
            reason = (error.strerror or "it failed").lower()
            raise NotWritten(
                f"{path}: cannot be written: {reason}. Nothing that was there before is lost. Make"
                " room, or correct the rights, and run the same command again: it goes on from"
                " here."
            ) from None

    def put_aside_damaged(self, study: str) -> list[Path]:
        """Move damaged files to a separate folder; return their new paths."""
        moved_files = []
        for stretch in self._list_stretches(study):
            try:
                self._read_intact(stretch.path)
            except DamagedFile:
                destination = self.folder / _DAMAGED / f"{study}-{stretch.path.name}"
                destination.parent.mkdir(exist_ok=True)
                stretch.path.replace(destination)
                moved_files.append(destination)
        return moved_files

    def remove_unfinished(self) -> None:
        """Remove partial files of a writer that was killed."""
        for path in self.folder.rglob(".*.tmp"):
            path.unlink(missing_ok=True)

    def _read_batches(self, path: Path) -> dict[str, BatchResults]:
        try:
            return decode_batch(self._read_intact(path))
        except ValueError as error:
            raise DamagedFile(f"{path}: is no file of trials of this version: {error}.") from None

    def _read_intact(self, path: Path) -> bytes:
        try:
            content = path.read_bytes()
        except OSError as error:
            reason = (error.strerror or "it failed").lower()
            raise DamagedFile(f"{path}: cannot be read: {reason}.") from None
        if path not in self._checked_files:
            if _hash(content) != path.stem.rsplit("-", 1)[-1]:
                raise DamagedFile(
                    f"{path}: is damaged: its bytes are not those that were written. Run the sweep"
                    " again: it simulates these trials anew."
                )
            self._checked_files.add(path)
        return content

    def _folder_of(self, study: str) -> Path:
        return self.folder / _TRIALS / f"study={study}"

    def _list_stretches(self, study: str) -> Iterator[Stretch]:
        folder = self._folder_of(study)
        if folder.is_dir():
            for path in folder.iterdir():
                if named := _NAME.fullmatch(path.name):
                    yield Stretch(int(named[1]), int(named[2]), path)


@contextmanager
def writing(folder: Path) -> Iterator[Store]:
    """Open a folder of results for writing, exclusively; create it if needed.

    Raises ``BadInput`` for a folder of something else, or one that another process writes to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in folder.iterdir()} - {_LOCK}
    except OSError as error:
        reason = (error.strerror or "it failed").lower()
        raise BadInput(f"{folder}: cannot be used: {reason}. Name another --out.") from None
    if names and MANIFEST not in names:
        raise BadInput(
            f"{folder}: holds other files ({min(names)}), but no results. Name an empty or a new"
            " folder."
        )
    with locked(folder / _LOCK) as owner:
        if owner:
            raise BadInput(
                f"{folder}: {owner} is writing results here. Wait for it to end, or name another"
                " folder."
            )
        store = Store(folder)
        store.remove_unfinished()
        yield store


def open_store(folder: Path) -> Store:
    """Open a folder of results to read it, also while a sweep adds to it; raises ``BadInput``."""
    if not (folder / MANIFEST).is_file():
        raise BadInput(
            f"{folder}: holds no results (no {MANIFEST}). Name a folder that `phase2sim sweep"
            " --out` wrote."
        )
    return Store(folder)


def missing_stretches(
    stretches: Sequence[Stretch], trials: int, block: int
) -> list[tuple[int, int]]:
    """Trials below ``trials`` that no file holds, cut at multiples of ``block``."""
    gaps: list[tuple[int, int]] = []
    reached = 0
    for first, last in [*((s.first, s.last) for s in stretches), (trials, trials)]:
        start = reached
        while start < min(first, trials):
            end = min((start // block + 1) * block, first, trials)
            gaps.append((start, end))
            start = end
        reached = max(reached, last)
    return gaps


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]
