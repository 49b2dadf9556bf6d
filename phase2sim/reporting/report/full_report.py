"""The report of a scenario: its sections in order, checked, and written to a file."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from phase2sim.core.errors import BadInput
from phase2sim.core.io.atomic_files import write_bytes, write_text
from phase2sim.reporting.report.document import Document, Section
from phase2sim.reporting.report.html_page import html_page
from phase2sim.reporting.report.lint import check_document
from phase2sim.reporting.report.sections.checks import (
    configuration_section,
    example_trials_section,
    reproduction_section,
    verification_section,
)
from phase2sim.reporting.report.sections.design import design_section, grid_section
from phase2sim.reporting.report.sections.inputs import inputs_section, replica_section
from phase2sim.reporting.report.sections.judgements import judgements_section
from phase2sim.reporting.report.sections.question import question_section
from phase2sim.reporting.report.sections.results import results_section, sensitivity_section
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.dossier.embedded_record import record

SECTIONS: tuple[Callable[[Dossier], Section], ...] = (
    question_section,
    inputs_section,
    replica_section,
    design_section,
    grid_section,
    results_section,
    sensitivity_section,
    judgements_section,
    example_trials_section,
    verification_section,
    reproduction_section,
    configuration_section,
)


def full_report(dossier: Dossier) -> Document:
    """Return the report of a dossier; raises ``Unfit`` if the report has a fault."""
    document = Document(
        title=dossier.scenario.title,
        about=(
            "Simulation report of phase2sim. In every number, what follows ± is its Monte Carlo"
            " standard error: how far it would move with other random numbers. Where the truth is"
            " drawn from a prior it holds the errors from the trials and from the prior's draws."
        ),
        sections=tuple(section(dossier) for section in SECTIONS),
        record=record(dossier),
    )
    check_document(document)
    return document


def check_output_file(out: Path) -> None:
    """Raise ``BadInput`` for another suffix, or for Word if python-docx is not installed."""
    if out.suffix not in {".html", ".docx"}:
        raise BadInput(
            f"--out is {out}; a report is one .html or .docx file. Use {out.with_suffix('.html')}."
        )
    if out.suffix == ".docx" and find_spec("docx") is None:
        raise BadInput(
            f"{out}: writing Word needs python-docx. Install it: pip install 'phase2sim[docx]'."
        )


def write_report(dossier: Dossier, out: Path) -> None:
    """Write the report as ``.html`` or ``.docx``; raises ``BadInput`` for another suffix."""
    check_output_file(out)
    document = full_report(dossier)
    if out.suffix == ".html":
        write_text(out, html_page(document))
        return
    from phase2sim.reporting.report.word_file import word_file  # noqa: PLC0415 - an extra

    write_bytes(out, word_file(document))
