"""Sweeps as a designer runs them: whole processes on two cores, files and all.

Targets: 100 cells x 10,000 trials of two ANCOVAs at four visits in under 40 s; the curve over 20
sizes in one pass at most 1.5 times the largest size alone; 20 cells x 10,000 trials of a mixed
model in under 60 s; under 600 MB a process.
"""

import resource
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from side_by_side import in_turns, processor_seconds, ratio, stay_on_one_core

from phase2sim.scenario.assembly.assemble import assemble, build_scenario
from phase2sim.scenario.scenario_file import SCENARIO
from phase2sim.trial.nested_sizes import answer_sizes

WORKERS = "2"
ROUNDS = 3
TRIALS_OF_THE_ENGINE = 5_000
CURVE, ALONE = "20 sizes, 20 to 400", "400 patients alone"
BASE = """
title = "Two endpoints at four visits"
seed = 1
trials = 10000
endpoint_correlation = -0.3
[design]
kind = "fixed"
arms = ["placebo", "active"]
patients = 400
visits_months = [0, 3, 6, 12]
[outcome]
hba1c = { control_mean = 7.5, sd = 1.2, correlation = 0.5 }
c_peptide = { control_mean = 0.45, sd = 0.25, correlation = 0.7 }
[truth.target]
hba1c = { effect = -0.4, month = 12, shape = "linear" }
c_peptide = { effect = 0.06, month = 12, shape = "linear" }
[missing]
dropout = { mechanism = "mcar", share = 0.1, by_month = 12 }
[[analysis]]
endpoint = "hba1c"
month = 12
method = "ancova"
[[analysis]]
endpoint = "c_peptide"
month = 12
method = "ancova"
[decision]
kind = "co_primary"
one_sided_alpha = 0.025
"""
EFFECTS = 'effect = { key = "truth.target.hba1c.effect", from = -1.0, to = -0.2, step = 0.2 }'
DROPOUTS = 'dropout = { key = "missing.dropout.share", values = [0.0, 0.1, 0.2, 0.3] }'
SIZES = 'patients = {{ key = "design.patients", {} }}'
SWEEPS = {
    "100 cells of two ANCOVAs": [SIZES.format("from = 40, to = 120, step = 20"), EFFECTS, DROPOUTS],
    CURVE: [SIZES.format("from = 20, to = 400, step = 20")],
    ALONE: [SIZES.format("values = [400]")],
    "20 cells of a mixed model": [SIZES.format("values = [60]"), EFFECTS, DROPOUTS],
}
# One endpoint with a mixed model, in place of two analyses.
MIXED = """
[set]
analysis = [{ endpoint = "hba1c", month = 12, method = "mmrm" }]
"truth.target" = { hba1c = { effect = -0.4, month = 12, shape = "linear" } }
outcome = { hba1c = { control_mean = 7.5, sd = 1.2, correlation = 0.5 } }
decision = { kind = "significance", one_sided_alpha = 0.025 }
"""


class Spent(NamedTuple):
    """Seconds of one command."""

    wall: float
    processor: float  # which other programs do not lengthen as much


def spent(folder: Path, name: str, trials: str) -> Spent:
    """Time of one sweep into an empty folder."""
    extra = MIXED if "mixed" in name else ""
    path = folder / "sweep.toml"
    path.write_text('base = "base.toml"\n' + extra + "[axes]\n" + "\n".join(SWEEPS[name]))
    with TemporaryDirectory(dir=folder) as out:
        program = Path(sys.executable).with_name("phase2sim")
        words = [program, "sweep", path, "--out", f"{out}/results", "--trials", trials]
        start, before = time.perf_counter(), _processor_seconds_of_children()
        subprocess.run(  # noqa: S603 - our own command
            [*words, "--workers", WORKERS, "--yes", "--json"], check=True, capture_output=True
        )
        return Spent(time.perf_counter() - start, _processor_seconds_of_children() - before)


def _processor_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def passes(sizes: tuple[int, ...]) -> Callable[[], None]:
    """Return a function that draws and analyses trials of some sizes, and writes nothing."""
    assembled = assemble(build_scenario(SCENARIO.validate_python(tomllib.loads(BASE))), None)
    study, source = assembled.study, assembled.sources[0]

    def run() -> None:
        for first in range(0, TRIALS_OF_THE_ENGINE, study.batch):
            trials = min(study.batch, TRIALS_OF_THE_ENGINE - first)
            answer_sizes(study, source, first, trials, sizes)

    return run


def commands() -> None:
    """Print times of the commands, the ratio of the curve, and the largest memory of any."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "base.toml").write_text(BASE)
        for name in SWEEPS:
            spent(folder, name, "1")  # compiles
        nothing = statistics.median(spent(folder, ALONE, "1").wall for _ in range(3))
        print(f"starting, and one trial: {nothing:.1f} s")
        times: dict[str, list[Spent]] = {name: [] for name in SWEEPS}
        for _ in range(ROUNDS):  # in turns, so that a busy machine slows all alike
            for name, found in times.items():
                found.append(spent(folder, name, "10000"))
    for name, found in times.items():
        wall = [one.wall for one in found]
        processor = statistics.median(one.processor for one in found)
        print(f"{name} x 10,000 trials: {statistics.median(wall):.1f} s", end=" ")
        print(f"({min(wall):.1f} to {max(wall):.1f}), {processor:.1f} s of processor time")
    for kind in Spent._fields:
        curve, alone = ([getattr(one, kind) for one in times[name]] for name in (CURVE, ALONE))
        print(f"curve / largest alone, {kind} time: {ratio(curve, alone)}; target at most 1.5")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process: {peak:.0f} MB; target under 600")


def main() -> None:
    """Print what commands cost, and what the sizes cost the engine alone."""
    commands()
    stay_on_one_core()
    sizes = tuple(range(20, 401, 20))
    sides = {"curve": passes(sizes), "alone": passes(sizes[-1:])}
    seconds = in_turns({name: partial(processor_seconds, run) for name, run in sides.items()})
    for name, found in seconds.items():
        a_trial = statistics.median(found) / TRIALS_OF_THE_ENGINE * 1e6
        print(f"the engine, {name}: {a_trial:.1f} microseconds a trial")
    print(f"curve / largest alone: {ratio(seconds['curve'], seconds['alone'])}")


if __name__ == "__main__":
    main()
