"""Difference in means between arms at one visit, each arm with its own variance."""

from dataclasses import dataclass
from typing import ClassVar

from phase2sim.analyses.means.two_means import TwoMeans
from phase2sim.core.contracts import Estimates, Reading


@dataclass(frozen=True, slots=True)
class Welch(TwoMeans):
    """Mean of treatment minus mean of control at ``month``, on patients with that visit.

    Each arm has its own variance; the degrees of freedom are Satterthwaite's, and vary from trial
    to trial. ``of="change"`` compares changes from baseline. ``null_effect`` is on the endpoint's
    model scale. Raises ``ValueError`` for options that do not fit; see docs/methods/welch.md.

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
    Welch (1947), Biometrika 34: 28-35.

    Satterthwaite (1946), Biometrics Bulletin 2: 110-114.

    Examples
    --------
    The arms have variances 1 and 9: the standard error is ``sqrt(1 / 3 + 9 / 3)``, and
    Satterthwaite's degrees of freedom are ``(10 / 3) ** 2 / ((1 / 3) ** 2 / 2 + 3 ** 2 / 2)``.

    >>> import numpy as np
    >>> from phase2sim.analyses.means.welch import Welch
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.full((1, 6), 8.0),
    ...     value=np.array([[[7.0, 8.0, 9.0, 4.0, 7.0, 10.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> estimates = Welch("hba1c", 12.0).estimate(reading)
    >>> print(estimates.effect, estimates.se.round(4), estimates.df.round(4))
    [-1.] [1.8257] [2.439]
    """

    title: ClassVar[str] = "Welch t test"
    closed_form: ClassVar[str | None] = "welch"

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        return self.compare(reading, pooled=False)

    def estimate_first(self, reading: Reading, sizes: tuple[int, ...]) -> Estimates:
        """Estimates from the first n patients, for each n of the rising ``sizes``."""
        return self.compare_first(reading, sizes, pooled=False)
