"""Values that each are allowed, and together make a trial that nobody can run."""

from phase2sim.core.contracts import AGE
from phase2sim.core.endpoints import ENDPOINTS, Endpoint
from phase2sim.core.errors import BadScenario
from phase2sim.core.units import unit_of
from phase2sim.scenario.assembly.parts import BuiltScenario

_LONGEST_YEARS = 50.0
_FEWEST_STAYING = 1.0  # patients of an arm at the analysed visit, on average


def refuse_meaningless(built: BuiltScenario) -> None:
    """Raise ``BadScenario`` for a trial of centuries, one that everybody leaves, or odd shifts."""
    _check_duration(built)
    _check_staying(built)
    _check_shifts(built)


def _check_duration(built: BuiltScenario) -> None:
    plan, recruitment = built.study.plan, built.scenario.recruitment
    enrolment = built.study.population.recruitment.expected_months(plan.patients)
    years = (enrolment + plan.visits_months[-1]) / 12.0
    if years <= _LONGEST_YEARS:
        return
    visits = f"design.visits_months is {list(plan.visits_months)}"
    slow = f"recruitment.per_month is {recruitment.get('per_month')}"
    raise BadScenario(
        f"{built.path}: {slow if enrolment > plan.visits_months[-1] else visits}; the trial would"
        f" take about {years:.0f} years, at most {_LONGEST_YEARS:g} make sense. Correct it; times"
        " are in months."
    )


def _check_staying(built: BuiltScenario) -> None:
    """Refuse dropout after which an analysis has nobody to compare."""
    design, visits = built.design, built.study.plan.visits_months
    total = sum(design.allocation)
    for number, analysis in enumerate(built.study.analyses):
        arm = built.study.aim(number).arm
        shares = built.dropout.share_staying(analysis.month, visits)
        for in_arm, share in ((0, shares[0]), (arm, shares[1])):
            patients = design.patients * design.allocation[in_arm] / total
            if patients >= _FEWEST_STAYING > share * patients:
                raise BadScenario(
                    f"{built.path}: missing.dropout leaves {share * patients:.2g} of the"
                    f" {patients:.0f} patients of {design.arms[in_arm]!r} at month"
                    f" {analysis.month:g}, when analysis[{number + 1}] compares them. Lower it."
                )


def _check_shifts(built: BuiltScenario) -> None:
    """Refuse differences between patients that no endpoint has."""
    scenario, plan = built.scenario, built.study.plan
    low, high = plan.age_years
    spans = {
        "population.site_sd": (scenario.population.site_sd, 1.0, "SD between sites"),
        "missing.delta": (scenario.missing.delta, 1.0, "shift"),
        "population.per_year_of_age": (
            plan.per_year_of_age, high - low, f"difference between ages {low:g} and {high:g}",
        ),
    }  # fmt: skip
    for name, target in scenario.truth.target.items():
        slopes = {name: target.modified_by.get(AGE, 0.0)}
        spans[f"truth.target.{name}.modified_by.{AGE}"] = (
            slopes, high - low, f"difference between ages {low:g} and {high:g}",
        )  # fmt: skip
    for key, (sizes, times, what) in spans.items():
        for name, size in sizes.items():
            endpoint = ENDPOINTS[name]
            if abs(size * times) > endpoint.largest_effect:
                where = key if key.endswith(AGE) and "target" in key else f"{key}.{name}"
                raise BadScenario(
                    f"{built.path}: {where} is {size:g}, a {what} of {abs(size * times):.3g} on the"
                    f" {endpoint.model_unit} scale; beyond {endpoint.largest_effect:g} none is"
                    f" plausible.{_in_another_unit(endpoint, size, times)} Correct it."
                )


def _in_another_unit(endpoint: Endpoint, size: float, times: float) -> str:
    """Say how a difference is written in a unit in which it would be plausible; else ''."""
    if not endpoint.scale.is_linear:
        return ""
    units = (unit_of(endpoint, name) for name in endpoint.units if name != endpoint.unit)
    return "".join(
        f" For {size:g} {unit.name} write {{ value = {size:g}, unit = {unit.name!r} }}."
        for unit in units
        if abs(unit.difference(size * times)) <= endpoint.largest_effect
    )
