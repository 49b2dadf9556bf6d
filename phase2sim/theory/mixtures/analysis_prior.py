"""A mixture with what it is a prior of, as JSON that a later analysis reads back."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadInput
from phase2sim.core.io.toml_files import check_numbers, nearest, validate
from phase2sim.theory.mixtures.effective_sample_size import elir_patients, moment_patients
from phase2sim.theory.mixtures.normal_mixture import NormalMixture, normal_mixture


class AnalysisPrior(BaseModel):
    """A mixture on an endpoint's model scale; the keys of its JSON file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["phase2sim normal mixture 1"] = "phase2sim normal mixture 1"
    of: Literal["effect", "control"]
    endpoint: str
    scale: str
    month: float
    months_since_diagnosis: tuple[float, float] | None = None  # at enrolment; None for an effect
    weights: tuple[float, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]
    reference_sd: float  # of the estimate from one patient
    ess_moment_patients: float | None = None
    ess_elir_patients: float | None = None
    evidence: tuple[str, ...] = ()
    digest: str = ""
    elicited: tuple[str, ...] = ()

    def mixture(self) -> NormalMixture:
        """Return the mixture itself; raises ``BadInput`` if the numbers are none."""
        return normal_mixture(self.weights, self.means, self.sds)


def mixture_json(prior: AnalysisPrior) -> dict[str, Any]:
    """Plain values for a file, with the effective sample sizes filled in."""
    mixture = prior.mixture()
    return prior.model_dump(mode="json") | {
        "ess_moment_patients": moment_patients(mixture, prior.reference_sd),
        "ess_elir_patients": elir_patients(mixture, prior.reference_sd),
    }


def read_mixture(path: Path) -> AnalysisPrior:
    """Read a file that ``mixture_json`` filled; raises ``BadInput`` naming the key and remedy."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise BadInput(f"{path}: cannot be read: {reason}. Check its name and rights.") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: is not JSON: {error}. Export it again.") from None
    if not isinstance(table, dict):
        raise BadInput(f"{path}: is no table of keys. Export it again.")
    check_numbers(table, path, BadInput)
    prior = validate(TypeAdapter(AnalysisPrior), table, "", path, BadInput)
    if prior.endpoint not in ENDPOINTS:
        raise BadInput(
            f"{path}: endpoint is {prior.endpoint!r}. {nearest(prior.endpoint, ENDPOINTS)}"
        )
    if prior.scale != (unit := ENDPOINTS[prior.endpoint].model_unit):
        raise BadInput(f"{path}: scale is {prior.scale!r}; it must be {unit!r}. Correct it.")
    if prior.reference_sd <= 0:
        raise BadInput(f"{path}: reference_sd is {prior.reference_sd:g}; it must be above 0.")
    try:
        prior.mixture()
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return prior
