"""Units of endpoints: limits and conversions, against the published equations."""

import math

import pytest

from phase2sim.core.endpoints import ENDPOINTS, MEASURES
from phase2sim.core.errors import BadValue
from phase2sim.core.units import unit_names, unit_of, units_that_fit

HBA1C, C_PEPTIDE, GLUCOSE = (ENDPOINTS[name] for name in ("hba1c", "c_peptide", "glucose"))


def test_limits_of_hba1c_follow_the_master_equation() -> None:
    """Hoelzel et al. (2004): IFCC (mmol/mol) = 10.929 x (NGSP (%) - 2.15)."""
    ifcc = unit_of(HBA1C, "mmol/mol")

    assert ifcc.low == pytest.approx(10.929 * (3.0 - 2.15))
    assert ifcc.high == pytest.approx(10.929 * (20.0 - 2.15))
    assert ifcc.difference(10.929) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("unit", "typed", "nmol_per_litre"),
    [("pmol/L", 230.0, 0.23), ("pmol/mL", 0.23, 0.23), ("nmol/L x 120 min", 60.0, 0.5)],
)
def test_values_go_to_the_model_scale(unit: str, typed: float, nmol_per_litre: float) -> None:
    assert unit_of(C_PEPTIDE, unit).to_model(typed) == pytest.approx(math.log(nmol_per_litre + 1))


def test_values_of_the_model_scale_stay_as_they_are() -> None:
    model = unit_of(C_PEPTIDE, "ln(nmol/L + 1)")

    assert (model.is_model_scale, model.to_model(0.5)) == (True, 0.5)
    assert model.value(math.log(1.23)) == pytest.approx(0.23)


def test_the_unit_that_was_probably_meant_is_found() -> None:
    assert [u.name for u in units_that_fit(HBA1C, [52.0, 75.0], but="%")] == ["mmol/mol"]
    assert [u.name for u in units_that_fit(GLUCOSE, [99.0, 180.0], but="mmol/L")] == ["mg/dL"]
    assert units_that_fit(HBA1C, [52.0, 999.0], but="%") == ()


@pytest.mark.parametrize("name", MEASURES)
def test_limits_of_every_unit_are_those_of_the_endpoint(name: str) -> None:
    endpoint = MEASURES[name]

    for unit in map(unit_of, [endpoint] * 9, unit_names(endpoint)):
        assert unit.value(unit.low) == pytest.approx(endpoint.plausible[0], abs=1e-12)
        assert unit.value(unit.high) == pytest.approx(endpoint.plausible[1])
        assert unit.holds(unit.low)
        assert not unit.holds(unit.high * 1.001)


def test_an_unknown_unit_is_refused_with_those_that_exist() -> None:
    with pytest.raises(BadValue, match=r"unit is 'mg/L'.*'%', 'mmol/mol'"):
        unit_of(HBA1C, "mg/L")
