"""Which variable is which: section 2 of the conventions."""

import numpy as np
import pytest
import strategies
import xarray as xr

from adaf_xr.cf import identify
from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.cf.errors import AmbiguousError
from adaf_xr.cf.names import NAMES, STANDARD_NAMES, term_of
from adaf_xr.cf.vectors import pairs


def variables(**standard_names: str | None) -> xr.Dataset:
    """Variables on one dimension, each with a standard name or none."""
    return xr.Dataset({n: ("x", [1.0, 2.0], {"standard_name": s} if s else {}) for n, s in standard_names.items()})


def test_tables_speak_of_canonical_variables_only():
    assert {t.name for t in (*NAMES.values(), *STANDARD_NAMES.values())} == set(VARIABLES)
    assert all(name == name.lower() for name in (*NAMES, *STANDARD_NAMES))
    assert all(v.standard_name in STANDARD_NAMES for v in VARIABLES.values())


@pytest.mark.parametrize(
    ("names", "canonical"),
    [
        ("thetao POTM POTM_CORRECTED ptmp theta votemper TEMP waterTemperature", "thetao"),
        ("analysed_sst sea_surface_temperature seaSurfaceTemperature sst tos Temp SST", "thetao"),
        ("PSAL ctd_salinity bottle_salinity so salinity seaSurfaceSalinity sss sss_cap smap_sss SSS_corr psal", "so"),
        ("adt_unfiltered adt adt_filtered adt_xgm2016 adt_egm2008 zos absoluteDynamicTopography", "zos"),
        ("sla_unfiltered sla sla_filtered ssha", "sla"),
        ("uo EWCT ud", "uo"),
        ("vo NSCT vd", "vo"),
        ("siconc seaIceFraction IceConc concentration NASA_Team_2_Ice_Concentration", "siconc"),
        ("uas u10 uwnd", "uas"),
        ("vas v10 vwnd", "vas"),
    ],
)
def test_exact_names_in_any_case(names, canonical):
    for name in names.split():
        for spelled in (name, name.upper(), name.lower()):
            assert identify(variables(**{spelled: None})) == {spelled: canonical}


@pytest.mark.parametrize("standard", STANDARD_NAMES)
def test_standard_name_decides(standard):
    expected = STANDARD_NAMES[standard].name
    assert identify(variables(anything=standard)) == {"anything": expected}
    assert identify(variables(zos=standard)) == {"zos": expected}


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (("a", "sea_water_potential_temperature"), ("b", "sea_water_temperature")),
        (("a", "sea_water_temperature"), ("b", "sea_surface_foundation_temperature")),
        (("a", "sea_surface_foundation_temperature"), ("b", "sea_surface_subskin_temperature")),
        (("a", "sea_surface_subskin_temperature"), ("b", "sea_surface_skin_temperature")),
        (("a", "sea_surface_skin_temperature"), ("b", "sea_surface_temperature")),
        (("a", "sea_surface_skin_temperature"), ("tos", None)),
        (("POTM", None), ("TEMP", None)),
        (("TEMP", None), ("sst", None)),
        (("ctd_salinity", "sea_water_practical_salinity"), ("bottle_salinity", "sea_water_practical_salinity")),
        (("PSAL", None), ("bottle_salinity", None)),
        (("adt_unfiltered", None), ("adt", None)),
        (("adt", None), ("adt_filtered", None)),
        (("adt_unfiltered", None), ("adt_filtered", None)),
        (
            ("adt_xgm2016", "absolute_dynamic_topography_xgm2016"),
            ("adt_egm2008", "absolute_dynamic_topography_egm2008"),
        ),
        (("sla_unfiltered", None), ("sla", None)),
        (("sla", None), ("sla_filtered", None)),
        (("NASA_Team_2_Ice_Concentration", None), ("Bootstrap_Ice_Concentration", None)),
    ],
)
def test_preferences(better, worse):
    for pair in ((better, worse), (worse, better)):
        assert list(identify(variables(**dict(pair)))) == [better[0]]


@pytest.mark.parametrize("names", [{"a": "sea_water_salinity", "b": "sea_water_salinity"}, {"adt": None, "zos": None}])
def test_what_nothing_orders_is_an_error(names):
    with pytest.raises(AmbiguousError, match=r"nothing orders them.*drop_vars.*rename or set standard_name") as caught:
        identify(variables(**names))
    assert all(name in str(caught.value) for name in names)


def test_candidates_on_other_dimensions_do_not_compete():
    ds = variables(adt=None).assign(zos=("y", [1.0]))
    assert identify(ds) == {"adt": "zos", "zos": "zos"}


def test_bare_ssh_is_ambiguous():
    bare = variables(ssh=None)
    with pytest.raises(
        AmbiguousError, match=r"'ssh' may be absolute .*zos.*or an anomaly .*sla.*rename it to zos or sla"
    ):
        identify(bare)
    assert identify(variables(ssh="sea_surface_height_above_geoid")) == {"ssh": "zos"}
    assert identify(variables(ssh=None, nasa_flag=None)) == {"ssh": "sla"}
    bare.ssh.attrs["mean_sea_surface"] = "DTU21"
    assert identify(bare) == {"ssh": "sla"}


NEVER_TAKEN = """
    thetao_error sst_uncertainty TEMP_QC sss_std n_sst_obs mdt ssh_smoothed ssha_nr ssha_mle3 ssha_20hz sla_20hz
    ssha_20_ku ssha_20_plrm_ku
    u10_model wind_speed_mod_u anc_sst TEMP_DOXY SLEV err_sla sses_bias mean_dynamic_topography
"""


@pytest.mark.parametrize("name", NEVER_TAKEN.split())
@pytest.mark.parametrize("standard", [None, "sea_water_temperature", "sea_surface_height_above_geoid"])
def test_never_taken(name, standard):
    assert identify(variables(**{name: standard})) == {}


