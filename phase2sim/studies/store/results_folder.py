"""A folder of results: trials of every study, found by content, checked when they are read.

A study is all that determines the simulated data: its folder is named by a hash of that. A file
holds a stretch of its trials and is named by the stretch and a hash of its bytes, so that the file
names alone tell which trials are stored and whether they are intact.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import pyarrow as pa

from phase2sim.core.errors import BadInput, NotWritten
from phase2sim.core.io.atomic_files import locked, move_aside, try_folder, write_synced
from phase2sim.core.io.digests import is_intact
from phase2sim.core.io.plain_files import read_regular_file, reason_of
from phase2sim.studies.store.batches import decode_batch
from phase2sim.studies.store.headers import read_header, trials_in
from phase2sim.trial.batch_results import BatchResults, concatenate_batches, cut

MANIFEST = "manifest.json"
CHARACTERISTICS = "characteristics.parquet"
_DECISIONS = "decisions"
_TRIALS = "trials"
_ONE_AT_A_TIME = Lock()
_DAMAGED = "damaged"
_LOCK = ".lock"
_OURS = {MANIFEST, CHARACTERISTICS, _DECISIONS, _TRIALS, _DAMAGED, _LOCK}
_HASH_DIGITS = 16
_AGAIN = "Run the sweep again: it simulates these trials anew."
_NAME = re.compile(rf"(\d+)-(\d+)-([0-9a-f]{{{_HASH_DIGITS}}})\.parquet")


class Stretch(NamedTuple):
    """A file of trials ``first`` up to, but not including, ``last``."""

    first: int
    last: int
    path: Path


class DamagedFile(BadInput):
    """A file whose bytes differ from those written, or that stands where it was not written."""


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

    def studies(self) -> list[str]:
        """Studies of which there is a folder, sorted."""
        folders = self.folder.glob(f"{_TRIALS}/study=*")
        return sorted(path.name.partition("=")[2] for path in folders)

    def holds_trials(self) -> bool:
        """Whether a study has a file of trials."""
        return any(self.stretches(study) for study in self.studies())

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
                for truth, results in self._read_batches(study, stretch).items():
                    parts.setdefault(truth, []).append(cut(results, reached, stop))
                reached = stop
        return {truth: concatenate_batches(batches) for truth, batches in parts.items()}

    def add(self, study: str, first: int, last: int, content: bytes) -> None:
        """Keep a file of trials; raises ``NotWritten`` and leaves the rest as it is."""
        path = self._folder_of(study) / f"{first:09d}-{last:09d}-{_hash(content)}.parquet"
        self.write(path, content)
        self._checked_files.add(path)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all; raises ``NotWritten``.

        What stands in its way, such as a folder of its name, is put aside.
        """
        try:
            self._clear_way(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_synced(path, content)
        except OSError as error:
            raise NotWritten(
                f"{path}: cannot be written: {reason_of(error)}. Nothing that was there before is"
                " lost. Make room, or correct the rights, and run the same command again: it goes"
                " on from here."
            ) from None

    def put_aside(self, path: Path) -> Path:
        """Move a damaged file to a separate folder; return its new path; raises ``NotWritten``."""
        destination = self.folder / _DAMAGED
        name = "-".join(path.relative_to(self.folder).parts)
        try:
            return move_aside(path, destination / name)
        except OSError as error:
            raise NotWritten(
                f"{path}: is damaged and cannot be moved to {destination}: {reason_of(error)}."
                " Remove both, and run the same command again: it makes the file anew."
            ) from None

    def put_aside_damaged(self, study: str) -> list[Path]:
        """Move damaged files of trials to a separate folder; return their new paths."""
        moved_files = []
        for stretch in self._list_stretches(study):
            try:
                self.read_intact(study, stretch)
            except DamagedFile:
                moved_files.append(self.put_aside(stretch.path))
        return moved_files

    def remove_unfinished(self) -> None:
        """Remove partial files of a writer that was killed."""
        for path in self.folder.rglob(".*.tmp"):
            with suppress(OSError):  # they are in nobody's way
                path.unlink()

    def read_sealed(self, path: Path) -> bytes:
        """Bytes of a table measured from the trials; raises ``DamagedFile``, also without one."""
        try:
            content = read_regular_file(path)
        except OSError as error:
            raise DamagedFile(f"{path}: cannot be read: {reason_of(error)}.") from None
        if not is_intact(content):
            raise DamagedFile(f"{path}: is damaged, or of an earlier version without a digest.")
        return content

    def header(self, path: Path) -> dict[str, Any]:
        """Header of a table measured from the trials; empty if it is lost or damaged."""
        try:
            return read_header(self.read_sealed(path))
        except (DamagedFile, ValueError):  # or whole, but another file
            return {}

    def read_intact(self, study: str, stretch: Stretch) -> bytes:
        """Bytes of a file of trials, checked against its name and place; raises ``DamagedFile``."""
        path = stretch.path
        try:
            content = read_regular_file(path)
        except OSError as error:
            raise DamagedFile(f"{path}: cannot be read: {reason_of(error)}. {_AGAIN}") from None
        if path not in self._checked_files:
            if _hash(content) != path.stem.rsplit("-", 1)[-1]:
                raise DamagedFile(
                    f"{path}: is damaged: its bytes are not those that were written. {_AGAIN}"
                )
            try:
                study_of_file = read_header(content).get("study", study)
                in_place = (study_of_file, *trials_in(content)) == (study, *stretch[:2])
            except (pa.ArrowException, ValueError) as error:
                raise DamagedFile(f"{path}: is no file of trials ({error}). {_AGAIN}") from None
            if not in_place:
                raise DamagedFile(f"{path}: holds other trials than its name says. {_AGAIN}")
            self._checked_files.add(path)
        return content

    def _read_batches(self, study: str, stretch: Stretch) -> dict[str, BatchResults]:
        try:
            return decode_batch(self.read_intact(study, stretch))
        except ValueError as error:
            raise DamagedFile(
                f"{stretch.path}: is no file of trials of this version: {error}. Name another"
                " folder, or move the file away and run the sweep again."
            ) from None

    def _clear_way(self, path: Path) -> None:
        """Put aside files where folders are to be, and what is no file where the file is to be."""
        inside = path.relative_to(self.folder)
        folders = [self.folder / part for part in reversed(inside.parents)]
        with _ONE_AT_A_TIME:  # cells are written by several threads
            for folder in folders[1:]:
                if os.path.lexists(folder) and not folder.is_dir():
                    self.put_aside(folder)
            if path.is_dir():
                self.put_aside(path)

    def _folder_of(self, study: str) -> Path:
        return self.folder / _TRIALS / f"study={study}"

    def _list_stretches(self, study: str) -> Iterator[Stretch]:
        folder = self._folder_of(study)
        if not folder.is_dir():
            return
        try:
            paths = list(folder.iterdir())
        except OSError as error:
            raise BadInput(
                f"{folder}: cannot be read: {reason_of(error)}. Correct its rights."
            ) from None
        for path in paths:
            if named := _NAME.fullmatch(path.name):
                yield Stretch(int(named[1]), int(named[2]), path)


@contextmanager
def writing(folder: Path) -> Iterator[Store]:
    """Open a folder of results for writing, exclusively; create it if needed.

    Raises ``BadInput`` for a folder of something else, one that cannot be written, or one that
    another process writes to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in folder.iterdir()}
        try_folder(folder)
    except OSError as error:
        raise BadInput(
            f"{folder}: cannot be written: {reason_of(error)}. Make room, correct its rights, or"
            " name another folder."
        ) from None
    if MANIFEST not in names and (foreign := _foreign(names)):
        raise BadInput(
            f"{folder}: holds other files ({min(foreign)}), but no results. Name an empty or a new"
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


def try_results_folder(folder: Path) -> None:
    """Try whether results can be written to a folder, and leave no trace; raises ``BadInput``."""
    created = [path for path in (folder, *folder.parents) if not path.exists()]
    if not created:
        with writing(folder):
            return
    try:
        try_folder(folder)
    except OSError as error:
        raise BadInput(
            f"{folder}: cannot be written: {reason_of(error)}. Make room, correct the rights, or"
            " name another folder."
        ) from None
    finally:
        for path in created:
            with suppress(OSError):  # another process may have begun to write there
                path.rmdir()


def open_store(folder: Path) -> Store:
    """Open a folder of results to read it, also while a sweep adds to it; raises ``BadInput``."""
    store = Store(folder)
    if not os.path.lexists(folder / MANIFEST) and not store.holds_trials():
        raise BadInput(
            f"{folder}: holds no results (no {MANIFEST}). Name a folder that `phase2sim sweep"
            " --out` wrote."
        )
    return store


def verdicts_path(cell: str) -> Path:
    """Where the verdicts of a cell are, in a folder of results."""
    return Path(_DECISIONS) / f"cell={cell}" / "verdicts.parquet"


def _foreign(names: set[str]) -> set[str]:
    return {name for name in names - _OURS if not (name[0] == "." and name.endswith(".tmp"))}


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
