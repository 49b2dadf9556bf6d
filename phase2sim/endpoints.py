"""What each endpoint measures, in which units, and the scale on which it is normal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from phase2sim.errors import BadInput

MINUTES_OF_THE_MEAL_TEST = 120.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One outcome: its unit, other units it is reported in, and its model scale.

    ``transformation`` names the model scale: ``identity``, ``log1p``, ``log``, or ``root``, the
    square root of a latent normal whose values below 0 are doses of 0. ``units`` maps an accepted
    unit to the function that turns a value in it into ``unit``; ``model_unit`` names the model
    scale, whose values pass unchanged. ``plausible`` bounds a single patient's value in ``unit``;
    ``largest_effect`` bounds a mean difference on the model scale.
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

    @property
    def benefit_sign(self) -> int:
        """-1 where a lower value is better, else +1."""
        return -1 if self.lower_is_better else 1

    def convert(self, value: float, unit: str) -> float:
        """Turn ``value`` in a reported ``unit`` into this endpoint's own unit.

        Raises ``BadInput`` for a unit that is not one of this endpoint's.
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
}
