"""Posterior draws given the evidence: the prior for the next trial."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.io.data_frames import frame_of
from phase2sim.core.io.views import View, Viewed
from phase2sim.evidence.reported import CARE_MONTHS, REFERENCE_AGE, EffectAssumption

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

_ENDPOINT_ARRAYS = ("effect", "level_sd", "slope_sd", "patient_share", "decay")


_LIMITS = (0.025, 0.975)


@dataclass(frozen=True, slots=True, repr=False)
class PriorDraws(Viewed):
    """Joint posterior draws given the evidence: the prior for the next trial.

    All arrays are on the model scale and have ``draw`` as their first axis. A new trial's control
    arm deviates from ``history`` by a level, N(0, ``level_sd``), a slope per month since
    randomisation, N(0, ``slope_sd``), and at diagnosis by N(0, ``diagnosis_sd``) more, of which
    nothing is left from month 3 on; its SD is ``sd`` times exp N(0, ``spread_sd``), and the logit
    of its permanent share that of ``patient_share`` plus N(0, ``share_sd``).

    Parameters
    ----------
    endpoints : tuple of str, (endpoint,)
        Names of the endpoints, in the order of the endpoint axes.
    knots_months : ndarray of float, (knot,)
        Months since diagnosis of the knots; curves are linear between knots.
    history : ndarray of float, (draw, endpoint, knot)
        Mean of untreated patients of the reference age (12 years).
    sd : ndarray of float, (draw, endpoint, knot)
        SD between patients of a typical study at the same time since diagnosis.
    level_sd : ndarray of float, (draw, endpoint)
        SD between studies of the mean.
    slope_sd : ndarray of float, (draw, endpoint)
        SD between studies of the slope per month.
    patient_share : ndarray of float, (draw, endpoint)
        Share of the variance between patients that is permanent, 0 to 1.
    decay : ndarray of float, (draw, endpoint)
        Correlation of the transient part over a doubling of the time since diagnosis (plus half a
        month), 0 to 1.
    endpoint_correlation : ndarray of float, (draw, endpoint, endpoint)
        Correlation between endpoints at one visit.
    effect : ndarray of float, (draw, endpoint)
        Effect of the treatment in the next trial at the month of its assumption; nan without a
        treated arm in the evidence.
    effects : mapping of str to EffectAssumption
        The assumption about each effect, by endpoint: month, time course, sceptical SD.
    provenance : mapping of str to object
        Origin of the draws: digest and names of the evidence, versions, seed, diagnostics, elicited
        inputs.
    bias : ndarray of float, (draw, endpoint), optional
        Difference of the single arm from a control arm that is not due to treatment; nan
        without a single arm.
    class_mean : ndarray of float, (draw, endpoint), optional
        Mean effect in the class of therapies; nan without a class.
    class_sd : ndarray of float, (draw, endpoint), optional
        SD between trials of the effects in the class; nan without a class.
    age_slope : ndarray of float, (draw, endpoint), optional
        Change of the mean per year of age.
    diagnosis_sd : ndarray of float, (draw, endpoint), optional
        SD between studies of the mean at diagnosis, beyond ``level_sd``; 0 if omitted.
    spread_sd : ndarray of float, (draw, endpoint), optional
        SD between studies of the log of the SD; all are alike if omitted.
    share_sd : ndarray of float, (draw, endpoint), optional
        SD between studies of the logit of ``patient_share``; all are alike if omitted.
    care_covariates : tuple of str, (covariate,), default ()
        Names of the covariates of care; ``history`` is the mean where all of them are 0.
    care_effect : ndarray of float, (draw, covariate, endpoint), optional
        Mean of untreated patients where a covariate of care is 1 minus that where it is 0, from
        month 3 after diagnosis on; none at diagnosis, and linear in between.
    event_outcomes : tuple of str, (outcome,), default ()
        Names of the counted outcomes.
    event_rate : ndarray of float, (draw, outcome, 2), optional
        Events per patient-month of untreated and treated patients.
    event_dispersion : ndarray of float, (draw, outcome), optional
        Negative binomial dispersion: variance = mean + dispersion mean^2.
    sampled : mapping of str to ndarray, (draw, ...), optional
        All sampled variables of the model by name.

    Examples
    --------
    Draws of one endpoint with history mean 7.4 and effects -0.5 and -0.1; the mean effect and its
    sample SD are (-0.5 - 0.1) / 2 = -0.3 and 0.4 / sqrt(2) = 0.283:

    >>> import numpy as np
    >>> from phase2sim import PriorDraws
    >>> from phase2sim.evidence.reported import CARE_MONTHS, REFERENCE_AGE, EffectAssumption
    >>> ones = np.ones((2, 1))
    >>> prior = PriorDraws(
    ...     endpoints=("hba1c",),
    ...     knots_months=np.array([0.0, 12.0]),
    ...     history=np.full((2, 1, 2), 7.4),
    ...     sd=np.full((2, 1, 2), 1.2),
    ...     level_sd=0.2 * ones,
    ...     slope_sd=0.01 * ones,
    ...     patient_share=0.5 * ones,
    ...     decay=0.9 * ones,
    ...     endpoint_correlation=np.ones((2, 1, 1)),
    ...     effect=np.array([[-0.5], [-0.1]]),
    ...     effects={"hba1c": EffectAssumption("hba1c", 6.0, "linear", {}, 0.5, 0.3, "example")},
    ...     provenance={"evidence": ["example"]},
    ... )
    >>> row = prior.frame().iloc[0]
    >>> print(f"{row['mean']:.3f} {row['sd']:.3f} {row['benefit']:.0f}")
    -0.300 0.283 1

    A fitted prior has the endpoints of its evidence:

    >>> import phase2sim
    >>> prior = phase2sim.fit("gxipc1", "t1d-natural-history")
    >>> prior.frame().endpoint.tolist()
    ['hba1c', 'c_peptide', 'insulin', 'glucose']
    >>> prior.dataset().history.dims
    ('draw', 'endpoint', 'months_since_diagnosis')
    """

    endpoints: tuple[str, ...]
    knots_months: Floats  # (knot,), months since diagnosis
    history: Floats  # (draw, endpoint, knot)
    sd: Floats  # (draw, endpoint, knot)
    level_sd: Floats  # (draw, endpoint)
    slope_sd: Floats  # (draw, endpoint), per month
    patient_share: Floats  # (draw, endpoint)
    decay: Floats  # (draw, endpoint)
    endpoint_correlation: Floats  # (draw, endpoint, endpoint)
    effect: Floats  # (draw, endpoint), nan if none
    effects: Mapping[str, EffectAssumption]
    provenance: Mapping[str, object]
    bias: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint), nan if none
    class_mean: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint), same
    class_sd: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint), same
    age_slope: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint)
    diagnosis_sd: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint)
    spread_sd: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint)
    share_sd: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint)
    care_covariates: tuple[str, ...] = ()
    care_effect: Floats = field(default_factory=lambda: np.zeros((0, 0, 0)))  # by covariate
    event_outcomes: tuple[str, ...] = ()
    event_rate: Floats = field(default_factory=lambda: np.zeros((0, 0, 2)))
    # (draw, outcome, 2): untreated and treated
    event_dispersion: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, outcome)
    sampled: Mapping[str, Floats] = field(default_factory=dict)  # (draw, ...)

    @property
    def clock(self) -> str:
        """What the months of the curves are counted from: ``"diagnosis"`` or ``"entry"``."""
        return "entry" if self.provenance.get("clock") == "entry" else "diagnosis"

    @property
    def reference_age(self) -> float:
        """Mean age, in years, of the patients whose curves these are."""
        match self.provenance.get("reference_age"):
            case int() | float() as age:
                return float(age)
            case _:
                return REFERENCE_AGE

    def under_care(self, care: Mapping[str, float]) -> "PriorDraws":
        """Return the draws with the mean of patients whose covariates of care have these values.

        Covariates that ``care`` does not name are 0. Raises ``KeyError`` for one without draws.
        """
        if not any(care.values()):
            return self
        value = np.zeros(len(self.care_covariates))
        for name, share in care.items():
            if name not in self.care_covariates:
                raise KeyError(name)
            value[self.care_covariates.index(name)] = share
        moved = np.einsum("dce,c->de", self.care_effect, value)
        ramp = np.minimum(self.knots_months / CARE_MONTHS, 1.0)
        return replace(self, history=self.history + moved[:, :, None] * ramp)

    def frame(self) -> "DataFrame":
        """Fitted effects as a pandas data frame, one row per endpoint, model scale."""
        return frame_of(list(self._effects()))

    def dataset(self) -> "Dataset":
        """All draws of the parameters that patients are simulated from, as an xarray dataset."""
        import xarray as xr  # noqa: PLC0415 - half a second, and needed only in this method

        by_endpoint, knot = ("draw", "endpoint"), "months_since_diagnosis"
        dimensions: dict[str, tuple[str, ...]] = dict.fromkeys(_ENDPOINT_ARRAYS, by_endpoint)
        dimensions |= dict.fromkeys(("history", "sd"), (*by_endpoint, knot))
        dimensions["endpoint_correlation"] = (*by_endpoint, "with_endpoint")
        return xr.Dataset(
            {name: (over, getattr(self, name)) for name, over in dimensions.items()},
            coords={
                "endpoint": list(self.endpoints),
                "with_endpoint": list(self.endpoints),
                knot: self.knots_months,
            },
        )

    def view(self) -> View:
        """Table of the fitted effects with 95 % intervals."""
        rows = tuple(
            (
                row["endpoint"],
                f"{row['month']:g}",
                f"{row['mean']:+.3f}",
                f"{row['low']:+.3f} to {row['high']:+.3f}",
                f"{row['benefit']:.2f}",
            )
            for row in self._effects()
        )
        elicited = self.provenance.get("elicited")
        names = self.provenance.get("evidence")
        notes = ["Model scale. Of the benefit, the share of the draws that are in its direction."]
        if isinstance(elicited, list) and elicited:
            notes.append(f"{len(elicited)} inputs are elicited: our judgement, not published.")
        return View(
            f"Prior given {', '.join(names) if isinstance(names, list) else 'evidence'}:"
            f" {len(self.history):,} draws",
            ("endpoint", "month", "effect", "95 %", "benefit"),
            rows,
            tuple(notes),
            words=1,
        )

    def _effects(self) -> Iterator[dict[str, Any]]:
        """Mean, SD, 95 % limits and probability of benefit of each fitted effect."""
        for position, name in enumerate(self.endpoints):
            if name not in self.effects:
                continue
            draws = self.effect[:, position]
            low, high = np.quantile(draws, _LIMITS)
            yield {
                "endpoint": name,
                "month": self.effects[name].month,
                "unit": ENDPOINTS[name].model_unit,
                "mean": float(draws.mean()),
                "sd": float(draws.std(ddof=1)),
                "low": float(low),
                "high": float(high),
                "benefit": float((draws * ENDPOINTS[name].benefit_sign > 0.0).mean()),
            }
