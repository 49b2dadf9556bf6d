"""True values of each strategy against closed forms, and analyses against the right ones."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats
from support.agreement import assert_agrees
from support.small_trials import Table, assembled, design, one_endpoint, scenario, two_endpoints

from phase2sim.core.errors import BadScenario
from phase2sim.core.measured import Measured
from phase2sim.operating.simulation import simulate
from phase2sim.scenario.assembly.true_effects import with_known_values

EFFECT, MONTHS = -0.8, np.array([0.0, 3.0, 6.0, 12.0])  # on HbA1c, linear to month 12
STEADY = {"control_mean": 8.0, "sd": 1.2, "correlation": 0.6}
STOP = {"share": 0.3, "by_month": 12}
RESCUE = {"endpoint": "hba1c", "limit": 8.5, "effect": {"hba1c": -1.0}}
WHOLE = {"endpoint": "hba1c", "month": 12, "method": "ancova"}
MIXED = WHOLE | {"method": "mmrm"}
BELOW_8 = WHOLE | {
    "method": "miettinen_nurminen",
    "responder": {"below": 8.0},
    "missing": "complete_cases",
}


def _table(analysis: Table, **changes: object) -> Table:
    table = two_endpoints(
        design=design(120, MONTHS.tolist()),
        outcome={"hba1c": STEADY},
        truth={"target": {"hba1c": {"effect": EFFECT, "month": 12, "shape": "linear"}}},
        analysis=[analysis],
        decision={"kind": "significance", "one_sided_alpha": 0.025},
        trials=2000,
    )
    del table["endpoint_correlation"]
    return table | changes


def _true(analysis: Table, label: str = "target", **changes: object) -> tuple[float, float]:
    """Value and its Monte Carlo error."""
    known = with_known_values(assembled(_table(analysis, **changes))).study.known[label]
    return float(known.value[0]), float(known.mcse[0])


def _measured(analysis: Table, **changes: object) -> dict[str, Measured]:
    found = simulate(scenario(_table(analysis, **changes)))
    return {r.name: r.measured for r in found.characteristics if r.truth == "target"}


def test_without_events_the_value_is_what_the_truth_states() -> None:
    assert _true(WHOLE) == (EFFECT, 0.0)


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_treatment_policy_loses_the_effect_of_those_who_stop(ratio: float) -> None:
    stop = STOP | {"hazard_ratio_treated": ratio}

    value, mcse = _true(WHOLE, intercurrent={"discontinuation": stop})

    # At once and for good: a share 1 - 0.7^ratio of treated patients has lost all of it.
    assert_agrees(value, EFFECT * 0.7**ratio, mcse)


def test_the_hypothetical_value_is_the_effect_without_the_event() -> None:
    stop = STOP | {"strategy": "hypothetical"}

    assert _true(WHOLE, intercurrent={"discontinuation": stop}) == (EFFECT, 0.0)


def test_while_on_treatment_takes_the_effect_at_the_last_visit_before_the_event() -> None:
    stop = STOP | {"strategy": "while_on_treatment"}

    value, mcse = _true(WHOLE, intercurrent={"discontinuation": stop})

    still_on = 0.7 ** (MONTHS / 12)
    stopped_after = -np.diff(still_on)  # visits 0, 3 and 6
    by_hand = EFFECT * (still_on[3] + stopped_after @ (MONTHS[:3] / 12))
    assert_agrees(value, by_hand, mcse)


def test_composite_counts_the_event_as_no_response() -> None:
    stop = STOP | {"strategy": "composite", "hazard_ratio_treated": 2.0}

    value, mcse = _true(BELOW_8, "null", intercurrent={"discontinuation": stop})

    # Without an effect half of the patients are below 8.0 %, and more treated ones have stopped.
    assert_agrees(value, 0.5 * (0.7**2 - 0.7), mcse)


def test_responders_have_a_true_value_without_any_event() -> None:
    value, mcse = _true(BELOW_8)

    assert_agrees(value, stats.norm.cdf(0.8 / 1.2) - 0.5, mcse)


def test_treatment_policy_lies_between_nothing_and_the_hypothetical_effect() -> None:
    value, mcse = _true(WHOLE, intercurrent={"rescue": RESCUE})

    # Rescue helps controls more: they are beyond the limit more often.
    assert EFFECT + 4 * mcse < value < -4 * mcse


def test_each_analysis_may_have_its_own_estimand_and_is_held_to_it() -> None:
    table = _table(WHOLE, intercurrent={"discontinuation": STOP, "rescue": RESCUE})
    table["analysis"] = [
        WHOLE | {"name": "policy"},
        MIXED | {"name": "drug", "estimand": "hypothetical"},
        MIXED | {"name": "mixed", "estimand": {"rescue": "hypothetical"}},
    ]

    found = simulate(scenario(table | {"trials": 600}))

    said = {known.analysis: dict(known.strategies) for known in found.background}
    assert said["policy"] == dict.fromkeys(("discontinuation", "rescue"), "treatment_policy")
    assert said["drug"] == dict.fromkeys(("discontinuation", "rescue"), "hypothetical")
    assert said["mixed"] == {"discontinuation": "treatment_policy", "rescue": "hypothetical"}
    rows = {(r.name, r.analysis): r.measured for r in found.characteristics if r.truth == "target"}
    # All is seen: the policy's estimate is unbiased for its own value, which is not the drug's.
    assert_agrees(rows["bias", "policy"], 0.0)
    assert_agrees(rows["coverage", "policy"], 0.95)
    # Rescue follows from values that were seen, so those after it are missing at random.
    assert_agrees(rows["bias", "drug"], 0.0)


MAR = {
    "mechanism": "logistic",
    "lost": [0.15, 0.3, 0.4],
    "endpoint": "hba1c",
    "odds_ratio_per_sd": 4.0,
    "odds_ratio_treated": 0.3,
}


def test_the_mixed_model_is_unbiased_when_values_are_missing_at_random() -> None:
    found = _measured(MIXED, missing={"dropout": MAR})

    assert_agrees(found["bias"], 0.0)
    assert_agrees(found["coverage"], 0.95)


def test_complete_cases_are_biased_when_values_are_missing_at_random() -> None:
    bias = _measured(WHOLE, missing={"dropout": MAR})["bias"]

    # Controls leave for bad values more often, so those who stay look better than they are: the
    # benefit seems smaller, the difference less negative.
    assert bias.estimate > 4 * bias.mcse


def test_a_shift_after_loss_biases_the_mixed_model_by_the_shift_of_the_lost() -> None:
    lost = {"mechanism": "mcar", "share": 0.2, "by_month": 12, "hazard_ratio_treated": 2.0}

    bias = _measured(MIXED, missing={"dropout": lost, "delta": {"hba1c": 0.6}})["bias"]

    # Truth: effect + 0.6 (lost when treated - lost untreated); the model knows nothing of it.
    assert_agrees(bias, -0.6 * ((1 - 0.8**2) - 0.2))


def test_dropout_on_the_unseen_value_biases_by_what_the_integral_gives() -> None:
    share, per_sd = 0.3, 3.0
    mnar = {"mechanism": "mnar", "lost": [share], "endpoint": "hba1c", "odds_ratio_per_sd": per_sd}
    table = _table(WHOLE | {"method": "welch"}, missing={"dropout": mnar}, trials=4000)
    table["design"] = design(200, [0, 12])

    found = simulate(scenario(table))

    (bias,) = (r.measured for r in found.characteristics if (r.name, r.truth) == ("bias", "target"))

    def seen(z: float, level: float) -> float:  # z SDs above the untreated mean, untreated odds
        return float(1 / (1 + np.exp(level + np.log(per_sd) * z)))

    def average(of: object, mean: float) -> float:
        return float(integrate.quad(lambda z: of(z) * stats.norm.pdf(z - mean), -9, 9)[0])  # type: ignore[operator]

    level = optimize.brentq(lambda a: average(lambda z: seen(z, a), 0.0) - (1 - share), -9, 9)
    means = [
        average(lambda z: z * seen(z, level), m) / average(lambda z: seen(z, level), m)
        for m in (0.0, EFFECT / 1.2)
    ]
    exact = 1.2 * (means[1] - means[0]) - EFFECT
    assert_agrees(bias, exact)
    assert abs(exact) > 4 * bias.mcse


def test_jump_to_reference_is_conservative_by_the_share_that_is_lost() -> None:
    lost = {"mechanism": "mcar", "share": 0.3, "by_month": 12}
    jump = WHOLE | {"method": "conditional_mean_imputation", "strategy": "jump_to_reference",
                    "variance": "analytic"}  # fmt: skip

    bias = _measured(jump, missing={"dropout": lost}, trials=1000)["bias"]

    # Lost patients are given the mean of control: a share 0.3 of the effect is gone.
    assert_agrees(bias, -EFFECT * 0.3)


def test_insulin_adjusted_hba1c_has_the_mean_that_its_parts_give() -> None:
    table = two_endpoints(
        design=design(100, [0, 12]),
        outcome={
            "hba1c": {"control_mean": 7.5, "sd": 1.0, "correlation": 0.5},
            "insulin": {"control_mean": 0.5, "sd": 0.4, "correlation": 0.5},
        },
        endpoint_correlation=0.3,
        truth={
            "target": {
                "hba1c": {"effect": -0.3, "month": 12, "shape": "linear"},
                "insulin": {"effect": -0.2, "month": 12, "shape": "linear"},
            }
        },
        analysis=[{"endpoint": "idaa1c", "month": 12, "method": "ancova"}],
        decision={"kind": "significance", "one_sided_alpha": 0.025},
        trials=1000,
    )

    known = with_known_values(assembled(table)).study.known["target"]
    found = simulate(scenario(table))

    def dose(mean: float) -> float:  # mean of the squared positive part of N(mean, 0.4)
        z = mean / 0.4
        return (mean**2 + 0.16) * stats.norm.cdf(z) + mean * 0.4 * stats.norm.pdf(z)

    exact = -0.3 + 4 * (dose(0.3) - dose(0.5))
    assert_agrees(known.value[0], exact, known.mcse[0])
    rows = {r.name: r.measured for r in found.characteristics if r.truth == "target"}
    assert_agrees(rows["bias"], 0.0)
    assert_agrees(rows["coverage"], 0.95)


@pytest.mark.parametrize(
    ("analysis", "part"),
    [
        (WHOLE | {"estimand": "composite"}, "which 'ancova' cannot average"),
        (WHOLE | {"estimand": "hypothetic"}, "no such strategy"),
        (WHOLE | {"estimand": {"death": "composite"}}, "estimand.death is no event"),
    ],
)
def test_an_estimand_that_does_not_fit_is_refused(analysis: Table, part: str) -> None:
    with pytest.raises(BadScenario, match=part):
        assembled(_table(analysis, intercurrent={"rescue": RESCUE}))


def test_an_estimand_without_events_is_refused() -> None:
    with pytest.raises(BadScenario, match="for the events of"):
        assembled(_table(WHOLE | {"estimand": "hypothetical"}))


def test_a_named_response_is_its_rule() -> None:
    named = {"responder": "c_peptide_preserved", "month": 12, "method": "fisher"}
    ruled = named | {"endpoint": "c_peptide", "responder": {"at_least": 0.2}}

    one, other = (
        simulate(scenario(one_endpoint(analysis=[a], trials=100))) for a in (named, ruled)
    )

    assert one.power == other.power
