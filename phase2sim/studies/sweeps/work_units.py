"""A piece of work: some trials of a group of studies, simulated and encoded on any worker."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from phase2sim.core.contracts import RESULTS_VERSION, TruthSource
from phase2sim.studies.store.batches import encode_batch
from phase2sim.studies.store.results_folder import Stretch, missing_stretches
from phase2sim.trial.batch_results import BatchResults, concatenate_batches
from phase2sim.trial.nested_sizes import answer_sizes
from phase2sim.trial.study import Study

TRIALS_A_FILE = 2_500  # where files begin, so that a sweep cut short goes on with the same files


@dataclass(frozen=True, slots=True)
class Work:
    """Study and truths that all pieces of a group share."""

    study: Study  # the largest
    sources: tuple[TruthSource, ...]
    headers: Mapping[int, str]  # patients -> header of the files of its trials


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
class WorkResult:
    """Encoded trials of one piece of work."""

    files: tuple[bytes, ...]  # one per size
    failed: int  # analyses that failed, over sizes and truths
    seconds: float  # it took on its worker
    results_version: int  # of the program there


def simulate_piece(work: Work, piece: WorkUnit) -> WorkResult:
    """Simulate a piece under every truth and encode it, one file per size."""
    start = time.perf_counter()
    results_by_truth = {
        source.label: concatenate_batches(list(_batches(work.study, source, piece)))
        for source in work.sources
    }
    failed = sum(
        int(e.failed.sum()) for results in results_by_truth.values() for e in results.estimates
    )
    files = tuple(
        encode_batch(
            {truth: results.of_size(k) for truth, results in results_by_truth.items()},
            work.study.names,
            work.headers[size],
        )
        for k, size in enumerate(piece.sizes)
    )
    return WorkResult(files, failed, time.perf_counter() - start, RESULTS_VERSION)


def missing_pieces(
    group: int, stretches: Mapping[int, list[Stretch]], targets: Mapping[int, int], block: int
) -> list[WorkUnit]:
    """Pieces that a group lacks; ``stretches`` and ``targets`` are files and trials of each size.

    No piece crosses a multiple of ``block`` trials.
    """
    lacking: dict[tuple[int, int], list[int]] = {}
    for size, trials in targets.items():
        for stretch in missing_stretches(stretches[size], trials, block):
            lacking.setdefault(stretch, []).append(size)
    return [
        WorkUnit(group, first, last, tuple(sorted(sizes)))
        for (first, last), sizes in sorted(lacking.items())
    ]


def _batches(study: Study, source: TruthSource, piece: WorkUnit) -> Iterator[BatchResults]:
    """Yield the results of all sizes, batch by batch."""
    for first in range(piece.first, piece.last, study.batch):
        trials = min(study.batch, piece.last - first)
        yield answer_sizes(study, source, first, trials, piece.sizes)
