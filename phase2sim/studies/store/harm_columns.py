"""Columns of stored trials that hold their monitoring for harm."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from phase2sim.core.arrays import Bools
from phase2sim.trial.safety.monitoring import HarmMonitoring

type Column = tuple[NDArray[Any], Bools]  # values, and True where there is none

# Of the trial, null where the boundary is never crossed, even if a look stopped it before.
_TRIAL_COLUMNS = ("look", "months", "enrolled", "due")
HARM_FIELDS = (
    ("harm_look", pa.int8()),  # of the safety rule, from 0
    ("harm_months", pa.float64()),  # from the trial's opening
    ("harm_enrolled", pa.int64()),
    ("harm_due", pa.int64()),  # patients whose last analysed visit had been due
    ("judged", pa.int64()),  # treated patients judged for harm by the row's look, or by the end
)


def harm_columns(monitoring: HarmMonitoring, look: int) -> dict[str, Column]:
    """Columns of one look, one row per trial; ``look`` is 0 without interim looks."""
    never = ~monitoring.crossed
    columns: dict[str, Column] = {
        f"harm_{name}": (np.where(never, 0, getattr(monitoring, name)), never)
        for name in _TRIAL_COLUMNS
    }
    return columns | {"judged": (monitoring.judged[look], np.zeros_like(never))}


def harm_monitoring(by_look: Sequence[Mapping[str, Column]]) -> HarmMonitoring | None:
    """Undo ``harm_columns``, from columns (analysis, trial) of every look; None without them."""
    if "judged" not in by_look[0]:
        return None
    look, months, enrolled, due = (by_look[0][f"harm_{name}"][0][0] for name in _TRIAL_COLUMNS)
    never = by_look[0]["harm_look"][1][0]
    return HarmMonitoring(
        look=np.where(never, -1, look).astype(np.int64),
        months=np.where(never, np.inf, months),
        enrolled=enrolled,
        due=due,
        judged=np.stack([columns["judged"][0][0] for columns in by_look]),
    )
