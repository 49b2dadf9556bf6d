"""Result of a verification: table, and values for JSON."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.reporting.plain_tables import plain_table
from phase2sim.studies.verification.findings import Verification


def verification_json(findings: Verification) -> dict[str, Any]:
    """Return the values of `phase2sim verify --json`."""
    return {
        "of": findings.subject,
        "passed": findings.passed,
        "when": findings.when,
        "versions": dict(findings.versions),
        "checks": [check.row() for check in findings.checks],
    }


def verification_screen(findings: Verification) -> RenderableType:
    """Return one line per check, the versions, and the outcome."""
    table = plain_table(("kind", "check", "expected", "found", ""), ())
    for check in findings.checks:
        cells = (check.kind, check.name, f"{check.expected} ({check.source})", check.observed)
        passed = "pass" if check.passed else "FAIL"
        table.add_row(*cells, passed, style="" if check.passed else "bold red")
    failed = sum(not check.passed for check in findings.checks)
    end = f"{len(findings.checks)} checks, {failed} failed" if failed else (
        f"All {len(findings.checks)} checks passed"
    )  # fmt: skip
    programs = ", ".join(f"{name} {number}" for name, number in findings.versions.items())
    return Group(
        Text(f"Verification of {findings.subject}, {findings.when}", style="bold"),
        Text(),
        table,
        Text(),
        Text(programs, style="dim"),
        Text(f"{end}.", style="bold"),
    )
