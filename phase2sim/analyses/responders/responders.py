"""Responders by a rule of the scenario, counted by arm and stratum."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Literal

import numpy as np

from phase2sim.analyses.columns import outcome, strata
from phase2sim.analyses.options import check_options
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.contracts import COLLINEAR, EMPTY_ARM, Reading
from phase2sim.core.endpoints import MEASURES, Endpoint
from phase2sim.core.errors import BadValue
from phase2sim.core.kernels import kernel
from phase2sim.core.units import unit_that_fits

MISSING = ("non_responder", "complete_cases")
SCALE = "difference in response rates"
UNKNOWN_RESPONSE = -1  # whether a patient responded


@dataclass(frozen=True, slots=True)
class Responder:
    """Rule by which a patient is a responder, in the endpoint's unit; all that is given must hold.

    ``below``, ``at_most`` and ``at_least`` bound the value at the visit. ``below_baseline_by = x``
    asks for a value below own baseline - x, ``above_baseline_by = x`` for one above own baseline +
    x; 0 asks for a fall, or a rise. Raises ``ValueError`` unless something is given.
    """

    below: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    below_baseline_by: float | None = None
    above_baseline_by: float | None = None
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        bounds = {field.name: getattr(self, field.name) for field in fields(self)}
        bounds = {name: bound for name, bound in bounds.items() if bound is not None}
        if not bounds:
            raise BadValue(
                "responder",
                f"is empty; give one or more of {', '.join(field.name for field in fields(self))}.",
            )
        for name, bound in bounds.items():
            if not np.isfinite(bound):
                raise BadValue(f"responder.{name}", f"is {bound:g}; give a finite number.")

    @property
    def reads_baseline(self) -> bool:
        """Whether the rule compares with a patient's own baseline."""
        return self.below_baseline_by is not None or self.above_baseline_by is not None

    def check(self, endpoint: Endpoint) -> None:
        """Raise ``ValueError`` for a bound outside the endpoint's plausible values."""
        low, high = endpoint.plausible
        for name in ("below", "at_most", "at_least"):
            bound = getattr(self, name)
            if bound is not None and not low <= bound <= high:
                raise BadValue(
                    f"responder.{name}",
                    f"is {bound:g}; {endpoint.label} lies between {low:g} and"
                    f" {high:g} {endpoint.unit}.{unit_that_fits(endpoint, bound)}",
                )

    def responds(self, value: Floats, baseline: Floats, endpoint: Endpoint) -> Arms:
        """1 for a responder, 0 for none, ``UNKNOWN_RESPONSE`` without the values, model scale.

        Fixed bounds are brought to the model scale, so that a value typed like the bound is equal
        to it.
        """
        yes, is_known = np.ones(value.shape, dtype=np.bool_), ~np.isnan(value)
        if self.below is not None:
            yes &= value < endpoint.to_model(self.below)
        if self.at_most is not None:
            yes &= value <= endpoint.to_model(self.at_most)
        if self.at_least is not None:
            yes &= value >= endpoint.to_model(self.at_least)
        if self.reads_baseline:
            is_known &= ~np.isnan(baseline)
            in_unit = endpoint.scale.from_model
            rise = in_unit(value) - in_unit(baseline)
            if self.below_baseline_by is not None:
                yes &= rise < -self.below_baseline_by
            if self.above_baseline_by is not None:
                yes &= rise > self.above_baseline_by
        return np.where(is_known, yes, UNKNOWN_RESPONSE).astype(np.int8)


