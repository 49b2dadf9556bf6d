"""Failed analyses and fallbacks of simulated trials."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from phase2sim.core.contracts import FAILURES, FALLBACKS
from phase2sim.core.measured import Measured
from phase2sim.operating.measures import TrialSums, share_fallen_back
from phase2sim.scenario.assembly.parts import BuiltScenario


@dataclass(frozen=True, slots=True)
class FallbackShare:
    """Share of trials in which a simpler model was used because an analysis did not converge."""

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

    The remaining trials are a selected sample, so that the numbers must not be used.
    """
    allowed = built.scenario.failures_allowed
    for truth, truth_sums in sums.items():
        for name, counts in zip(built.study.names, truth_sums.reasons, strict=True):
            failed = int(counts[1:].sum())
            if failed > allowed * truth_sums.trials:
                worst = FAILURES[1 + int(counts[1:].argmax())]
                why = (
                    f"{built.path}: the analysis of {name} failed in {failed:,} of"
                    f" {truth_sums.trials:,} trials under truth {truth!r}, mostly for"
                    f" {worst!r}; failures_allowed is {allowed:g}. Change the design or the"
                    " analysis, or raise failures_allowed."
                )
                yield truth, why
