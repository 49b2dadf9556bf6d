"""An analysis of what an assay with a limit of quantification reports."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from phase2sim.analyses.quantification_limit import QuantificationLimit
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Estimates, Reading


def _delegated(name: str) -> Any:  # noqa: ANN401 - of the type that the contract says
    return property(attrgetter(f"analysis.{name}"))


@dataclass(frozen=True, slots=True)
class LimitedAnalysis(Analysis):
    """An analysis whose values below ``limit`` are replaced before it reads them.

    It answers as the analysis itself does, except where an answer rests on the values as they
    are: it has no closed form, no blinded variance and no estimates in one pass.
    """

    analysis: Analysis
    limit: QuantificationLimit

    reads = _delegated("reads")
    scale = _delegated("scale")
    title = _delegated("title")
    endpoint = _delegated("endpoint")
    month = _delegated("month")
    null_effect = _delegated("null_effect")
    covariates = _delegated("covariates")
    factors = _delegated("factors")
    of = _delegated("of")
    averaged_from = _delegated("averaged_from")
    needs = _delegated("needs")
    uses_pipeline_patients = _delegated("uses_pipeline_patients")
    draws = _delegated("draws")
    is_bayesian = _delegated("is_bayesian")
    by_ranks = _delegated("by_ranks")
    reads_baseline = _delegated("reads_baseline")
    left_out = _delegated("left_out")
    shortage = _delegated("shortage")
    without = _delegated("without")
    robust_standard_error = _delegated("robust_standard_error")
    needs_variation = _delegated("needs_variation")
    needs_replicates = _delegated("needs_replicates")
    is_equivariant = False

    def individual_outcomes(self, reading: Reading) -> Floats:
        """Outcome of each patient as it is, whatever the assay reports of it."""
        return self.analysis.individual_outcomes(reading)

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the effect in every trial, values below the limit replaced."""
        return self.analysis.estimate(self.limit.applied(reading))
