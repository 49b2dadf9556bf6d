"""What each endpoint measures, in which units, and the scale on which it is normal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadInput

MINUTES_OF_THE_MEAL_TEST = 120.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One outcome: its unit, other units it is reported in, and its model scale.

    ``transformation`` names the model scale: ``identity``, ``log1p``, ``log``, or ``root``, the
    square root of a latent normal whose values below 0 are doses of 0. ``units`` maps an accepted
    unit to the function that turns a value in it into ``unit``; ``model_unit`` names the model
    scale, whose values pass unchanged. ``plausible`` bounds a single patient's value in ``unit``;
    ``largest_effect`` bounds a mean difference on the model scale; one above ``usual_effect``
    is possible, but is more often a number in another unit.

    Parameters
    ----------
    name : str
        Name in scenarios, such as ``"hba1c"``.
    label : str
        Name in texts.
    unit : str
        Unit of a patient's value.
    units : mapping of str to callable
        Unit in which a value may be reported -> function that converts it to ``unit``.
    model_unit : str
        Unit of the model scale.
    transformation : {"identity", "log1p", "log", "root"}
        Model scale.
    to_model : callable
        Function from ``unit`` to the model scale.
    from_model : callable
        Function from the model scale to ``unit``.
    lower_is_better : bool
        Whether a lower value is the benefit.
    plausible : tuple of (float, float)
        Lowest and highest value of a patient, in ``unit``.
    largest_effect : float
        Largest absolute mean difference between arms, on the model scale; above 0.
    usual_effect : float
        Absolute mean difference beyond which a number without a unit is asked about; model scale.
    usual_sd : tuple of (float, float)
        Smallest and largest plausible SD between patients at one visit, on the model scale.

    References
    ----------
    HbA1c of NGSP and IFCC: Hoelzel et al. (2004), Clinical Chemistry 50: 166-174.

    Examples
    --------
    An HbA1c of 53 mmol/mol is 7.0 % by the master equation of Hoelzel et al.; a C-peptide of
    0.2 nmol/L is ``ln(1.2)`` on the model scale:

    >>> round(HBA1C.convert(53.0, "mmol/mol"), 2)
    7.0
    >>> round(C_PEPTIDE.to_model(0.2), 6), C_PEPTIDE.benefit_sign
    (0.182322, 1)
    """

    name: str
    label: str
    unit: str
    units: Mapping[str, Callable[[float], float]]
    model_unit: str
    transformation: str
    to_model: Callable[[float], float]
    from_model: Callable[[float], float]
    lower_is_better: bool
    plausible: tuple[float, float]
    largest_effect: float
    usual_effect: float
    usual_sd: tuple[float, float]

    @property
    def benefit_sign(self) -> int:
        """-1 where a lower value is better, else +1."""
        return -1 if self.lower_is_better else 1

    def convert(self, value: float, unit: str) -> float:
        """Turn ``value`` in a reported ``unit`` into this endpoint's own unit.

        Raises ``BadInput`` for a unit that is not one of this endpoint's.

        Parameters
        ----------
        value : float
            Reported value.
        unit : str
            Its unit, a key of ``units``.

        Returns
        -------
        float
            Value in the endpoint's unit.

        Raises
        ------
        BadInput
            If ``unit`` is not a unit of this endpoint.
        """
        if unit not in self.units:
            raise BadInput(
                f"unit is {unit!r}; {self.label} is reported in {', '.join(map(repr, self.units))}"
                f" or, on the model scale, {self.model_unit!r}. Use one of these."
            )
        return self.units[unit](value)


def _identity(value: float) -> float:
    return value


def _signed_root(dose: float) -> float:
    return float(np.sign(dose) * np.sqrt(abs(dose)))


def _dose(latent: float) -> float:
    return max(latent, 0.0) ** 2


