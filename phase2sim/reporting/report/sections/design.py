"""Sections 4 and 5: the design, and the simulated truths with their reasons."""

from collections.abc import Iterator

from phase2sim.core.endpoints import MEASURES
from phase2sim.core.io.data_frames import in_order
from phase2sim.reporting.report.document import Block, Grid, Prose, Section, Words
from phase2sim.reporting.report.numbers import stated_number
from phase2sim.reporting.words import truth, verdict_label
from phase2sim.scenario.tables import Population
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.dossier.report_cells import PLANNED
from phase2sim.trial.interim.schedule import PlannedLook
from phase2sim.trial.safety.monitoring import SafetyRule

_NO_EVENT = (
    "No intercurrent event is simulated: the effect is that of being allocated to treatment, in all"
    " who are randomised, had nobody been lost (treatment policy)."
)


def design_section(dossier: Dossier) -> Section:
    """Return the synopsis of the trial and its estimands."""
    rows = tuple((((name),), words) for name, words in _synopsis(dossier))
    grid = Grid(("", "Planned"), rows, "The trial, as a synopsis reads")
    return Section("Design, estimand, analysis, decision rule", (grid, *_estimands(dossier)))


def _synopsis(dossier: Dossier) -> Iterator[tuple[str, Words]]:
    built = dossier.main.built
    plan, population = built.study.plan, dossier.scenario.population
    yield "Arms", (f"{', '.join(plan.arms)}; {':'.join(map(str, built.design.allocation))}",)
    yield "Patients", (stated_number(built.design.patients), " in all arms")
    yield "Diagnosed", (f"{plan.months_since_diagnosis.words} months before randomisation",)
    yield from _population(population)
    yield "Visits", (f"months {', '.join(f'{month:g}' for month in plan.visits_months)}",)
    yield "Randomisation", (built.study.randomisation.title,)
    yield "Design", (built.design.title,)
    for number, look in enumerate(built.study.looks, start=1):
        yield f"Look {number}", (_describe_look(look, built.design.patients),)
    if built.study.interim is not None:
        yield "Stopping", (built.study.interim.rule.title,)
    if built.study.safety is not None:
        yield "Stopped for harm", (_describe_safety(built.study.safety),)
    if built.study.reestimation is not None:
        yield "Size re-estimated", (built.study.reestimation.title,)
    yield "Lost", (f"{built.dropout.title}{_options(dossier.scenario.missing.dropout)}",)
    for name, analysis in zip(built.study.names, built.study.analyses, strict=True):
        covariates = ", ".join(analysis.covariates)
        adjusted = f", adjusted for {covariates}" if covariates else ""
        yield (
            f"Analysis: {verdict_label(dossier.background, name)}",
            (f"{analysis.title}, month {analysis.month:g}{adjusted}",),
        )
    alpha = f"one-sided alpha {built.study.decision.one_sided_alpha:g}"
    yield "Decision", (f"{built.study.decision.title}; {alpha}",)
    for endpoint, target in dossier.scenario.truth.target.items():
        measure = MEASURES[endpoint]
        size = target.in_words(measure.model_unit, "percent")
        yield f"Hoped for: {measure.label}", (f"{size} at month {target.month:g}, {target.shape}",)
    if dossier.scenario.truth.prior is not None:
        weight = dossier.scenario.truth.prior.robust_weight
        yield "Assurance", (f"the fitted effect has weight {weight:g}, a sceptical one the rest",)


def _population(population: Population) -> Iterator[tuple[str, Words]]:
    if population.age_years is not None:
        ages = f"{population.age_years[0]:g} to {population.age_years[1]:g} years"
        yield "Age", (ages,)
    for name, share in population.care.items():
        yield "Care", (f"{name.replace('_', ' ')} {share:g}",)
    if (therapy := population.background) is not None:
        given = f"{therapy.name} in {100 * therapy.share:g} % of every arm"
        yield (
            "Background therapy",
            (f"{given}, beside which {therapy.kept:g} of the effect remains",),
        )


def _describe_look(look: PlannedLook, patients: int) -> str:
    """Return the time at which a look is due."""
    if look.calendar_months is not None:
        return f"{look.calendar_months:g} months after the trial's opening"
    due = look.patients_of(patients)
    return f"once {due} of {patients} patients were due at month {look.month or 0.0:g}"


def _describe_safety(rule: SafetyRule) -> str:
    """Return the rule that stops a trial for harm."""
    looks = ", ".join(map(str, rule.looks))
    return (
        f"{rule.title}: {rule.event.replace('_', ' ')} by month {rule.by_month:g} beyond"
        f" {rule.limit:g} of the treated, after {looks} of them"
    )


def _options(table: object) -> str:
    """Return the keys of a table in words: ``share 0.1, by month 12, endpoint HbA1c``."""
    if not isinstance(table, dict):
        return ""
    labels = {name: measure.label for name, measure in MEASURES.items()}
    words = [
        f"{key.replace('_', ' ')} {labels.get(str(value), value)}"
        for key, value in table.items()
        if key != "mechanism"
    ]
    return f": {', '.join(words)}" if words else ""


def _estimands(dossier: Dossier) -> Iterator[Block]:
    for background in dossier.background:
        strategies = "; ".join(
            f"{event.replace('_', ' ')}: {strategy.replace('_', ' ')}"
            for event, strategy in background.strategies.items()
        )
        scale = background.scale.strip(",")  # a unit, or "on the model scale", "as a ratio"
        measured = scale if scale.startswith(("on ", "as ")) else f"in {scale}"
        quantity = f"{background.label} at {background.when}, treated minus control, {measured}. "
        yield Prose(
            (quantity, strategies or _NO_EVENT),
            f"Estimand: {verdict_label(dossier.background, background.analysis)}.",
        )


def grid_section(dossier: Dossier) -> Section:
    """Return the simulated cells and the reason for each axis."""
    axes = list(dossier.labels)
    rows = []
    for axis in axes:
        values = in_order([row[axis] for row in dossier.rows if row.get(axis) is not None])
        shown = "; ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)
        rows.append(((axis,), (shown,), (_WHY.get(axis, "as the sweep file has it"),)))
    truths = dict.fromkeys(row["truth"] for row in dossier.rows)
    rows.append((("truth",), ("; ".join(truth(name) for name in truths),), (_WHY["truth"],)))
    cells = len({row["cell"] for row in dossier.rows})
    words = (
        f"{cells} cells are simulated. The planned values are those of the scenario; around them"
        " one thing, or size with effect and dropout together, is moved."
    )
    columns = ("Axis", "Values", "Why these")
    grid = Grid(columns, tuple(rows), "The grid of scenarios")
    return Section("What is simulated, and why", (Prose((words,)), grid))


_WHY = {
    "patients": "half to twice the planned size: what a smaller or larger budget buys",
    "effect": "from half of the hoped-for effect to half more; no effect is a truth of its own",
    "dropout": "nobody lost, as planned, twice as many",
    "assumption": f"nuisance parameters moved one at a time; {PLANNED!r} is the scenario",
    "truth": "the false go is under no effect on anything and, one by one, under no effect on one"
    " endpoint while the others work; the priors average over what is believed",
}
