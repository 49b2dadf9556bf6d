"""Care in the trial to come: the fitted prior of its patients, for the covariates it states."""

from phase2sim.core.errors import BadScenario
from phase2sim.core.io.validation import join_key, nearest
from phase2sim.prior.draws import PriorDraws
from phase2sim.scenario.assembly.parts import BuiltScenario


def prior_under_care(
    built: BuiltScenario, prior: PriorDraws | None, endpoints: tuple[str, ...]
) -> PriorDraws | None:
    """Return the prior of untreated patients under the care that the scenario states.

    ``endpoints`` are those that the trial draws. Raises ``BadScenario`` for a covariate that the
    evidence does not have, or that moves none of them.
    """
    population, path = built.scenario.population, built.path
    covariates = () if prior is None else prior.care_covariates
    for name in population.care:
        key_path = f"{path}: {join_key('population.care', name)}"
        if prior is None:
            raise BadScenario(
                f"{key_path} is not used: without evidence the scenario itself says how untreated"
                " patients do. Leave it out."
            )
        if name not in covariates:
            remedy = nearest(name, covariates) if covariates else "It has none. Leave it out."
            raise BadScenario(f"{key_path} is no covariate of the evidence's care. {remedy}")
        moved = _moved(prior, name)
        if not set(moved) & set(endpoints):
            raise BadScenario(
                f"{key_path} is not used: it moves {', '.join(moved)}, which this trial does not"
                " have. Leave it out."
            )
    if population.care_why and not population.care:
        raise BadScenario(
            f"{path}: population.care_why comes without care. Add it, or remove the why."
        )
    return None if prior is None else prior.under_care(population.care)


def _moved(prior: PriorDraws, covariate: str) -> tuple[str, ...]:
    """Endpoints whose mean a covariate moves."""
    effect = prior.care_effect[:, prior.care_covariates.index(covariate)]
    return tuple(
        name for name, moves in zip(prior.endpoints, effect.any(axis=0), strict=True) if moves
    )
