"""A piece of work: some trials of a group of studies, simulated and encoded on any worker."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from phase2sim.core.contracts import RESULTS_VERSION, TruthSource
from phase2sim.studies.store.batches import encoded
from phase2sim.studies.store.folder import Stretch, missing_stretches
from phase2sim.trial.batch_results import BatchResults, concatenate_batches
from phase2sim.trial.nested_sizes import answer_sizes
from phase2sim.trial.study import Study

TRIALS_A_FILE = 2_500  # where files begin, so that a sweep cut short goes on with the same files


@dataclass(frozen=True, slots=True)
class Work:
    """What all pieces of a group share."""

    study: Study  # the largest
    sources: tuple[TruthSource, ...]


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """Trials ``first`` up to ``last`` of the studies with these numbers of patients, rising."""

    group: int
    first: int
    last: int
    sizes: tuple[int, ...]

    @property
    def trials(self) -> int:
        """Trials of each study."""
        return self.last - self.first


@dataclass(frozen=True, slots=True)
class Done:
    """A piece of work, done."""

    files: tuple[bytes, ...]  # one a size
    failed: int  # analyses that failed, over sizes and truths
    seconds: float  # it took on its worker
    results_version: int  # of the program there


def simulate_piece(work: Work, piece: WorkUnit) -> Done:
    """Simulate a piece under every truth and encode it, one file a size."""
    start = time.perf_counter()
    found = {
        source.label: concatenate_batches(list(_batches(work.study, source, piece)))
        for source in work.sources
    }
    failed = sum(int(e.failed.sum()) for answers in found.values() for e in answers.estimates)
    files = tuple(
        encoded({truth: answers.of_size(k) for truth, answers in found.items()}, work.study.names)
        for k in range(len(piece.sizes))
    )
    return Done(files, failed, time.perf_counter() - start, RESULTS_VERSION)


def missing_pieces(
    group: int, there: Mapping[int, list[Stretch]], wanted: Mapping[int, int], block: int
) -> list[WorkUnit]:
    """What a group lacks: ``there`` and ``wanted`` are the files and the trials of each size.

    No piece crosses a multiple of ``block`` trials.
    """
    lacking: dict[tuple[int, int], list[int]] = {}
    for size, trials in wanted.items():
        for stretch in missing_stretches(there[size], trials, block):
            lacking.setdefault(stretch, []).append(size)
    return [
        WorkUnit(group, first, last, tuple(sorted(sizes)))
        for (first, last), sizes in sorted(lacking.items())
    ]


def _batches(study: Study, source: TruthSource, piece: WorkUnit) -> Iterator[BatchResults]:
    """What is said of all sizes, batch by batch."""
    for first in range(piece.first, piece.last, study.batch):
        trials = min(study.batch, piece.last - first)
        yield answer_sizes(study, source, first, trials, piece.sizes)
