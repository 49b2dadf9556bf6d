"""What a verification found."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

_PROGRAMS = ("phase2sim", "numpy", "scipy", "numba", "pyarrow", "pymc", "arviz")


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was expected, from where, what was found."""

    kind: str  # installation | closed form | published value | reproducibility | calibration
    name: str
    expected: str
    source: str
    found: str
    passed: bool


def versions() -> dict[str, str]:
    """Versions of what computes."""
    return {name: version(name) for name in _PROGRAMS} | {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


@dataclass(frozen=True, slots=True)
class Verified:
    """All checks of one verification, with the programs that they are true of."""

    of: str
    checks: tuple[Check, ...]
    versions: Mapping[str, str] = field(default_factory=versions)
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def passed(self) -> bool:
        """Whether every check passed, and there was one."""
        return bool(self.checks) and all(check.passed for check in self.checks)
