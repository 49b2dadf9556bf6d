"""Difference in means between arms at one visit, both arms with one variance."""

from dataclasses import dataclass
from typing import ClassVar

from phase2sim.analyses.means.two_means import TwoMeans
from phase2sim.core.contracts import Estimates, Reading


@dataclass(frozen=True, slots=True)
class TTest(TwoMeans):
    """Mean of treatment minus mean of control at ``month``, on patients with that visit.

    Student's test: the variance is pooled, so it is right when both arms vary alike or have as many
    patients. ``of="change"`` compares changes from baseline. ``null_effect`` is on the endpoint's
    model scale. Raises ``ValueError`` for options that do not fit; see docs/methods/t_test.md.

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    of : {"value", "change"}, default "value"
        ``"value"`` analyses the value at ``month``, ``"change"`` its change from baseline.
    null_effect : float, default 0.0
        Effect that benefit must exceed, on the endpoint's model scale. A value on the side of harm
        is a non-inferiority margin.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    Student (1908), Biometrika 6: 1-25.

    Examples
    --------
    Both arms have variance 1, so the standard error is ``sqrt(1 / 3 + 1 / 3)``, on 4 degrees of
    freedom.

    >>> import numpy as np
    >>> from phase2sim.analyses.means.student_t import TTest
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.full((1, 6), 8.0),
    ...     value=np.array([[[7.0, 8.0, 9.0, 6.0, 7.0, 8.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> estimates = TTest("hba1c", 12.0).estimate(reading)
    >>> print(estimates.effect, estimates.se.round(4), estimates.df)
    [-1.] [0.8165] [4.]
    """

    title: ClassVar[str] = "t test"
    closed_form: ClassVar[str | None] = "t_test"

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        return self.compare(reading, pooled=True)

    def estimate_first(self, reading: Reading, sizes: tuple[int, ...]) -> Estimates:
        """Estimates from the first n patients, for each n of the rising ``sizes``."""
        return self.compare_first(reading, sizes, pooled=True)
