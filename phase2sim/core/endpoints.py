"""What each endpoint measures, in which units, and the scale on which it is normal."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.catalogue import Catalogue
from phase2sim.core.errors import BadInput
from phase2sim.core.formulas import Formula
from phase2sim.core.model_scales import MODEL_SCALES, ModelScale


@dataclass(frozen=True, slots=True)
class Conversion:
    """A linear function that turns a value in another unit into the endpoint's own.

    Parameters
    ----------
    multiply_by, divide_by, add : float
        The value is ``value * multiply_by / divide_by + add``; the first two are above 0.

    Examples
    --------
    HbA1c in % from mmol/mol:

    >>> round(Conversion(divide_by=10.929, add=2.15)(53.0), 2)
    7.0
    """

    multiply_by: float = 1.0
    divide_by: float = 1.0
    add: float = 0.0

    def __call__(self, value: float) -> float:
        """Convert a value."""
        return value * self.multiply_by / self.divide_by + self.add


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One outcome: its unit, other units it is reported in, and its model scale.

    The model scale is normal between patients. ``plausible`` bounds a
    single patient's value in ``unit``; ``largest_effect`` bounds a mean difference on the model
    scale; one above ``usual_effect`` is possible, but is more often a number in another unit.

    Parameters
    ----------
    name : str
        Name in scenarios, such as ``"hba1c"``.
    label : str
        Name in texts.
    unit : str
        Unit of a patient's value.
    units : mapping of str to Conversion
        Unit in which a value may be reported -> function that converts it to ``unit``.
    scale : ModelScale
        Model scale.
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

    >>> round(ENDPOINTS["hba1c"].convert(53.0, "mmol/mol"), 2)
    7.0
    >>> c_peptide = ENDPOINTS["c_peptide"]
    >>> round(c_peptide.to_model(0.2), 6), c_peptide.model_unit, c_peptide.benefit_sign
    (0.182322, 'ln(nmol/L + 1)', 1)
    """

    name: str
    label: str
    unit: str
    units: Mapping[str, Conversion]
    scale: ModelScale
    lower_is_better: bool
    plausible: tuple[float, float]
    largest_effect: float
    usual_effect: float
    usual_sd: tuple[float, float]

    @property
    def model_unit(self) -> str:
        """Unit of the model scale."""
        return self.scale.unit.format(self.unit)

    @property
    def benefit_sign(self) -> int:
        """-1 where a lower value is better, else +1."""
        return -1 if self.lower_is_better else 1

    def to_model(self, value: float) -> float:
        """Turn a value in ``unit`` into the model scale.

        Parameters
        ----------
        value : float
            Value in ``unit``.

        Returns
        -------
        float
            Value on the model scale.
        """
        return float(self.scale.to_model(np.asarray(value, dtype=np.float64)))

    def from_model(self, value: float) -> float:
        """Turn a value on the model scale into ``unit``.

        Parameters
        ----------
        value : float
            Value on the model scale.

        Returns
        -------
        float
            Value in ``unit``.
        """
        return float(self.scale.from_model(np.asarray(value, dtype=np.float64)))

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


@dataclass(frozen=True, slots=True)
class Derived(Endpoint):
    """An outcome that follows from those drawn, patient by patient, and is never drawn itself.

    Parameters
    ----------
    name : str
        Name in scenarios, such as ``"idaa1c"``.
    label : str
        Name in texts.
    unit : str
        Unit of a patient's value.
    units : mapping of str to Conversion
        Unit in which a value may be reported -> function that converts it to ``unit``.
    scale : ModelScale
        Model scale.
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
    formula : Formula
        How it follows from other endpoints, in their units.

    References
    ----------
    IDAA1c: Mortensen et al. (2009), Diabetes Care 32: 1384-1390.

    Examples
    --------
    HbA1c of 7 % with 0.5 U/kg of insulin a day has an IDAA1c of ``7 + 4 * 0.5 = 9``, the limit of
    partial remission in Mortensen et al. (2009):

    >>> DERIVED["idaa1c"].of
    ('hba1c', 'insulin')
    >>> DERIVED["idaa1c"].derive(np.array([7.0]), np.array([0.5])).tolist()
    [9.0]
    """

    formula: Formula

    @property
    def of(self) -> tuple[str, ...]:
        """Endpoints that it is derived from."""
        return self.formula.names

    def derive(self, *values: Floats) -> Floats:
        """Value of arrays of the endpoints of ``of``, in their units and that order."""
        return self.formula.value(dict(zip(self.of, values, strict=True)))


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


SHIPPED = Path(__file__).parent / "shipped" / "type-1-diabetes.toml"
SHIPPED_TABLES: dict[str, Any] = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))


def read_endpoints(
    tables: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, Endpoint], dict[str, Derived]]:
    """Endpoints that are drawn, and those derived from them, of checked tables by name."""
    drawn: dict[str, Endpoint] = {}
    derived: dict[str, Derived] = {}
    for name, table in tables.items():
        given = {unit: Conversion(**terms) for unit, terms in table.get("units", {}).items()}
        common: dict[str, Any] = {
            "name": name,
            "label": table["label"],
            "unit": table["unit"],
            "units": {table["unit"]: Conversion()} | given,
            "scale": _scale(table),
            "lower_is_better": table["benefit"] == "lower",
            "plausible": tuple(table["plausible"]),
            "largest_effect": table["largest_effect"],
            "usual_effect": table["usual_effect"],
            "usual_sd": tuple(table["usual_sd"]),
        }
        if "formula" in table:
            derived[name] = Derived(**common, formula=Formula(table["formula"]))
        else:
            drawn[name] = Endpoint(**common)
    return drawn, derived


def _scale(table: Mapping[str, Any]) -> ModelScale:
    return MODEL_SCALES[table.get("model_scale", "identity")](*table.get("limits", ()))


_DRAWN, _DERIVED = read_endpoints(SHIPPED_TABLES["endpoint"])
ENDPOINTS: Catalogue[Endpoint] = Catalogue("endpoints", _DRAWN)
DERIVED: Catalogue[Derived] = Catalogue("derived outcomes", _DERIVED)
MEASURES: Catalogue[Endpoint] = Catalogue(
    "measures", {**_DRAWN, **_DERIVED}
)  # what analyses of values read
EVENTS: Catalogue[str] = Catalogue(
    "events", SHIPPED_TABLES["events"]
)  # counted outcomes, by their label
RESPONSES: Catalogue[Response] = Catalogue(
    "responses", {name: Response(**table) for name, table in SHIPPED_TABLES["response"].items()}
)


def derived_values(name: str, endpoints: Sequence[str], values: Floats) -> Floats:
    """A derived outcome, (trial, visit, patient), of values (trial, endpoint, visit, patient)."""
    derived = DERIVED[name]
    return derived.derive(
        *(ENDPOINTS[part].scale.from_model(values[:, endpoints.index(part)]) for part in derived.of)
    )


def drawn_for(name: str) -> tuple[str, ...]:
    """Endpoints that are drawn for an outcome to be known: itself, or what it follows from."""
    return DERIVED[name].of if name in DERIVED else (name,)