def test_anomalies_of_temperature_are_not_taken():
    assert identify(variables(sst_anomaly="sea_surface_temperature", sst_anom=None)) == {}


@pytest.mark.parametrize(
    ("name", "standard"),
    [
        ("temp", "air_temperature"),
        ("salinity", "sea_water_absolute_salinity"),
        ("theta", "sea_water_conservative_temperature"),
        ("concentration", "mass_concentration_of_suspended_matter_in_sea_water"),
        ("so", "sea_water_salinity number_of_observations"),
        ("adt", "surface_geostrophic_eastward_sea_water_velocity"),
    ],
)
def test_a_contradicting_standard_name_wins_over_a_name(name, standard):
    assert identify(variables(**{name: standard})) == {}


def test_adjusted_values_do_not_compete_with_their_raw_ones():
    assert identify(strategies.argo()) == {"TEMP": "thetao", "PSAL": "so"}
    assert identify(strategies.argo()[["TEMP_ADJUSTED"]]) == {"TEMP_ADJUSTED": "thetao"}


def test_borrowed_fields_of_satellite_products():
    assert identify(strategies.swath_sst()) == {"sea_surface_temperature": "thetao"}
    assert pairs(strategies.swath_sst()) == []
    assert identify(variables(SSS_corr=None, SST=None, u10=None)) == {"SSS_corr": "so"}
    l4 = variables(analysed_sst="sea_surface_foundation_temperature", sea_ice_fraction="sea_ice_area_fraction")
    assert identify(l4) == {"analysed_sst": "thetao", "sea_ice_fraction": "siconc"}


def test_surface_salinity_of_a_model_or_ship_comes_with_its_own_temperature():
    both = {"tos": "sea_surface_temperature", "sos": "sea_surface_salinity"}
    assert identify(variables(**both)) == {"tos": "thetao", "sos": "so"}
    assert identify(variables(sst=None, sss=None, zos=None)) == {"sst": "thetao", "sss": "so", "zos": "zos"}
    assert identify(variables(sst=None, sss=None)) == {"sss": "so"}
    for attrs in ({"platform": "SMAP"}, {"title": "Soil_Moisture_Ocean_Salinity SMOS_L3"}, {"sensor": "radiometer"}):
        assert identify(variables(**both).assign_attrs(attrs)) == {"sos": "so"}
    ship = variables(sst=None, sss=None).assign_attrs(featureType="trajectory")
    assert identify(ship) == {"sst": "thetao", "sss": "so"}


@pytest.mark.parametrize("dim", ["time_20_ku", "time_20_c", "time_20", "meas_ind"])
def test_dimensions_of_high_rate_measurements(dim):
    assert identify(variables(ssha=None)) == {"ssha": "sla"}
    assert identify(variables(ssha=None).rename(x=dim)) == {}


def test_long_name_tells_what_a_name_leaves_open():
    def kind(long_name, **standard_names):
        ds = variables(**standard_names)
        ds.TEMP.attrs["long_name"] = long_name
        term = term_of(ds, "TEMP")
        return term and term.kind

    assert kind("Potential Temperature", TEMP=None) == "potential"
    assert kind("Temperature", TEMP=None) == "in situ"
    assert kind("Potential Temperature", TEMP="sea_water_temperature") == "in situ"  # the standard name decides
    assert kind("Air temperature", TEMP=None) is None


def test_wind_on_pressure_levels_is_not_at_the_surface():
    wind = variables(u="eastward_wind")
    assert identify(wind) == {"u": "uas"}
    level = ("level", [850.0, 500.0], {"units": "hPa"})
    assert identify(wind.rename(x="level").assign_coords(level=level)) == {}
    assert identify(wind.assign_coords(level=((), 850.0, {"units": "hPa"}))) == {}
    assert identify(wind.assign_coords(surface_pressure=("x", [1010.0, 1020.0], {"units": "hPa"}))) == {"u": "uas"}
    assert identify(wind.assign_coords(plev=("x", [85000.0, 50000.0], {"standard_name": "air_pressure"}))) == {}
    assert identify(wind.assign_coords(height=10.0)) == {"u": "uas"}


def test_directions():
    def signs(**standard_names):
        return [pair.sign for pair in pairs(variables(**standard_names))]

    assert signs(WSPD=None, WDIR=None) == [-1]
    assert signs(s="wind_speed", d="wind_from_direction") == [-1]
    assert signs(s="wind_speed", d="wind_to_direction") == [1]
    assert signs(wind_speed=None, wind_dir="wind_from_direction", wvc_index=None) == [-1]
    assert signs(wind_speed=None, wind_dir=None, wvc_index=None) == [1]
    assert signs(HCSP=None, HCDT=None) == [1]
    assert signs(s="sea_water_speed", d="direction_of_sea_water_velocity") == [1]
    assert signs(WSPD=None) == []
    with pytest.raises(
        AmbiguousError, match=r"wind_dir.*from there or towards.*wind_from_direction or wind_to_direction"
    ):
        signs(wind_speed=None, wind_dir=None)
    with pytest.raises(AmbiguousError, match="a, b"):
        signs(a="wind_speed", b="wind_speed", WDIR=None)


def test_directions_of_scatterometers_are_oceanographic():
    ds = variables(wind_speed=None, wind_dir=None).assign_attrs(institution="EUMETSAT/OSI SAF/KNMI")
    assert [pair.sign for pair in pairs(ds)] == [1]


def test_text_and_dates_are_no_candidates():
    ds = xr.Dataset({"sst": ("x", np.array(["a", "b"])), "tos": ("x", np.array(["2020-01-01"] * 2, "M8[ns]"))})
    assert identify(ds) == {}