HBA1C = Endpoint(
    name="hba1c",
    label="HbA1c",
    unit="%",
    # NGSP from IFCC: the inverse of the master equation mmol/mol = 10.929 (% - 2.15).
    units={"%": _identity, "mmol/mol": lambda ifcc: ifcc / 10.929 + 2.15},
    model_unit="%",
    transformation="identity",
    to_model=_identity,
    from_model=_identity,
    lower_is_better=True,
    plausible=(3.0, 20.0),
    largest_effect=5.0,
    usual_effect=2.0,
    usual_sd=(0.3, 4.0),
)
C_PEPTIDE = Endpoint(
    name="c_peptide",
    label="C-peptide",
    unit="nmol/L",
    units={
        "nmol/L": _identity,
        "pmol/mL": _identity,
        "pmol/L": lambda value: value / 1000.0,
        "ng/mL": lambda value: value * 0.3311,
        "nmol/L x 120 min": lambda area: area / MINUTES_OF_THE_MEAL_TEST,
    },
    model_unit="ln(nmol/L + 1)",
    transformation="log1p",
    to_model=lambda value: float(np.log1p(value)),
    from_model=lambda value: float(np.expm1(value)),
    lower_is_better=False,
    plausible=(0.0, 6.0),
    largest_effect=1.0,
    usual_effect=1.0,
    usual_sd=(0.005, 2.0),
)
INSULIN = Endpoint(
    name="insulin",
    label="insulin",
    unit="U/kg/day",
    units={"U/kg/day": _identity},
    model_unit="sqrt(U/kg/day)",
    transformation="root",
    to_model=_signed_root,
    from_model=_dose,
    lower_is_better=True,
    plausible=(0.0, 4.0),
    largest_effect=1.0,
    usual_effect=0.4,
    usual_sd=(0.02, 0.8),
)
GLUCOSE = Endpoint(
    name="glucose",
    label="fasting glucose",
    unit="mmol/L",
    units={"mmol/L": _identity, "mg/dL": lambda value: value / 18.016},
    model_unit="ln(mmol/L)",
    transformation="log",
    to_model=lambda value: float(np.log(value)),
    from_model=lambda value: float(np.exp(value)),
    lower_is_better=True,
    plausible=(1.0, 60.0),
    largest_effect=2.0,
    usual_effect=0.5,
    usual_sd=(0.05, 1.0),
)

ENDPOINTS: dict[str, Endpoint] = {
    "hba1c": HBA1C,
    "c_peptide": C_PEPTIDE,
    "insulin": INSULIN,
    "glucose": GLUCOSE,
}

EVENTS: dict[str, str] = {  # outcomes that are counted, not measured
    "adverse_events": "adverse events",
    "serious_adverse_events": "serious adverse events",
    "hypoglycaemia": "hypoglycaemic episodes",
}


@dataclass(frozen=True, slots=True)
class Derived(Endpoint):
    """An outcome that follows from those drawn, patient by patient, and is never drawn itself.

    ``of`` names what it follows from; ``derive`` takes their values in their units, in that order.

    Parameters
    ----------
    name : str
        Name in scenarios, such as ``"hba1c"``.
    label : str
        Name in texts.
    unit : str
        Unit of a patient's value.
    units : mapping of str to callable
        Unit in which a value may be reported -> function that converts it to ``unit``.
    model_unit : str
        Unit of the model scale.
    transformation : {"identity", "log1p", "log", "root"}
        Model scale.
    to_model : callable
        Function from ``unit`` to the model scale.
    from_model : callable
        Function from the model scale to ``unit``.
    lower_is_better : bool
        Whether a lower value is the benefit.
    plausible : tuple of (float, float)
        Lowest and highest value of a patient, in ``unit``.
    largest_effect : float
        Largest absolute mean difference between arms, on the model scale; above 0.
    usual_effect : float
        Absolute mean difference beyond which a number without a unit is asked about; model scale.
    usual_sd : tuple of (float, float)
        Smallest and largest plausible SD between patients at one visit, on the model scale.
    of : tuple of str
        Endpoints that it is derived from.
    derive : callable
        Function that takes one array per endpoint of ``of``, in their units, and returns an array
        in ``unit``.

    References
    ----------
    IDAA1c: Mortensen et al. (2009), Diabetes Care 32: 1384-1390.

    Examples
    --------
    HbA1c of 7 % with 0.5 U/kg of insulin a day has an IDAA1c of ``7 + 4 * 0.5 = 9``, the limit of
    partial remission in Mortensen et al. (2009):

    >>> IDAA1C.of
    ('hba1c', 'insulin')
    >>> IDAA1C.derive(np.array([7.0]), np.array([0.5])).tolist()
    [9.0]
    """

    of: tuple[str, ...]
    derive: Callable[..., Floats]


