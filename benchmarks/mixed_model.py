"""The mixed model, 60 patients x 4 visits with dropout: against nlme::gls and statsmodels.

Ours: unstructured REML with Satterthwaite's degrees of freedom. R's ``gls`` fits the same model,
without degrees of freedom; statsmodels' ``MixedLM`` a random intercept, which is the easier fit.
Targets: at least 1,000 times as fast as the one and 300 times as the other. With dropout alone our
fit is in closed form; the same trials with gaps, which need a climb, are timed beside it, and so
are 600 patients. R is left out where it is not installed; statsmodels lives in an environment that
this script makes and throws away.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from analyses import four_visits
from side_by_side import in_turns, processor_seconds, ratio, stay_on_one_core

from phase2sim.analyses.mixed_models.mmrm import Mmrm
from phase2sim.core.contracts import Reading

STATSMODELS = "statsmodels==0.14.6"
THEIRS = 5  # fits a round
GAPS = 0.08  # share of values missing at random, beside dropout
ANALYSIS = Mmrm("hba1c", 12.0)

GLS = """
suppressMessages(library(nlme))
trials <- split(read.csv("trials.csv"), ~trial)
fit <- function(d) coef(gls(y ~ base * factor(visit) + arm * factor(visit), d,
  correlation = corSymm(form = ~ visit | id), weights = varIdent(form = ~ 1 | visit)))
say <- file("stdin", "r")
while (length(readLines(say, 1)) > 0) {
  start <- sum(proc.time()[1:2])
  for (d in trials) b <- fit(d)
  cat(sum(proc.time()[1:2]) - start, b[["arm"]] + b[["factor(visit)4:arm"]], "\\n")
}
"""
MIXED_LM = """
import sys, time
import pandas, statsmodels.formula.api as smf

trials = [d for _, d in pandas.read_csv("trials.csv").groupby("trial")]
for line in sys.stdin:
    start = time.process_time()
    for d in trials:
        fit = smf.mixedlm("y ~ base * C(visit) + arm * C(visit)", d, groups=d["id"]).fit()
    b = fit.params
    print(time.process_time() - start, b["arm"] + b["arm:C(visit)[T.4]"], flush=True)
"""


class Other:
    """Another program in its own process, which waits between rounds."""

    def __init__(self, command: Sequence[str | Path], folder: Path) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder,
        )
        self.effect = float("nan")  # of the last trial

    def seconds(self) -> float:
        """Processor time of one fit, by its own account."""
        if self.process.stdin is None or self.process.stdout is None:
            raise ValueError("the process has no pipes; start it with stdin and stdout piped.")
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        seconds, self.effect = map(float, self.process.stdout.readline().split())
        return seconds / THEIRS


def write_trials(reading: Reading, path: Path) -> None:
    """Write the first trials in long format."""
    lines = ["trial,id,arm,base,visit,y"]
    for trial in range(THEIRS):
        for visit, i in zip(*np.nonzero(~np.isnan(reading.value[trial])), strict=True):
            arm, base = reading.arm[trial, i], float(reading.baseline[trial, i])
            y = float(reading.value[trial, visit, i])
            lines.append(f"{trial},{i},{arm},{base!r},{visit + 1},{y!r}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def others(folder: Path) -> dict[str, Other]:
    """Start the programs that are there."""
    started = {}
    (folder / "gls.R").write_text(GLS, encoding="utf-8")
    rscript = shutil.which("Rscript")
    if rscript is None:
        print("Rscript is not installed: nlme::gls is left out.")
    else:
        started["nlme::gls"] = Other([rscript, "gls.R"], folder)
    python = folder / "env" / "bin" / "python"
    make = ["uv", "venv", "--python", sys.executable, str(folder / "env")]
    subprocess.run(make, check=True, capture_output=True)  # noqa: S603 - our own command
    add = ["uv", "pip", "install", "--python", str(python), STATSMODELS]
    subprocess.run(add, check=True, capture_output=True)  # noqa: S603 - our own command
    started["MixedLM"] = Other([python, "-I", "-c", MIXED_LM], folder)
    return started


def ours(reading: Reading) -> float:
    """Processor time of one of our fits."""
    return processor_seconds(partial(ANALYSIS.estimate, reading)) / reading.arm.shape[0]


def main() -> None:
    """Print the time of a fit of each, the ratios, and an effect, which should agree with gls."""
    stay_on_one_core()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    small, large = four_visits(60), four_visits(600)
    missed = np.random.default_rng(2).random(small.value.shape) < GAPS
    gaps = replace(small, value=np.where(missed, np.nan, small.value))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_trials(small, folder / "trials.csv")
        programs = others(folder)
        sides = {
            "ours": partial(ours, small),
            "600": partial(ours, large),
            "gaps": partial(ours, gaps),
        }
        seconds = in_turns(sides | {name: other.seconds for name, other in programs.items()})
        effect = ANALYSIS.estimate(small).effect[THEIRS - 1]
        print(f"phase2sim: {1e3 * median(seconds['ours']):.3f} ms a fit, effect {effect:.5f}")
        for name, other in programs.items():
            time = f"{1e3 * median(seconds[name]):.0f} ms a fit, effect {other.effect:.5f}"
            print(f"{name}: {time}; {ratio(seconds[name], seconds['ours'])} times ours")
            other.process.communicate()
    print(f"600 patients / 60 patients: {ratio(seconds['600'], seconds['ours'])}")
    print(f"with gaps / without: {ratio(seconds['gaps'], seconds['ours'])}")


if __name__ == "__main__":
    main()
