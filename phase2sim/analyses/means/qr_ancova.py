"""C-peptide minus its expectation from baseline and age, compared between arms."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.analyses.columns import numeric_covariates, outcome, strata, with_factors
from phase2sim.analyses.means.least_squares import least_squares
from phase2sim.analyses.one_sided import for_benefit
from phase2sim.analyses.options import check_options
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import MODEL_SCALE, Estimates, Reading
from phase2sim.core.errors import BadValue

# E[ln(C12 + 1)] of untreated patients: Bundy and Krischer, Diabetes Technology & Therapeutics 2020.
MONTHS, INTERCEPT, PER_BASELINE, PER_YEAR = 12.0, -0.191, 0.812, 0.00638


@dataclass(frozen=True, slots=True)
class QrAncova(Analysis):
    """Treatment minus control at ``month`` in the quantitative response of C-peptide.

    The response is ln(C + 1) minus its expectation from baseline and age, of published untreated
    patients, not of the trial's own: no slope is estimated unless ``covariates`` or ``factors``
    name more. ``null_effect`` is on the endpoint's model scale. Raises ``ValueError`` for options
    that do not fit; see docs/methods/qr_ancova.md.

    Parameters
    ----------
    endpoint : str
        ``"c_peptide"``; no other endpoint is allowed.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    covariates : tuple of str, default ()
        Covariates of the model, any of ``"baseline"``, ``"age"`` and ``"stratum"``. The published
        expectation already uses baseline and age; those named here are estimated from the trial as
        well. The stratum enters as a factor.
    null_effect : float, default 0.0
        Effect that benefit must exceed, on the endpoint's model scale. A value on the side of harm
        is a non-inferiority margin.
    factors : tuple of str, default ()
        Further columns of a data file, such as a site, that enter as factors.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed, or ``endpoint`` is not C-peptide.

    References
    ----------
    Bundy and Krischer (2020), Diabetes Technology & Therapeutics, 'A quantitative measure of
    treatment response in recent-onset type 1 diabetes'.

    Examples
    --------
    All patients have ``ln(C + 1)`` of 0.5 at baseline and are 12 years old, so an untreated one is
    expected to have ``-0.191 + 0.812 * 0.5 + 0.00638 * 12 = 0.29156`` at month 12. The effect is
    the difference in means.

    >>> import numpy as np
    >>> from phase2sim.analyses.means.qr_ancova import QrAncova
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.full((1, 6), 0.5),
    ...     value=np.array([[[0.5, 0.6, 0.7, 0.6, 0.7, 0.8]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> analysis = QrAncova("c_peptide", 12.0)
    >>> print(analysis.response(reading)[:, 0].round(5))
    [0.20844]
    >>> estimates = analysis.estimate(reading)
    >>> print(estimates.effect.round(4), estimates.se.round(4), estimates.df)
    [0.1] [0.0816] [4.]
    """

    endpoint: str
    month: float
    covariates: tuple[str, ...] = ()
    null_effect: float = 0.0
    factors: tuple[str, ...] = ()
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    needs: ClassVar[tuple[str, ...]] = ("age",)
    title: ClassVar[str] = "C-peptide QR"
    is_equivariant: ClassVar[bool] = False  # the slope on the baseline is a published one

    def __post_init__(self) -> None:
        check_options(self)
        if self.endpoint != "c_peptide":
            raise BadValue(
                "endpoint",
                f"is {self.endpoint!r}; the quantitative response is of 'c_peptide'."
                " Use 'ancova' for others.",
            )

    @property
    def reads_baseline(self) -> bool:
        """Whether it cannot do without baselines: the expected C-peptide starts from them."""
        return True

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        level, levels = strata(reading, wanted="stratum" in self.covariates)
        covariates = numeric_covariates(reading, self.covariates)
        fit = least_squares(
            np.ascontiguousarray(self.response(reading)),
            np.ascontiguousarray(reading.arm),
            with_factors(covariates, reading, self.factors),
            len(covariates),
            level,
            levels,
            hc3=False,
        )
        return for_benefit(fit, self.endpoint, self.null_effect)

    def response(self, reading: Reading) -> Floats:
        """ln(C + 1) minus its expectation, (trial, patient); nan without baseline or age.

        The expectation runs in a straight line from the baseline to that of month 12, and on.
        """
        baseline = reading.baseline
        at_12 = INTERCEPT + PER_BASELINE * baseline + PER_YEAR * reading.age_years
        expected = baseline + (at_12 - baseline) * self.month / MONTHS
        return outcome(reading, self.month) - expected
