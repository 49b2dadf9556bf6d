"""Labels of characteristics, truths and verdicts; other names are shown unchanged."""

from collections.abc import Sequence

from phase2sim.operating.background import Background

# Characteristic -> its name for a reader, and what it means.
_CHARACTERISTICS: dict[str, tuple[str, str]] = {
    "power": ("Power", "share of trials that go, if the hoped-for effect is real"),
    "type_i_error": ("Type I error", "share of trials that go although nothing works"),
    "assurance": ("Assurance", "share of trials that go, averaged over a prior of the effect"),
    "consider": ("Consider", "share of trials that neither go nor stop"),
    "stop": ("Stop", "share of trials that stop"),
    "false_go": ("False go", "goes among trials whose true effect is not beyond the reference"),
    "false_stop": ("False stop", "stops among trials whose true effect is at the target value"),
    "missed_target": ("Missed target", "no goes among trials whose true effect is at the target"),
    "true_given_go": (
        "True given go",
        "true effects beyond reference or null among goes",
    ),
    "stopped_for_harm": ("Stopped for harm", "share of trials that the safety rule stops"),
    "harm_before": (
        "Stopped for harm before",
        "share of trials stopped for harm since the look before",
    ),
    "final_analysis": ("Final analysis", "share of trials that nothing stops before it"),
    "treated_patients": ("Treated patients", "treated patients judged when it stopped or ended"),
    "bias": ("Bias", "mean of estimate minus the true effect, model scale"),
    "coverage": ("Coverage", "share of 95-percent intervals that hold the true effect"),
    "missing": ("Missing", "share of patients without the analysed value"),
    "duration": ("Duration", "months from the first patient to the last readout, or the stop"),
    "stop_efficacy": ("Stop for efficacy", "share of trials that a look stops with success"),
    "stop_futility": ("Stop for futility", "share of trials that a look stops without success"),
    "failed_look": ("Look failed", "share of trials that reached a look it could not answer"),
    "overrun_reversed": ("Taken back", "share of stops for efficacy not shown with the overrun"),
    "enrolled": ("Patients enrolled", "mean number of patients enrolled at the end of the trial"),
    "dropped": ("Arm dropped", "share of trials in which a look drops the arm"),
    "selected": ("Best arm", "share of trials with a go for the arm, and the smallest p of them"),
    "enrolled_in_arm": ("Enrolled in the arm", "mean number of patients enrolled in the arm"),
    "enrolled_in_control": ("Enrolled in control", "mean number of patients enrolled in control"),
    "overrun": ("Overrun", "mean number of them whose data the last look did not have in full"),
}
TRUTHS: dict[str, str] = {
    "target": "the hoped-for effect is real",
    "expected": "the hoped-for effect is real, in a control arm drawn from the fitted prior",
    "null": "no effect on anything",
    "prior": "effect drawn from the mixture of fitted and sceptical prior",
    "fitted": "effect drawn from the fitted part of it alone",
    "sceptical": "effect drawn from the sceptical part of it alone",
}


def characteristic(name: str) -> str:
    """Label of an operating characteristic."""
    return _CHARACTERISTICS.get(name, (name.replace("_", " ").capitalize(), ""))[0]


def characteristic_meaning(name: str) -> str:
    """Meaning of an operating characteristic; empty if it has no description."""
    return _CHARACTERISTICS.get(name, ("", ""))[1]


def truth(name: str) -> str:
    """Label of an assumed truth."""
    return TRUTHS.get(name, name.replace("_", " "))


def verdict_label(backgrounds: Sequence[Background], verdict: str) -> str:
    """Label of a verdict: ``HbA1c (%), month 6``, ``all (co-primary)``."""
    titles = {
        background.analysis: f"{capital(background.label)} ({background.unit}), {background.when}"
        for background in backgrounds
    }
    if verdict not in titles:
        return "all (co-primary)" if verdict == "co_primary" else verdict.replace("_", " ")
    title = titles[verdict]
    return title if list(titles.values()).count(title) == 1 else f"{title}: {verdict}"


def capital(label: str) -> str:
    """Return a label with a capital first letter."""
    return label[:1].upper() + label[1:]
