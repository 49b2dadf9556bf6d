"""What a fitted prior says about a new trial's analysis: its effect, and its control mean."""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.effect_shapes import SHAPES
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadInput
from phase2sim.core.randomness import normals
from phase2sim.evidence.reported import SINGLE_ARM, EffectAssumption, Evidence
from phase2sim.prior import storage as prior_files
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.truth_sources import EffectCurve, knot_weights, window_midpoints
from phase2sim.theory.mixtures.analysis_prior import AnalysisPrior
from phase2sim.theory.mixtures.em_fit import fit_mixture

_LEVEL, _SLOPE = 2, 3  # places in the "truth" stream, as in a simulated trial
_ARMS_OF_ONE = 2.0  # an effect from n patients in two equal arms has SE 2 sd / sqrt(n)
_USUAL_MONTH = 12.0  # of a control mean where no effect says which month is meant
_USUAL_WINDOW = (0.0, 12.0)  # months since diagnosis at entry, without a single arm to go by


def load_kept_prior(evidence: Evidence) -> PriorDraws:
    """Draws of an earlier fit; raises ``BadInput`` if there is none."""
    try:
        return prior_files.load(prior_files.cached_path(evidence.digest))
    except FileNotFoundError:
        names = " ".join(evidence.names)
        raise BadInput(
            f"{names}: there is no kept fit of this evidence. Run: phase2sim fit {names}"
        ) from None


def trial_window(evidence: Evidence) -> tuple[float, float]:
    """Months since diagnosis at entry: those of the single arm, for the trial that follows it."""
    of = [arm.months_since_diagnosis for arm in evidence.arms if arm.design == SINGLE_ARM]
    return of[0] if of else _USUAL_WINDOW


def analysis_priors(prior: PriorDraws, evidence: Evidence) -> tuple[AnalysisPrior, ...]:
    """Effect and control mean of every endpoint, at the effect's month, as a mixture each."""
    window = trial_window(evidence)
    found = []
    for endpoint in prior.endpoints:
        assumed = prior.effects.get(endpoint)
        if assumed is not None:
            found.append(analysis_prior(prior, "effect", endpoint, assumed.month, window))
        month = _USUAL_MONTH if assumed is None else assumed.month
        found.append(analysis_prior(prior, "control", endpoint, month, window))
    return tuple(found)


def analysis_prior(
    prior: PriorDraws, of: str, endpoint: str, month: float | None, window: tuple[float, float]
) -> AnalysisPrior:
    """Mixture fitted to the draws of the effect, or of the control mean of a new trial.

    ``month`` None is that of the evidence's effect. ``window`` is months since diagnosis at entry.
    Raises ``BadInput`` for an endpoint or month that the draws say nothing of.
    """
    at = _month(prior, of, endpoint, month)
    e = prior.endpoints.index(endpoint)
    weights = _history_weights(prior, at, window)
    sd = float(np.sqrt(((prior.sd[:, e] @ weights.T) ** 2).mean()))
    if of == "effect":
        draws = effect_at(prior, endpoint, at)
    else:
        draws = control_mean_at(prior, endpoint, at, window)
    mixture = fit_mixture(draws)
    made = prior.provenance
    return AnalysisPrior(
        of="effect" if of == "effect" else "control",
        endpoint=endpoint,
        scale=ENDPOINTS[endpoint].model_unit,
        month=at,
        months_since_diagnosis=window,
        weights=tuple(mixture.weights.tolist()),
        means=tuple(mixture.means.tolist()),
        sds=tuple(mixture.sds.tolist()),
        reference_sd=_ARMS_OF_ONE * sd if of == "effect" else sd,
        evidence=_strings(made.get("evidence")),
        digest=str(made.get("digest", "")),
        elicited=_strings(made.get("elicited")),
    )


def _month(prior: PriorDraws, of: str, endpoint: str, month: float | None) -> float:
    if endpoint not in prior.endpoints:
        known = ", ".join(prior.endpoints)
        raise BadInput(f"--endpoint is {endpoint}; the evidence has {known}. Use one.")
    assumed = prior.effects.get(endpoint)
    if of == "effect" and assumed is None:
        raise BadInput(f"--mixture is effect; none here treats {endpoint}. Add phase 1 evidence.")
    if month is None and assumed is None:
        raise BadInput("--month is missing, and the evidence has no effect to say it. Add it.")
    at = assumed.month if month is None and assumed else float(month or 0.0)
    if not 0 < at <= prior.knots_months[-1]:
        raise BadInput(
            f"--month is {at:g}; the evidence reaches months above 0 and up to"
            f" {prior.knots_months[-1]:g}. Use one of these."
        )
    return at


def effect_at(prior: PriorDraws, endpoint: str, month: float) -> Floats:
    """Effect of the next trial's treatment at a month since randomisation, (draw,)."""
    share = effect_share(prior.effects[endpoint], month)
    if share <= 0:
        raise BadInput(f"--month is {month:g}; the effect has not begun then. Use a later month.")
    return np.asarray(share * prior.effect[:, prior.endpoints.index(endpoint)])


def effect_share(assumed: EffectAssumption, month: float) -> float:
    """Share of an effect that is there at a month; 1 at the month at which its size is stated."""
    shape = SHAPES[assumed.shape](**dict(assumed.shape_options))
    return float(EffectCurve(1.0, assumed.month, shape).at(np.array([month]))[0])


def history_at(
    prior: PriorDraws, endpoint: str, month: float, window: tuple[float, float]
) -> Floats:
    """Mean of untreated patients of an average study, (draw,); arguments as below."""
    weights = _history_weights(prior, month, window).mean(axis=0)
    return np.asarray(prior.history[:, prior.endpoints.index(endpoint)] @ weights)


def control_mean_at(
    prior: PriorDraws, endpoint: str, month: float, window: tuple[float, float]
) -> Floats:
    """Mean of a new trial's control arm, (draw,): history, and a fresh level and slope.

    ``window`` is months since diagnosis at entry; ``month`` counts from randomisation.
    """
    e = prior.endpoints.index(endpoint)
    seed = int(str(prior.provenance["digest"])[:15], 16)
    draws = (len(prior.history), 1)
    level, slope = (normals(draws, seed, "truth", 0, place)[:, 0] for place in (_LEVEL, _SLOPE))
    drift = prior.level_sd[:, e] * level + prior.slope_sd[:, e] * slope * month
    return history_at(prior, endpoint, month, window) + drift


def _history_weights(prior: PriorDraws, month: float, window: tuple[float, float]) -> Floats:
    """Weights of the knots (node, knot) at equally likely times in the enrolment window."""
    low, high = window
    if not 0 <= low <= high:
        raise BadInput(f"--window is {low:g} {high:g}; it must be 0 <= first <= last, in months.")
    return knot_weights(window_midpoints(window) + month, prior.knots_months)


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
