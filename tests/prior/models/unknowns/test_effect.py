"""What treatment adds: one arm's effect and bias, and the class it may belong to."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from numpy.typing import NDArray
from pytensor.graph.replace import vectorize_graph
from support.agreement import assert_agrees
from support.known_patients import UNCOMPILED
from support.reports import arm, entry, evidence

from phase2sim.core.entry_times import EntryTime
from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.reported import ClassEffect, EffectAssumption, Evidence, Normal, StudyArm
from phase2sim.prior.models.densities.pytensor_names import Tensor, function, pt, shared
from phase2sim.prior.models.unknowns.effect import assumptions, treatment_effect
from phase2sim.prior.models.unknowns.evidence_arrays import ArmVisit, Cells, cells

type Floats = NDArray[np.float64]

DRAWS = 40_000
SCEPTICAL, BIAS, BETWEEN = 0.5, 0.3, 0.25
ONSET = {"half_time_months": 1.5}
MONTH = 6.0
SINGLE = arm("cells", "Phase 1", design="single-arm", treated=True)
TRIAL = (
    arm("cells", "Trial", design="randomised", treated=True),
    arm("placebo", "Trial", design="randomised"),
)


def effect(endpoint: str = "hba1c", **more: object) -> EffectAssumption:
    stated = EffectAssumption(endpoint, MONTH, "onset", ONSET, SCEPTICAL, BIAS, "ours")
    return replace(stated, **more)  # type: ignore[arg-type]  # named fields of the dataclass


def of_class(endpoint: str = "hba1c", **more: object) -> ClassEffect:
    stated = ClassEffect(endpoint, MONTH, "onset", ONSET, SCEPTICAL, BETWEEN, "ours")
    return replace(stated, **more)  # type: ignore[arg-type]  # named fields of the dataclass


def seen(
    arms: tuple[StudyArm, ...],
    months: tuple[float, ...] = (0.0, MONTH),
    endpoints: tuple[str, ...] = ("hba1c",),
    **more: object,
) -> Evidence:
    """Means of every arm at these months."""
    read = [
        entry("mean", month, 1.0, study=study_arm.study, arm=study_arm.arm, endpoint=name)
        for study_arm in arms
        for month in months
        for name in endpoints
    ]
    return evidence(*read, arms=arms, **more)


def drawn(of: Evidence, *names: str) -> tuple[Cells, list[Floats]]:
    """Draw what is added to each cell (draw, cell), and named unknowns, before any evidence."""
    layout = cells(of)
    with pm.Model() as model:
        added: Tensor = pt.zeros(layout.months.size) + treatment_effect(of, layout)
    rng = shared(np.random.default_rng(20261124))
    batches = {}
    for variable in model.free_RVs:  # all draws of each at once, in place of one by one
        op, (_, _, *parameters) = variable.owner.op, variable.owner.inputs
        rng, batches[variable] = op.make_node(
            rng, (DRAWS, *variable.type.shape), *parameters
        ).outputs
    wanted = vectorize_graph([added, *(model[name] for name in names)], batches)
    draws = function([], wanted, mode=UNCOMPILED)()
    return layout, [np.asarray(values) for values in draws]


def cell(layout: Cells, study: str, of_arm: str, month: float, endpoint: str = "hba1c") -> int:
    return layout.index[ArmVisit(study, of_arm, endpoint, EntryTime(), month)]


def assert_normal(values: Floats, mean: float, sd: float) -> None:
    """Fail if mean or SD is not this, in standard errors of normal draws."""
    assert_agrees(values.mean(), mean, sd / np.sqrt(values.size))
    assert_agrees(values.std(), sd, sd / np.sqrt(2 * values.size))


def correlation(first: Floats, second: Floats) -> float:
    return float(np.corrcoef(first, second)[0, 1])


@pytest.mark.parametrize(
    ("shape", "options", "shares"),
    [
        ("immediate", {}, [0.0, 1.0, 1.0, 1.0]),
        ("linear", {"full_at_months": 12.0}, [0.0, 0.5, 1.0, 2.0]),
        # 1 - 2^(-t / 3), over that at month 6
        ("onset", {"half_time_months": 3.0}, [0.0, 0.5 / 0.75, 1.0, 0.9375 / 0.75]),
        ("delayed", {"lag_months": 4.0}, [0.0, 0.0, 1.0, 1.0]),
        # the same rise, times 2^(-t / 6)
        (
            "transient",
            {"half_time_months": 3.0, "half_life_months": 6.0},
            [0.0, 0.5 * 2**-0.5 / 0.375, 1.0, 0.9375 * 0.25 / 0.375],
        ),
    ],
)
def test_an_effect_is_whole_at_its_month_and_has_its_shape_elsewhere(
    shape: str, options: dict[str, float], shares: list[float]
) -> None:
    months = (0.0, 3.0, 6.0, 12.0)
    course = effect(shape=shape, shape_options=options, bias_sd=0.0)

    layout, (added, whole) = drawn(seen((SINGLE,), months, effects={"hba1c": course}), "effect")

    for month, share in zip(months, shares, strict=True):
        at = added[:, cell(layout, "Phase 1", "cells", month)]
        np.testing.assert_allclose(at, share * whole[:, 0], rtol=1e-9, atol=1e-15)
    assert_normal(whole[:, 0], 0.0, SCEPTICAL)


def test_one_arm_shows_its_effect_and_its_bias_together() -> None:
    of = seen((SINGLE,), effects={"hba1c": effect()})

    layout, (added, whole, bias) = drawn(of, "effect", "bias")

    assert np.all(added[:, cell(layout, "Phase 1", "cells", 0.0)] == 0.0)
    after = added[:, cell(layout, "Phase 1", "cells", MONTH)]
    np.testing.assert_allclose(after, (whole + bias)[:, 0], rtol=1e-12)
    assert_normal(after, 0.0, float(np.hypot(SCEPTICAL, BIAS)))


def of_next(between: float = BETWEEN) -> float:
    """Give the SD of one more effect of a class: half-normal scale ``between`` among trials."""
    return float(np.hypot(SCEPTICAL, between))  # E of a squared half-normal is its scale squared


def assert_centred(values: Floats, sd: float) -> None:
    """Fail if values are not about 0 with this SD; their tails are heavier than a normal's."""
    assert_agrees(values.mean(), 0.0, sd / np.sqrt(values.size))
    squares = values**2
    assert_agrees(squares.mean(), sd**2, squares.std() / np.sqrt(values.size))


