"""What is said of a scenario before it runs: converted units, and values that may be meant."""

from collections.abc import Iterator

from phase2sim.core.contracts import MODEL_SCALE
from phase2sim.core.endpoints import ENDPOINTS, EVENTS
from phase2sim.core.units import unit_of
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.given_units import list_of
from phase2sim.scenario.key_checks import direction_of_benefit
from phase2sim.scenario.tables import Percent


def notes_on(assembled: AssembledScenario) -> tuple[str, ...]:
    """One sentence for each number in another unit, and for each that looks like a mistake."""
    built = assembled.built
    return (
        *built.scenario.converted,
        *_converted_effects(assembled),
        *harmful_targets(built),
        *_harmful_events(built),
        *_small_spreads(built),
    )


def _converted_effects(assembled: AssembledScenario) -> Iterator[str]:
    """Effects in a unit that is not linear in the model scale: what they are there."""
    built, drawn = assembled.built, assembled.study.drawn
    for name, target in built.scenario.truth.target.items():
        endpoint = ENDPOINTS[name]
        if target.unit in {None, endpoint.model_unit}:
            continue
        unit = unit_of(endpoint, target.unit)
        mean = assembled.control.mean_at(drawn, drawn.endpoints.index(name), target.month)
        untreated = endpoint.from_model(mean)
        treated = untreated + unit.difference(float(target.effect))  # type: ignore[arg-type]  # a percentage has no unit
        yield (
            f"truth.target.{name}.effect: {target.in_words()} is"
            f" {endpoint.to_model(treated) - mean:+.4g} {endpoint.model_unit}: from"
            f" {untreated:.3g} to {treated:.3g} {endpoint.unit} in a typical patient."
        )


def harmful_targets(built: BuiltScenario) -> Iterator[str]:
    """Target effects in the direction of harm, beyond what the analyses allow for."""
    for name, target in built.scenario.truth.target.items():
        endpoint = ENDPOINTS[name]
        match target.effect:
            case Percent(percent=size):
                pass
            case size:
                pass
        benefit = endpoint.benefit_sign * size
        if benefit < 0 and not _is_allowed_for(built, name, size):
            yield (
                f"truth.target.{name}: {direction_of_benefit(endpoint, size)} Check the sign,"
                " unless harm is what the trial is to find."
            )
    for arm, share in built.scenario.truth.share_of_effect.items():
        if share < 0:
            yield (
                f"truth.share_of_effect.{arm} is {share:g}: what is benefit in the other arms is"
                " harm in this one. Check the sign."
            )


def _is_allowed_for(built: BuiltScenario, name: str, size: float) -> bool:
    """Whether an analysis is to show that the effect is better than so much harm."""
    return any(
        analysis.scale == MODEL_SCALE
        and analysis.endpoint == name
        and ENDPOINTS[name].benefit_sign * (size - analysis.null_effect) > 0
        for analysis in built.study.analyses
    )


def _harmful_events(built: BuiltScenario) -> Iterator[str]:
    analysed = {a.endpoint for a in built.study.analyses if a.null_effect <= 0}
    for name, events in built.scenario.events.items():
        if name in analysed and events.rate_ratio > 1:
            yield (
                f"events.{name}.rate_ratio: fewer {EVENTS[name]} are better; rate_ratio ="
                f" {events.rate_ratio:g} is harm. Check it, unless harm is what the trial is to"
                " find."
            )


def _small_spreads(built: BuiltScenario) -> Iterator[str]:
    for name, outcome in built.scenario.outcome.items():
        endpoint, key = ENDPOINTS[name], f"outcome.{name}.sd"
        least = endpoint.usual_sd[0]
        small = [sd for sd in list_of(outcome.sd or least) if sd < least]
        if small:
            yield (
                f"{key} is {small[0]:.3g}: patients hardly ever vary by less than {least:g}"
                f" {endpoint.model_unit}. Check its unit."
            )
