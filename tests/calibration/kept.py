"""What each calibration found, kept by the models and the case it was run with, for its page."""

import hashlib
import pickle
import time
from pathlib import Path

from calibration.cases_of_trials import CASES
from calibration.reduced import Compared, cross_check
from calibration.simulated import AGAIN, REPLICATIONS, SEED, SHORT, Calibration, Case, judge

from phase2sim.core.io.atomic_files import write_bytes
from phase2sim.prior.storage import cache_folder

ROOT = Path(__file__).parents[2]
CROSS_CHECK = "without any likelihood"


def digest() -> str:
    """SHA-256 of what is calibrated."""
    found = hashlib.sha256()
    prior = ROOT / "phase2sim" / "prior"
    files = [prior / "at_diagnosis.py", prior / "patient_time.py"]
    for folder in ("models", "replicates"):
        files += sorted((prior / folder).rglob("*.py"))
    for path in files:
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


KEPT = cache_folder() / "calibration" / digest()[:16]


def calibrated(name: str) -> Calibration:
    """Calibrate a case now, and keep what is found."""
    started = time.monotonic()
    found = judge(CASES[name])
    _keep(name, started, found)
    return found


def cross_checked() -> list[Compared]:
    """Fit with and without a likelihood now, and keep what is found."""
    started = time.monotonic()
    found = cross_check()
    _keep(CROSS_CHECK, started, found)
    return found


def is_kept(name: str) -> bool:
    """Whether these models have been asked."""
    return _file(name).exists()


def kept(name: str) -> tuple[float, Calibration]:
    """Seconds that a case took, and what was found."""
    seconds, found = _read(name)
    assert isinstance(found, Calibration)
    return seconds, found


def kept_cross_check() -> tuple[float, list[Compared]]:
    """Seconds, and what was found without any likelihood."""
    seconds, found = _read(CROSS_CHECK)
    assert isinstance(found, list)
    return seconds, found


def _keep(name: str, started: float, found: object) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    write_bytes(_file(name), pickle.dumps((time.monotonic() - started, found)))


def _read(name: str) -> tuple[float, object]:
    seconds, found = pickle.loads(_file(name).read_bytes())  # noqa: S301  our own
    return seconds, found


def _file(name: str) -> Path:
    asked = asked_of(CASES[name]) if name in CASES else name
    return KEPT / f"{hashlib.sha256(asked.encode()).hexdigest()[:16]}.pickle"


def asked_of(case: Case) -> str:
    """Everything that a calibration of a case depends on beside the models, in words."""
    settings = REPLICATIONS, AGAIN, SEED, SHORT
    priors = sorted(case.priors.items()), case.event_priors
    return repr((case.name, case.evidence, priors, sorted(case.quantities), settings))