@dataclass(frozen=True, slots=True)
class ResponderAnalysis(Analysis):
    """Options and counts that the analyses of responders share."""

    endpoint: str
    month: float
    responder: Responder
    missing: Literal["non_responder", "complete_cases"] = "non_responder"
    reads: ClassVar[str] = "binary"
    scale: ClassVar[str] = SCALE
    needs_variation: ClassVar[bool] = False  # all or none respond: a difference of 0
    needs_replicates: ClassVar[bool] = False
    is_equivariant: ClassVar[bool] = False  # the rule stays where it is

    def __post_init__(self) -> None:
        check_options(self, missing=MISSING)
        self.responder.check(MEASURES[self.endpoint])

    @property
    def reads_baseline(self) -> bool:
        """Whether the rule or a covariate is the baseline."""
        return self.responder.reads_baseline or "baseline" in self.covariates

    def left_out(self, reading: Reading) -> Mapping[str, Bools]:
        """Patients of unknown response where these do not count, and those without a covariate."""
        reasons = dict(self.without(reading))
        if "baseline" not in self.covariates:
            reasons.pop("no baseline", None)
        return {"unknown response": self.responses(reading) == UNKNOWN_RESPONSE, **reasons}

    def responses(self, reading: Reading) -> Arms:
        """Whether each patient responded, (trial, patient): 1, 0 or ``UNKNOWN_RESPONSE``."""
        value = outcome(reading, self.month)
        responds = self.responder.responds(value, reading.baseline, MEASURES[self.endpoint])
        if self.missing == "non_responder":
            return np.maximum(responds, np.int8(0))
        return responds

    def individual_outcomes(self, reading: Reading) -> Floats:
        """As ``responses``."""
        return self.responses(reading).astype(np.float64)

    def counts(self, reading: Reading, level: Ints, levels: int) -> Floats:
        """Responders and patients of treatment, then of control; (trial, level, 4)."""
        arm = np.ascontiguousarray(reading.arm)
        return count(self.responses(reading), arm, level, levels)

    def two_by_two(self, reading: Reading) -> tuple[Floats, Ints]:
        """Responders and patients of treatment, then of control, (trial, 4), and the reasons.

        The table of a trial without an arm is nan.
        """
        table = self.counts(reading, *strata(reading, wanted=False))
        reason = missing_arm(table)
        return np.where(reason[:, None] == 0, table[:, 0], np.nan), reason


@kernel
def count(responds: Arms, arm: Arms, level: Ints, levels: int) -> Floats:
    """Responders and patients of arm 1, then of arm 0, (trial, level, 4), if it is known."""
    trials, patients = arm.shape
    table = np.zeros((trials, levels, 4))
    for trial in range(trials):
        for i in range(patients):
            if responds[trial, i] < 0:
                continue
            h = level[trial, i] if levels > 1 else 0
            column = 0 if arm[trial, i] == 1 else 2
            table[trial, h, column] += responds[trial, i]
            table[trial, h, column + 1] += 1.0
    return table


def missing_arm(table: Floats) -> Ints:
    """Reason why no stratum of a trial compares the arms, 0 if one does, (trial,)."""
    treated, control = table[..., 1], table[..., 3]
    nobody = (treated.sum(axis=1) == 0.0) | (control.sum(axis=1) == 0.0)
    apart = ((treated == 0.0) | (control == 0.0)).all(axis=1)
    reason: Ints = np.where(nobody, EMPTY_ARM, np.where(apart, COLLINEAR, 0))
    return reason


def rates(table: Floats) -> tuple[Floats, Floats, Mapping[str, Floats]]:
    """Difference in rates, its standard error with each arm's own variance, and the rates.

    ``table`` is (trial, 4).
    """
    treated, control = table[:, 0] / table[:, 1], table[:, 2] / table[:, 3]
    variance = treated * (1.0 - treated) / table[:, 1] + control * (1.0 - control) / table[:, 3]
    by_arm = {"response_treated": treated, "response_control": control}
    return treated - control, np.sqrt(variance), by_arm


def by_distinct_table(
    table: Floats, compute: Callable[[Floats], tuple[Floats, ...]]
) -> tuple[Floats, ...]:
    """Results for every trial's table, computed once per distinct table; nan for nan.

    ``table`` is (trial, 4): small trials have few distinct tables.
    """
    is_known = ~np.isnan(table[:, 0])
    tables, index = np.unique(table[is_known], axis=0, return_inverse=True)
    columns = []
    for numbers in compute(tables):
        spread = np.full(is_known.size, np.nan)
        spread[is_known] = numbers[index.ravel()]
        columns.append(spread)
    return tuple(columns)


def check_margin(null_effect: float) -> None:
    """Raise ``ValueError`` for a difference in rates outside -1 to 1."""
    if not -1.0 < null_effect < 1.0:
        raise BadValue(
            "null_effect",
            f"is {null_effect:g}; a difference in response rates lies between -1 and 1.",
        )
