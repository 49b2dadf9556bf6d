"""The background therapy of a scenario: its time courses, built and checked."""

import numpy as np

from phase2sim.core.background_therapy import BackgroundTherapy
from phase2sim.core.effect_curve import EffectCurve
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadScenario
from phase2sim.core.io.validation import join_key, nearest
from phase2sim.scenario.assembly.registry import build
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.scenario.tables import BackgroundEffect

_KEY = "population.background"


def background_of(scenario: Scenario) -> BackgroundTherapy | None:
    """Build the background therapy; None if nobody receives one. Raises ``BadScenario``."""
    stated = scenario.population.background
    if stated is None:
        return None
    curves = {name: _curve(scenario, name, effect) for name, effect in stated.effect.items()}
    if stated.share == 0.0:
        return None
    return BackgroundTherapy(stated.share, stated.kept, curves)


def _curve(scenario: Scenario, endpoint: str, effect: BackgroundEffect) -> EffectCurve:
    key_path = join_key(f"{_KEY}.effect", endpoint)
    if endpoint not in ENDPOINTS:
        raise BadScenario(
            f"{scenario.path}: {key_path} is not an endpoint. {nearest(endpoint, ENDPOINTS)}"
        )
    limit, unit = ENDPOINTS[endpoint].largest_effect, ENDPOINTS[endpoint].model_unit
    if abs(effect.effect) > limit:
        raise BadScenario(
            f"{scenario.path}: {key_path}.effect is {effect.effect:g}: on the {unit} scale an"
            f" effect lies between -{limit:g} and {limit:g}. Correct it."
        )
    table = {"shape": effect.shape, **(effect.model_extra or {})}
    shape = build("shapes", table, key_path, scenario.path, also=("effect", "month"))
    if shape.at(np.array([effect.month]))[0] == 0:
        raise BadScenario(
            f"{scenario.path}: {key_path}.month is {effect.month:g}, when shape {effect.shape!r}"
            " still has no effect; choose a later month."
        )
    return EffectCurve(effect.effect, effect.month, shape)
