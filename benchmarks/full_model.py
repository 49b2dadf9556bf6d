"""Everything at once: four endpoints, five visits, events, dropout that depends on what was seen.

60 patients a trial, on one core; target: at least 20,000 trials a second.
"""

from functools import partial

from side_by_side import engine, in_turns, processor_seconds, speed, stay_on_one_core

TRIALS = 4_000
STEADY = {"share": 0.5, "per_month": 0.9}
SCENARIO = {
    "title": "Everything that happens in a trial",
    "seed": 1,
    "trials": TRIALS,
    "population": {
        "age_years": [5, 17],
        "age_strata": [12],
        "per_year_of_age": {"c_peptide": 0.02},
    },
    "design": {
        "kind": "fixed",
        "arms": ["placebo", "active"],
        "patients": 60,
        "visits_months": [0, 3, 6, 9, 12],
        "randomisation": {"method": "stratified_blocks", "over": ["age"]},
    },
    "outcome": {
        "hba1c": {"control_mean": [8.5, 7.4, 7.5, 7.7, 7.9], "sd": 1.2, "correlation": STEADY},
        "c_peptide": {"control_mean": 0.45, "sd": 0.25, "correlation": STEADY},
        "insulin": {"control_mean": 0.65, "sd": 0.2, "correlation": STEADY},
        "glucose": {"control_mean": 2.1, "sd": 0.3, "correlation": STEADY},
    },
    "endpoint_correlation": 0.2,
    "truth": {
        "target": {
            "hba1c": {"effect": -0.6, "month": 12, "shape": "linear"},
            "c_peptide": {"effect": 0.12, "month": 12, "shape": "linear"},
            "insulin": {"effect": -0.1, "month": 12, "shape": "linear"},
            "glucose": {"effect": -0.1, "month": 12, "shape": "linear"},
        }
    },
    "recruitment": {"kind": "poisson", "per_month": 6},
    "missing": {
        "dropout": {
            "mechanism": "logistic",
            "lost": [0.03, 0.06, 0.08, 0.1],
            "endpoint": "hba1c",
        },
        "gaps": {"mechanism": "mcar", "share": 0.03},
    },
    "intercurrent": {
        "discontinuation": {"share": 0.1, "by_month": 12, "half_life_months": 3},
        "rescue": {"limit": 9.5, "effect": {"hba1c": -0.6, "insulin": 0.05}},
    },
    "events": {"hypoglycaemia": {"per_month": 1.0, "dispersion": 0.8}},
    "analysis": [
        {"endpoint": name, "month": 12, "method": "ancova", "covariates": ["baseline"]}
        for name in ("hba1c", "c_peptide", "insulin", "glucose")
    ],
    "decision": {"kind": "significance", "one_sided_alpha": 0.025},
}


def main() -> None:
    """Print the speed."""
    stay_on_one_core()
    seconds = in_turns({"all": partial(processor_seconds, engine(SCENARIO, TRIALS))})["all"]
    print(f"full model: {speed(TRIALS, seconds)}; target at least 20,000")


if __name__ == "__main__":
    main()
