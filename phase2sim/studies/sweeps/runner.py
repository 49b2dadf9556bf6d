"""Simulate the trials that a store lacks, on any backend, and store them."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from phase2sim.core.backends import Backend
from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.errors import BadInput, WorkersLost
from phase2sim.core.interrupts import Interrupts
from phase2sim.core.progress import Status
from phase2sim.studies.store.results_folder import Store
from phase2sim.studies.sweeps.cells import Assemblies, Group
from phase2sim.studies.sweeps.trial_targets import Round, Targets, TrialTarget
from phase2sim.studies.sweeps.work_units import (
    TRIALS_A_FILE,
    Work,
    WorkResult,
    WorkUnit,
    missing_pieces,
    simulate_piece,
)

_PIECES_AHEAD = 2  # pieces a worker, so that none waits and memory stays bounded
_WRITERS = 8  # files at a time
_MOST_LOSSES = 10  # of workers on one piece before the sweep fails


@dataclass(slots=True)
class Campaign:
    """The simulations of one sweep; ``run`` carries them out until done or interrupted."""

    store: Store
    groups: Sequence[Group]
    assemblies: Assemblies
    backend: Backend
    progress: Callable[[Status], None]
    interrupts: Interrupts
    trial_target: TrialTarget
    trials_done: int = 0
    failed: int = 0
    _seconds: dict[int, tuple[float, int]] = field(default_factory=dict)  # group -> spent, trials
    _shared: dict[int, Work] = field(default_factory=dict)
    _losses: dict[WorkUnit, int] = field(default_factory=dict)

    def run(self) -> bool:
        """Simulate until the target is reached; False if interrupted before."""
        last: Round | None = None
        while not self.stopped and (targets := self.trial_target.targets(self.store, last)):
            start = time.monotonic()
            pieces = self._pieces(targets, self.trial_target.longest_seconds)
            added = self._round(pieces, targets)
            last = Round(time.monotonic() - start, added)
        return not self.interrupts.asked

    @property
    def stopped(self) -> bool:
        """Whether no new work is to begin."""
        return self.interrupts.asked or self.trial_target.time_is_up

    def _pieces(self, targets: Targets, longest: float) -> list[WorkUnit]:
        """Pieces of work that the groups lack, group by group."""
        pieces: list[WorkUnit] = []
        for number, group in enumerate(self.groups):
            targets_by_size = {n: targets[s] for n, s in group.studies.items() if s in targets}
            stretches = {n: self.store.stretches(group.studies[n]) for n in targets_by_size}
            pieces += missing_pieces(
                number, stretches, targets_by_size, self._block(number, longest)
            )
        return pieces

    def _block(self, group: int, longest: float) -> int:
        """Most trials of a piece that takes no longer than ``longest`` seconds."""
        spent, trials = self._seconds.get(group, (0.0, 0))
        if not spent:
            return TRIALS_A_FILE
        return int(min(max(longest * trials / spent, 1), TRIALS_A_FILE))

    def _round(self, pieces: Sequence[WorkUnit], targets: Targets) -> int:
        """Run pieces until done or stopped; return the most trials added to a study.

        Pieces already begun are finished and stored in either case.
        """
        queue = deque(pieces)
        open_pieces = [sum(piece.group == g for piece in pieces) for g in range(len(self.groups))]
        requested = self.trials_done + sum(piece.trials * len(piece.sizes) for piece in pieces)
        running: dict[Future[WorkResult], WorkUnit] = {}
        added: dict[tuple[int, int], int] = {}
        while running or (queue and not self.stopped):
            while (
                queue and not self.stopped and len(running) < _PIECES_AHEAD * self.backend.workers
            ):
                piece = queue.popleft()
                running[self._submit(piece)] = piece
                if self.backend.workers == 1:
                    break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                piece = running.pop(future)
                if not self._keep_result(future, piece):
                    queue.appendleft(piece)
                    continue
                open_pieces[piece.group] -= 1
                if not open_pieces[piece.group]:
                    self._shared.pop(piece.group, None)
                for size in piece.sizes:
                    key = (piece.group, size)
                    added[key] = added.get(key, 0) + piece.trials
                self.progress(self._status(open_pieces, targets, requested))
        self._shared.clear()
        return max(added.values(), default=0)

    def _submit(self, piece: WorkUnit) -> "Future[WorkResult]":
        if piece.group not in self._shared:
            group = self.groups[piece.group]
            assembled = self.assemblies.assemble(group)
            work = Work(assembled.study, assembled.sources, group.headers)
            self._shared[piece.group] = self.backend.share(work)
        return self.backend.submit(simulate_piece, self._shared[piece.group], piece)

    def _keep_result(self, future: "Future[WorkResult]", piece: WorkUnit) -> bool:
        """Store the result of a piece; False if its worker was lost and it must run again."""
        error = None if future.cancelled() else future.exception()
        lost = future.cancelled() or (error is not None and self.backend.is_lost(error))
        if lost:
            self._losses[piece] = self._losses.get(piece, 0) + 1
            self._shared.pop(piece.group, None)
            if self._losses[piece] >= _MOST_LOSSES:
                raise WorkersLost(
                    f"{self.store.folder}: {_MOST_LOSSES} workers died of the same trials"
                    f" ({piece.first} to {piece.last}). Look at the workers' logs: most often they"
                    " run out of memory. What was simulated before is kept."
                )
            return False
        result = future.result()
        if result.results_version != RESULTS_VERSION:
            raise BadInput(
                f"a worker runs another phase2sim (results version {result.results_version}, here"
                f" {RESULTS_VERSION}). Install the same one on all."
            )
        self._write(piece, result.files)
        spent, trials = self._seconds.get(piece.group, (0.0, 0))
        self._seconds[piece.group] = (spent + result.seconds, trials + piece.trials)
        self.trials_done += piece.trials * len(piece.sizes)
        self.failed += result.failed
        return True

    def _write(self, piece: WorkUnit, files: Sequence[bytes]) -> None:
        """Write the files of a piece side by side: most of the time is waiting for the disk."""
        studies = self.groups[piece.group].studies
        with ThreadPoolExecutor(_WRITERS) as pool:
            futures = [
                pool.submit(self.store.add, studies[size], piece.first, piece.last, content)
                for size, content in zip(piece.sizes, files, strict=True)
            ]
        for future in futures:
            future.result()

    def _status(self, open_pieces: Sequence[int], targets: Targets, requested: int) -> Status:
        sizes = [len(set(group.studies.values()) & targets.keys()) for group in self.groups]
        finished = sum(
            n for n, unfinished in zip(sizes, open_pieces, strict=True) if not unfinished
        )
        return Status(finished, sum(sizes), self.trials_done, requested, self.failed)