def _insulin_adjusted(hba1c: Floats, insulin: Floats) -> Floats:
    return hba1c + 4.0 * insulin


IDAA1C = Derived(
    name="idaa1c",
    label="IDAA1c",
    unit="%",
    units={"%": _identity},
    model_unit="%",
    transformation="identity",
    to_model=_identity,
    from_model=_identity,
    lower_is_better=True,
    plausible=(3.0, 36.0),
    largest_effect=9.0,
    usual_effect=4.0,
    usual_sd=(0.3, 6.0),
    of=("hba1c", "insulin"),
    derive=_insulin_adjusted,  # HbA1c (%) + 4 x insulin (U/kg/day); Mortensen et al. 2009
)

DERIVED: dict[str, Derived] = {
    "idaa1c": IDAA1C,
}
MEASURES: dict[str, Endpoint] = {**ENDPOINTS, **DERIVED}  # what an analysis of values may read


@dataclass(frozen=True, slots=True)
class Response:
    """A named rule by which a patient is a responder: an endpoint, and keys of ``responder``.

    Parameters
    ----------
    endpoint : str
        Name of an endpoint, or of a derived outcome.
    rule : mapping of str to float
        Limits in the endpoint's unit, by key of the analysis ``responder``: ``below``, ``at_most``,
        ``at_least``, ``below_baseline_by`` or ``above_baseline_by``.
    label : str
        Name in texts.

    References
    ----------
    Partial remission: Mortensen et al. (2009), Diabetes Care 32: 1384-1390.

    Examples
    --------
    Partial remission of type 1 diabetes is an IDAA1c of 9 or less (Mortensen et al. 2009):

    >>> remission = RESPONSES["partial_remission"]
    >>> remission.endpoint, dict(remission.rule)
    ('idaa1c', {'at_most': 9.0})
    """

    endpoint: str
    rule: Mapping[str, float]
    label: str


RESPONSES: dict[str, Response] = {
    "partial_remission": Response("idaa1c", {"at_most": 9.0}, "IDAA1c of 9 or less"),
    "insulin_independence": Response("insulin", {"at_most": 0.0}, "no insulin"),
    "c_peptide_preserved": Response("c_peptide", {"at_least": 0.2}, "C-peptide of 0.2 nmol/L"),
    "hba1c_below_7": Response("hba1c", {"below": 7.0}, "HbA1c below 7.0 %"),
    "hba1c_below_7_5": Response("hba1c", {"below": 7.5}, "HbA1c below 7.5 %"),
    "hba1c_below_baseline": Response(
        "hba1c", {"below_baseline_by": 0.0}, "HbA1c below the patient's own baseline"
    ),
}


def on_unit_scale(values: Floats, transformation: str) -> Floats:
    """Values of the model scale in their endpoint's unit, element by element."""
    if transformation == "log1p":
        return np.expm1(values)
    if transformation == "log":
        return np.exp(values)
    if transformation == "root":
        return np.maximum(values, 0.0) ** 2
    return values


def derived_values(name: str, endpoints: Sequence[str], values: Floats) -> Floats:
    """A derived outcome, (trial, visit, patient), of values (trial, endpoint, visit, patient)."""
    derived = DERIVED[name]
    return derived.derive(
        *(
            on_unit_scale(values[:, endpoints.index(part)], ENDPOINTS[part].transformation)
            for part in derived.of
        )
    )


def drawn_for(name: str) -> tuple[str, ...]:
    """Endpoints that are drawn for an outcome to be known: itself, or what it follows from."""
    return DERIVED[name].of if name in DERIVED else (name,)
