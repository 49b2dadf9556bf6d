"""Care and era: covariates of studies, with a stated prior of what each does to an endpoint."""

from collections.abc import Iterable, Iterator, Mapping

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadEvidence
from phase2sim.core.io.validation import join_key, nearest
from phase2sim.evidence.care_tables import CareShareTable
from phase2sim.evidence.reported import (
    CareCovariate,
    CareEffect,
    Evidence,
    Normal,
    StudyArm,
    UnknownShare,
)
from phase2sim.evidence.tables import EvidenceFile, StudyTable, refuse

type Care = tuple[tuple[str, float | UnknownShare], ...]  # what an arm says, by covariate


def covariates_of(files: Iterable[EvidenceFile]) -> dict[str, CareCovariate]:
    """Covariates that the files declare, by name.

    Raises ``BadEvidence`` for an impossible prior, or for one that two files state differently.
    """
    covariates: dict[str, CareCovariate] = {}
    for file in files:
        for name, table in file.care.items():
            key_path = join_key("care", name)
            covariate = CareCovariate(
                name=name,
                if_not_stated=_share(file, f"{key_path}.if_not_stated", table.if_not_stated),
                effects=tuple(
                    _effect(file, join_key(f"{key_path}.effect", endpoint), endpoint, prior.normal)
                    for endpoint, prior in table.effect.items()
                ),
                why=table.why,
            )
            if covariates.setdefault(name, covariate) != covariate:
                raise refuse(
                    file.path,
                    f"{key_path} differs from that of another file. State it the same in both.",
                )
    return covariates


def care_of(file: EvidenceFile, key_path: str, table: StudyTable) -> Care:
    """Covariates that one arm states; raises ``BadEvidence`` for a guess without a reason."""
    care = tuple(
        (name, _share(file, join_key(f"{key_path}.care", name), given))
        for name, given in table.care.items()
    )
    for name, given in care:
        match given:
            case UnknownShare() if not table.care_why:
                raise refuse(
                    file.path,
                    f"{key_path}.care_why is missing. The distribution of {name} is yours: say why"
                    " you believe it.",
                )
    if table.care_why and not care:
        raise refuse(
            file.path, f"{key_path}.care_why comes without care. Add it, or remove the why."
        )
    return care


def check_care(files: Iterable[EvidenceFile], covariates: Mapping[str, CareCovariate]) -> None:
    """Refuse a covariate of an arm that no file declares, where files declare others."""
    for file in files if covariates else ():
        for number, table in enumerate(file.studies, start=1):
            for name in table.care:
                if name not in covariates:
                    key_path = join_key(f"{file.study_key_path(number)}.care", name)
                    raise refuse(
                        file.path,
                        f"{key_path} is no covariate of this evidence. {nearest(name, covariates)}",
                    )


def share_of(arm: StudyArm, covariate: CareCovariate) -> float | UnknownShare:
    """Value of a covariate in an arm, or its distribution where the source does not say it."""
    return dict(arm.care).get(covariate.name, covariate.if_not_stated)


def guessed_shares(evidence: Evidence) -> Iterator[tuple[StudyArm, CareCovariate, UnknownShare]]:
    """Arms whose value of a covariate is a distribution, where a fit reads such an arm."""
    for arm, covariate in read_shares(evidence):
        match share_of(arm, covariate):
            case UnknownShare() as unknown:
                yield arm, covariate, unknown


def read_shares(evidence: Evidence) -> Iterator[tuple[StudyArm, CareCovariate]]:
    """Arms of which a fit reads an endpoint that a covariate moves."""
    read = {
        (number.study, arm, endpoint)
        for number in evidence.reported
        if not number.unused
        for arm in (number.arm, number.versus)
        for endpoint in number.measured
    }
    read |= {(d.study, d.arm, endpoint) for d in evidence.individuals for endpoint, _ in d.columns}
    for covariate in evidence.care.values():
        moved = [effect.endpoint for effect in covariate.effects]
        for arm in evidence.arms:
            if any((arm.study, arm.arm, endpoint) in read for endpoint in moved):
                yield arm, covariate


def _share(
    file: EvidenceFile, key_path: str, given: float | CareShareTable
) -> float | UnknownShare:
    match given:
        case CareShareTable(beta=(mean, sd)):
            return _unknown(file, key_path, mean, sd)
        case share:
            return share


def _unknown(file: EvidenceFile, key_path: str, mean: float, sd: float) -> UnknownShare:
    if not 0 < mean < 1:
        raise _outside(file, f"{key_path}.beta[1] is {mean:g}; it must lie between 0 and 1.")
    most = (mean * (1 - mean)) ** 0.5
    if not 0 < sd < most:
        raise _outside(
            file,
            f"{key_path}.beta[2] is {sd:g}; for a mean of {mean:g} an SD must be above 0 and below"
            f" {most:.2g}.",
        )
    return UnknownShare(mean, sd)


def _outside(file: EvidenceFile, problem: str) -> BadEvidence:
    return refuse(file.path, f"{problem} Correct it.")


def _effect(
    file: EvidenceFile, key_path: str, endpoint: str, normal: tuple[float, float]
) -> CareEffect:
    if endpoint not in ENDPOINTS:
        raise refuse(
            file.path,
            f"{key_path} is not a modelled endpoint. {nearest(endpoint, ENDPOINTS)}",
        )
    mean, sd = normal
    largest = ENDPOINTS[endpoint].largest_effect
    if not abs(mean) <= largest:
        raise _outside(
            file,
            f"{key_path}.normal[1] is {mean:g}; on the model scale it lies between {-largest:g} and"
            f" {largest:g}.",
        )
    if not 0 < sd <= largest:
        raise _outside(
            file,
            f"{key_path}.normal[2] is {sd:g}; an SD must be above 0 and at most {largest:g}.",
        )
    return CareEffect(endpoint, Normal(mean, sd))
