"""From what the analyses found to go or stop."""

from phase2sim.core.decision import Decision
from phase2sim.decisions.co_primary import CoPrimary
from phase2sim.decisions.dual_criterion import DualCriterion
from phase2sim.decisions.dunnett import Dunnett
from phase2sim.decisions.fallback import Fallback
from phase2sim.decisions.fixed_sequence import FixedSequence
from phase2sim.decisions.gatekeeping import Gatekeeping
from phase2sim.decisions.graphical import Graphical
from phase2sim.decisions.hochberg import Hochberg
from phase2sim.decisions.holm import Holm
from phase2sim.decisions.hommel import Hommel
from phase2sim.decisions.mcp_mod import McpMod
from phase2sim.decisions.posterior import Posterior
from phase2sim.decisions.significance import Significance

DECISIONS: dict[str, type[Decision]] = {
    "significance": Significance,
    "co_primary": CoPrimary,
    "holm": Holm,
    "hochberg": Hochberg,
    "hommel": Hommel,
    "fixed_sequence": FixedSequence,
    "fallback": Fallback,
    "gatekeeping": Gatekeeping,
    "graphical": Graphical,
    "dunnett": Dunnett,
    "mcp_mod": McpMod,
    "posterior": Posterior,
    "dual_criterion": DualCriterion,
}
