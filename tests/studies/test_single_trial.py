"""One simulated trial replayed: what it shows, with interim looks and without."""

from support.looks import with_looks
from support.small_trials import assembled

from phase2sim.studies.single_trial import replay

RULE = {
    "efficacy": {"kind": "pocock_spending"},
    "futility": {"kind": "conditional_power", "at_least": [0.2]},
}


def test_a_replayed_trial_with_looks_shows_response_rates_as_a_fixed_one_does() -> None:
    responder = {"endpoint": "c_peptide", "month": 12, "responder": {"at_least": 0.3}}
    table = with_looks(analysis=[responder | {"method": "miettinen_nurminen"}], stopping=RULE)
    fixed = {key: value for key, value in table.items() if key != "stopping"}
    fixed["design"] = {k: v for k, v in table["design"].items() if k != "looks"} | {"kind": "fixed"}
    whole, with_none = assembled(table), assembled(fixed)

    for trial in range(10):
        looked, _ = replay(whole, "target", trial)
        rates = replay(with_none, "target", trial)[0].findings[0].details
        assert len(rates) == 2
        assert looked.findings[0].details.keys() == rates.keys()
        if not looked.looks[-1].stopped_for:  # the final analysis, of the same patients
            assert looked.findings[0].details == rates
