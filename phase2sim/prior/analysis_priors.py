"""Fitted priors of a new trial's treatment effect and control mean, as normal mixtures."""

import shlex
from collections.abc import Sequence

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.effect_curve import EffectCurve
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.entry_times import EntryTime
from phase2sim.core.errors import BadInput
from phase2sim.core.history_priors import PRIORS
from phase2sim.core.randomness import normals
from phase2sim.evidence.reported import SINGLE_ARM, EffectAssumption, Evidence
from phase2sim.prior import storage as prior_files
from phase2sim.prior.at_diagnosis import deviation_left
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.entry import fitted_entry
from phase2sim.prior.truth_sources import ENTRY_TIMES, knot_weights
from phase2sim.theory.mixtures.analysis_prior import AnalysisPrior
from phase2sim.theory.mixtures.em_fit import fit_mixture

_LEVEL, _SLOPE, _FIRST = 2, 3, 8  # indices in the "truth" stream, as in a simulated trial
_ARMS_OF_ONE = 2.0  # an effect from n patients in two equal arms has SE 2 sd / sqrt(n)
_USUAL_MONTH = 12.0  # month of a control mean without an effect
_USUAL_ENTRY = EntryTime(0.0, 12.0)  # months since diagnosis at entry, without a single arm


def load_kept_prior(evidence: Evidence, files: Sequence[str]) -> PriorDraws:
    """Load the draws of an earlier fit of evidence, in the files that the user named.

    Raises ``BadInput`` if there is none, or none intact.
    """
    try:
        return prior_files.load(prior_files.cached_path(evidence.digest))
    except prior_files.DamagedPrior as damage:
        raise BadInput(f"{damage} Run: phase2sim fit {shlex.join(files)}") from None
    except FileNotFoundError:
        raise BadInput(
            f"{' '.join(evidence.names)}: there is no kept fit of this evidence. Run: phase2sim fit"
            f" {shlex.join(files)}"
        ) from None


def trial_entry(evidence: Evidence, prior: PriorDraws) -> EntryTime:
    """Months since diagnosis at entry of the next trial: those of the single arm, if any."""
    arms = [arm for arm in evidence.arms if arm.design == SINGLE_ARM]
    return fitted_entry(arms[0], evidence, prior) if arms else _USUAL_ENTRY


def analysis_priors(prior: PriorDraws, evidence: Evidence) -> tuple[AnalysisPrior, ...]:
    """Mixture of the effect and of the control mean of each endpoint, at the effect's month."""
    entry = trial_entry(evidence, prior)
    mixtures = []
    for endpoint in prior.endpoints:
        assumption = prior.effects.get(endpoint)
        if assumption is not None:
            mixtures.append(analysis_prior(prior, "effect", endpoint, assumption.month, entry))
        month = _USUAL_MONTH if assumption is None else assumption.month
        mixtures.append(analysis_prior(prior, "control", endpoint, month, entry))
    return tuple(mixtures)


def analysis_prior(
    prior: PriorDraws,
    quantity: str,
    endpoint: str,
    month: float | None,
    entry: EntryTime,
) -> AnalysisPrior:
    """Fit a mixture to the draws of the effect, or of the control mean of a new trial.

    ``quantity`` is ``"effect"`` or ``"control"``. ``month`` None is the month of the evidence's
    effect. ``entry`` is when after diagnosis patients enter. Raises ``BadInput`` for an endpoint or
    month that the evidence does not cover.
    """
    trial_month = _month(prior, quantity, endpoint, month)
    e = prior.endpoints.index(endpoint)
    weights = _history_weights(prior, trial_month, entry)
    sd = float(np.sqrt(((prior.sd[:, e] @ weights.T) ** 2).mean()))
    if quantity == "effect":
        draws = effect_at(prior, endpoint, trial_month)
    else:
        draws = control_mean_at(prior, endpoint, trial_month, entry)
    mixture = fit_mixture(draws)
    provenance = prior.provenance
    return AnalysisPrior(
        of="effect" if quantity == "effect" else "control",
        endpoint=endpoint,
        scale=ENDPOINTS[endpoint].model_unit,
        month=trial_month,
        months_since_diagnosis=(entry.earliest, entry.latest),
        weights=tuple(mixture.weights.tolist()),
        means=tuple(mixture.means.tolist()),
        sds=tuple(mixture.sds.tolist()),
        reference_sd=_ARMS_OF_ONE * sd if quantity == "effect" else sd,
        evidence=_strings(provenance.get("evidence")),
        digest=str(provenance.get("digest", "")),
        elicited=_strings(provenance.get("elicited")),
    )


