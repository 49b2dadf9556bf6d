"""Difference between arms at one visit, missing outcomes imputed several times."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.analyses.imputation.imputation_draws import (
    ImputedEstimates,
    Stream,
    imputation_draws,
)
from phase2sim.analyses.imputation.imputing_analysis import (
    IMPUTATION_STRATEGIES,
    Imputed,
    ImputingAnalysis,
    critical,
    tipping_point,
)
from phase2sim.analyses.one_sided import for_benefit
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Estimates, Reading
from phase2sim.core.errors import BadValue
from phase2sim.core.randomness import seed_word
from phase2sim.core.stream_places import stream_place

_HALVINGS = 50  # of the deltas between which a finding tips


@dataclass(frozen=True, slots=True)
class MultipleImputation(ImputingAnalysis):
    """ANCOVA at ``month`` of all patients, missing outcomes drawn ``imputations`` times.

    ``strategy`` says what a treated patient has after the last seen visit: the own arm's course
    (``mar``), control's, or control's changes. ``delta`` is added there, on the model scale.
    Results are pooled by Rubin's rules. With ``tipping_alpha`` the delta that loses that one-sided
    significance is reported. Raises ``ValueError`` for options that do not fit; see
    docs/methods/multiple_imputation.md.

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    covariates : tuple of str, default ("baseline",)
        Covariates of the model, any of ``"baseline"``, ``"age"`` and ``"stratum"``. The stratum
        enters as a factor.
    strategy : {"mar", "jump_to_reference", "copy_increments"}, default "mar"
        Mean of a treated patient after the last observed visit: ``"mar"`` is that of the treated
        arm, ``"jump_to_reference"`` that of control, ``"copy_increments"`` follows the changes of
        control from the last observed visit on.
    delta : float, default 0.0
        Shift added to each imputed outcome of a treated patient, on the endpoint's model scale.
    tipping_alpha : float or None, default None
        One-sided significance level, above 0 and below 0.5, for which the delta is reported at
        which the effect is no longer significant. None: it is not reported.
    null_effect : float, default 0.0
        Effect that benefit must exceed, on the endpoint's model scale. A value on the side of harm
        is a non-inferiority margin.
    imputations : int, default 50
        Number of imputations, from 2 to 10,000.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys.

    Barnard and Rubin (1999), Biometrika 86: 948-955, for the degrees of freedom.

    Carpenter, Roger and Kenward (2013), Journal of Biopharmaceutical Statistics 23: 1352-1371.

    Examples
    --------
    With all outcomes observed and no covariates the effect and its standard error are those of the
    t test, ``sqrt(1 / 3 + 1 / 3)``. The degrees of freedom are Barnard and Rubin's for 4 with
    nothing missing, ``5 / 7 * 4``.

    >>> import numpy as np
    >>> from phase2sim.analyses.imputation.multiple_imputation import MultipleImputation
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.full((1, 6), 8.0),
    ...     value=np.array([[[7.0, 8.0, 9.0, 6.0, 7.0, 8.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> estimates = MultipleImputation("hba1c", 12.0, covariates=()).estimate(reading)
    >>> print(estimates.effect.round(4), estimates.se.round(4), estimates.df.round(4))
    [-1.] [0.8165] [2.8571]
    """

    imputations: int = 50
    title: ClassVar[str] = "Multiple imputation"
    draws: ClassVar[bool] = True

    def __post_init__(self) -> None:
        ImputingAnalysis.__post_init__(self)
        if not 2 <= self.imputations <= 10_000:  # noqa: PLR2004  said in the message
            raise BadValue(
                "imputations", f"is {self.imputations}; it must be at least 2 and at most 10,000."
            )

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        # An even place for the uniforms, the odd one after it for the normals.
        address = stream_place(self.endpoint, self.month) & ~1
        stream = Stream(seed_word(reading.seed), np.uint64(reading.first), np.uint64(address))
        drawn = imputation_draws(
            *self.inputs(reading), IMPUTATION_STRATEGIES[self.strategy], self.imputations, stream
        )
        effect, spread, df = self._pool(drawn, np.full(drawn.df.shape, self.delta))
        details = {"imputed": drawn.imputed, "fraction_missing": self._missing_share(drawn)}
        if self.tipping_alpha is not None:
            details["tipping_delta"] = self._tipping_delta(drawn, self.tipping_alpha)
        fit = (effect, np.sqrt(spread), df, drawn.reason)
        estimates = for_benefit(fit, self.endpoint, self.null_effect)
        return Estimates(
            estimates.effect,
            estimates.se,
            estimates.df,
            estimates.p,
            estimates.reason,
            details=details,
        )

    def _pool(self, drawn: ImputedEstimates, delta: Floats) -> tuple[Floats, Floats, Floats]:
        """Effect, total variance and degrees of freedom with ``delta`` (trial,) added."""
        within = drawn.within[:, 0] + 2.0 * delta * drawn.within[:, 1]
        within = within + delta**2 * drawn.within[:, 2]
        total, df = rubin(within, drawn.between, self.imputations, drawn.df)
        return drawn.effect[:, 0] + delta * drawn.effect[:, 1], total, df

    def _missing_share(self, drawn: ImputedEstimates) -> Floats:
        """Share of the variance that is due to missing outcomes."""
        _, total, _ = self._pool(drawn, np.full(drawn.df.shape, self.delta))
        share: Floats = (1.0 + 1.0 / self.imputations) * drawn.between / total
        return share

    def _tipping_delta(self, drawn: ImputedEstimates, alpha: float) -> Floats:
        """Delta at which significance is lost, by bisection up to the loss of all benefit."""
        none = np.zeros(drawn.df.shape)
        effect, total, df = self._pool(drawn, none)
        variance = np.column_stack([total, drawn.within[:, 1], drawn.within[:, 2]])
        imputed = Imputed(effect, drawn.effect[:, 1], variance)
        # Where nothing tips, or at once, the answer does not depend on the degrees of freedom.
        at_once = tipping_point(imputed, self.null_effect, self.sign, critical(df, alpha))
        low = none
        with np.errstate(divide="ignore", invalid="ignore"):
            high = -(effect - self.null_effect) / drawn.effect[:, 1]
        searched = np.isfinite(at_once) & (at_once != 0.0)
        high = np.where(searched, high, 0.0)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            effect, total, df = self._pool(drawn, middle)
            benefit = self.sign * (effect - self.null_effect)
            holds = benefit > critical(df, alpha) * np.sqrt(total)
            low, high = np.where(holds, middle, low), np.where(holds, high, middle)
        return np.where(searched, high, at_once)


def rubin(within: Floats, between: Floats, imputations: int, df: Floats) -> tuple[Floats, Floats]:
    """Total variance and degrees of freedom, (trial,); ``df`` are those of complete data.

    Rubin 1987; the degrees of freedom are Barnard and Rubin's, Biometrika 1999.
    """
    total = within + (1.0 + 1.0 / imputations) * between
    missing = (1.0 + 1.0 / imputations) * between / total
    observed = (df + 1.0) / (df + 3.0) * df * (1.0 - missing)
    # 1 / (1 / old + 1 / observed) with old = (imputations - 1) / missing^2, which may be infinite.
    return total, observed / (1.0 + observed * missing**2 / (imputations - 1.0))
