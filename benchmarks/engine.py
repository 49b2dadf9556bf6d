"""Two endpoints x 4 visits x 60 patients with dropout, against the normals that they need.

Target: at most 3 times as long as numpy takes to draw as many standard normals, and nothing else.
Then the wall time of ``phase2sim --help``, a whole process; target: under 0.4 s.
"""

import statistics
import subprocess
import sys
import time
from functools import partial

import numpy as np
from side_by_side import engine, in_turns, processor_seconds, ratio, speed, stay_on_one_core

TRIALS = 20_000
PATIENTS, VISITS, ENDPOINTS = 60, 4, 2
NORMALS_A_CHUNK = 480_000  # about as many as a batch of the engine holds: they fit the cache
HELP = [sys.executable, "-c", "from phase2sim.cli import main; main(['--help'])"]

SCENARIO = {
    "title": "Two endpoints at four visits",
    "seed": 1,
    "trials": TRIALS,
    "design": {
        "kind": "fixed",
        "arms": ["placebo", "active"],
        "patients": PATIENTS,
        "visits_months": [0, 3, 6, 12],
    },
    "outcome": {
        "hba1c": {"control_mean": 7.5, "sd": 1.2, "correlation": 0.5},
        "c_peptide": {"control_mean": 0.45, "sd": 0.25, "correlation": 0.7},
    },
    "endpoint_correlation": -0.3,
    "truth": {
        "target": {
            "hba1c": {"effect": -0.8, "month": 12, "shape": "linear"},
            "c_peptide": {"effect": 0.12, "month": 12, "shape": "linear"},
        }
    },
    "missing": {"dropout": {"mechanism": "mcar", "share": 0.1, "by_month": 12}},
    "analysis": [
        {"endpoint": "hba1c", "month": 12, "method": "ancova", "covariates": ["baseline"]},
        {"endpoint": "c_peptide", "month": 12, "method": "ancova", "covariates": ["baseline"]},
    ],
    "decision": {"kind": "co_primary", "one_sided_alpha": 0.025},
}


def draw_normals(rng: np.random.Generator, chunk: np.ndarray) -> None:
    """Draw as many normals as the trials hold outcomes, into the same memory again and again."""
    for _ in range(TRIALS * PATIENTS * VISITS * ENDPOINTS // NORMALS_A_CHUNK):
        rng.standard_normal(out=chunk)


def help_seconds() -> float:
    """Wall time of a fresh process that prints the help."""
    start = time.perf_counter()
    subprocess.run(HELP, check=True, capture_output=True)  # noqa: S603 - our own command
    return time.perf_counter() - start


def main() -> None:
    """Print speeds and ratios."""
    stay_on_one_core()
    normals = partial(draw_normals, np.random.default_rng(1), np.empty(NORMALS_A_CHUNK))
    seconds = in_turns(
        {
            "engine": partial(processor_seconds, engine(SCENARIO, TRIALS)),
            "normals": partial(processor_seconds, normals),
        }
    )
    print(f"engine: {speed(TRIALS, seconds['engine'])}; numpy's normals alone:", end=" ")
    print(f"{speed(TRIALS, seconds['normals'])}")
    print(f"engine / normals: {ratio(seconds['engine'], seconds['normals'])}; target at most 3")
    wall = in_turns({"help": help_seconds})["help"]
    print(f"phase2sim --help: {statistics.median(wall):.2f} s", end=" ")
    print(f"({min(wall):.2f} to {max(wall):.2f}); target under 0.4 s")


if __name__ == "__main__":
    main()
