"""Expected power: the power of a t test, averaged over the SDs of new studies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.kept_prior import PRIORS, draws_for, shipped_evidence

from phase2sim.operating.simulation import simulate
from phase2sim.prior import storage as prior_files
from phase2sim.scenario.scenario_file import load_scenario

PER_ARM, EFFECT, SD, SPREAD = 60, 0.9, 1.2, 0.4
SCENARIO = f"""
title = "t test"
seed = 5
trials = 4000
evidence = ["{PRIORS}/gxipc1.toml", "{PRIORS}/t1d-natural-history.toml"]
[population]
months_since_diagnosis = [0, 0]
[design]
kind = "fixed"
arms = ["control", "active"]
patients = {2 * PER_ARM}
visits_months = [0, 6]
[truth.target]
hba1c = {{ effect = -{EFFECT}, month = 6, shape = "immediate" }}
[[analysis]]
endpoint = "hba1c"
month = 6
method = "t_test"
[decision]
kind = "significance"
one_sided_alpha = 0.025
"""


def exact_power(sd: np.ndarray) -> np.ndarray:
    df = 2 * PER_ARM - 2
    drift = EFFECT / (sd * np.sqrt(2.0 / PER_ARM))
    return stats.nct.sf(stats.t.isf(0.025, df), df, drift)


@pytest.mark.parametrize("spread", [0.0, SPREAD])
def test_expected_power_is_the_average_of_exact_powers(
    spread: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path / "cache"))
    evidence = shipped_evidence()
    draws = draws_for(evidence)
    varied = replace(draws, spread_sd=np.full_like(draws.level_sd, spread))
    prior_files.save(varied, prior_files.cached_path(evidence.digest))
    path = tmp_path / "trial.toml"
    path.write_text(SCENARIO, encoding="utf-8")

    rows = {row.name: row.measured for row in simulate(load_scenario(path)).characteristics}

    node, weight = np.polynomial.hermite_e.hermegauss(60)
    average = exact_power(SD * np.exp(spread * node)) @ weight / weight.sum()
    if spread:  # else the two powers could not be told apart
        assert exact_power(np.array(SD)) - average > 10 * np.sqrt(average * (1 - average) / 4000)
    for name, exact in (("expected_power", average), ("power", exact_power(np.array(SD)))):
        error = np.sqrt(exact * (1 - exact) / 4000)
        assert abs(rows[name].estimate - exact) < 4 * error, name
