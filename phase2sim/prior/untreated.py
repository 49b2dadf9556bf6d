"""A single arm alone says nothing of untreated patients: refused before it is fitted."""

from collections.abc import Iterator
from pathlib import Path

from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence

FOLDER = Path("priors")  # where names of evidence are looked up


def check_untreated(evidence: Evidence, folder: Path = FOLDER) -> None:
    """Raise ``BadEvidence`` if no arm is untreated, with the files of ``folder`` that have one.

    Effect, bias, variation between patients and natural history of such evidence are told apart by
    the priors alone, and no sampler explores what they leave: neither shorter steps nor more draws
    end the divergent transitions.
    """
    if any(not arm.treated for arm in evidence.arms):
        return
    names = ", ".join(evidence.names)
    problem = (
        f"{names}: has treated patients only, which cannot tell an effect from the natural history."
    )
    others = list(_with_untreated(folder, evidence.names))
    if not others:
        raise BadEvidence(f"{problem} Name a file with untreated patients beside it.")
    together = [*evidence.names, others[0]]
    also = f" (or {', '.join(others[1:])})" if others[1:] else ""
    listed = ", ".join(f'"{name}"' for name in together)
    raise BadEvidence(
        f"{problem} Add {others[0]}{also}: phase2sim fit {' '.join(together)}; in a scenario"
        f" evidence = [{listed}]."
    )


def _with_untreated(folder: Path, but: tuple[str, ...]) -> Iterator[str]:
    """Yield names of evidence files with untreated arms; those without treated arms come first."""
    candidates: list[tuple[bool, str]] = []
    for path in folder.glob("*.toml"):
        if path.stem in but:
            continue
        try:
            arms = load_evidence([path]).arms
        except BadEvidence:
            continue  # not evidence, or not complete alone
        if any(not arm.treated for arm in arms):
            candidates.append((any(arm.treated for arm in arms), path.stem))
    yield from (name for _, name in sorted(candidates))
