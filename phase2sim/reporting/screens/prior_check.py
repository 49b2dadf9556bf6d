"""What a check of a fitted prior found: as tables, and as plain values for JSON."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from phase2sim.core.endpoints import ENDPOINTS, EVENTS
from phase2sim.evidence.reported import Reported
from phase2sim.prior.check import Learned, PriorCheck, Replica
from phase2sim.reporting.plain_tables import number, plain_table
from phase2sim.reporting.screens.fit import diagnostics_line, elicited_lines
from phase2sim.theory.mixtures.analysis_prior import AnalysisPrior, mixture_json

_LITTLE_LEARNED = 0.9  # ratio of SDs above which the evidence has hardly spoken


def check_json(check: PriorCheck) -> dict[str, Any]:
    """Plain values: what `phase2sim prior check --json` prints."""
    made = check.prior.provenance
    return {
        "evidence": list(check.evidence.names),
        "digest": check.evidence.digest,
        "replica": [_replica_json(one) for one in check.replicas],
        "flagged": check.flags,
        "flagged_by_chance": check.flags_by_chance,
        "prior_to_posterior": [_learned_json(one) for one in check.learned],
        "diagnostics": made.get("diagnostics"),
        "effective_sample_sizes": [_patients_json(one) for one in check.analysis_priors],
        "elicited": elicited_lines(check.prior),
    }


def check_screen(check: PriorCheck) -> RenderableType:
    """Return the replica of the reported table, what was learned, and the diagnostics."""
    return Group(
        Text(f"Check of the prior given {', '.join(check.evidence.names)}", style="bold"),
        Text(),
        Text("The reported numbers, and what the fitted model reports of new patients", "bold"),
        _replica_table(check),
        Text(),
        *_reading(check),
        Text(),
        Text("What the evidence taught: SD after over SD before", "bold"),
        _learned_table(check),
        Text(),
        Text("What the priors of an analysis are worth", "bold"),
        _patients_table(check.analysis_priors),
        Text(),
        *_notes(check),
    )


def what_was_reported(entry: Reported, what: str) -> str:
    """Name a reported number: ``HbA1c, median``, ``HbA1c, count below 7.5 %``."""
    label = outcome_label(entry.endpoint)
    if entry.endpoint in EVENTS:
        patients = entry.statistic == "count"
        return f"{label}, {'patients with one' if patients else what}"
    if entry.statistic == "count" and entry.threshold is not None:
        side = entry.beyond if entry.threshold else "at"  # nobody is below a dose of 0
        return f"{label}, {what} {side} {entry.threshold:g} {unit_of(entry)}".rstrip()
    if entry.beyond == "below_baseline":
        return f"{label}, {what} below baseline"
    return f"{label}, {what}"


def outcome_label(endpoint: str) -> str:
    """Name of an endpoint or of a counted outcome, as a reader says it."""
    if endpoint in ENDPOINTS:
        return ENDPOINTS[endpoint].label
    return EVENTS.get(endpoint, endpoint.replace("_", " "))


def unit_of(entry: Reported) -> str:
    """Unit in which the entry's numbers are shown."""
    if entry.endpoint not in ENDPOINTS:
        return ""
    endpoint = ENDPOINTS[entry.endpoint]
    return endpoint.model_unit if entry.on_model_scale else endpoint.unit


def months_text(entry: Reported) -> str:
    """``6``, ``0 to 12``, with ``d`` for months since diagnosis."""
    clock = " d" if entry.clock == "diagnosis" else ""
    return " to ".join(f"{month:g}" for month in entry.months) + clock


def entry_json(entry: Reported) -> dict[str, Any]:
    """Which number of which file it is."""
    return {
        "file": entry.file,
        "number": entry.number,
        "study": entry.study,
        "arm": entry.arm,
        "endpoint": entry.endpoint,
        "months": list(entry.months),
    }


def _replica_json(one: Replica) -> dict[str, Any]:
    entry = one.entry
    return {
        **entry_json(entry),
        "clock": entry.clock,
        "what": one.what,
        "reported": one.reported,
        "predicted": one.median,
        "lower": one.lower,
        "upper": one.upper,
        "tail_probability": one.tail,
        "mcse": one.mcse,
        "flagged": one.flagged,
        "elicited": entry.elicited is not None,
    }


