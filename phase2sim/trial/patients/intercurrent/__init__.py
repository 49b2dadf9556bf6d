"""What happens to patients after they were treated, and changes what their outcomes mean."""

from phase2sim.core.patient_parts import Intercurrent
from phase2sim.trial.patients.intercurrent.chance import Discontinuation, OtherTherapy
from phase2sim.trial.patients.intercurrent.rescue import Rescue

# In the order in which they act: insulin is intensified for what the others made of HbA1c.
INTERCURRENT: dict[str, type[Intercurrent]] = {
    "discontinuation": Discontinuation,
    "other_therapy": OtherTherapy,
    "rescue": Rescue,
}
