"""Values below the assay's limit: the censored likelihood against R, and what replaces them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.readings import published_reading, random_reading, rows_of
from support.small_trials import assembled, one_endpoint, scenario

from phase2sim.analyses.means.ancova import Ancova
from phase2sim.analyses.means.tobit import Tobit
from phase2sim.analyses.means.tobit_fit import _tail
from phase2sim.analyses.quantification_limit import QuantificationLimit
from phase2sim.core.contracts import EMPTY_ARM, NO_VARIATION, TOO_FEW
from phase2sim.core.errors import BadScenario
from phase2sim.operating.closed_form import closed_form_power
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.studies.real_data import analyse
from phase2sim.trial.engine import simulate_batch

MODELS = {"arm": (), "arm+base": ("baseline",), "arm+base+stratum": ("baseline", "stratum")}
ROWS = rows_of("tobit.csv")
C_PEPTIDE = {"endpoint": "c_peptide", "month": 12, "method": "ancova"}


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: "-".join(row[k] for k in ("dataset", "limit", "model", "quantity"))
)
def test_tobit_is_that_of_survreg(row: dict[str, str]) -> None:
    reading = published_reading(row["dataset"])
    # R has the baseline as measured: here none may be replaced.
    reading = replace(reading, baseline=reading.baseline + 10.0)
    covariates = MODELS[row["model"]]
    limit = float(row["limit"])
    tobit = Tobit("hba1c", 12.0, limit, covariates=covariates, standard_error="likelihood")

    result = tobit.estimate(reading)

    ours = {"est": result.effect[0], "se": result.se[0]}
    assert ours[row["quantity"]] == pytest.approx(float(row["value"]), rel=1e-8)
    n = reading.arm.size
    assert result.details["below_lloq"][0] * n == pytest.approx(int(row["below"]))


def test_with_nothing_below_the_limit_tobit_is_ancova() -> None:
    reading = random_reading(seed=61, trials=20, patients=30, missing=0.1)
    reading = replace(reading, value=reading.value + 5.0)
    covariates = ("baseline", "age", "stratum")

    tobit = Tobit("hba1c", 12.0, 3.1, covariates=covariates).estimate(reading)
    ancova = Ancova("hba1c", 12.0, covariates).estimate(reading)

    for field in ("effect", "se", "df", "p"):
        np.testing.assert_allclose(getattr(tobit, field), getattr(ancova, field), rtol=1e-7)


@pytest.mark.parametrize("u", [-29.9, -30.1, -100.0])
def test_the_far_tail_is_mills_ratio(u: float) -> None:
    # log Phi(-30) = -454.3212439563 and -u < phi / Phi < -u - 1 / u (Gordon 1941).
    value, slope = _tail(u)

    assert -u < slope < -u - 1.0 / u
    expected = -0.5 * u**2 - 0.5 * np.log(2 * np.pi) - np.log(slope)
    assert value == pytest.approx(expected, rel=1e-9)
    assert _tail(-30.0)[0] == pytest.approx(-454.3212439563, abs=1e-8)


def test_tobit_sees_of_a_value_below_only_that_it_is() -> None:
    reading = random_reading(seed=62, trials=10, patients=40)
    value = np.where(reading.value < 5.0, reading.value - 3.0, reading.value)
    tobit = Tobit("hba1c", 12.0, 5.0, covariates=("age",))

    result, lowered = tobit.estimate(reading), tobit.estimate(replace(reading, value=value))

    assert (result.details["below_lloq"] > 0.1).all()
    np.testing.assert_array_equal(result.effect, lowered.effect)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (np.where(np.arange(12) % 2 == 1, np.nan, 7.0 + 0.1 * np.arange(12)), EMPTY_ARM),
        (np.where(np.arange(12) > 2, 4.0, 7.0 + 0.1 * np.arange(12)), TOO_FEW),
        (np.full(12, 7.0), NO_VARIATION),
        (7.0 + 0.3 * (np.arange(12) % 2), NO_VARIATION),
    ],
)
def test_a_trial_that_tobit_cannot_answer_has_a_reason(outcome: np.ndarray, reason: int) -> None:
    reading = random_reading(seed=63, trials=3, patients=12)
    reading = replace(reading, arm=np.tile(np.array([0, 1], np.int8), (3, 6)))
    value = reading.value.copy()
    value[1, 1] = outcome

    result = Tobit("hba1c", 12.0, 5.0).estimate(replace(reading, value=value))

    assert result.reason[1] == reason
    assert np.isnan([result.effect[1], result.se[1], result.df[1], result.p[1]]).all()


@pytest.mark.parametrize(
    ("below", "becomes"), [("limit", np.log1p(0.04)), ("half", np.log1p(0.02)), ("zero", 0.0)]
)
def test_a_value_below_the_limit_becomes_what_is_asked(below: str, becomes: float) -> None:
    limit = QuantificationLimit("c_peptide", 0.04, below)  # type: ignore[arg-type]  # one of three
    reading = random_reading(seed=64, trials=1, patients=4)
    value = np.log1p(np.array([-0.1, 0.039, 0.04, np.nan]))
    reading = replace(reading, value=value[None, None], baseline=value[None, ::-1])

    reported = limit.applied(reading)

    expected = [becomes, becomes, np.log1p(0.04), np.nan]
    np.testing.assert_allclose(reported.value[0, 0], expected)
    np.testing.assert_allclose(reported.baseline[0], expected[::-1])


def test_a_scenario_analyses_what_the_assay_reports() -> None:
    plain, limited = (
        assembled(one_endpoint(analysis=[C_PEPTIDE | more]))
        for more in ({}, {"lloq": 0.2, "below_lloq": "half"})
    )
    source = plain.sources[0]

    batch = simulate_batch(limited.study, source, 0, 50).estimates[0]

    assert (batch.effect != simulate_batch(plain.study, source, 0, 50).estimates[0].effect).any()
    assert closed_form_power(plain, 0, source) is not None
    assert closed_form_power(limited, 0, source) is None  # no closed form for it


def test_a_data_file_is_analysed_as_the_assay_reports_it(tmp_path: Path) -> None:
    concentrations = [0.01, 0.5, 0.03, 0.8, 0.3, 0.02, 0.6, 0.9]
    reported = [max(value, 0.04) for value in concentrations]
    files = []
    for name, values in (("as_measured", concentrations), ("replaced", reported)):
        lines = [f"{i},{i % 2},{y}" for i, y in enumerate(values)]
        files.append(tmp_path / f"{name}.csv")
        files[-1].write_text("\n".join(["id,arm,y", *lines]), encoding="utf-8")
    welch = {"endpoint": "c_peptide", "month": 12, "method": "welch"}
    limited = build_scenario(scenario(one_endpoint(analysis=[welch | {"lloq": 0.04}])))
    plain = build_scenario(scenario(one_endpoint(analysis=[welch])))

    ours, expected = analyse(limited, files[0]), analyse(plain, files[1])

    assert ours.findings[0].effect == pytest.approx(expected.findings[0].effect, rel=1e-12)
    assert ours.findings[0].method == expected.findings[0].method


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({"lloq": -0.1}, r"analysis\[1\].lloq is -0.1"),
        ({"lloq": 0.02, "below_lloq": "drop"}, r"analysis\[1\].below_lloq"),
        ({"below_lloq": "half"}, r"analysis\[1\].below_lloq needs lloq"),
        ({"method": "tobit"}, r"analysis\[1\].lloq is missing"),
        ({"method": "tobit", "lloq": 60.0}, r"analysis\[1\].lloq is 60"),
    ],
)
def test_a_limit_that_does_not_fit_is_refused(keys: dict[str, object], part: str) -> None:
    table = one_endpoint(analysis=[C_PEPTIDE | keys])

    with pytest.raises(BadScenario, match=part):
        build_scenario(scenario(table))


def test_a_scale_without_zero_refuses_zero() -> None:
    with pytest.raises(ValueError, match="use 'limit' or 'half'"):
        QuantificationLimit("glucose", 1.5, "zero")