def test_a_randomised_arm_has_an_effect_of_its_class_and_its_control_none() -> None:
    layout, (added, mean, spread) = drawn(
        seen(TRIAL, classes={"hba1c": of_class()}), "class_mean", "class_sd"
    )

    treated = added[:, cell(layout, "Trial", "cells", MONTH)]
    assert np.all(added[:, cell(layout, "Trial", "placebo", MONTH)] == 0.0)
    assert np.all(added[:, cell(layout, "Trial", "cells", 0.0)] == 0.0)
    assert_normal(mean[:, 0], 0.0, SCEPTICAL)
    assert_agrees(
        spread.mean(), BETWEEN * np.sqrt(2 / np.pi), BETWEEN * np.sqrt((1 - 2 / np.pi) / DRAWS)
    )
    assert_normal((treated - mean[:, 0]) / spread[:, 0], 0.0, 1.0)
    assert_centred(treated, of_next())


def test_trials_of_a_class_share_its_mean_and_nothing_else() -> None:
    other = tuple(replace(first, study="Other") for first in TRIAL)

    layout, (added,) = drawn(seen(TRIAL + other, classes={"hba1c": of_class()}))

    first, second = (added[:, cell(layout, study, "cells", MONTH)] for study in ("Trial", "Other"))
    products = first * second
    assert_agrees(products.mean(), SCEPTICAL**2, products.std() / np.sqrt(DRAWS))


