"""How stored trials were watched for harm: columns beside those of what they came to."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from phase2sim.core.arrays import Bools
from phase2sim.trial.safety.monitoring import HarmMonitoring

type Column = tuple[NDArray[Any], Bools]  # values, and True where there is none

# Of the trial, null where the boundary is never crossed; whatever else has stopped it before.
_OF_TRIAL = ("look", "months", "enrolled", "due")
HARM_FIELDS = (
    ("harm_look", pa.int8()),  # of the safety rule, from 0
    ("harm_months", pa.float64()),  # from the trial's opening
    ("harm_enrolled", pa.int64()),
    ("harm_due", pa.int64()),  # patients whose last analysed visit had been due
    ("judged", pa.int64()),  # treated patients judged for harm by the row's look, or by the end
)


def harm_columns(watched: HarmMonitoring, look: int) -> dict[str, Column]:
    """Columns of one row a trial, at one look; the only one where there are none."""
    never = ~watched.crossed
    found: dict[str, Column] = {
        f"harm_{name}": (np.where(never, 0, getattr(watched, name)), never) for name in _OF_TRIAL
    }
    return found | {"judged": (watched.judged[look], np.zeros_like(never))}


def watched_of(by_look: Sequence[Mapping[str, Column]]) -> HarmMonitoring | None:
    """Undo ``harm_columns``, from columns (analysis, trial) of every look; None without them."""
    if "judged" not in by_look[0]:
        return None
    look, months, enrolled, due = (by_look[0][f"harm_{name}"][0][0] for name in _OF_TRIAL)
    never = by_look[0]["harm_look"][1][0]
    return HarmMonitoring(
        look=np.where(never, -1, look).astype(np.int64),
        months=np.where(never, np.inf, months),
        enrolled=enrolled,
        due=due,
        judged=np.stack([at["judged"][0][0] for at in by_look]),
    )
