"""Units, missing values and limits: sections 1 and 4 of the conventions."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from adaf_xr.cf import to_canonical_units
from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.cf.errors import UnitError
from adaf_xr.cf.missing import DEFAULT_FILLS
from adaf_xr.cf.units import UNITS, decoding, error_decoding, spelling


def array(values, units=None, **attrs):
    return xr.DataArray(
        np.asarray(values), dims="x", name="v", attrs=attrs | ({} if units is None else {"units": units})
    )


def converted(values, units, name, **attrs):
    return to_canonical_units(array(values, units, **attrs), name).values


@pytest.mark.parametrize(
    "units", ["m s-1", "m/s", "m s**-1", "meter/second", "meter second-1", "Meters/second", "m.s-1"]
)
def test_spellings_of_speed(units):
    assert converted([1.5], units, "uo") == 1.5


@pytest.mark.parametrize("units", ["K", "kelvin", "Kelvin", "degK", "Degrees kelvin"])
def test_kelvin(units):
    assert converted([290.15], units, "thetao") == pytest.approx([17.0])


@pytest.mark.parametrize("units", ["degC", "Celsius", "degree_Celsius", "degrees_C", "degree_C", "°C", "", None])
def test_celsius(units):
    assert converted([17.0], units, "thetao") == [17.0]


@pytest.mark.parametrize("units", ["psu", "PSU", "1", "1e-3", "0.001", "PSS-78", 1, None])
def test_salinity_is_never_rescaled(units):
    assert converted([35.0], units, "so") == [35.0]


def test_scaled_units():
    assert converted([150.0], "cm/s", "vo") == pytest.approx([1.5])
    assert converted([25.0], "cm", "zos") == pytest.approx([0.25])
    assert converted([25.0], "millimeters", "sla") == pytest.approx([0.025])


@pytest.mark.parametrize("units", ["%", "percent", "1", None])
def test_ice_in_percent(units):
    assert converted([0.0, 55.0, 100.0], units, "siconc") == pytest.approx([0.0, 0.55, 1.0])


def test_ice_as_fraction():
    assert converted([0.0, 0.55, 1.0], "1", "siconc") == pytest.approx([0.0, 0.55, 1.0])
    # One stray fill value does not make a percentage of it.
    np.testing.assert_allclose(converted([0.5, 1e30, -9999.0, 255.0], "1", "siconc"), [0.5, np.nan, np.nan, np.nan])


def test_packing_that_holds_no_percentage_needs_no_look_at_the_numbers():
    def question(stored, scale):
        packed = xr.DataArray(np.array([50], stored), dims="x", name="ice", attrs={"scale_factor": scale, "units": "1"})
        return decoding(xr.decode_cf(packed.to_dataset())["ice"], "siconc").question

    assert question("i1", 0.01) == ""
    assert question("u1", 0.01) == ""  # 2.55 at most: what is above one are codes
    assert question("i2", 0.01) == "percent"
    assert question("i1", 1.0) == "percent"


def test_codes_of_a_byte_make_no_percentage_of_fractions():
    for units in ("1", None):
        np.testing.assert_allclose(converted([0.95, 0.5, 2.54, 2.51], units, "siconc"), [0.95, 0.5, np.nan, np.nan])
    assert converted([1.0, 2.54, 3.0], "1", "siconc") == pytest.approx([0.01, 0.0254, 0.03])


def test_codes_and_fills_do_not_vote():
    codes = xr.DataArray(np.array([50, 100, 254, 251], "u1"), dims="x", name="cdr")
    codes.attrs = {"scale_factor": 0.01, "flag_values": np.array([251, 254], "u1"), "units": "1"}
    opened = xr.decode_cf(codes.to_dataset())["cdr"]
    np.testing.assert_allclose(to_canonical_units(opened, "siconc"), [0.5, 1.0, np.nan, np.nan], rtol=1e-6)
    np.testing.assert_allclose(converted([0.5, 99.0], "1", "siconc", FillValue=99.0), [0.5, np.nan])
    np.testing.assert_allclose(
        converted([17.0, 300.0, 300.0], None, "thetao", _fillvalue=300.0), [17.0, np.nan, np.nan]
    )


def test_temperature_without_units_is_kelvin_where_the_median_says_so():
    np.testing.assert_allclose(converted([280.0, 290.0, -9999.0, 1e20], None, "thetao")[:2], [6.85, 16.85])
    np.testing.assert_allclose(converted([10.0, 11.0, 9999.0, 9999.0], None, "thetao")[:2], [10.0, 11.0])


@pytest.mark.parametrize(
    ("name", "units"),
    [("thetao", "furlong"), ("so", "g/kg"), ("uo", "knots"), ("zos", "feet"), ("siconc", "m"), ("thetao", "1")],
)
def test_unknown_units_are_an_error(name, units):
    with pytest.raises(UnitError, match=rf"'v' was taken for {name}.*{units!r}.*set the attribute units") as caught:
        to_canonical_units(array([1.0], units), name)
    assert VARIABLES[name].units in str(caught.value)


@pytest.mark.parametrize("name", VARIABLES)
def test_limits_and_attributes(name):
    low, high = VARIABLES[name].limits
    if name == "siconc":
        given_values, expected = [low, high, low - 1e-6, 200.0], [low, high, np.nan, np.nan]
    else:
        given_values, expected = [low, high, low - 1e-3, high + 1e-3], [low, high, np.nan, np.nan]
    result = to_canonical_units(array(given_values, VARIABLES[name].units), name)
    np.testing.assert_array_equal(result.values, expected)
    assert result.attrs["standard_name"] == VARIABLES[name].standard_name
    assert result.attrs["units"] == VARIABLES[name].units


@pytest.mark.parametrize("attribute", ["_FillValue", "missing_value", "FillValue", "_fillvalue", "fill_value"])
def test_declared_fill_values(attribute):
    np.testing.assert_array_equal(converted([0.5, -1.5], "m", "zos", **{attribute: -1.5}), [0.5, np.nan])


@pytest.mark.parametrize("stored", DEFAULT_FILLS)
def test_default_fill_of_packed_integers(stored):
    fill, scale, offset = DEFAULT_FILLS[stored], 1e-4, 0.5
    packed = xr.DataArray(np.array([100, fill], stored), dims="x", name="sla", attrs={"units": "m"})
    packed.attrs |= {"scale_factor": scale, "add_offset": offset}
    for type_of_scale in (np.float32, np.float64):
        packed.attrs["scale_factor"] = type_of_scale(scale)
        opened = xr.decode_cf(packed.to_dataset())["sla"]
        how = decoding(opened, "sla")
        np.testing.assert_allclose(how.apply(opened.values), [0.51, np.nan], rtol=1e-6)
        # The limits alone would not catch the fill of one or two bytes.
        unlimited = type(how)(how.missing, how.linear, (-np.inf, np.inf))
        assert np.isnan(unlimited.apply(opened.values)[1])


def test_default_fill_is_data_where_a_fill_is_declared():
    packed = xr.DataArray(np.array([-32767, -32768], "i2"), dims="x", name="sla")
    packed.attrs |= {"scale_factor": 1e-4, "_FillValue": np.int16(-32768), "units": "m"}
    np.testing.assert_allclose(to_canonical_units(xr.decode_cf(packed.to_dataset())["sla"], "sla"), [-3.2767, np.nan])


def test_packed_numbers_are_refused():
    with pytest.raises(UnitError, match=r"'v' is still packed.*mask_and_scale=True"):
        to_canonical_units(array(np.array([12], "i2"), "m", scale_factor=1e-4), "zos")


def test_valid_range_is_not_applied():
    assert converted([20.0], "degC", "thetao", valid_min=-300, valid_max=10) == [20.0]


def test_errors_are_scaled_but_not_shifted():
    how = error_decoding(array([0.4], "kelvin"), "thetao")
    np.testing.assert_array_equal(how.apply(np.array([0.4, -0.1, 99999.0])), [0.4, np.nan, np.nan])
    assert error_decoding(array([5.0], "cm"), "sla").apply(np.array([5.0])) == pytest.approx([0.05])


def test_tables_are_spelled_as_they_are_looked_up():
    for table in UNITS.values():
        assert all(spelling(key) == key for key in table)


def test_input_is_not_changed():
    values = np.array([290.0, -9999.0])
    da_ = array(values, "K", FillValue=-9999.0)
    to_canonical_units(da_, "thetao")
    np.testing.assert_array_equal(da_.values, [290.0, -9999.0])


@given(
    st.lists(st.sampled_from([280.0, 17.0, -9999.0, np.nan, 1e30, 0.5, 45.0]), max_size=12),
    st.integers(1, 12),
    st.sampled_from(["thetao", "siconc", "so"]),
)
def test_lazy_conversion_is_the_same(values, chunk, name):
    eager = array(np.array(values, "f8"))
    lazy = eager.copy(data=da.from_array(np.array(values, "f8"), chunks=chunk))
    result = to_canonical_units(lazy, name)
    assert result.chunks is not None
    xr.testing.assert_identical(result.compute(), to_canonical_units(eager, name))


def test_lazy_conversion_computes_nothing(nothing_computes):
    to_canonical_units(xr.DataArray(da.zeros(10, chunks=3), dims="x", name="v"), "thetao")
