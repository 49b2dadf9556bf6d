"""Study arms in evidence files, and the arm that each table describes."""

from phase2sim.core.entry_times import EntryTime
from phase2sim.core.io.entry_tables import entry_time, message_after_key
from phase2sim.core.io.validation import nearest
from phase2sim.evidence.ages import read_age
from phase2sim.evidence.care import care_of
from phase2sim.evidence.positive_normals import positive_normal
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
    """Add the arms of a file to those of earlier files.

    Raises ``BadEvidence`` for a study that another file has too, or for arms that contradict each
    other.
    """
    elsewhere = {study for study, _ in arms}
    for number, table in enumerate(file.studies, start=1):
        key_path = file.study_key_path(number)
        treated = _is_treated(file, key_path, table)
        key = (table.name, table.arm or ("treated" if treated else "control"))
        if table.name in elsewhere:
            raise refuse(
                file.path,
                f"{key_path}.name is {table.name!r}, a study that another file has too."
                " Keep it in one file, so that its patients count once.",
            )
        if key in arms:
            raise refuse(
                file.path,
                f"{key_path}.name is {table.name!r} for the second time with arm {key[1]!r}."
                " Give the arms different names, or merge the tables.",
            )
        if table.patients is None and table.design == SINGLE_ARM:
            raise refuse(file.path, f"{key_path}.patients is missing. A single arm needs its size.")
        arms[key] = StudyArm(
            study=table.name,
            arm=key[1],
            design=table.design,
            patients=table.patients or 0,
            months_since_diagnosis=_entry(file, key_path, table),
            source=table.source,
            treated=treated,
            age_years=read_age(file, key_path, table),
            age_why=table.age_why or "",
            weight_kg=_weight(file, key_path, table),
            weight_why=table.weight_why or "",
            population=table.population,
            dose=table.dose,
            note=_note(table),
            care=care_of(file, key_path, table),
            care_why=table.care_why or "",
            clock=table.clock or "diagnosis",
        )
    _check_randomised(file)


def find_arm(
    file: EvidenceFile, key_path: str, table: ReportedTable | IndividualTable, arms: ArmsByName
) -> StudyArm:
    """Find the arm that a table of the file describes.

    Raises ``BadEvidence`` if the file has no such arm or several.
    """
    study_names = {study_table.name for study_table in file.studies}
    study = table.study
    if study is None:
        if len(study_names) > 1:
            raise refuse(file.path, f"{key_path}.study is missing. {nearest('', study_names)}")
        (study,) = study_names
    if study not in study_names:
        raise refuse(
            file.path,
            f"{key_path}.study is {study!r}, which this file does not have."
            f" {nearest(study, study_names)}",
        )
    study_arms = [arm for arm in arms.values() if arm.study == study]
    matches = [arm for arm in study_arms if table.arm in {None, arm.arm}]
    if len(matches) != 1:
        problem = "is missing" if table.arm is None else f"is {table.arm!r}"
        names = [arm.arm for arm in study_arms]
        raise refuse(file.path, f"{key_path}.arm {problem}. {nearest(table.arm or '', names)}")
    return matches[0]


def versus_arm(
    file: EvidenceFile, key_path: str, table: ReportedTable, arms: ArmsByName
) -> StudyArm | None:
    """Find the comparator arm of a difference; None if the table describes one arm."""
    if table.versus is None:
        return None
    arm = find_arm(file, key_path, table, arms)
    other_arms = {
        name: candidate for (study, name), candidate in arms.items() if study == arm.study
    }
    other_arms.pop(arm.arm)
    if table.versus not in other_arms or arm.design != RANDOMISED:
        remedy = nearest(table.versus, other_arms) if other_arms else "The study has one arm."
        if table.versus in other_arms:
            remedy = f"A difference is of randomised arms; these are {arm.design}."
        raise refuse(
            file.path,
            f"{key_path}.versus is {table.versus!r}; it must be the other arm of a randomised"
            f" study. {remedy}",
        )
    return other_arms[table.versus]


