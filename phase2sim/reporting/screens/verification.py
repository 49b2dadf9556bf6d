"""What a verification found, as a table and as plain values for JSON."""

from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from phase2sim.reporting.plain_tables import plain_table
from phase2sim.studies.verification.findings import Verified


def verified_json(found: Verified) -> dict[str, Any]:
    """Plain values: what `phase2sim verify --json` prints."""
    return {
        "of": found.of,
        "passed": found.passed,
        "when": found.when,
        "versions": dict(found.versions),
        "checks": [asdict(check) for check in found.checks],
    }


def verified_screen(found: Verified) -> RenderableType:
    """Return one line a check, the versions, and the outcome."""
    table = plain_table(("kind", "check", "expected", "found", ""), ())
    for check in found.checks:
        cells = (check.kind, check.name, f"{check.expected} ({check.source})", check.found)
        passed = "pass" if check.passed else "FAIL"
        table.add_row(*map(escape, cells), passed, style="" if check.passed else "bold red")
    failed = sum(not check.passed for check in found.checks)
    end = f"{len(found.checks)} checks, {failed} failed" if failed else (
        f"All {len(found.checks)} checks passed"
    )  # fmt: skip
    programs = ", ".join(f"{name} {number}" for name, number in found.versions.items())
    return Group(
        Text(f"Verification of {found.of}, {found.when}", style="bold"),
        Text(),
        table,
        Text(),
        Text(programs, style="dim"),
        Text(f"{end}.", style="bold"),
    )
