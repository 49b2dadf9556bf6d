"""From p-values to go or stop."""

from phase2sim.contracts import Decision
from phase2sim.decisions.co_primary import CoPrimary
from phase2sim.decisions.significance import Significance

DECISIONS: dict[str, type[Decision]] = {
    "significance": Significance,
    "co_primary": CoPrimary,
}
