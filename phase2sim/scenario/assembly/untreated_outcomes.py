"""What a scenario itself says of untreated patients, alone or on top of a fitted prior."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from phase2sim.core.age_distribution import age_moments
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Plan
from phase2sim.core.endpoints import ENDPOINTS, Endpoint
from phase2sim.core.errors import BadScenario
from phase2sim.core.units import unit_that_fits
from phase2sim.prior.truth_sources import Control
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.scenario.tables import Outcome, VisitCorrelation

_ROUNDING = -1e-13  # a correlation of 1 may come out this far below 0
_APART = 1e-9  # endpoints that determine one another cannot be drawn


def override_outcomes(
    fitted: Control | None,
    scenario: Scenario,
    plan: Plan,
    planned: tuple[float, ...],
    path: Path,
) -> Control:
    """Untreated patients with the scenario's ``outcome`` tables in key_path of fitted quantities.

    Numbers that are given one a visit belong to the ``planned`` visits, and those of visits that
    are drawn beside them lie between.
    Without a fitted prior every key of ``outcome`` is needed for every endpoint. Raises
    ``BadScenario`` for missing keys, wrong lengths and correlations that no patient can have.
    """
    control = _blank(plan) if fitted is None else fitted
    for e, name in enumerate(plan.endpoints):
        outcome = scenario.outcome.get(name, Outcome())
        key_path = f"{path}: outcome.{name}"
        if fitted is None:
            _check_complete(outcome, key_path)
        control = _with_mean(control, outcome, (e, plan, planned), key_path)
        control = _with_sd(control, outcome, (e, plan, planned), key_path)
        control = _with_correlation(control, outcome, e, plan, key_path)
    _check_read("outcome", scenario.outcome, plan, path)
    _check_read("population.per_year_of_age", scenario.population.per_year_of_age, plan, path)
    return _with_endpoint_correlation(control, scenario, plan, path, needed=fitted is None)


def without_covariates(control: Control, plan: Plan, path: Path) -> Control:
    """Take what age and site explain out of the residuals, so that patients vary as stated.

    Both shift all of a patient's visits alike, so their share leaves the whole covariance: SDs and
    correlations between visits, of all ages and sites, stay what the evidence or the scenario says.
    """
    slopes = np.array([plan.per_year_of_age.get(name, 0.0) for name in plan.endpoints])
    sites = np.array([plan.site_sd.get(name, 0.0) for name in plan.endpoints])
    explained = sites**2
    if slopes.any():
        low, high = plan.age_years  # a uniform age has this range, any other that of its variance
        spread = high - low if plan.age_normal is None else (12 * age_moments(plan)[1]) ** 0.5
        explained = explained + (slopes * spread) ** 2 / 12
    if not explained.any():
        return control
    total = control.sd[..., None] * control.sd[..., None, :] * control.correlation
    residual = total - explained[:, None, None]
    lowest = np.linalg.eigvalsh(residual)[..., 0]
    for e, name in enumerate(plan.endpoints):
        if explained[e] and (lowest[:, e] <= 0).any():
            key, what = (
                ("per_year_of_age", f"over ages {plan.age_years[0]:g} to {plan.age_years[1]:g} ")
                if slopes[e]
                else ("site_sd", "")
            )
            value = slopes[e] or sites[e]
            raise BadScenario(
                f"{path}: population.{key}.{name} is {value:g}; {what}that alone exceeds what a"
                " patient's visits have in common. Lower it."
            )
    sd = np.sqrt(np.diagonal(residual, axis1=-2, axis2=-1))
    correlation = residual / (sd[..., None] * sd[..., None, :])
    return replace(control, sd=sd, correlation=correlation)


def _blank(plan: Plan) -> Control:
    """Room for one row of everything, to be filled from the scenario."""
    endpoints, visits = len(plan.endpoints), len(plan.visits_months)
    return Control(
        knots_months=np.zeros(0),
        history=np.zeros((1, endpoints, 0)),
        mean=np.zeros((1, endpoints, visits)),
        sd=np.ones((1, endpoints, visits)),
        correlation=np.zeros((1, endpoints, visits, visits)),
        endpoint_correlation=np.eye(endpoints)[None],
        spread_sd=np.zeros((1, endpoints)),
        share=np.full((1, endpoints), 0.5),
        share_sd=np.zeros((1, endpoints)),
    )


def _check_read(key_path: str, given: Iterable[str], plan: Plan, path: Path) -> None:
    unread = set(given) - set(plan.endpoints)
    if unread:
        raise BadScenario(
            f"{path}: {key_path}.{min(unread)} is given, but no analysis or target reads it."
            " Remove it."
        )


def _check_complete(outcome: Outcome, key_path: str) -> None:
    for key in ("control_mean", "sd", "correlation"):
        if getattr(outcome, key) is None:
            raise BadScenario(
                f"{key_path}.{key} is missing; without evidence a scenario must say how untreated"
                " patients do. Add it, or name evidence files."
            )


def _check_plausible(means: Floats, name: str, key_path: str) -> None:
    """Refuse means that no patient could have: most often a wrong unit or scale."""
    endpoint = ENDPOINTS[name]
    low, high = map(endpoint.to_model, endpoint.plausible)
    outside = means[(means < low) | (means > high)]
    if outside.size:
        remedy = unit_that_fits(endpoint, *outside) or " Bring it to this scale."
        raise BadScenario(
            f"{key_path} holds {outside[0]:g}; on the {endpoint.model_unit} scale {endpoint.label}"
            f" lies between {low:.3g} and {high:.3g}.{remedy}"
        )


def _check_spread(largest: float, name: str, key_path: str) -> None:
    """Refuse an SD that no patients have: most often a wrong unit or scale."""
    endpoint = ENDPOINTS[name]
    most = endpoint.usual_sd[1]
    if largest <= most:
        return
    others = [unit for unit in endpoint.units if unit not in {endpoint.unit, endpoint.model_unit}]
    units = " or ".join(map(repr, [endpoint.unit, *others] if _is_curved(endpoint) else others))
    unit = f" If mean and SD are in {units}, say so with unit." if units else ""
    raise BadScenario(
        f"{key_path} is {largest:g}; between patients it is at most {most:g} on the"
        f" {endpoint.model_unit} scale.{unit} Correct it."
    )


def _is_curved(endpoint: Endpoint) -> bool:
    return endpoint.unit != endpoint.model_unit


type _At = tuple[int, Plan, tuple[float, ...]]  # endpoint, what is drawn, planned visits


def _with_mean(control: Control, outcome: Outcome, at: _At, key_path: str) -> Control:
    if outcome.control_mean is None:
        return control
    e, plan, planned = at
    mean, history = control.mean.copy(), control.history.copy()
    means = _by_visit(outcome.control_mean, plan, planned, f"{key_path}.control_mean")
    _check_plausible(means, plan.endpoints[e], f"{key_path}.control_mean")
    mean[:, e] = means
    history[:, e] = 0.0
    return replace(control, mean=mean, history=history)


def _with_sd(control: Control, outcome: Outcome, at: _At, key_path: str) -> Control:
    if outcome.sd is None:
        return control
    e, plan, planned = at
    sd = control.sd.copy()
    sds = _by_visit(outcome.sd, plan, planned, f"{key_path}.sd")
    _check_spread(float(sds.max()), plan.endpoints[e], f"{key_path}.sd")
    sd[:, e] = sds
    return replace(control, sd=sd, spread_sd=_none_of(control.spread_sd, e))


def _with_correlation(
    control: Control, outcome: Outcome, e: int, plan: Plan, key_path: str
) -> Control:
    if outcome.correlation is None:
        return control
    correlation = control.correlation.copy()
    correlation[:, e] = _between_visits(outcome, plan, f"{key_path}.correlation")
    return replace(control, correlation=correlation, share_sd=_none_of(control.share_sd, e))


def _none_of(between: Floats, e: int) -> Floats:
    """SDs between studies, 0 for an endpoint of which the scenario says how patients vary."""
    changed = between.copy()
    changed[:, e] = 0.0
    return changed


def _between_visits(outcome: Outcome, plan: Plan, key_path: str) -> Floats:
    visits = np.array(plan.visits_months)
    match outcome.correlation:
        case VisitCorrelation(share=share, per_month=per_month):
            apart = np.abs(visits[:, None] - visits)
            fading: Floats = np.power(per_month, apart)
            return share + (1 - share) * fading
        case float(correlation):
            matrix = np.full((len(visits), len(visits)), correlation)
            np.fill_diagonal(matrix, 1.0)
        case rows:
            matrix = _square(rows, len(visits), key_path)
    _check_correlation(matrix, key_path)
    return matrix


def _square(rows: tuple[tuple[float, ...], ...] | None, size: int, key_path: str) -> Floats:
    rows = rows or ()
    if len(rows) != size or any(len(row) != size for row in rows):
        raise BadScenario(
            f"{key_path} has rows of {sorted({len(row) for row in rows})} numbers;"
            f" it must be {size} x {size}, one row a visit. Correct it."
        )
    return np.array(rows)


def _check_correlation(matrix: Floats, key_path: str, least: float = _ROUNDING) -> None:
    if not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1.0):
        raise BadScenario(f"{key_path} must be symmetric with 1 on its diagonal. Correct it.")
    lowest = float(np.linalg.eigvalsh(matrix).min())
    if lowest < least:
        raise BadScenario(
            f"{key_path} is not positive definite (smallest eigenvalue {lowest:.3g}): no patients"
            " can vary like that. Bring the numbers closer to one another or to 0."
        )


def _with_endpoint_correlation(
    control: Control, scenario: Scenario, plan: Plan, path: Path, *, needed: bool
) -> Control:
    given = scenario.endpoint_correlation
    endpoints = len(plan.endpoints)
    if given is None:
        if needed and endpoints > 1:
            raise BadScenario(
                f"{path}: endpoint_correlation is missing; without evidence it must be given"
                f" for {' and '.join(plan.endpoints)}. Add it."
            )
        return control
    matrix = np.full((endpoints, endpoints), given)
    np.fill_diagonal(matrix, 1.0)
    _check_correlation(matrix, f"{path}: endpoint_correlation", _APART)
    return replace(control, endpoint_correlation=matrix[None])


def _by_visit(
    value: float | tuple[float, ...], plan: Plan, planned: tuple[float, ...], key_path: str
) -> Floats:
    if not isinstance(value, tuple):
        return np.full(len(plan.visits_months), value)
    if len(value) != len(planned):
        raise BadScenario(
            f"{key_path} has {len(value)} numbers; give one number, or {len(planned)}: one a visit,"
            " baseline first."
        )
    return np.interp(plan.visits_months, planned, value)
