"""The arms of the studies in evidence files, and which of them a table is about."""

from phase2sim.core.io.toml_files import nearest
from phase2sim.evidence.reported import CONTROL_ARM, RANDOMISED, SINGLE_ARM, Normal, StudyArm
from phase2sim.evidence.tables import (
    EvidenceFile,
    IndividualTable,
    ReportedTable,
    StudyTable,
    refuse,
)

LIGHTEST_KG, HEAVIEST_KG = 2.0, 300.0

type ArmsByName = dict[tuple[str, str], StudyArm]  # by study and arm


def add_arms(arms: ArmsByName, file: EvidenceFile) -> None:
    """Add the arms of a file to those of the files before it.

    Raises ``BadEvidence`` for a study of another file, or arms that contradict each other.
    """
    elsewhere = {study for study, _ in arms}
    for number, table in enumerate(file.studies, start=1):
        place = file.study_place(number)
        treated = _treated(file, place, table)
        key = (table.name, table.arm or ("treated" if treated else "control"))
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
        if table.patients is None and table.design == SINGLE_ARM:
            raise refuse(file.path, f"{place}.patients is missing. A single arm needs its size.")
        arms[key] = StudyArm(
            study=table.name,
            arm=key[1],
            design=table.design,
            patients=table.patients or 0,
            months_since_diagnosis=_window(file, place, table),
            source=table.source,
            treated=treated,
            age_years=table.age_years,
            weight_kg=_weight(file, place, table),
            population=table.population,
            dose=table.dose,
            note=_note(table),
        )
    _check_randomised(file)


def find_arm(
    file: EvidenceFile, place: str, table: ReportedTable | IndividualTable, arms: ArmsByName
) -> StudyArm:
    """Find the arm that a table of the file is about.

    Raises ``BadEvidence`` if the file does not have it, or has several that fit.
    """
    here = {one.name for one in file.studies}
    study = table.study
    if study is None:
        if len(here) > 1:
            raise refuse(file.path, f"{place}.study is missing. {nearest('', here)}")
        (study,) = here
    if study not in here:
        raise refuse(
            file.path,
            f"{place}.study is {study!r}, which this file does not have. {nearest(study, here)}",
        )
    own = [arm for arm in arms.values() if arm.study == study]
    fitting = [arm for arm in own if table.arm in {None, arm.arm}]
    if len(fitting) != 1:
        named = "is missing" if table.arm is None else f"is {table.arm!r}"
        names = [arm.arm for arm in own]
        raise refuse(file.path, f"{place}.arm {named}. {nearest(table.arm or '', names)}")
    return fitting[0]


def versus_arm(
    file: EvidenceFile, place: str, table: ReportedTable, arms: ArmsByName
) -> StudyArm | None:
    """Find the arm that a difference is taken from; None if the table is of one arm."""
    if table.versus is None:
        return None
    arm = find_arm(file, place, table, arms)
    others = {name: other for (study, name), other in arms.items() if study == arm.study}
    others.pop(arm.arm)
    if table.versus not in others or arm.design != RANDOMISED:
        known = nearest(table.versus, others) if others else "The study has one arm."
        if table.versus in others:
            known = f"A difference is of randomised arms; these are {arm.design}."
        raise refuse(
            file.path,
            f"{place}.versus is {table.versus!r}; it must be the other arm of a randomised study."
            f" {known}",
        )
    return others[table.versus]


def weight_words(weight: Normal) -> str:
    """Say what is assumed of the weight of an arm's patients."""
    return f"elicited weight N({weight.mean:.12g}, {weight.sd:.12g}) kg"


def _treated(file: EvidenceFile, place: str, table: StudyTable) -> bool:
    if table.design == RANDOMISED:
        if table.treated is None:
            raise refuse(
                file.path, f"{place}.treated is missing. Say of each randomised arm: true or false."
            )
        return table.treated
    treated = table.design == SINGLE_ARM
    if table.treated not in {None, treated}:
        raise refuse(
            file.path,
            f"{place}.treated is {str(table.treated).lower()}, but design is {table.design!r}."
            " Correct one of them, or leave treated out.",
        )
    return treated


def _window(file: EvidenceFile, place: str, table: StudyTable) -> tuple[float, float]:
    low, high = table.months_since_diagnosis
    if low > high:
        raise refuse(
            file.path,
            f"{place}.months_since_diagnosis is [{low:g}, {high:g}]; the earliest comes first."
            " Swap them.",
        )
    return low, high


def _weight(file: EvidenceFile, place: str, table: StudyTable) -> Normal | None:
    if table.weight_kg is None:
        if table.weight_why:
            raise refuse(
                file.path, f"{place}.weight_why comes without weight_kg. Add it, or remove the why."
            )
        return None
    if not table.weight_why:
        raise refuse(
            file.path,
            f"{place}.weight_why is missing. The weight is ours: say why you believe it.",
        )
    mean, sd = table.weight_kg.normal
    if not LIGHTEST_KG <= mean <= HEAVIEST_KG:
        raise refuse(
            file.path,
            f"{place}.weight_kg.normal[1] is {mean:g}; a mean weight lies between {LIGHTEST_KG:g}"
            f" and {HEAVIEST_KG:g} kg. Correct it.",
        )
    if not 0 < sd < mean / 2:
        raise refuse(
            file.path,
            f"{place}.weight_kg.normal[2] is {sd:g}; an SD must be above 0 and below half of the"
            f" mean, {mean / 2:g}. Correct it.",
        )
    return Normal(mean, sd)


def _note(table: StudyTable) -> str:
    if table.weight_kg is None:
        return table.note
    weight = weight_words(Normal(*table.weight_kg.normal))
    return "; ".join(filter(None, [table.note, f"{weight}: {table.weight_why}"]))


def _check_randomised(file: EvidenceFile) -> None:
    """Arms of a randomised study share window and design, and one of them is untreated."""
    first: dict[str, tuple[str, StudyTable]] = {}
    for number, table in enumerate(file.studies, start=1):
        place = file.study_place(number)
        before, other = first.setdefault(table.name, (place, table))
        if RANDOMISED not in {table.design, other.design}:
            continue
        for key in ("design", "months_since_diagnosis"):
            if getattr(table, key) != getattr(other, key):
                raise refuse(
                    file.path,
                    f"{place}.{key} is {_said(getattr(table, key))}, but"
                    f" {_said(getattr(other, key))} in {before}. Arms of one randomised study share"
                    " it; correct one of them.",
                )
    for name, (place, table) in first.items():
        arms = [one for one in file.studies if one.name == name]
        if table.design == RANDOMISED and {one.treated for one in arms} != {True, False}:
            raise refuse(
                file.path,
                f"{place}.treated is {str(table.treated).lower()} for every arm of {name!r}; a"
                f" randomised study has both. Add the other arm, or make it {CONTROL_ARM!r} or"
                f" {SINGLE_ARM!r}.",
            )


def _said(value: object) -> str:
    return repr(list(value)) if isinstance(value, tuple) else repr(value)
