"""Posterior of the difference between arms at one visit, with normal mixtures as priors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.analyses.columns import outcome
from phase2sim.analyses.means.ancova import Ancova
from phase2sim.analyses.means.borrowing import with_control
from phase2sim.analyses.means.student_t import TTest
from phase2sim.analyses.options import check_options
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.contracts import CONFIDENCE, MODEL_SCALE, Estimates, OwnTest, Reading
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.errors import BadValue
from phase2sim.theory.mixtures import AnalysisMixture, NormalMixture


@dataclass(frozen=True, slots=True)
class BayesNormal(Analysis):
    """Posterior of treatment minus control at ``month``, given priors that are normal mixtures.

    ``effect_prior`` is of the difference, ``control_prior`` of the control mean at ``month``, as
    from earlier trials; with either, ``robust_weight`` lets the data overrule it. Estimates count
    as normal with known standard errors. p is the posterior probability that the effect is not
    beyond ``null_effect``. Everything is on the endpoint's model scale. Raises ``ValueError`` for
    options that do not fit; see docs/methods/bayes_normal.md.

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    effect_prior : AnalysisMixture or None, default None
        Prior of the difference, treatment minus control.
    control_prior : AnalysisMixture or None, default None
        Prior of the control mean at ``month``. At least one of the two priors is needed.
    covariates : tuple of str, default ()
        Covariates of the model, any of ``"baseline"``, ``"age"`` and ``"stratum"``. With any, the
        data enter through the estimate of ANCOVA; not allowed together with ``control_prior``.
    null_effect : float, default 0.0
        Effect that benefit must exceed, on the endpoint's model scale. A value on the side of harm
        is a non-inferiority margin.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed, both priors are missing, ``control_prior`` is
        combined with covariates, or a prior mean is not plausible for the endpoint.

    References
    ----------
    Schmidli, Gsteiger, Roychoudhury, O'Hagan, Spiegelhalter and Neuenschwander (2014), Biometrics
    70: 1023-1032.

    Examples
    --------
    The data say -1 with variance ``2 / 3``, the prior 0 with variance 1. The posterior precision is
    ``1.5 + 1``, the posterior mean ``-1 * 1.5 / 2.5`` and its SD ``sqrt(1 / 2.5)``.

    >>> import numpy as np
    >>> from phase2sim.analyses.means.bayes_normal import BayesNormal
    >>> from phase2sim.core.contracts import Reading
    >>> from phase2sim.theory.mixtures import AnalysisMixture
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.full((1, 6), 8.0),
    ...     value=np.array([[[7.0, 8.0, 9.0, 6.0, 7.0, 8.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> prior = AnalysisMixture(weights=(1.0,), means=(0.0,), sds=(1.0,))
    >>> estimates = BayesNormal("hba1c", 12.0, effect_prior=prior).estimate(reading)
    >>> print(estimates.effect.round(4), estimates.se.round(4))
    [-0.6] [0.6325]
    """

    endpoint: str
    month: float
    effect_prior: AnalysisMixture | None = None
    control_prior: AnalysisMixture | None = None
    covariates: tuple[str, ...] = ()
    null_effect: float = 0.0
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    title: ClassVar[str] = "Bayes, normal mixtures"
    is_bayesian: ClassVar[bool] = True
    is_equivariant: ClassVar[bool] = False  # the priors stay where they are

    def __post_init__(self) -> None:
        check_options(self)
        if self.effect_prior is None and self.control_prior is None:
            raise BadValue("effect_prior", "and control_prior are missing; give one or both.")
        if self.control_prior is not None and self.covariates:
            raise BadValue(
                "covariates",
                f"are {list(self.covariates)}; control_prior is of the plain mean of"
                " the controls. Leave out one of them.",
            )

        endpoint = MEASURES[self.endpoint]
        limit = endpoint.largest_effect
        _check_means("effect_prior", self.effect_prior, (-limit, limit), endpoint.model_unit)
        low, high = map(endpoint.to_model, endpoint.plausible)
        _check_means("control_prior", self.control_prior, (low, high), endpoint.model_unit)

    def estimate(self, reading: Reading) -> Estimates:
        """Find the posterior in every trial; a trial without an estimate has failed."""
        likelihood = self._likelihood(reading)
        rows = np.flatnonzero(likelihood.reason == 0)
        posterior, details = self._posterior(reading, likelihood, rows)
        benefit = MEASURES[self.endpoint].benefit_sign
        worse = posterior.cdf if benefit > 0 else posterior.above
        p, mean, sd = worse(np.full(rows.size, self.null_effect)), posterior.mean(), posterior.sd()
        tail = (1.0 - CONFIDENCE) / 2.0

        def spread(values: Floats) -> Floats:
            everywhere = np.full(likelihood.reason.shape, np.nan)
            everywhere[rows] = values
            return everywhere

        return Estimates(
            effect=spread(mean),
            se=spread(sd),
            df=spread(np.full(rows.size, np.inf)),
            p=spread(p),
            reason=likelihood.reason,
            test=OwnTest(
                statistic=spread((mean - self.null_effect) / sd),
                p_two_sided=spread(2.0 * np.minimum(p, 1.0 - p)),
                lower=spread(posterior.quantile(np.full(rows.size, tail))),
                upper=spread(posterior.quantile(np.full(rows.size, 1.0 - tail))),
            ),
            details={name: spread(value) for name, value in details.items()},
        )

    def _likelihood(self, reading: Reading) -> Estimates:
        """Estimate and standard error of the difference, without the priors."""
        if self.covariates:
            return Ancova(self.endpoint, self.month, self.covariates).estimate(reading)
        return TTest(self.endpoint, self.month).estimate(reading)

    def _posterior(
        self, reading: Reading, likelihood: Estimates, rows: Ints
    ) -> tuple[NormalMixture, Mapping[str, Floats]]:
        """Posterior of the effect in the trials ``rows``, and what each prior contributes."""
        effect, se = likelihood.effect[rows], likelihood.se[rows]
        details: dict[str, Floats] = {}
        n, means = _arm_means(outcome(reading, self.month)[rows], reading.arm[rows])
        prior = None if self.effect_prior is None else self.effect_prior.mixture()
        if self.control_prior is not None:
            sd = se / np.sqrt(1.0 / n[0] + 1.0 / n[1])  # pooled, of a patient
            control_se = sd / np.sqrt(n[0])
            control = self.control_prior.mixture().posterior(means[0], control_se)
            borrowing = self.control_prior.borrowed(control, control_se, n[0])
            details |= {f"control_{name}": value for name, value in borrowing.items()}
            posterior = with_control(control, prior, means[1], sd / np.sqrt(n[1]))
        elif prior is not None:
            posterior = prior.posterior(effect, se)
        else:
            raise ValueError("neither effect_prior nor control_prior is given")
        if self.effect_prior is not None and prior is not None:
            borrowing = self.effect_prior.borrowed(prior.posterior(effect, se), se, n[0] + n[1])
            details |= {f"effect_{name}": value for name, value in borrowing.items()}
        return posterior, details


def _arm_means(value: Floats, arm: Arms) -> tuple[Floats, Floats]:
    """Patients with a value and their mean, (arm, trial) each."""
    is_seen = ~np.isnan(value)
    mine = np.stack([is_seen & (arm == a) for a in range(2)])
    n = mine.sum(axis=-1).astype(np.float64)
    return n, np.where(mine, value, 0.0).sum(axis=-1) / n


def _check_means(
    key: str, prior: AnalysisMixture | None, limits: tuple[float, float], unit: str
) -> None:
    """Raise ``ValueError`` for a prior mean that is implausible, most often on a wrong scale."""
    for mean in () if prior is None else prior.means:
        if not limits[0] <= mean <= limits[1]:
            raise BadValue(
                f"{key}.means",
                f"holds {mean:g}; on the {unit} scale it lies between {limits[0]:.3g}"
                f" and {limits[1]:.3g}.",
            )
