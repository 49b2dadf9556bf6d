"""What verdicts, analyses and endpoints are called in a report."""

from phase2sim.reporting.figures.drawing import capital
from phase2sim.studies.dossier.dossier import Dossier


def verdict_label(dossier: Dossier, verdict: str) -> str:
    """What a verdict is about: ``HbA1c (%), month 6``, ``all (co-primary)``."""
    titles = {
        known.analysis: f"{capital(known.label)} ({known.unit}), {known.when}"
        for known in dossier.background
    }
    if verdict not in titles:
        return "all (co-primary)" if verdict == "co_primary" else verdict.replace("_", " ")
    title = titles[verdict]
    return title if list(titles.values()).count(title) == 1 else f"{title}: {verdict}"
