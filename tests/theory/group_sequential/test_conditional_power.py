"""Conditional and predictive power, and re-estimation, against R, rpact and gsDesign."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import ndtri
from support.readings import rows_of

from phase2sim.core.arrays import Floats
from phase2sim.theory.group_sequential.boundaries import boundaries
from phase2sim.theory.group_sequential.classical_bounds import Pocock
from phase2sim.theory.group_sequential.conditional_power import (
    conditional_power,
    predictive_power,
    z_for_conditional_power,
    z_for_predictive_power,
)
from phase2sim.theory.group_sequential.sample_size_reestimation import STOPPED, ZONES, SecondStage
from phase2sim.theory.group_sequential.spending import (
    HwangShihDeCani,
    OBrienFlemingType,
    PocockType,
    PowerFamily,
)

type Row = dict[str, str]

TASKS = rows_of("conditional_power.csv")
SHORT = rows_of("conditional_power_short.csv")
STAGES = rows_of("reestimation.csv")
CLASSICAL = 1e-8  # rpact's Pocock constant is no closer


def efficacy(kind: str, parameter: str) -> object:
    parts: dict[str, Callable[[], object]] = {
        "asOF": OBrienFlemingType,
        "asP": PocockType,
        "P": Pocock,
        "asHSD": lambda: HwangShihDeCani(float(parameter)),
        "asKD": lambda: PowerFamily(float(parameter)),
    }
    return parts[kind]()


@pytest.mark.parametrize("row", SHORT, ids=lambda row: f"{row['case']} {row['quantity'][:4]}")
def test_current_trend_and_flat_prior(row: Row) -> None:
    z, t, final = (float(part.split("=")[1]) for part in re.findall(r"\w+=[\d.]+", row["inputs"]))
    power = predictive_power if row["quantity"].startswith("predictive") else conditional_power

    assert power(z, t, final) == pytest.approx(float(row["value"]), abs=1e-9)


def task_value(row: Row) -> float | None:
    n, final_n = float(row["n_interim_per_arm"]), float(row["n_final_per_arm"])
    sd, alpha, t = float(row["sigma"]), float(row["alpha"]), n / final_n
    root = np.sqrt(final_n / 2) / sd
    z = float(row["observed_diff"]) * root * np.sqrt(t)
    if row["task"] == "predictive_probability":
        final, prior = float(-ndtri(alpha)), None
        if row["prior_mean"] != "flat":
            prior = float(row["prior_mean"]) * root, float(row["prior_sd"]) * root
        return {
            "predictive_probability": lambda: float(predictive_power(z, t, final, prior)),
            "interim_z": lambda: z,
            "final_diff_critical": lambda: final / root,
            "cp_at_observed_diff": lambda: float(conditional_power(z, t, final)),
            "cp_at_zero": lambda: float(conditional_power(z, t, final, 0.0)),
        }.get(row["quantity"], lambda: None)()
    part = efficacy(row["design_type"], row["design_param"])
    found = boundaries(np.array([t, 1.0]), alpha, part)  # type: ignore[arg-type]  # any of them
    drift = float(row["theta_assumed"]) * root
    return {
        "efficacy_z_1": lambda: float(found.efficacy[0]),
        "efficacy_z_2": lambda: float(found.efficacy[1]),
        "interim_z": lambda: z,
        "conditional_power": lambda: float(conditional_power(z, t, found.efficacy[1], drift)),
        "conditional_rejection_probability_H0": lambda: float(
            conditional_power(z, t, found.efficacy[1], 0.0)
        ),
    }[row["quantity"]]()


@pytest.mark.parametrize("case", sorted({row["case_id"] for row in TASKS}))
def test_agrees_with_r_rpact_and_gsdesign(case: str) -> None:
    seen = 0
    for row in TASKS:
        found = task_value(row) if row["case_id"] == case else None
        if found is not None:
            seen += 1
            assert found == pytest.approx(float(row["value"]), abs=1e-8), row
    assert seen >= 5


def test_limits_undo_the_powers() -> None:
    fraction, final = np.array([0.3, 0.6]), 1.99

    for power in (0.05, 0.2, 0.8):
        z = z_for_conditional_power(power, fraction, final)
        assert conditional_power(z, fraction, final) == pytest.approx(power)
        z = z_for_conditional_power(power, fraction, final, 2.4)
        assert conditional_power(z, fraction, final, 2.4) == pytest.approx(power)
        z = z_for_predictive_power(power, fraction, final)
        assert predictive_power(z, fraction, final) == pytest.approx(power)


def second_stage(row: Row) -> tuple[SecondStage, float]:
    names = ("n1_per_arm", "n2_planned_per_arm", "n2_min_per_arm", "n2_max_per_arm")
    first, planned, fewest, most = (float(row[name]) for name in names)
    part = efficacy(row["design_type"], row["design_param"])
    information = np.array([first / (first + planned), 1.0])
    found = boundaries(information, float(row["alpha"]), part)  # type: ignore[arg-type]  # any of them
    root = np.sqrt(first / 2) / float(row["sigma"])
    given = row["theta_for_cp"]
    stages = SecondStage(
        *(first, planned, fewest, most, (found.efficacy[0], found.efficacy[1])),
        from_power=float(row["cp_lo"]),
        power=float(row["cp_target"]),
        drift=None if given == "observed" else float(given) * root,
        always=row["group"] == "cp",
    )
    return stages, root


def at_first_stage(stages: SecondStage, quantity: str, z: float) -> object:
    z1: Floats = np.array([z])
    return {
        "crit_z2_stage2": lambda: stages.critical(z1),
        "cond_type1_error": lambda: stages.conditional_error(z1),
        "cp_planned_n2": lambda: stages.conditional_power(z1, stages.planned),
        "stop_efficacy_at_interim": lambda: stages.zone(z1) == STOPPED,
        "n2_new_per_arm": lambda: stages.patients(z1),
        "cp_new_n2": lambda: stages.conditional_power(z1, stages.patients(z1)),
        "zone": lambda: [ZONES[int(stages.zone(z1)[0])]],
    }[quantity]()[0]


@pytest.mark.parametrize("row", [r for r in STAGES if "_at_z1_" in r["quantity"]], ids=str)
def test_second_stage_follows_the_first(row: Row) -> None:
    stages, _ = second_stage(row)
    quantity, z = row["quantity"].split("_at_z1_")

    found = at_first_stage(stages, quantity, float(z))

    if quantity == "zone":
        assert found == row["value"]
    else:
        assert found == pytest.approx(float(row["value"]), rel=2 * CLASSICAL, abs=CLASSICAL)


@pytest.mark.parametrize("case", sorted({row["case_id"] for row in STAGES}))
def test_power_and_expected_size_agree_with_quadrature(case: str) -> None:
    rows = [r for r in STAGES if r["case_id"] == case and "adaptive_effect_" in r["quantity"]]
    rows += [r for r in STAGES if r["case_id"] == case and "changed_effect_" in r["quantity"]]
    for row in rows:
        stages, root = second_stage(row)
        quantity, effect = row["quantity"].split("_effect_")
        power, patients, changed = stages.operating(float(effect) * root)
        found, allowed = {
            "power_adaptive": (power, 2e-5),
            "expected_total_n_adaptive": (2 * patients, 2e-2),
            "prob_n2_changed": (changed, 1e-4),
        }[quantity]

        assert found == pytest.approx(float(row["value"]), abs=allowed), row


@pytest.mark.parametrize("always", [False, True])
def test_re_estimation_keeps_the_level_exactly(*, always: bool) -> None:
    bounds = boundaries(np.array([0.4, 1.0]), 0.025, OBrienFlemingType()).efficacy
    stages = SecondStage(40, 60, 30, 300, (bounds[0], bounds[1]), 0.3, 0.9, always=always)

    assert stages.operating(0.0)[0] == pytest.approx(0.025, abs=1e-10)


def test_stages_of_a_worked_example_are_combined() -> None:
    for case in {row["case_id"] for row in STAGES}:
        rows = {r["quantity"]: r for r in STAGES if r["case_id"] == case}
        stages, _ = second_stage(rows["example_z1"])
        first, second = (float(rows[f"example_{name}"]["value"]) for name in ("z1", "z2_stagewise"))

        found = stages.combine(np.array([first]), np.array([second]))[0]

        assert found == pytest.approx(float(rows["example_combination_z"]["value"]), abs=1e-8)