def weight_words(weight: Normal) -> str:
    """Describe the assumed weight of an arm's typical patient."""
    return f"elicited weight N({weight.mean:.12g}, {weight.sd:.12g}) kg"


def _is_treated(file: EvidenceFile, key_path: str, table: StudyTable) -> bool:
    if table.design == RANDOMISED:
        if table.treated is None:
            raise refuse(
                file.path,
                f"{key_path}.treated is missing. Say of each randomised arm: true or false.",
            )
        return table.treated
    treated = table.design == SINGLE_ARM
    if table.treated not in {None, treated}:
        raise refuse(
            file.path,
            f"{key_path}.treated is {str(table.treated).lower()}, but design is {table.design!r}."
            " Correct one of them, or leave treated out.",
        )
    return treated


def _entry(file: EvidenceFile, key_path: str, table: StudyTable) -> EntryTime:
    given, key = table.months_since_diagnosis, f"{key_path}.months_since_diagnosis"
    if table.clock == "entry":
        if given is not None:
            raise refuse(file.path, f"{key} does not belong beside clock = 'entry'. Remove one.")
        return EntryTime()
    if given is None:
        raise refuse(
            file.path,
            f"{key} is missing. Say when patients entered; if the untreated course does not depend"
            " on the time since diagnosis, write clock = 'entry'.",
        )
    try:
        return entry_time(given)
    except ValueError as error:
        raise refuse(
            file.path, f"{key_path}.months_since_diagnosis {message_after_key(error)}"
        ) from None


def _weight(file: EvidenceFile, key_path: str, table: StudyTable) -> Normal | None:
    if table.weight_kg is None:
        if table.weight_why:
            raise refuse(
                file.path,
                f"{key_path}.weight_why comes without weight_kg. Add it, or remove the why.",
            )
        return None
    if not table.weight_why:
        raise refuse(
            file.path,
            f"{key_path}.weight_why is missing. The weight is ours: say why you believe it.",
        )
    limits = LIGHTEST_KG, HEAVIEST_KG, "kg"
    return positive_normal(file, f"{key_path}.weight_kg", table.weight_kg, "weight", limits)


def _note(table: StudyTable) -> str:
    """Note of the file, and what is elicited of the arm's patients."""
    parts = [table.note]
    if table.weight_kg is not None:
        parts.append(f"{weight_words(Normal(*table.weight_kg.normal))}: {table.weight_why}")
    if table.age_why:
        parts.append(f"elicited age: {table.age_why}")
    return "; ".join(filter(None, parts))


def _check_randomised(file: EvidenceFile) -> None:
    """Check that randomised arms share design and window, and that one of them is untreated."""
    first_tables: dict[str, tuple[str, StudyTable]] = {}
    for number, table in enumerate(file.studies, start=1):
        key_path = file.study_key_path(number)
        first_path, first_table = first_tables.setdefault(table.name, (key_path, table))
        if RANDOMISED not in {table.design, first_table.design}:
            continue
        for key in ("design", "months_since_diagnosis"):
            if getattr(table, key) != getattr(first_table, key):
                raise refuse(
                    file.path,
                    f"{key_path}.{key} is {_toml_value(getattr(table, key))}, but"
                    f" {_toml_value(getattr(first_table, key))} in {first_path}. Arms of one"
                    " randomised study share it; correct one of them.",
                )
    for name, (key_path, table) in first_tables.items():
        arms = [study_table for study_table in file.studies if study_table.name == name]
        if table.design == RANDOMISED and {study_table.treated for study_table in arms} != {
            True,
            False,
        }:
            raise refuse(
                file.path,
                f"{key_path}.treated is {str(table.treated).lower()} for every arm of {name!r}; a"
                f" randomised study has both. Add the other arm, or make it {CONTROL_ARM!r} or"
                f" {SINGLE_ARM!r}.",
            )


def _toml_value(value: object) -> str:
    return repr(list(value)) if isinstance(value, tuple) else repr(value)
