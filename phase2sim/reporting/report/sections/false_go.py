"""Type I error of the trial under every simulated null, with the worst case of its rule."""

from collections.abc import Iterator
from dataclasses import dataclass

from phase2sim.core.endpoints import drawn_for
from phase2sim.core.io.data_frames import Row
from phase2sim.reporting.report.document import Block, Grid, Heading, Prose
from phase2sim.reporting.report.numbers import row_number
from phase2sim.reporting.words import truth, verdict_label
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.dossier.report_cells import partial_nulls

_TOGETHER = {"co_primary", "all_analyses"}  # verdicts that need every analysis
_WHY_ALL = (
    "The rule goes only where every analysis succeeds, so it is wrong as soon as one of the"
    " effects is absent. Where nothing works, all of them must err at once, which is rare: that is"
    " not the worst case. The worst is one effect absent and the others so large that their"
    " analyses always succeed: the trial then goes as often as the analysis of the absent effect"
    " alone errs, the last column."
)
_WHY_EACH = (
    "An analysis errs where its own effect is absent. Where the others work, a rule for several"
    " analyses may leave it more of alpha than where nothing works, so both are simulated."
)
_NOT_SIMULATED = (
    "Only the case that nothing works was simulated here. `phase2sim report` of the scenario"
    " simulates the others."
)
_ONE = "No other null exists: the trial tests one effect."


@dataclass(frozen=True, slots=True)
class FalseGo:
    """A truth with an absent effect: the type I errors of the trial and of that analysis alone."""

    what: str
    go: Row
    alone: Row


def false_goes(dossier: Dossier) -> Iterator[FalseGo]:
    """Yield every simulated truth of the planned trial with an absent effect, by analysis."""
    main = dossier.main_verdict
    together = main in _TOGETHER
    nothing = {r["analysis"]: r for r in dossier.of_main if r["name"] == "type_i_error"}
    for name in dossier.main.built.study.names:
        if name in nothing:
            go = nothing[main if together else name]
            yield FalseGo(truth("null"), go, nothing[name])
    for label, endpoints in partial_nulls(dossier.assembled).items():
        rows = rows_of_null(dossier, label)
        for name in _analyses_without_effect(dossier, endpoints):
            if name in rows:
                yield FalseGo(label, rows[main if together else name], rows[name])


def rows_of_null(dossier: Dossier, label: str) -> dict[str, Row]:
    """Return the shares of go under a partial null by verdict; empty if not simulated."""
    wanted = label, "power", "target"
    return {
        row["analysis"]: row
        for row in dossier.rows
        if (row.get("assumption"), row["name"], row["truth"]) == wanted
    }


def _analyses_without_effect(dossier: Dossier, endpoints: tuple[str, ...]) -> Iterator[str]:
    """Yield the analyses without any effect if these endpoints have none."""
    targeted = set(dossier.scenario.truth.target)
    for name, analysis in zip(
        dossier.main.built.study.names, dossier.main.built.study.analyses, strict=True
    ):
        endpoints_of_analysis = targeted.intersection(drawn_for(analysis.endpoint))
        if endpoints_of_analysis and endpoints_of_analysis <= set(endpoints):
            yield name


def worst_null_blocks(dossier: Dossier) -> Iterator[Block]:
    """Yield the table of type I errors and the explanation of the worst case."""
    nulls = list(false_goes(dossier))
    if not nulls:
        return
    yield Heading("Type I error in the worst case")
    if len(dossier.main.built.study.names) == 1:
        yield Prose((_ONE,))
        return
    together = dossier.main_verdict in _TOGETHER
    yield Prose((_WHY_ALL if together else _WHY_EACH,))
    if all(null.what == truth("null") for null in nulls):
        yield Prose((_NOT_SIMULATED,))
    rows = tuple(
        (
            (null.what,),
            (verdict_label(dossier.background, null.alone["analysis"]),),
            *(((row_number(null.go),),) if together else ()),
            (row_number(null.alone),),
        )
        for null in nulls
    )
    wrong = (
        (f"Goes: {verdict_label(dossier.background, dossier.main_verdict)}",) if together else ()
    )
    columns = ("What is true", "Absent effect", *wrong, "Errs alone" if together else "Errs")
    caption = "Share of trials that go although an effect is absent"
    yield Grid(columns, rows, caption, len(columns) - 2)