def test_a_single_arm_is_one_more_draw_of_its_class() -> None:
    of = seen((SINGLE, *TRIAL), classes={"hba1c": of_class()}, effects={"hba1c": effect()})

    layout, (added, whole) = drawn(of, "effect")

    trial = added[:, cell(layout, "Trial", "cells", MONTH)]
    products = whole[:, 0] * trial
    assert_centred(whole[:, 0], of_next())
    assert_agrees(products.mean(), SCEPTICAL**2, products.std() / np.sqrt(DRAWS))


def test_a_class_effect_grows_to_the_month_of_the_single_arms() -> None:
    grown = (1 - 2**-2.0) / (1 - 2**-4.0)  # at month 3 with a half-time of 1.5, over month 6
    of = seen((SINGLE, *TRIAL), classes={"hba1c": of_class()}, effects={"hba1c": effect(month=3.0)})

    _, (_, whole) = drawn(of, "effect")

    assert_centred(whole[:, 0], grown * of_next())


def test_a_prior_of_its_own_takes_the_place_of_the_class() -> None:
    stated = effect(prior=Normal(-0.5, 0.4))
    of = seen((SINGLE, *TRIAL), classes={"hba1c": of_class()}, effects={"hba1c": stated})

    layout, (added, whole) = drawn(of, "effect")

    trial = added[:, cell(layout, "Trial", "cells", MONTH)]
    assert_normal(whole[:, 0], -0.5, 0.4)
    assert_agrees(correlation(whole[:, 0], trial), 0.0, 1 / np.sqrt(DRAWS))


def test_a_prior_without_its_own_single_arm_is_the_next_trials_effect() -> None:
    stated = effect(prior=Normal(-0.5, 0.4))  # as a file with nothing but [effect.hba1c] gives it

    layout, (added, whole) = drawn(
        seen(TRIAL, classes={"hba1c": of_class()}, effects={"hba1c": stated}), "effect"
    )

    assert_normal(whole[:, 0], -0.5, 0.4)
    assert_centred(added[:, cell(layout, "Trial", "cells", MONTH)], of_next())


def test_endpoints_share_a_part_of_their_variance_in_the_direction_of_benefit() -> None:
    names = ("hba1c", "c_peptide", "insulin")
    shared = {"hba1c": 0.3, "c_peptide": 0.5, "insulin": 0.0}
    effects = {name: effect(name, shared=shared[name]) for name in names}

    _, (_, whole) = drawn(seen((SINGLE,), endpoints=names, effects=effects), "effect")

    # HbA1c falls where patients benefit, C-peptide rises.
    expected = -np.sqrt(0.3 * 0.5)
    error = (1 - expected**2) / np.sqrt(DRAWS)
    assert_agrees(correlation(whole[:, 0], whole[:, 1]), expected, error)
    assert_agrees(correlation(whole[:, 0], whole[:, 2]), 0.0, 1 / np.sqrt(DRAWS))
    for position in range(3):
        assert_normal(whole[:, position], 0.0, SCEPTICAL)


def test_without_a_single_arm_the_next_effect_is_the_classs() -> None:
    of = seen(
        TRIAL,
        endpoints=("hba1c", "c_peptide"),
        classes={"hba1c": of_class()} | {"c_peptide": of_class("c_peptide", month=12.0)},
    )

    effects = assumptions(of, ("hba1c", "c_peptide"))

    assert {name: (effect.month, effect.bias_sd) for name, effect in effects.items()} == {
        "hba1c": (MONTH, 0.0),
        "c_peptide": (12.0, 0.0),
    }
    _, (_, whole) = drawn(of, "effect")
    assert_centred(whole[:, 0], of_next())


def test_the_single_arms_assumption_stands_before_the_classs() -> None:
    of = seen((SINGLE, *TRIAL), classes={"hba1c": of_class()}, effects={"hba1c": effect(month=3.0)})

    assert assumptions(of, ("hba1c", "c_peptide")) == {"hba1c": effect(month=3.0)}


def test_a_randomised_arm_needs_a_stated_class() -> None:
    of = seen(TRIAL)

    with pytest.raises(BadEvidence, match=r"class_effect\.hba1c is missing"), pm.Model():
        treatment_effect(of, cells(of))