def _month(prior: PriorDraws, quantity: str, endpoint: str, month: float | None) -> float:
    if endpoint not in prior.endpoints:
        endpoints = ", ".join(prior.endpoints)
        raise BadInput(f"--endpoint is {endpoint}; the evidence has {endpoints}. Use one.")
    assumption = prior.effects.get(endpoint)
    if quantity == "effect" and assumption is None:
        raise BadInput(f"--mixture is effect; none here treats {endpoint}. Add phase 1 evidence.")
    if month is None and assumption is None:
        raise BadInput("--month is missing, and the evidence has no effect to say it. Add it.")
    trial_month = assumption.month if month is None and assumption else float(month or 0.0)
    if not 0 < trial_month <= prior.knots_months[-1]:
        raise BadInput(
            f"--month is {trial_month:g}; the evidence reaches months above 0 and up to"
            f" {prior.knots_months[-1]:g}. Use one of these."
        )
    return trial_month


def effect_at(prior: PriorDraws, endpoint: str, month: float) -> Floats:
    """Effect of the next trial's treatment at a month since randomisation, (draw,)."""
    share = effect_share(prior.effects[endpoint], month)
    if share <= 0:
        raise BadInput(f"--month is {month:g}; the effect has not begun then. Use a later month.")
    return np.asarray(share * prior.effect[:, prior.endpoints.index(endpoint)])


def effect_share(assumption: EffectAssumption, month: float) -> float:
    """Effect at a month as a share of its stated size."""
    return float(
        EffectCurve(1.0, assumption.month, assumption.effect_shape()).at(np.array([month]))[0]
    )


def history_at(prior: PriorDraws, endpoint: str, month: float, entry: EntryTime) -> Floats:
    """Mean of untreated patients of an average study, (draw,).

    ``entry`` is when after diagnosis patients enter; ``month`` counts from randomisation.
    """
    weights = _history_weights(prior, month, entry).mean(axis=0)
    return np.asarray(prior.history[:, prior.endpoints.index(endpoint)] @ weights)


def control_mean_at(prior: PriorDraws, endpoint: str, month: float, entry: EntryTime) -> Floats:
    """Mean of a new trial's control arm, (draw,): history plus a new study's deviation.

    ``entry`` is when after diagnosis patients enter; ``month`` counts from randomisation.
    """
    e = prior.endpoints.index(endpoint)
    seed = int(str(prior.provenance["digest"])[:15], 16)
    draws = (len(prior.history), 1)
    level, slope, first = (
        normals(draws, seed, "truth", 0, stream_index)[:, 0]
        for stream_index in (_LEVEL, _SLOPE, _FIRST)
    )
    drift = prior.level_sd[:, e] * level + prior.slope_sd[:, e] * slope * month
    if prior.diagnosis_sd.size:
        since = entry.times(ENTRY_TIMES) + month
        left = deviation_left(PRIORS[endpoint].first_month, since).mean()
        drift = drift + prior.diagnosis_sd[:, e] * first * left
    return history_at(prior, endpoint, month, entry) + drift


def _history_weights(prior: PriorDraws, month: float, entry: EntryTime) -> Floats:
    """Weights (node, knot) of the knots, at times of entry with equal shares of the patients."""
    low, high = entry.earliest, entry.latest
    if not 0 <= low <= high:
        raise BadInput(f"--window is {low:g} {high:g}; it must be 0 <= first <= last, in months.")
    return knot_weights(entry.times(ENTRY_TIMES) + month, prior.knots_months)


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
