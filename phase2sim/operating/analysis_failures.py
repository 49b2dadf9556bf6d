"""Failed analyses and fallbacks of simulated trials."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from phase2sim.core.contracts import (
    ALL_BELOW,
    COLLINEAR,
    EMPTY_ARM,
    FAILURES,
    FALLBACKS,
    NO_VARIATION,
    NOT_CONVERGED,
    SEPARATED,
    TOO_FEW,
)
from phase2sim.core.measured import Measured
from phase2sim.operating.measures import TrialSums, share_fallen_back
from phase2sim.scenario.assembly.parts import BuiltScenario

# What change of the design avoids each failure.
_REMEDIES = {
    TOO_FEW: "Plan more patients, fewer missing values, or fewer covariates.",
    EMPTY_ARM: "Plan more patients, or fewer missing values at the analysed visit.",
    COLLINEAR: "Leave out a covariate that others determine or that does not vary, or plan larger"
    " strata.",
    NO_VARIATION: "Analyse an outcome that differs between patients: another visit or endpoint, or"
    " without replacing values below a limit.",
    NOT_CONVERGED: "Plan more patients at the visits with the fewest, or an analysis with fewer"
    " parameters.",
    SEPARATED: "Leave out the covariate that tells responders from the rest.",
    ALL_BELOW: "Use a lower limit of quantification, or the share above the limit as a response.",
}


@dataclass(frozen=True, slots=True)
class FallbackShare:
    """Share of trials in which a simpler model, or another test, answered for an analysis."""

    analysis: str
    truth: str
    fallback: str  # the simpler model
    measured: Measured  # share of the answered trials


def fallbacks(
    built: BuiltScenario, sums: Mapping[str, TrialSums], requested: int
) -> Iterator[FallbackShare]:
    """Yield the share of each simpler model that was used."""
    for truth, truth_sums in sums.items():
        for number, name in enumerate(built.study.names):
            for code, fallback in enumerate(FALLBACKS[1:], start=1):
                if truth_sums.fallbacks[number, code]:
                    share = share_fallen_back(truth_sums, number, code, requested)
                    yield FallbackShare(name, truth, fallback, share)


def failed_too_often(
    built: BuiltScenario, sums: Mapping[str, TrialSums]
) -> Iterator[tuple[str, str]]:
    """Yield truths under which more analyses failed than the scenario allows, and a message.

    Failed trials count as no go, so that power would be that of another trial than the planned one.
    """
    allowed = built.scenario.failures_allowed
    for truth, truth_sums in sums.items():
        for name, counts in zip(built.study.names, truth_sums.reasons, strict=True):
            failed = int(counts[1:].sum())
            if failed > allowed * truth_sums.trials:
                worst = 1 + int(counts[1:].argmax())
                why = (
                    f"{built.path}: the analysis of {name} failed in {failed:,} of"
                    f" {truth_sums.trials:,} trials under truth {truth!r}, mostly for"
                    f" {FAILURES[worst]!r}; failures_allowed is {allowed:g}. {_REMEDIES[worst]}"
                )
                yield truth, why
