"""What a scenario itself says of untreated patients, alone or on top of a fitted prior."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from phase2sim.contracts import Floats, Plan
from phase2sim.draws import Control
from phase2sim.endpoints import ENDPOINTS
from phase2sim.errors import BadScenario
from phase2sim.scenario import Outcome, Scenario, VisitCorrelation

_ROUNDING = -1e-13  # a correlation of 1 may come out this far below 0
_APART = 1e-9  # endpoints that determine one another cannot be drawn


def overridden(fitted: Control | None, scenario: Scenario, plan: Plan, path: Path) -> Control:
    """Untreated patients with the scenario's ``outcome`` tables in place of fitted quantities.

    Without a fitted prior every key of ``outcome`` is needed for every endpoint. Raises
    ``BadScenario`` for missing keys, wrong lengths and correlations that no patient can have.
    """
    control = _blank(plan) if fitted is None else fitted
    for e, name in enumerate(plan.endpoints):
        outcome = scenario.outcome.get(name, Outcome())
        place = f"{path}: outcome.{name}"
        if fitted is None:
            _check_complete(outcome, place)
        control = _with_mean(control, outcome, e, plan, place)
        control = _with_sd(control, outcome, e, place)
        control = _with_correlation(control, outcome, e, plan, place)
    _check_read("outcome", scenario.outcome, plan, path)
    _check_read("population.per_year_of_age", scenario.population.per_year_of_age, plan, path)
    return _with_endpoint_correlation(control, scenario, plan, path, needed=fitted is None)


def without_age(control: Control, scenario: Scenario, plan: Plan, path: Path) -> Control:
    """Take what age explains out of the residuals, so that with age patients vary as stated.

    Age shifts all of a patient's visits alike, so its share leaves the whole covariance: SDs and
    correlations between visits, ages included, stay what the evidence or the scenario says.
    """
    age = scenario.population.age_years
    slopes = np.array([plan.per_year_of_age.get(name, 0.0) for name in plan.endpoints])
    if age is None or not slopes.any():
        return control
    explained = (slopes * (age[1] - age[0])) ** 2 / 12  # variance of a uniform age
    total = control.sd[..., None] * control.sd[..., None, :] * control.correlation
    residual = total - explained[:, None, None]
    lowest = np.linalg.eigvalsh(residual)[..., 0]
    for e, name in enumerate(plan.endpoints):
        if explained[e] and (lowest[:, e] <= 0).any():
            raise BadScenario(
                f"{path}: population.per_year_of_age.{name} is {slopes[e]:g}; over ages {age[0]:g}"
                f" to {age[1]:g} that alone exceeds what a patient's visits have in common. Lower"
                " it."
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
    )


def _check_read(place: str, given: Iterable[str], plan: Plan, path: Path) -> None:
    unread = set(given) - set(plan.endpoints)
    if unread:
        raise BadScenario(
            f"{path}: {place}.{min(unread)} is given, but no analysis or target reads it."
            " Remove it."
        )


def _check_complete(outcome: Outcome, place: str) -> None:
    for key in ("control_mean", "sd", "correlation"):
        if getattr(outcome, key) is None:
            raise BadScenario(
                f"{place}.{key} is missing; without evidence a scenario must say how untreated"
                " patients do. Add it, or name evidence files."
            )


def _check_plausible(means: Floats, name: str, place: str) -> None:
    """Refuse means that no patient could have: most often a wrong unit or scale."""
    endpoint = ENDPOINTS[name]
    low, high = map(endpoint.to_model, endpoint.plausible)
    outside = means[(means < low) | (means > high)]
    if outside.size:
        raise BadScenario(
            f"{place} holds {outside[0]:g}; on the {endpoint.model_unit} scale {endpoint.label}"
            f" lies between {low:.3g} and {high:.3g}. Bring it to this scale."
        )


def _with_mean(control: Control, outcome: Outcome, e: int, plan: Plan, place: str) -> Control:
    if outcome.control_mean is None:
        return control
    mean, history = control.mean.copy(), control.history.copy()
    means = _by_visit(outcome.control_mean, mean.shape[2], f"{place}.control_mean")
    _check_plausible(means, plan.endpoints[e], f"{place}.control_mean")
    mean[:, e] = means
    history[:, e] = 0.0
    return replace(control, mean=mean, history=history)


def _with_sd(control: Control, outcome: Outcome, e: int, place: str) -> Control:
    if outcome.sd is None:
        return control
    sd = control.sd.copy()
    sd[:, e] = _by_visit(outcome.sd, sd.shape[2], f"{place}.sd")
    return replace(control, sd=sd)


def _with_correlation(
    control: Control, outcome: Outcome, e: int, plan: Plan, place: str
) -> Control:
    if outcome.correlation is None:
        return control
    correlation = control.correlation.copy()
    correlation[:, e] = _between_visits(outcome, plan, f"{place}.correlation")
    return replace(control, correlation=correlation)


def _between_visits(outcome: Outcome, plan: Plan, place: str) -> Floats:
    visits = np.array(plan.visits_months)
    given = outcome.correlation
    if isinstance(given, VisitCorrelation):
        apart = np.abs(visits[:, None] - visits)
        fading: Floats = np.power(given.per_month, apart)
        return given.share + (1 - given.share) * fading
    if isinstance(given, float):
        matrix = np.full((len(visits), len(visits)), given)
        np.fill_diagonal(matrix, 1.0)
    else:
        matrix = _square(given, len(visits), place)
    _check_correlation(matrix, place)
    return matrix


def _square(rows: tuple[tuple[float, ...], ...] | None, size: int, place: str) -> Floats:
    rows = rows or ()
    if len(rows) != size or any(len(row) != size for row in rows):
        raise BadScenario(
            f"{place} has rows of {sorted({len(row) for row in rows})} numbers;"
            f" it must be {size} x {size}, one row a visit. Correct it."
        )
    return np.array(rows)


def _check_correlation(matrix: Floats, place: str, least: float = _ROUNDING) -> None:
    if not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1.0):
        raise BadScenario(f"{place} must be symmetric with 1 on its diagonal. Correct it.")
    lowest = float(np.linalg.eigvalsh(matrix).min())
    if lowest < least:
        raise BadScenario(
            f"{place} is not positive definite (smallest eigenvalue {lowest:.3g}): no patients"
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


def _by_visit(value: float | tuple[float, ...], visits: int, place: str) -> Floats:
    if isinstance(value, tuple):
        if len(value) != visits:
            raise BadScenario(
                f"{place} has {len(value)} numbers; give one number, or {visits}: one a visit,"
                " baseline first."
            )
        return np.array(value)
    return np.full(visits, value)
