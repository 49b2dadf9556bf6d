"""Background therapy in every arm: means and SDs of the mixture, what is true, and power."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.agreement import assert_agrees, se_of_share
from support.small_trials import Table, assembled, design, one_endpoint, scenario

from phase2sim.core.errors import BadScenario
from phase2sim.operating.closed_form import closed_form_power
from phase2sim.operating.simulation import simulate
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.scenario.assembly.true_effects import with_known_values
from phase2sim.scenario.assembly.unread_keys import refuse_unread
from phase2sim.scenario.scenario_file import scenario_from
from phase2sim.trial.engine import follow, simulate_batch

MEAN, SD, TARGET = 0.5, 0.3, 0.2
SHARE, ADDED, KEPT = 0.4, 0.3, 0.25
HALF_TIME = 3.0
ONSET_AT_6 = (1 - 2 ** (-6 / HALF_TIME)) / (1 - 2 ** (-12 / HALF_TIME))
TRIALS, PATIENTS = 400, 200


def with_background(**changes: object) -> Table:
    therapy = {
        "name": "teplizumab",
        "share": SHARE,
        "kept": 1.0,
        "effect": {
            "c_peptide": {
                "effect": ADDED,
                "month": 12,
                "shape": "onset",
                "half_time_months": HALF_TIME,
            }
        },
    } | changes
    return one_endpoint(
        design=design(PATIENTS, [0, 6, 12]),
        outcome={"c_peptide": {"control_mean": MEAN, "sd": SD, "correlation": 0.7}},
        population={"background": therapy},
    )


def values(table: Table, arm: int) -> np.ndarray:
    """Values (trial, visit, patient), everybody in one arm, under the target."""
    study = assembled(table).study
    truth = assembled(table).sources[0].truth(0, TRIALS)
    return follow(study, truth, 0, TRIALS, all_in=arm).value[:, 0]


def assert_moments(sample: np.ndarray, mean: float, sd: float) -> None:
    """Of independent patients; the SE of an SD is that of a normal, and wider for a mixture."""
    assert_agrees(sample.mean(), mean, sd / sample.size**0.5)
    fourth = np.mean((sample - sample.mean()) ** 4)
    assert_agrees(sample.var(), sd**2, np.sqrt((fourth - sd**4) / sample.size))


@pytest.mark.parametrize(("visit", "growth"), [(0, 0.0), (1, ONSET_AT_6), (2, 1.0)])
def test_control_arm_is_a_mixture_of_those_with_and_without(visit: int, growth: float) -> None:
    control = values(with_background(), 0)[:, visit]

    added = ADDED * growth

    assert_moments(control, MEAN + SHARE * added, np.sqrt(SD**2 + SHARE * (1 - SHARE) * added**2))


def test_treated_arm_keeps_a_share_of_its_effect_beside_the_background() -> None:
    treated = values(with_background(kept=KEPT), 1)[:, 2]

    step = ADDED - (1 - KEPT) * TARGET
    spread = np.sqrt(SD**2 + SHARE * (1 - SHARE) * step**2)
    assert_moments(treated, MEAN + TARGET + SHARE * step, spread)


def test_same_patients_receive_it_in_either_arm() -> None:
    table = with_background(kept=KEPT)

    gained = values(table, 1)[:, 2] - values(table, 0)[:, 2]

    assert sorted(set(gained.round(9).ravel())) == pytest.approx([KEPT * TARGET, TARGET])
    share = float(np.mean(gained > (1 + KEPT) / 2 * TARGET))
    assert_agrees(share, 1 - SHARE, se_of_share(SHARE, gained.size))


def test_first_patients_of_a_larger_trial_are_those_of_a_smaller_one() -> None:
    small = with_background()
    small["design"] = design(50, [0, 6, 12])

    np.testing.assert_array_equal(values(small, 0), values(with_background(), 0)[..., :50])


@pytest.mark.parametrize("share", [0.0, SHARE])
@pytest.mark.parametrize("kept", [1.0, KEPT])
def test_what_is_true_is_the_effect_times_what_remains_of_it(share: float, kept: float) -> None:
    study = assembled(with_background(share=share, kept=kept))

    known = with_known_values(study).study.known["target"]
    estimates = [simulate_batch(study.study, study.sources[0], 0, 2000).estimates[0]]

    exact = TARGET * (1 - share * (1 - kept))
    assert known.value[0] == pytest.approx(exact, abs=1e-12)
    error = estimates[0].effect.std() / np.sqrt(2000)
    assert_agrees(estimates[0].effect.mean(), exact, error)


def test_true_difference_of_responders_is_that_of_the_mixture() -> None:
    table = with_background(kept=KEPT)
    limit = 0.4
    table["analysis"] = [
        {
            "endpoint": "c_peptide",
            "month": 12,
            "method": "miettinen_nurminen",
            "responder": {"at_least": limit},
            "missing": "complete_cases",
        }
    ]
    bar = np.log1p(limit)

    known = with_known_values(assembled(table)).study.known["target"]

    def rate(mean: float) -> float:
        return float(stats.norm.sf(bar, mean, SD))

    treated = SHARE * rate(MEAN + ADDED + KEPT * TARGET) + (1 - SHARE) * rate(MEAN + TARGET)
    control = SHARE * rate(MEAN + ADDED) + (1 - SHARE) * rate(MEAN)
    assert_agrees(known.value[0], treated - control, known.mcse[0])


def test_who_stops_treatment_keeps_the_background_and_loses_what_remains() -> None:
    table = with_background(kept=KEPT)
    stop = {"share": 0.999, "by_month": 6, "half_life_months": 0}
    table["intercurrent"] = {"discontinuation": stop}

    treated, control = values(table, 1)[:, 2], values(table, 0)[:, 2]

    np.testing.assert_allclose(np.median(treated - control), 0.0, atol=1e-9)
    assert_agrees(control.mean(), MEAN + SHARE * ADDED, control.std() / control.size**0.5)


def test_share_of_0_is_no_background_to_the_last_digit() -> None:
    none = with_background(share=0.0, kept=KEPT)
    absent = {name: value for name, value in none.items() if name != "population"}

    for arm in (0, 1):
        np.testing.assert_array_equal(values(none, arm), values(absent, arm))


@pytest.mark.parametrize("method", ["t_test", "ancova"])
def test_power_agrees_with_the_variance_of_the_mixture(method: str) -> None:
    table = with_background()
    table["design"] = design(100, [0, 6, 12])
    table["trials"] = 20_000
    table["analysis"] = [{"endpoint": "c_peptide", "month": 12, "method": method}]

    row = next(r for r in simulate(scenario(table)).characteristics if r.name == "power")

    assert row.closed_form is not None
    assert "background therapy" in row.closed_form.why
    exact = row.closed_form.value
    assert_agrees(row.measured, exact, se_of_share(exact, row.measured.used))
    without = assembled({name: value for name, value in table.items() if name != "population"})
    other = closed_form_power(without, 0, without.sources[0])
    assert other is not None
    assert other.value - exact > 0.02  # the variance matters


def test_type_one_error_is_nominal() -> None:
    table = with_background(kept=KEPT)
    table["trials"] = 20_000

    row = next(r for r in simulate(scenario(table)).characteristics if r.name == "type_i_error")

    assert_agrees(row.measured, 0.025, se_of_share(0.025, row.measured.used))


def _build(table: Table) -> None:
    refuse_unread(build_scenario(scenario_from(table, Path("scenario.toml"))))


EFFECT = {"effect": 0.1, "month": 12, "shape": "immediate"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"share": 1.2}, r"population\.background\.share is 1\.2"),
        ({"kept": -0.1}, r"population\.background\.kept is -0\.1"),
        ({"effect": {}}, r"population\.background\.effect"),
        ({"effect": {"c_pep": EFFECT}}, r"background\.effect\.c_pep is not an endpoint.*c_peptide"),
        ({"effect": {"c_peptide": EFFECT | {"effect": 30.0}}}, r"c_peptide\.effect is 30"),
        ({"effect": {"c_peptide": EFFECT | {"shape": "slow"}}}, r"c_peptide\.shape is 'slow'"),
        ({"effect": {"c_peptide": EFFECT | {"half": 1.0}}}, r"effect\.c_peptide\.half"),
        (
            {"effect": {"c_peptide": EFFECT | {"shape": "delayed", "lag_months": 12}}},
            r"c_peptide\.month is 12, when shape 'delayed' still has no effect",
        ),
        (
            {"effect": {"c_peptide": EFFECT, "hba1c": EFFECT}},
            r"background\.effect\.hba1c is not used",
        ),
        ({"shares": 0.2}, r"population\.background\.shares is not a known key.*'share'"),
    ],
)
def test_what_cannot_be_is_refused(changes: Table, message: str) -> None:
    with pytest.raises(BadScenario, match=message):
        _build(with_background(**changes))
