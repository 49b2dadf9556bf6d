"""Which outcomes are seen: patients who leave, and single visits that are missed."""

from phase2sim.core.patient_parts import Missingness
from phase2sim.trial.patients.missingness.gaps import NoGaps, Sporadic, SporadicByBaseline
from phase2sim.trial.patients.missingness.hazards import Complete, Mar, Mcar
from phase2sim.trial.patients.missingness.logistic import Logistic, Mnar

MISSINGNESS: dict[str, type[Missingness]] = {
    "none": Complete,
    "mcar": Mcar,
    "mar": Mar,
    "logistic": Logistic,
    "mnar": Mnar,
}
GAPS: dict[str, type[Missingness]] = {
    "none": NoGaps,
    "mcar": Sporadic,
    "mar": SporadicByBaseline,
}
