"""What the analyses of counted events share: options, counts and times at risk."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import special

from phase2sim.analyses.columns import outcome
from phase2sim.analyses.one_sided import normal_test
from phase2sim.analyses.options import check_options
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.contracts import Estimates, OwnTest, Reading
from phase2sim.core.endpoints import EVENTS


@dataclass(frozen=True, slots=True)
class CountAnalysis(Analysis):
    """Options of the analyses of counts; ``null_effect`` is the logarithm of a rate ratio."""

    endpoint: str
    month: float
    null_effect: float = 0.0
    reads: ClassVar[str] = "count"
    scale: ClassVar[str] = "log rate ratio"
    uses_pipeline_patients: ClassVar[bool] = True
    needs_variation: ClassVar[bool] = False
    needs_replicates: ClassVar[bool] = False
    is_equivariant: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_options(self, endpoints=EVENTS)

    def left_out(self, reading: Reading) -> Mapping[str, Bools]:
        """Patients whose events were not counted at the visit."""
        _, time, _ = self.counts(reading)
        return {f"no count at month {self.month:g}": time == 0.0}

    def counts(self, reading: Reading) -> tuple[Ints, Floats, Arms]:
        """Events, months at risk (0 for an excluded patient) and arm, (trial, patient) each."""
        if reading.months_at_risk is None:
            raise ValueError(f"these patients have no counts of {EVENTS[self.endpoint]}.")
        events = outcome(reading, self.month)
        visit = reading.visits_months.index(self.month)
        time = np.nan_to_num(reading.months_at_risk[:, visit])
        is_seen = ~np.isnan(events)
        return (
            np.where(is_seen, events, 0.0).astype(np.int64),
            np.where(is_seen, time, 0.0),
            np.ascontiguousarray(reading.arm),
        )


def rate_estimates(
    effect: Floats, se: Floats, reason: Ints, null_effect: float, **details: Floats
) -> Estimates:
    """Estimates with a one-sided normal test for a log rate ratio below ``null_effect``."""
    p = special.ndtr((effect - null_effect) / se)
    return tested_rates(effect, se, reason, p, normal_test(effect, se, null_effect), **details)


def tested_rates(
    effect: Floats, se: Floats, reason: Ints, p: Floats, test: OwnTest, **details: Floats
) -> Estimates:
    """Estimates with a test of their own; the ratio and its limits are among the details."""
    ratio = {
        "rate_ratio": np.exp(effect),
        "ratio_lower": np.exp(test.lower),
        "ratio_upper": np.exp(test.upper),
    }
    return Estimates(
        effect=effect,
        se=se,
        df=np.where(reason == 0, np.inf, np.nan),
        p=p,
        reason=reason.astype(np.int8),
        test=test,
        details=ratio | details,
    )


def log_rate_ratio(events: Floats, time: Floats) -> tuple[Floats, Floats]:
    """Logarithm of the ratio of the rates of arms 1 and 0, and its standard error, (trial,) each.

    ``events`` and ``time`` are (trial, 2), control first. Without an event in one arm the ratio is
    0 or infinite, and so is the error of its logarithm; without any there is no ratio: nan.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        log_rate = np.log(events / time)
        effect = log_rate[:, 1] - log_rate[:, 0]
        se = np.sqrt((1.0 / events).sum(axis=1))
    return effect, se
