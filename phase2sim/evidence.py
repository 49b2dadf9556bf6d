"""Evidence files to one checked value: what was reported, by whom, and what is assumed of it."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from phase2sim.endpoints import ENDPOINTS
from phase2sim.errors import BadEvidence
from phase2sim.evidence_entries import to_reported
from phase2sim.evidence_files import EffectTable, EvidenceFile, read_file, refuse
from phase2sim.evidence_statistics import STATISTICS, Entry
from phase2sim.evidence_units import LEDGER_ONLY, MODELLED
from phase2sim.knowledge import EffectAssumption, Evidence, Reported, StudyArm
from phase2sim.shapes import SHAPES
from phase2sim.toml_files import nearest

__all__ = ["LEDGER_ONLY", "MODELLED", "STATISTICS", "find_evidence", "load_evidence"]

DEFAULT_ARM = {"single-arm": "treated", "control-arm": "control"}
NO_BEARING = ("file", "number", "source", "place", "status", "note", "why", "as_reported", "unit")


def load_evidence(paths: Sequence[Path]) -> Evidence:
    """Read evidence files into one value, every number in its endpoint's own unit.

    Raises ``BadEvidence`` for a file that cannot be read, contradicts itself or another.
    """
    if not paths:
        raise BadEvidence("No evidence file was named. Name at least one, for example gxipc1.")
    files = [read_file(path) for path in paths]
    arms: dict[tuple[str, str], StudyArm] = {}
    reported: list[Reported] = []
    effects: dict[str, EffectAssumption] = {}
    for file in files:
        _add_arms(arms, file)
        entries = list(_entries(file, arms))
        read = [to_reported(entry, _label(file.path)) for entry in entries]
        _check_twice(entries, read)
        _check_same_patients(entries, read)
        _add_effects(effects, file, read, arms)
        reported += read
    return Evidence(
        names=tuple(path.stem for path in paths),
        arms=tuple(arms.values()),
        reported=tuple(reported),
        effects=effects,
        digest=_digest(arms.values(), reported, effects),
    )


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


def _add_arms(arms: dict[tuple[str, str], StudyArm], file: EvidenceFile) -> None:
    elsewhere = {study for study, _ in arms}
    for number, table in enumerate(file.studies, start=1):
        place = file.study_place(number)
        key = (table.name, table.arm or DEFAULT_ARM[table.design])
        if table.name in elsewhere:
            raise refuse(
                file.path,
                f"{place}.name is {table.name!r}, a study that another file has too."
                " Keep it in one file, so that its patients count once.",
            )
        if key in arms:
            raise refuse(
                file.path,
                f"{place}.name is {table.name!r} for the second time with arm {key[1]!r}."
                " Give the arms different names, or merge the tables.",
            )
        low, high = table.months_since_diagnosis
        if low > high:
            raise refuse(
                file.path,
                f"{place}.months_since_diagnosis is [{low:g}, {high:g}]; the earliest comes first."
                " Swap them.",
            )
        if table.patients is None and table.design == "single-arm":
            raise refuse(file.path, f"{place}.patients is missing. A single arm needs its size.")
        arms[key] = StudyArm(
            study=table.name,
            arm=key[1],
            design=table.design,
            patients=table.patients or 0,
            months_since_diagnosis=(low, high),
            source=table.source,
            population=table.population,
            dose=table.dose,
            note=table.note,
        )


def _entries(file: EvidenceFile, arms: Mapping[tuple[str, str], StudyArm]) -> Iterable[Entry]:
    here = {table.name for table in file.studies}
    own = [arm for arm in arms.values() if arm.study in here]
    for number, table in enumerate(file.reported, start=1):
        place = f"reported[{number}]"
        study = table.study
        if study is None:
            if len(here) > 1:
                raise refuse(file.path, f"{place}.study is missing. {nearest('', here)}")
            (study,) = here
        if study not in here:
            raise refuse(
                file.path,
                f"{place}.study is {study!r}, which this file does not have. "
                + nearest(study, here),
            )
        fitting = [arm for arm in own if arm.study == study and table.arm in {None, arm.arm}]
        if len(fitting) != 1:
            named = "is missing" if table.arm is None else f"is {table.arm!r}"
            names = [arm.arm for arm in own if arm.study == study]
            raise refuse(file.path, f"{place}.arm {named}. {nearest(table.arm or '', names)}")
        yield Entry(file, number, table, fitting[0])


def _check_twice(entries: Sequence[Entry], read: Sequence[Reported]) -> None:
    first: dict[tuple[object, ...], int] = {}
    for entry, one in zip(entries, read, strict=True):
        if entry.table.unused is not None or one.statistic == "statement":
            continue
        key = (*_visit(one), one.statistic, one.threshold, one.beyond, one.with_endpoint)
        if key in first:
            raise entry.refuse(
                one.statistic if one.elicited is None else "elicited",
                f"is {one.as_reported}: entry {first[key]} reports the same {one.statistic}."
                " Remove one, or set it aside with unused = 'why'.",
            )
        first[key] = one.number


def _visit(one: Reported) -> tuple[object, ...]:
    return (one.study, one.arm, one.endpoint, one.clock, one.months)


def _check_same_patients(entries: Sequence[Entry], read: Sequence[Reported]) -> None:
    """Refuse quartiles or counts that a median of the same patients rules out."""
    medians = {_visit(one): one for one in read if one.statistic == "median"}
    for entry, one in zip(entries, read, strict=True):
        median = medians.get(_visit(one))
        if median is None:
            continue
        if one.statistic in {"quartiles", "range"} and one.unit == median.unit:
            low, high = getattr(entry.table, one.statistic)
            typed = getattr(entries[median.number - 1].table, "median", None)
            same = entries[median.number - 1].table.unit == entry.table.unit
            if same and typed is not None and not low <= typed <= high:
                raise entry.refuse(
                    one.statistic,
                    f"is [{low:g}, {high:g}], which does not hold the median {typed:g} of entry"
                    f" {median.number}. Check the three numbers.",
                )
        if one.statistic == "count" and one.threshold is not None and one.n == median.n:
            _check_count(entry, one, median)


def _check_count(entry: Entry, count: Reported, median: Reported) -> None:
    if count.threshold is None or count.unit != median.unit:
        return
    few_side = count.threshold <= median.value
    beyond = count.value if count.beyond == "below" else count.n - count.value
    at_most_half = beyond <= count.n / 2 if few_side else beyond >= count.n / 2
    if not at_most_half:
        raise entry.refuse(
            "count",
            f"is {count.as_reported}, but the median of entry {median.number} is"
            f" {median.as_reported}: half of the patients lie on each side. Check both.",
        )


def _add_effects(
    effects: dict[str, EffectAssumption],
    file: EvidenceFile,
    read: Sequence[Reported],
    arms: Mapping[tuple[str, str], StudyArm],
) -> None:
    treated = {
        one.endpoint
        for one in read
        if not one.unused and arms[one.study, one.arm].design == "single-arm"
    }
    if file.effects and all(table.design != "single-arm" for table in file.studies):
        raise refuse(
            file.path, "effect is for a treated arm; no study here is single-arm. Remove it."
        )
    for name in sorted(treated - set(file.effects)):
        raise refuse(
            file.path,
            f"effect.{name} is missing. A single arm cannot tell effect from natural history, so"
            f" write [effect.{name}] with month, shape, sceptical_sd, bias_sd and why.",
        )
    for name, table in file.effects.items():
        effect = _effect(file.path, name, table)
        if effects.setdefault(name, effect) != effect:
            raise refuse(
                file.path,
                f"effect.{name} differs from that of another file. State it the same in both.",
            )


def _effect(path: Path, name: str, table: EffectTable) -> EffectAssumption:
    if name not in MODELLED:
        raise refuse(path, f"effect.{name} is not a modelled endpoint. {nearest(name, MODELLED)}")
    if table.shape not in SHAPES:
        raise refuse(
            path, f"effect.{name}.shape is {table.shape!r}. {nearest(table.shape, SHAPES)}"
        )
    largest = ENDPOINTS[name].largest_effect
    for key in ("sceptical_sd", "bias_sd"):
        value = getattr(table, key)
        if value > largest:
            raise refuse(
                path,
                f"effect.{name}.{key} is {value:g}; on the model scale no effect exceeds"
                f" {largest:g}. Check the value and its unit.",
            )
    return EffectAssumption(
        endpoint=name,
        month=table.month,
        shape=table.shape,
        shape_options=_shape_options(path, name, table),
        sceptical_sd=table.sceptical_sd,
        bias_sd=table.bias_sd,
        why=table.why,
    )


def _shape_options(path: Path, name: str, table: EffectTable) -> dict[str, float]:
    place = f"effect.{name}"
    options = dict(table.__pydantic_extra__)
    kind = SHAPES[table.shape]
    known = list(getattr(kind, "__dataclass_fields__", {}))
    for key in options:
        if key not in known:
            keys = [*EffectTable.model_fields, *known]
            raise refuse(path, f"{place}.{key} is not a known key. {nearest(key, keys)}")
    try:
        shape = kind(**options)
    except ValueError as error:
        raise refuse(path, f"{place}.{error}. Correct this value.") from None
    if not shape.at(np.array([table.month]))[0] > 0:
        raise refuse(
            path,
            f"{place}.month is {table.month:g}, when {table.shape} has no effect yet."
            " Give a later month.",
        )
    return options


def _digest(
    arms: Iterable[StudyArm], reported: Iterable[Reported], effects: Mapping[str, EffectAssumption]
) -> str:
    """Hash all that a fit reads: used numbers, who they are of, and the assumptions."""
    used = [asdict(one) for one in reported if not one.unused]
    for one in used:
        one["value"] = None if one["elicited"] else one["value"]  # nan is not JSON
    who = ("study", "arm", "design", "patients", "months_since_diagnosis")
    read = {
        "arms": [{key: getattr(arm, key) for key in who} for arm in arms],
        "reported": [_without(one, NO_BEARING) for one in used],
        "effects": {name: _without(asdict(one), ("why",)) for name, one in effects.items()},
    }
    text = json.dumps(read, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _without(fields: dict[str, object], keys: Iterable[str]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if key not in keys}