def _learned_json(one: Learned) -> dict[str, Any]:
    return {
        "what": one.what,
        "endpoint": one.endpoint,
        "months_since_diagnosis": one.months_since_diagnosis,
        "before_mean": one.before_mean,
        "before_sd": one.before_sd,
        "after_mean": one.after_mean,
        "after_sd": one.after_sd,
        "sd_ratio": one.sd_ratio,
    }


def _patients_json(prior: AnalysisPrior) -> dict[str, Any]:
    values = mixture_json(prior)
    keys = ("of", "endpoint", "month", "months_since_diagnosis", "reference_sd")
    sizes = ("ess_moment_patients", "ess_elir_patients")
    return {key: values[key] for key in (*keys, *sizes)}


def _replica_table(check: PriorCheck) -> Table:
    table = plain_table(
        ("#", "what", "month"), ("reported", "predicted", "95 % interval", "tail probability")
    )
    for (file, study, arm), rows in groupby(
        check.replicas, key=lambda one: (one.entry.file, one.entry.study, one.entry.arm)
    ):
        heading = Text(f"{study}, {arm}", style="italic").append(f"  {file}", style="dim")
        table.add_row("", heading)
        for one in rows:
            table.add_row(*_replica_cells(one), style="bold red" if one.flagged else "")
    return table


def _replica_cells(one: Replica) -> tuple[str, ...]:
    elicited = " ◆" if one.entry.elicited is not None else ""
    return (
        f"{one.entry.number}",
        escape(f"{what_was_reported(one.entry, one.what)}{elicited}"),
        months_text(one.entry),
        number(one.reported),
        number(one.median),
        f"{number(one.lower)} to {number(one.upper)}",
        f"{one.tail:.3f}{' !' if one.flagged else '  '}",
    )


def _reading(check: PriorCheck) -> Iterator[Text]:
    total, chance = len(check.replicas), check.flags_by_chance
    yield Text(
        f"{check.flags} of {total} numbers are flagged (!): the model would report a number as far"
        f" out in fewer than 5 of 100 studies. If the model were true, chance alone would flag"
        f" {chance:.1f} at most."
    )
    largest = max((one.mcse for one in check.replicas), default=0.0)
    yield Text(f"Monte Carlo error of a tail probability: {largest:.3f} at most.", style="dim")
    if any(one.entry.elicited is not None for one in check.replicas):
        yield Text("◆ elicited: our judgement, not published.", style="yellow")


def _learned_table(check: PriorCheck) -> Table:
    table = plain_table(("", "months since diagnosis"), ("before", "after", "ratio of SDs"))
    for one in check.learned:
        knot = one.months_since_diagnosis
        table.add_row(
            f"{ENDPOINTS[one.endpoint].label}: {one.what}",
            "" if knot is None else f"{knot:g}",
            f"{number(one.before_mean)} ({number(one.before_sd)})",
            f"{number(one.after_mean)} ({number(one.after_sd)})",
            f"{one.sd_ratio:.2f}",
            style="dim" if one.sd_ratio > _LITTLE_LEARNED else "",
        )
    return table


def _patients_table(priors: tuple[AnalysisPrior, ...]) -> Table:
    table = plain_table(("prior of", "month"), ("patients (moment)", "patients (ELIR)"))
    for prior in priors:
        values = mixture_json(prior)
        arms = ", two equal arms" if prior.of == "effect" else ", control arm"
        table.add_row(
            f"{ENDPOINTS[prior.endpoint].label}: {prior.of}{arms}",
            f"{prior.month:g}",
            f"{values['ess_moment_patients']:.1f}",
            f"{values['ess_elir_patients']:.1f}",
        )
    return table


def _notes(check: PriorCheck) -> Iterator[Text]:
    yield Text("In brackets: SD. Dim: the evidence says next to nothing of it.", style="dim")
    if line := diagnostics_line(check.prior):
        yield Text(line)
