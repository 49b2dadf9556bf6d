"""How well a trial goes: one table of what is shifted together, for `--assume`."""

from dataclasses import dataclass

from phase2sim.scenario.scenario_file import Scenario


@dataclass(frozen=True, slots=True)
class Assumption:
    """What a scenario's own inputs are multiplied by; docs/methods/assume.md has the sources."""

    dropout: float  # hazard of being lost
    sd: float  # between patients
    heterogeneity: float  # between studies: how far a new control arm is from the average one
    adherence: float  # share of the effect that is left where not everybody takes it all


ASSUMPTIONS: dict[str, Assumption] = {
    "optimistic": Assumption(dropout=0.5, sd=0.85, heterogeneity=0.5, adherence=1.0),
    "planned": Assumption(dropout=1.0, sd=1.0, heterogeneity=1.0, adherence=1.0),
    "pessimistic": Assumption(dropout=2.0, sd=1.15, heterogeneity=1.5, adherence=0.85),
}


def lost_more(scenario: Scenario) -> Scenario:
    """The scenario with its rates of dropout as assumed; the same under the planned ones."""
    times = ASSUMPTIONS[scenario.assume].dropout
    if times == 1.0:
        return scenario
    dropout = dict(scenario.missing.dropout)
    if isinstance(dropout.get("share"), int | float):
        dropout["share"] = 1.0 - (1.0 - dropout["share"]) ** times
    if isinstance(dropout.get("lost"), list | tuple):
        dropout["lost"] = [1.0 - (1.0 - share) ** times for share in dropout["lost"]]
    missing = scenario.missing.model_dump(mode="json") | {"dropout": dropout}
    return scenario.changed({"missing": missing})
