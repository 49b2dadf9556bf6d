"""Two programs timed in turns on one core, so that a busy machine slows both alike."""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from phase2sim.operating.measures import TrialSums, tally
from phase2sim.scenario.assembly.assemble import assemble, build_scenario
from phase2sim.scenario.scenario_file import SCENARIO
from phase2sim.trial.engine import simulate_batch

ROUNDS = 9

type Seconds = Callable[[], float]


def stay_on_one_core() -> None:
    """Keep this process, and those it starts, on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def in_turns(sides: Mapping[str, Seconds]) -> dict[str, list[float]]:
    """Seconds of every side, ``ROUNDS`` times each in turns, after one round to warm up."""
    for side in sides.values():
        side()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            seconds[name].append(side())
    return seconds


def ratio(numerator: list[float], denominator: list[float]) -> str:
    """Median ratio of the rounds, with the smallest and the largest."""
    ratios = [a / b for a, b in zip(numerator, denominator, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def speed(trials: int, seconds: list[float]) -> str:
    """Trials per second at the median time."""
    return f"{trials / statistics.median(seconds):,.0f} trials/s"


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time of this process, which other programs on the core do not lengthen."""
    start = time.process_time()
    work()
    return time.process_time() - start


def engine(scenario: Mapping[str, Any], trials: int) -> Callable[[], TrialSums]:
    """Return a function that simulates and tallies the scenario's target, batch by batch."""
    assembled = assemble(build_scenario(SCENARIO.validate_python(scenario)), None)
    study, source = assembled.study, assembled.sources[0]

    def run() -> TrialSums:
        sums = None
        for first in range(0, trials, study.batch):
            done = simulate_batch(study, source, first, min(study.batch, trials - first))
            added = tally(
                done.estimates,
                done.true_effect,
                done.missing,
                done.verdict,
                months=done.months,
                trial_ends=done.ended,
            )
            sums = added if sums is None else sums + added
        if sums is None:
            raise ValueError("trials is 0; simulate at least one.")
        return sums

    return run
