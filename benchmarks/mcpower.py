"""``y ~ arm + baseline``, 60 patients: our whole engine against MCPower, one thread each.

MCPower (Lenartowicz, on PyPI) lives in an environment that this script makes and throws away; it is
no dependency of ours. Target: at least twice as many trials a second. Both simulate patients tossed
to two arms, a standard normal baseline with slope 0.5, an effect of 0.5 and a residual SD of 1; we
also draw visits jointly, look for missing data, and measure bias and coverage.
"""

import subprocess
import sys
import tempfile
from functools import partial
from math import sqrt
from pathlib import Path
from typing import IO

from side_by_side import engine, in_turns, processor_seconds, ratio, speed, stay_on_one_core

MCPOWER = "mcpower==1.4.1"
TRIALS, PATIENTS, EFFECT, SLOPE = 100_000, 60, 0.5, 0.5

SD = sqrt(1 + SLOPE**2)  # of the outcome: what the baseline explains, and a residual SD of 1
SCENARIO = {
    "title": "Arm and baseline",
    "seed": 1,
    "trials": TRIALS,
    "design": {
        "kind": "fixed",
        "arms": ["control", "treated"],
        "patients": PATIENTS,
        "visits_months": [0, 12],
        "randomisation": "simple",
    },
    "outcome": {"c_peptide": {"control_mean": 0.0, "sd": [1.0, SD], "correlation": SLOPE / SD}},
    "truth": {"target": {"c_peptide": {"effect": EFFECT, "month": 12, "shape": "linear"}}},
    "analysis": [
        {"endpoint": "c_peptide", "month": 12, "method": "ancova", "covariates": ["baseline"]}
    ],
    "decision": {"kind": "significance", "one_sided_alpha": 0.025},
}

# Runs in MCPower's own environment: a line in, the processor seconds of one run and its power out.
THEIRS = f"""
import sys, time
from mcpower import MCPower, _engine

_engine.set_n_threads(1)
model = MCPower("y = treated + baseline")
model.set_variable_type("treated=(binary,0.5)")
model.set_effects("treated={EFFECT}, baseline={SLOPE}")
model.set_alpha(0.05)
for line in sys.stdin:
    start = time.process_time()
    found = model.find_power({PATIENTS}, target_test="treated", n_sims={TRIALS},
                             progress_callback=False, verbose=False)
    print(time.process_time() - start, *found["power_uncorrected"][0], flush=True)
"""


class MCPower:
    """MCPower in its own process, which waits between runs."""

    def __init__(self, folder: Path) -> None:
        python = folder / "bin" / "python"
        _quietly("uv", "venv", "--python", sys.executable, str(folder))
        _quietly("uv", "pip", "install", "--python", str(python), MCPOWER)
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [python, "-I", "-c", THEIRS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.power = float("nan")

    def seconds(self) -> float:
        """Processor time of one run, by its own account."""
        asked, answers = _pipes(self.process)
        asked.write("again\n")
        asked.flush()
        seconds, self.power = map(float, answers.readline().split())
        return seconds

    def end(self) -> None:
        """Let the process finish."""
        _pipes(self.process)[0].close()
        self.process.wait()


def _quietly(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("the process has no pipes; start it with stdin and stdout piped.")
    return process.stdin, process.stdout


def main() -> None:
    """Print speeds, their ratio, and the powers, which should agree."""
    stay_on_one_core()
    ours = engine(SCENARIO, TRIALS)
    with tempfile.TemporaryDirectory() as folder:
        theirs = MCPower(Path(folder))
        seconds = in_turns({"ours": partial(processor_seconds, ours), "theirs": theirs.seconds})
        theirs.end()
    print(f"phase2sim: {speed(TRIALS, seconds['ours'])}, power {ours().go[0] / TRIALS:.4f}")
    print(f"{MCPOWER}: {speed(TRIALS, seconds['theirs'])}, power {theirs.power:.4f}")
    print(f"phase2sim / MCPower: {ratio(seconds['theirs'], seconds['ours'])}; target at least 2")


if __name__ == "__main__":
    main()
