"""Sections 8 to 11: example trials, verification, reproduction, configuration."""

import tomllib
from collections.abc import Iterator

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.endpoints import MEASURES
from phase2sim.reporting.figures.trial_figures import spaghetti
from phase2sim.reporting.report.document import (
    Block,
    FigureBlock,
    Grid,
    Heading,
    Listing,
    Prose,
    Section,
    Words,
)
from phase2sim.reporting.report.labels import verdict_label
from phase2sim.reporting.report.numbers import stated_number
from phase2sim.reporting.report.sections.false_go import false_goes
from phase2sim.reporting.words import truth
from phase2sim.scenario.as_toml import toml_text
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.dossier.example_trials import Example

_FAR = 4.0  # standard errors
_ELSEWHERE = (
    "The program as installed is checked by `phase2sim verify`; this report by `phase2sim verify`"
    " with its file: cells chosen at random are simulated again and hashes compared."
)


def example_trials(dossier: Dossier) -> Section:
    """Trials chosen by rule, replayed, with their patients."""
    blocks: list[Block] = [
        Prose(("Trials are chosen by a rule, not by eye. Each can be simulated again alone.",))
    ]
    for number, example in enumerate(dossier.examples, start=1):
        blocks += _example(dossier, number, example)
    return Section("Example trials", tuple(blocks))


def _example(dossier: Dossier, number: int, example: Example) -> Iterator[Block]:
    yield Heading(f"{example.name}: trial {example.trial}")
    ends = "; ".join(
        f"{verdict_label(dossier, name)}: {verdict}"
        for name, verdict in example.examined.verdicts.items()
    )
    yield Prose((f"Rule: {example.rule}. Truth: {truth(example.truth)}. Decision: {ends}.",))
    rows: list[tuple[Words, ...]] = []
    for one in example.examined.findings:
        name = verdict_label(dossier, one.analysis)
        true = "-" if one.true_effect is None else f"{one.true_effect:.3f}"
        if one.failed:
            rows.append(((name,), (f"failed: {one.failed}",), ("-",), ("-",)))
            continue
        interval = f"{one.effect:.3f} ({one.lower:.3f} to {one.upper:.3f}) {one.scale}"
        rows.append(((name,), (interval,), (f"{one.p_one_sided:.4f}",), (true,)))
    columns = ("Analysis", "Effect (95-percent CI)", "p, one-sided", "True effect")
    yield Grid(columns, tuple(rows), f"What trial {example.trial} found", 3)
    harm = example.examined.harm
    if harm is not None:
        yield Prose(
            (
                "It was stopped for harm after ",
                stated_number(harm.treated, "derived"),
                " treated patients, in month ",
                stated_number(f"{harm.months:.1f}", "derived"),
                "; what stands above is what it would have found had it gone on.",
            )
        )
    for endpoint in example.courses:
        figure = spaghetti(example, endpoint, number)
        label = MEASURES[endpoint].label
        yield FigureBlock(figure, f"{example.name}: {label} of every patient")
    file = dossier.scenario.path
    token = f"phase2sim replay {file} --trial {example.trial} --truth {example.truth}"
    yield Listing(token, "Replay")


def verification(dossier: Dossier) -> Section:
    """Closed forms, invariants and the fit's diagnostics, as far as they apply here."""
    grid = Grid(("Check", "Found", "Passed"), tuple(_checks(dossier)), "Checks of these results")
    return Section("Verification", (grid, Prose((_ELSEWHERE,))))


def _checks(dossier: Dossier) -> Iterator[tuple[Words, ...]]:
    gaps = [abs(row["gap_in_se"]) for row in dossier.rows if row["gap_in_se"] is not None]
    if gaps:
        found = (
            f"{len(gaps)} shares against an exact form; largest gap {max(gaps):.1f} standard errors"
        )
        # Of very many comparisons the largest gap grows; chance alone passes 4 once in 16,000.
        yield ("closed forms",), (found,), (_yes(max(gaps) <= _FAR),)
    else:
        yield ("closed forms",), ("none is exact for this design",), ("not applicable",)
    wrong = [row for one in false_goes(dossier) for row in (one.go, one.alone)]
    null = [row for row in wrong if row["mcse"]]
    alpha = dossier.main.built.study.decision.one_sided_alpha
    if null:
        worst = max((row["estimate"] - alpha) / row["mcse"] for row in null)
        yield (
            (f"type I error at most {alpha:g}, in every null simulated",),
            (f"largest excess {worst:.1f} standard errors",),
            (_yes(worst <= _FAR),),
        )
    same = [one.same_as_stored for one in dossier.examples]
    if same:
        found = f"{sum(same)} of {len(same)} example trials gave the stored estimates again"
        yield ("replay",), (found,), (_yes(all(same)),)
    failed = sum(row["failed"] for row in dossier.of_main if row["name"] != "missing")
    yield ("failed analyses",), (f"{failed:,} in the planned trial's rows",), ("counted",)
    if dossier.prior is not None:
        diagnostics = dossier.prior.provenance.get("diagnostics") or {}
        pieces = [
            f"{key.replace('_', ' ')} {value:.4g}" for key, value in dict(diagnostics).items()  # type: ignore[call-overload]
            if isinstance(value, int | float)
        ]  # fmt: skip
        yield ("the fit's gate",), (", ".join(pieces) or "passed when it was kept",), ("yes",)


def _yes(passed: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if passed else "NO"


def reproduction(dossier: Dossier) -> Section:
    """Command, versions, seed and hashes: what it takes to get these numbers again."""
    run = dossier.manifest.runs[-1]
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    rows: list[tuple[Words, ...]] = [
        (("Seed",), (stated_number(dossier.scenario.seed),)),
        (("Results version",), (stated_number(RESULTS_VERSION),)),
        (("Scenario, sha256",), (dossier.scenario.digest,)),
        (("Programs",), (versions,)),
        (("Results in",), (str(dossier.folder),)),
        (("Planned cell",), (dossier.main.key,)),
        (("Its trials, sha256",), (dossier.fingerprints[dossier.main.key],)),
    ]  # fmt: skip
    if dossier.evidence is not None:
        rows.append((("Evidence, sha256",), (dossier.evidence.digest,)))
        rows.append((("Fitted prior, sha256",), (dossier.main.prior,)))
    grid = Grid(("", ""), tuple(rows), "What these numbers depend on")
    blocks = (Listing(dossier.command, "The command that makes this report again"), grid)
    return Section("Reproduction", blocks)


def configuration(dossier: Dossier) -> Section:
    """The scenario whole, as it was run, and as its file has it with its comments."""
    path = dossier.scenario.path
    blocks: list[Block] = [Listing(toml_text(dossier.scenario), "As it was run")]
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        if _is_toml(text):
            blocks.append(Listing(text, f"{path}, as it stands"))
    return Section("Full configuration", tuple(blocks))


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
