"""Results of a verification."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

_PROGRAMS = ("phase2sim", "numpy", "scipy", "numba", "pyarrow", "pymc", "arviz")


@dataclass(frozen=True, slots=True)
class Check:
    """One check: expected value, its source, and the value found."""

    kind: str  # installation | closed form | published value | reproducibility | calibration
    name: str
    expected: str
    source: str
    observed: str
    passed: bool

    def row(self) -> dict[str, str | bool]:
        """Plain values: what `phase2sim verify --json` prints of a check."""
        return {
            "kind": self.kind,
            "name": self.name,
            "expected": self.expected,
            "source": self.source,
            "found": self.observed,
            "passed": self.passed,
        }


def versions() -> dict[str, str]:
    """Versions of the programs that compute."""
    return {name: version(name) for name in _PROGRAMS} | {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of one verification, with the versions of the programs."""

    subject: str
    checks: tuple[Check, ...]
    versions: Mapping[str, str] = field(default_factory=versions)
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def passed(self) -> bool:
        """Whether every check passed, and there was one."""
        return bool(self.checks) and all(check.passed for check in self.checks)
