"""Evidence files to one checked ``Evidence``: reported numbers, studies and assumptions."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from difflib import get_close_matches
from math import isnan
from pathlib import Path

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadEvidence
from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.ages import with_reference_age
from phase2sim.evidence.arms import ArmsByName, add_arms, find_arm, versus_arm
from phase2sim.evidence.care import check_care, covariates_of
from phase2sim.evidence.conflicts import check_conflicts, check_individual_data
from phase2sim.evidence.effect_assumptions import check_assumptions, classes_of, effects_of
from phase2sim.evidence.entries import parse_entry
from phase2sim.evidence.individual_data import read_individuals
from phase2sim.evidence.reported import (
    CareCovariate,
    ClassEffect,
    EffectAssumption,
    Evidence,
    IndividualData,
    ReportedNumber,
    StudyArm,
)
from phase2sim.evidence.statistics import STATISTICS, EvidenceEntry
from phase2sim.evidence.tables import EvidenceFile, read_file, refuse
from phase2sim.evidence.units import LEDGER_ONLY

__all__ = ["LEDGER_ONLY", "STATISTICS", "find_evidence", "load_evidence"]

type EvidencePart = (
    StudyArm | ReportedNumber | IndividualData | EffectAssumption | ClassEffect | CareCovariate
)

KEYS_WITHOUT_BEARING = (
    "file",
    "number",
    "source",
    "place_in_source",
    "status",
    "note",
    "why",
    "as_reported",
    "unit",
)


def load_evidence(paths: Sequence[Path]) -> Evidence:
    """Read evidence files, with every number in its endpoint's unit.

    Raises ``BadEvidence`` for a file that cannot be read or contradicts itself or another file.
    """
    if not paths:
        raise BadEvidence("No evidence file was named. Name at least one, for example gxipc1.")
    files = [read_file(path) for path in paths]
    arms: ArmsByName = {}
    numbers: list[ReportedNumber] = []
    individuals: list[IndividualData] = []
    for file in files:
        add_arms(arms, file)
        label = _label(file.path)
        entries = list(_entries(file, arms))
        file_numbers = [parse_entry(entry, label) for entry in entries]
        file_individuals = [
            read_individuals(file, number, arm, label)
            for number, arm in enumerate(_individual_arms(file, arms), start=1)
        ]
        check_conflicts(entries, file_numbers)
        check_individual_data(entries, file_numbers, file_individuals)
        check_assumptions(file, _treated_endpoints(file_numbers, file_individuals, arms))
        numbers += file_numbers
        individuals += file_individuals
    covariates = covariates_of(files)
    check_care(files, covariates)
    evidence = Evidence(
        names=tuple(path.stem for path in paths),
        arms=tuple(arms.values()),
        reported=tuple(numbers),
        effects=effects_of(files),
        digest="",
        classes=classes_of(files),
        individuals=tuple(individuals),
        care=covariates,
    )
    evidence = replace(evidence, arms=with_reference_age(evidence))
    return replace(evidence, digest=digest_of(evidence))


def find_evidence(name_or_path: str, beside: Path | None) -> Path:
    """Find an evidence file by a name such as ``gxipc1`` or by a path that ends in .toml.

    ``beside`` is the scenario file that names it. Raises ``BadEvidence`` with the paths tried.
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
        if os.path.lexists(candidate):  # whatever is no file is refused where it is read
            return candidate
    looked = ", ".join(dict.fromkeys(str(candidate) for candidate in candidates))
    message = f"evidence {name_or_path!r} was not found; looked for {looked}."
    if is_path:
        raise BadEvidence(f"{message} Correct the path, or name a file of a priors folder.")
    if len(Path(name_or_path).parts) > 1 and os.path.lexists(name_or_path):
        raise BadEvidence(f"{name_or_path}: does not end in .toml. Name a .toml file.")
    names = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    if not names:
        raise BadEvidence(f"{message} No .toml file is in any of these folders.")
    close = get_close_matches(name_or_path, names, n=1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    raise BadEvidence(f"{message}{guess} There are: {', '.join(names)}.")


def _label(path: Path) -> str:
    # Folder and name only, so that a ledger is the same on every machine.
    return "/".join(path.absolute().parts[-2:])


def _entries(file: EvidenceFile, arms: ArmsByName) -> Iterable[EvidenceEntry]:
    for number, table in enumerate(file.reported, start=1):
        key_path = f"reported[{number}]"
        arm = find_arm(file, key_path, table, arms)
        yield EvidenceEntry(file, number, table, arm, versus_arm(file, key_path, table, arms))


def _individual_arms(file: EvidenceFile, arms: ArmsByName) -> Iterable[StudyArm]:
    first_tables: dict[tuple[str, str], int] = {}
    for number, table in enumerate(file.individuals, start=1):
        arm = find_arm(file, f"individual[{number}]", table, arms)
        first_number = first_tables.setdefault((arm.study, arm.arm), number)
        if first_number != number:
            raise refuse(
                file.path,
                f"individual[{number}].file is {table.file!r}, but individual[{first_number}] is of"
                " the same arm. Put its patients in one CSV file.",
            )
        yield arm


def _treated_endpoints(
    numbers: Iterable[ReportedNumber], individuals: Iterable[IndividualData], arms: ArmsByName
) -> dict[str, set[str]]:
    """Endpoints that a fit reads from treated arms, by design."""
    endpoints_of_arms = {
        (number.study, arm, name)
        for number in numbers
        if not number.unused
        for arm in _arm_names(number)
        for name in number.measured
    }
    endpoints_of_arms |= {
        (data.study, data.arm, arm_name) for data in individuals for arm_name, _ in data.columns
    }
    treated: dict[str, set[str]] = {}
    for study, arm_name, endpoint in endpoints_of_arms:
        arm = arms[study, arm_name]
        if arm.treated and endpoint in ENDPOINTS:
            treated.setdefault(arm.design, set()).add(endpoint)
    return treated


def _arm_names(number: ReportedNumber) -> tuple[str, ...]:
    return (number.arm, number.versus) if number.versus else (number.arm,)


def digest_of(evidence: Evidence) -> str:
    """Hash everything that a fit reads: numbers, arms, individual data and assumptions."""
    numbers = [assumption for assumption in evidence.reported if not assumption.unused]
    of_arms = ["source", "population", "dose", "note", "weight_why", "care_why", "age_why", "clock"]
    if not evidence.care:  # then no fit reads what an arm says of care
        of_arms.append("care")
    content = {
        "arms": [_fields_without(arm, of_arms) for arm in evidence.arms],
        "reported": [_fields_without(number, _left_out(number)) for number in numbers],
        "individuals": [
            _fields_without(data, ("file", "number", "source")) | {"value": data.value.tolist()}
            for data in evidence.individuals
        ],
        "effects": {
            name: _fields_without(assumption, ("why", "reasons"))
            for name, assumption in evidence.effects.items()
        },
        "classes": {
            name: _fields_without(assumption, ("why", "reasons"))
            for name, assumption in evidence.classes.items()
        },
    }
    if endpoints := _defined_endpoints(evidence):
        content["endpoints"] = endpoints
    if evidence.care:
        content["care"] = {
            name: _fields_without(covariate, ("why",)) for name, covariate in evidence.care.items()
        }
    text = json.dumps(_without_nan(content), sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _defined_endpoints(evidence: Evidence) -> dict[str, object]:
    """Endpoints of the fit that do not ship: what they mean, and the priors of their course."""
    names = {name for number in evidence.reported if not number.unused for name in number.measured}
    names |= {name for data in evidence.individuals for name, _ in data.columns}
    return {
        name: [repr(ENDPOINTS[name].scale), asdict(PRIORS[name])]
        for name in sorted(names)
        if name in PRIORS and not PRIORS.ships(name)
    }


def _left_out(number: ReportedNumber) -> tuple[str, ...]:
    """Fields without bearing; later ones count only where they are used."""
    return KEYS_WITHOUT_BEARING if number.reading_sd else (*KEYS_WITHOUT_BEARING, "reading_sd")


def _without_nan(value: object) -> object:
    """Replace nan, which JSON does not have, by None."""
    match value:
        case Mapping():
            return {key: _without_nan(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_without_nan(inner) for inner in value]
        case float() if isnan(value):
            return None
        case _:
            return value


def _fields_without(part: EvidencePart, keys: Iterable[str]) -> dict[str, object]:
    left_out = set(keys)
    return {key: value for key, value in asdict(part).items() if key not in left_out}
