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
from pathlib import Path
from tempfile import TemporaryDirectory

WORKERS = "2"
ROUNDS = 3
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
    "20 sizes, 20 to 400": [SIZES.format("from = 20, to = 400, step = 20")],
    "400 patients alone": [SIZES.format("values = [400]")],
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


def seconds(folder: Path, name: str, trials: str) -> float:
    """Wall time of one sweep into an empty folder."""
    extra = MIXED if "mixed" in name else ""
    path = folder / "sweep.toml"
    path.write_text('base = "base.toml"\n' + extra + "[axes]\n" + "\n".join(SWEEPS[name]))
    with TemporaryDirectory(dir=folder) as out:
        program = Path(sys.executable).with_name("phase2sim")
        words = [program, "sweep", path, "--out", f"{out}/results", "--trials", trials]
        start = time.perf_counter()
        subprocess.run(  # noqa: S603 - our own command
            [*words, "--workers", WORKERS, "--yes", "--json"], check=True, capture_output=True
        )
        return time.perf_counter() - start


def main() -> None:
    """Print wall times, the ratio of the curve, and the largest memory of any process."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "base.toml").write_text(BASE)
        for name in SWEEPS:
            seconds(folder, name, "1")  # compiles
        nothing = statistics.median(seconds(folder, "400 patients alone", "1") for _ in range(3))
        print(f"starting, and one trial: {nothing:.1f} s")
        times = {name: [seconds(folder, name, "10000") for _ in range(ROUNDS)] for name in SWEEPS}
        for name, found in times.items():
            print(f"{name} x 10,000 trials: {statistics.median(found):.1f} s", end=" ")
            print(f"({min(found):.1f} to {max(found):.1f})")
        curve, alone = (
            statistics.median(times[name]) for name in ("20 sizes, 20 to 400", "400 patients alone")
        )
        print(f"curve / largest alone: {curve / alone:.2f} as commands,", end=" ")
        print(f"{(curve - nothing) / (alone - nothing):.2f} without starting; target at most 1.5")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process: {peak:.0f} MB; target under 600")


if __name__ == "__main__":
    main()
