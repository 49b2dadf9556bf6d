"""Evidence files to one checked value: what was reported, by whom, and what is assumed of it."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from difflib import get_close_matches
from math import isnan
from pathlib import Path

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.arms import ArmsByName, add_arms, find_arm, versus_arm
from phase2sim.evidence.conflicts import check_conflicts, check_individual_data
from phase2sim.evidence.effect_assumptions import check_assumptions, classes_of, effects_of
from phase2sim.evidence.entries import parse_entry
from phase2sim.evidence.individual_data import read_individuals
from phase2sim.evidence.reported import (
    ClassEffect,
    EffectAssumption,
    Evidence,
    IndividualData,
    Reported,
    StudyArm,
)
from phase2sim.evidence.statistics import STATISTICS, EvidenceEntry
from phase2sim.evidence.tables import EvidenceFile, read_file, refuse
from phase2sim.evidence.units import LEDGER_ONLY, MODELLED_ENDPOINTS

__all__ = ["LEDGER_ONLY", "MODELLED_ENDPOINTS", "STATISTICS", "find_evidence", "load_evidence"]

type EvidencePart = StudyArm | Reported | IndividualData | EffectAssumption | ClassEffect

KEYS_WITHOUT_BEARING = ("file", "number", "source", "place", "status", "note", "why", "as_reported", "unit")


def load_evidence(paths: Sequence[Path]) -> Evidence:
    """Read evidence files into one value, every number in its endpoint's own unit.

    Raises ``BadEvidence`` for a file that cannot be read, contradicts itself or another.
    """
    if not paths:
        raise BadEvidence("No evidence file was named. Name at least one, for example gxipc1.")
    files = [read_file(path) for path in paths]
    arms: ArmsByName = {}
    reported: list[Reported] = []
    individuals: list[IndividualData] = []
    for file in files:
        add_arms(arms, file)
        label = _label(file.path)
        entries = list(_entries(file, arms))
        read = [parse_entry(entry, label) for entry in entries]
        own = [
            read_individuals(file, number, arm, label)
            for number, arm in enumerate(_own_arms(file, arms), start=1)
        ]
        check_conflicts(entries, read)
        check_individual_data(entries, read, own)
        check_assumptions(file, _treated(read, own, arms))
        reported += read
        individuals += own
    evidence = Evidence(
        names=tuple(path.stem for path in paths),
        arms=tuple(arms.values()),
        reported=tuple(reported),
        effects=effects_of(files),
        digest="",
        classes=classes_of(files),
        individuals=tuple(individuals),
    )
    return replace(evidence, digest=digest_of(evidence))


def find_evidence(name_or_path: str, beside: Path | None) -> Path:
    """Find the evidence file of a name such as ``gxipc1``, or of a path that ends in .toml.

    ``beside`` is the scenario file that names it. Raises ``BadEvidence`` saying where it looked.
    """
    is_path = name_or_path.endswith(".toml")
    if is_path:
        folders = [Path()] if beside is None else [Path(), beside.parent]
        candidates = [folder / name_or_path for folder in folders]
    else:
        near = [] if beside is None else [beside.parent.parent / "priors", beside.parent]
        folders = [*near, Path("priors")]
        candidates = [folder / f"{name_or_path}.toml" for folder in folders]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    looked = ", ".join(dict.fromkeys(str(candidate) for candidate in candidates))
    message = f"evidence {name_or_path!r} was not found; looked for {looked}."
    if is_path:
        raise BadEvidence(f"{message} Correct the path, or name a file of a priors folder.")
    names = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    if not names:
        raise BadEvidence(f"{message} No .toml file is in any of these folders.")
    close = get_close_matches(name_or_path, names, n=1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    raise BadEvidence(f"{message}{guess} There are: {', '.join(names)}.")


def _label(path: Path) -> str:
    # Folder and name only, so that a ledger reads the same on every machine.
    return "/".join(path.absolute().parts[-2:])


def _entries(file: EvidenceFile, arms: ArmsByName) -> Iterable[EvidenceEntry]:
    for number, table in enumerate(file.reported, start=1):
        place = f"reported[{number}]"
        arm = find_arm(file, place, table, arms)
        yield EvidenceEntry(file, number, table, arm, versus_arm(file, place, table, arms))


def _own_arms(file: EvidenceFile, arms: ArmsByName) -> Iterable[StudyArm]:
    first: dict[tuple[str, str], int] = {}
    for number, table in enumerate(file.individuals, start=1):
        arm = find_arm(file, f"individual[{number}]", table, arms)
        before = first.setdefault((arm.study, arm.arm), number)
        if before != number:
            raise refuse(
                file.path,
                f"individual[{number}].file is {table.file!r}, but individual[{before}] is of the"
                " same arm. Put its patients in one CSV file.",
            )
        yield arm


def _treated(
    read: Iterable[Reported], own: Iterable[IndividualData], arms: ArmsByName
) -> dict[str, set[str]]:
    """Endpoints that a fit reads from treated arms, by design."""
    named = {(one.study, arm, one.endpoint) for one in read if not one.unused for arm in _arms(one)}
    named |= {(data.study, data.arm, name) for data in own for name, _ in data.columns}
    treated: dict[str, set[str]] = {}
    for study, name, endpoint in named:
        arm = arms[study, name]
        if arm.treated and endpoint in ENDPOINTS:
            treated.setdefault(arm.design, set()).add(endpoint)
    return treated


def _arms(one: Reported) -> tuple[str, ...]:
    return (one.arm, one.versus) if one.versus else (one.arm,)


def digest_of(evidence: Evidence) -> str:
    """Hash all that a fit reads: used numbers, who they are of, own data, and the assumptions."""
    used = [one for one in evidence.reported if not one.unused]
    read = {
        "arms": [_without(arm, ("source", "population", "dose", "note")) for arm in evidence.arms],
        "reported": [_without(one, KEYS_WITHOUT_BEARING) for one in used],
        "individuals": [
            _without(own, ("file", "number", "source")) | {"value": own.value.tolist()}
            for own in evidence.individuals
        ],
        "effects": {name: _without(one, ("why",)) for name, one in evidence.effects.items()},
        "classes": {name: _without(one, ("why",)) for name, one in evidence.classes.items()},
    }
    text = json.dumps(_plain(read), sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    """Nan is not JSON: None in its place."""
    match value:
        case Mapping():
            return {key: _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case float() if isnan(value):
            return None
        case _:
            return value


def _without(said: EvidencePart, keys: Iterable[str]) -> dict[str, object]:
    left_out = set(keys)
    return {key: value for key, value in asdict(said).items() if key not in left_out}
