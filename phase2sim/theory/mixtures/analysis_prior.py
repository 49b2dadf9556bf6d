"""Prior of an analysis: a mixture and what it describes, stored as JSON for later analyses."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadInput
from phase2sim.core.io.plain_files import read_text
from phase2sim.core.io.toml_files import check_numbers
from phase2sim.core.io.validation import nearest, validate
from phase2sim.theory.mixtures.effective_sample_size import elir_patients, moment_patients
from phase2sim.theory.mixtures.normal_mixture import NormalMixture, normal_mixture


class AnalysisPrior(BaseModel):
    """Mixture on an endpoint's model scale; its fields are the keys of its JSON file.

    Parameters
    ----------
    format : str
        Name and version of the file format; the one allowed value is the default.
    of : {"effect", "control"}
        What the prior describes: ``"effect"`` is the difference between treatment and control,
        ``"control"`` the mean of the control arm.
    endpoint : str
        Name of the endpoint.
    scale : str
        Unit of the endpoint's model scale.
    month : float
        Month of the measurement, since enrolment.
    months_since_diagnosis : tuple of (float, float), optional
        Range at enrolment; None for an effect.
    weights : tuple of float, (component,)
        Weights of the components, with a sum of 1.
    means : tuple of float, (component,)
        Means of the components, in the unit of ``scale``.
    sds : tuple of float, (component,)
        Standard deviations of the components, in the unit of ``scale``.
    reference_sd : float
        SD of the estimate from one patient, above 0, in the unit of ``scale``.
    ess_moment_patients : float, optional
        Effective sample size by moments, in patients.
    ess_elir_patients : float, optional
        Effective sample size by the expected local information ratio, in patients.
    evidence : tuple of str, default ()
        Sources behind the prior.
    digest : str, default ""
        Digest of the fit that the mixture approximates.
    elicited : tuple of str, default ()
        Inputs that are elicited.

    Examples
    --------
    >>> prior = AnalysisPrior(
    ...     of="effect", endpoint="hba1c", scale="%", month=12.0,
    ...     weights=(0.8, 0.2), means=(-0.4, 0.0), sds=(0.2, 1.0), reference_sd=2.0,
    ... )
    >>> round(float(prior.mixture().mean()), 6)
    -0.32
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["phase2sim normal mixture 1"] = "phase2sim normal mixture 1"
    of: Literal["effect", "control"]
    endpoint: str
    scale: str
    month: float
    months_since_diagnosis: tuple[float, float] | None = None
    weights: tuple[float, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]
    reference_sd: float
    ess_moment_patients: float | None = None
    ess_elir_patients: float | None = None
    evidence: tuple[str, ...] = ()
    digest: str = ""
    elicited: tuple[str, ...] = ()

    def mixture(self) -> NormalMixture:
        """Return the mixture itself; raises ``BadInput`` if its numbers are not allowed.

        Returns
        -------
        NormalMixture
            One mixture.
        """
        return normal_mixture(self.weights, self.means, self.sds)


def mixture_json(prior: AnalysisPrior) -> dict[str, Any]:
    """Plain values for a JSON file, with the effective sample sizes filled in.

    Parameters
    ----------
    prior : AnalysisPrior
        Prior to write.

    Returns
    -------
    dict of str to any
        Keys and values of the file.

    Examples
    --------
    One normal with SD 0.3 is worth ``1 / 0.3**2`` = 11.111 patients with SD 1 (R 4.2.2, RBesT
    1.9-0: 11.11111111):

    >>> prior = AnalysisPrior(
    ...     of="effect", endpoint="hba1c", scale="%", month=12.0,
    ...     weights=(1.0,), means=(0.0,), sds=(0.3,), reference_sd=1.0,
    ... )
    >>> table = mixture_json(prior)
    >>> round(table["ess_moment_patients"], 6), round(table["ess_elir_patients"], 6)
    (11.111111, 11.111111)
    """
    mixture = prior.mixture()
    return prior.model_dump(mode="json") | {
        "ess_moment_patients": moment_patients(mixture, prior.reference_sd),
        "ess_elir_patients": elir_patients(mixture, prior.reference_sd),
    }


def read_mixture(path: Path) -> AnalysisPrior:
    """Read a JSON file with the keys of ``mixture_json``.

    Parameters
    ----------
    path : Path
        File to read.

    Returns
    -------
    AnalysisPrior
        Prior with valid numbers.

    Raises
    ------
    BadInput
        If the file cannot be read or a value is not allowed; the message names key and remedy.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> prior = AnalysisPrior(
    ...     of="effect", endpoint="hba1c", scale="%", month=12.0,
    ...     weights=(1.0,), means=(0.0,), sds=(0.3,), reference_sd=1.0,
    ... )
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "prior.json"
    ...     _ = path.write_text(json.dumps(mixture_json(prior)), encoding="utf-8")
    ...     read_mixture(path).sds
    (0.3,)
    """
    try:
        table = json.loads(read_text(path, BadInput))
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
