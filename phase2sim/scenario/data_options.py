"""Units and codes of missing values of a data file, as the command line states them."""

from collections.abc import Sequence

from phase2sim.core.errors import BadScenario
from phase2sim.scenario.scenario_file import Scenario, scenario_from


def with_data(scenario: Scenario, units: Sequence[str], missing: Sequence[str]) -> Scenario:
    """Set keys of ``[data]``: units written as ``endpoint=unit``, and further missing codes.

    Raises ``BadScenario`` for a unit that is not one of the endpoint's.
    """
    if not (units or missing):
        return scenario
    by_endpoint = dict(scenario.data.unit)
    for setting in units:
        endpoint, equals, unit = setting.partition("=")
        if not equals:
            raise BadScenario(f"--unit {setting}: write it as endpoint=unit.")
        by_endpoint[endpoint.strip()] = unit.strip()
    data = {"unit": by_endpoint, "missing": [*scenario.data.missing, *missing]}
    return scenario_from({**scenario.model_dump(mode="json"), "data": data}, scenario.path)
