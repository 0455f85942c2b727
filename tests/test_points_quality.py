"""Which observations are good, family by family: section 5 of the conventions."""

import gsw
import numpy as np
import pytest
import strategies
import xarray as xr

from adaf_xr.cf import flags
from adaf_xr.cf.errors import QualityError, UnitError
from adaf_xr.points import to_points

DIGITS = "0123456789"


def temperature_at(profile: int, adjusted: bool, ds: xr.Dataset) -> np.ndarray:
    """Potential temperature of one of the three-level profiles, from its raw or adjusted values alone."""
    end = "_ADJUSTED" if adjusted else ""
    t, s, p = (ds[f"{name}{end}"].values[profile] for name in ("TEMP", "PSAL", "PRES"))
    lon, lat = ds.LONGITUDE.values[profile], ds.LATITUDE.values[profile]
    return gsw.pt0_from_t(gsw.SA_from_SP(s, p, lon, lat), t, p)


# Argo ---------------------------------------------------------------------------------------------------------------


def test_argo_mode_chooses_the_version_of_every_parameter():
    ds = strategies.argo("RDA ", ("111",) * 4, ("111",) * 4)
    points = to_points(ds)
    by_latitude = {lat: points.isel(obs=points.latitude.values == lat) for lat in (40.0, 41.0, 42.0, 43.0)}
    for lat, adjusted in ((40.0, False), (41.0, True), (42.0, True), (43.0, False)):
        profile, found = int(lat - 40), by_latitude[lat]
        np.testing.assert_allclose(found.thetao, temperature_at(profile, adjusted, ds), rtol=1e-12)
        np.testing.assert_allclose(found.so, ds.PSAL.values[profile] + 0.5 * adjusted)
        pressure = ds.PRES.values[profile] + 10.0 * adjusted
        np.testing.assert_allclose(found.depth, -gsw.z_from_p(pressure, lat))
        assert np.isfinite(found.thetao_error).all() == adjusted
        assert np.isnan(found.thetao_error).any() != adjusted


def test_argo_versions_are_never_mixed():
    ds = strategies.argo("D", ("111",), ("111",))
    ds.TEMP_ADJUSTED[0, 1] = np.nan
    ds.PRES_ADJUSTED[0, 2] = np.nan
    points = to_points(ds)
    assert np.isfinite(points.thetao).values.tolist() == [True, False]
    assert points.sizes["obs"] == 2
    nothing = strategies.argo("D", ("111",), ("   ",))
    nothing[["TEMP_ADJUSTED", "PSAL_ADJUSTED", "PRES_ADJUSTED"]] *= np.nan
    assert to_points(nothing).sizes["obs"] == 0


@pytest.mark.parametrize("mode", ["R", "D"])
@pytest.mark.parametrize("name", ["TEMP", "PSAL", "PRES"])
def test_argo_flags(mode, name):
    flagged = f"{name}_QC" if mode == "R" else f"{name}_ADJUSTED_QC"
    for digit in DIGITS:
        ds = strategies.argo(mode, ("111",), ("111",))
        ds[flagged] = ds[flagged].copy(data=strategies.text(f"1{digit}1"))
        points, good = to_points(ds), digit in "1258"
        assert points.sizes["obs"] == (3 if good or name != "PRES" else 2)
        if name != "PRES":
            column = {"TEMP": points.thetao, "PSAL": points.so}[name]
            assert np.isfinite(column.values[1]) == good
        assert to_points(ds, qc="all").sizes["obs"] == 3


def test_argo_rejected_salinity_leaves_35_for_the_conversion():
    ds = strategies.argo("R", ("111",), ("   ",))
    ds["PSAL_QC"] = ds.PSAL_QC.copy(data=strategies.text("444"))
    ds["PSAL"] = ds.PSAL * 0 + 20
    points = to_points(ds)
    expected = gsw.pt0_from_t(
        gsw.SA_from_SP(35.0, ds.PRES.values[0], 350.0, 40.0), ds.TEMP.values[0], ds.PRES.values[0]
    )
    np.testing.assert_allclose(points.thetao, expected, rtol=1e-12)
    assert np.isnan(points.so).all()


@pytest.mark.parametrize("flag", ["JULD_QC", "POSITION_QC"])
def test_argo_flags_of_time_and_position(flag):
    for digit in DIGITS + " ":
        ds = strategies.argo("RR", ("111", "111"), ("   ", "   "))
        ds[flag] = ("N_PROF", strategies.text(f"1{digit}")[0])
        assert to_points(ds).sizes["obs"] == (6 if digit in "1258" else 3)
        assert to_points(ds, qc="all").sizes["obs"] == 6


def test_flags_that_were_never_written_are_not_applied():
    for blank in (" ", "\0"):
        ds = strategies.argo("R", (blank * 3,), ("   ",))
        ds["JULD_QC"] = ("N_PROF", strategies.text(blank)[0])
        assert to_points(ds).sizes["obs"] == 3
    half = strategies.argo("R", ("1 1",), ("   ",))
    assert to_points(half).sizes["obs"] == 2


def test_misspelt_fill_of_a_flag():
    ds = strategies.argo("R", ("000",), ("   ",))
    assert to_points(ds).sizes["obs"] == 0  # 0: no quality control was performed
    for name in ("TEMP_QC", "PSAL_QC", "PRES_QC"):
        ds[name].attrs["_fillvalue"] = "0"
    assert to_points(ds).sizes["obs"] == 3  # 0 is the fill, so that nothing was ever written


@pytest.mark.parametrize("kind", ["text", "object", "number"])
def test_flags_of_any_type(kind):
    ds = strategies.argo("R", ("141",), ("   ",))
    make = {
        "text": lambda q: q.astype("U1"),
        "object": lambda q: np.where(q == b"4", np.array(np.nan, object), q.astype(object)),
        "number": lambda q: np.where(q == b"4", np.nan, 1.0),
    }[kind]
    for name in ("TEMP_QC", "PSAL_QC", "PRES_QC"):
        ds[name] = (ds[name].dims, make(ds[name].values))
    assert to_points(ds).sizes["obs"] == 2


def test_argo_mode_per_parameter():
    ds = strategies.argo("R", ("111",), ("111",))
    names = np.array([["PRES            ", "TEMP            ", "DOXY            ", "PSAL            "]], "S16")
    ds["STATION_PARAMETERS"] = (("N_PROF", "N_PARAM"), names)
    ds["PARAMETER_DATA_MODE"] = (("N_PROF", "N_PARAM"), strategies.text("RAD "))
    for each in (ds, ds.chunk(N_PROF=1)):
        points = to_points(each).compute()
        np.testing.assert_allclose(points.depth, -gsw.z_from_p(ds.PRES.values[0], 40.0))
        np.testing.assert_allclose(points.so, ds.PSAL.values[0])
        absolute = gsw.SA_from_SP(ds.PSAL.values[0], ds.PRES.values[0], 350.0, 40.0)
        expected = gsw.pt0_from_t(absolute, ds.TEMP_ADJUSTED.values[0], ds.PRES.values[0])
        np.testing.assert_allclose(points.thetao, expected, rtol=1e-12)


def erddap(ds: xr.Dataset) -> xr.Dataset:
    """Profiles as one row per level, lower case."""
    rows = {n: v.broadcast_like(ds.TEMP).values.ravel() for n, v in ds.data_vars.items()}
    flat = xr.Dataset({n.lower(): ("row", values, ds[n].attrs) for n, values in rows.items()})
    return flat.rename(juld="time", juld_qc="time_qc").drop_vars("juld_location")


def test_argo_mode_per_parameter_that_was_never_written():
    ds = strategies.argo("DDR", ("111",) * 3, ("111",) * 3)
    names = np.array([[b"PRES", b"TEMP", b"PSAL"]] * 3, "S16")
    names[1, 1] = b"DOXY"
    ds["STATION_PARAMETERS"] = (("N_PROF", "N_PARAM"), names)
    for written in (("   ", "DDD", "   "), (" D ", "DDD", "R  ")):
        ds["PARAMETER_DATA_MODE"] = (("N_PROF", "N_PARAM"), strategies.text(*written))
        salinity = to_points(ds).so.values.reshape(3, 3)[:, 0]
        # Of the first profile salinity alone was left blank, or everything: then the profile's own mode counts.
        np.testing.assert_allclose(salinity, [35.5 if written[0].isspace() else 35.0, 35.5, 35.0])
        warm = to_points(ds, ["thetao"]).thetao.values.reshape(3, 3)[:, 0]
        np.testing.assert_allclose(warm, [16.0, 16.0, 15.0], atol=0.1)  # not listed in the second: the profile's mode
        chunked = to_points(ds.chunk(N_PROF=1))
        np.testing.assert_allclose(chunked.so.values, to_points(ds).so.values)


def test_argo_as_a_table():
    ds = strategies.argo("RD", ("141", "111"), ("   ", "114"))
    table, profiles = to_points(erddap(ds)), to_points(ds)
    xr.testing.assert_allclose(table, profiles, rtol=1e-12)


def test_table_without_mode_takes_adjusted_where_present():
    ds = erddap(strategies.argo("D", ("111",), ("111",))).drop_vars("data_mode")
    ds.psal_adjusted[1] = np.nan
    assert to_points(ds).so.values.tolist() == [35.5, 35.2, 35.4]
    ds.psal_adjusted[2] = 99999.0  # a fill value that nobody declared
    assert to_points(ds).so.values.tolist() == [35.5, 35.2, 34.9]


# OceanSITES, INSTAC, IOOS, EN, WOCE ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flag", "kept"),
    [
        ("TEMP_QC", {1, 2, 5, 8}),
        ("DEPH_QC", {1, 2, 5, 7, 8}),
        ("POSITION_QC", {1, 2, 5, 7, 8}),
        ("TIME_QC", {1, 2, 5, 8}),
    ],
)
def test_oceansites_flags(flag, kept):
    for code in (-128, -127, *range(10)):
        ds = strategies.mooring(times=2, levels=1).drop_vars("PSAL")
        values = np.ones(ds[flag].shape, "i1")
        values.flat[1] = code
        ds[flag] = (ds[flag].dims, values)
        assert to_points(ds).sizes["obs"] == (2 if code in kept else 1)


def test_oceansites_bytes_that_were_never_written():
    ds = strategies.mooring(times=2, levels=1)
    for fill in (-128, -127):
        ds["TEMP_QC"] = (ds.TEMP.dims, np.full(ds.TEMP.shape, fill, "i1"))
        assert np.isfinite(to_points(ds).thetao).all()


def test_ioos_flags_are_lower_case_and_follow_the_names_of_the_file():
    ds = strategies.along_track(4).reset_coords(["latitude", "longitude"]).rename(latitude="lat", longitude="lon")
    ds["temperature"] = ("time", np.full(4, 12.0), {"standard_name": "sea_water_temperature", "units": "Celsius"})
    ds["depth"] = ("time", np.full(4, 0.0), {"standard_name": "depth", "units": "m"})
    for k, name in enumerate(("temperature", "lat", "time", "depth")):
        values = np.ones(4)
        values[k] = 4
        ds[f"{name}_qc"] = ("time", values)
    assert to_points(ds).sizes["obs"] == 0
    assert to_points(ds.drop_vars("time_qc")).sizes["obs"] == 1


def test_en_profiles():
    ds = xr.Dataset(
        {
            "POTM_CORRECTED": (("N_PROF", "N_LEVELS"), [[10.0, 11.0, 12.0, 99999.0]], {"units": "degree_celsius"}),
            "POTM_CORRECTED_QC": (("N_PROF", "N_LEVELS"), strategies.text("1411")),
            "TEMP": (("N_PROF", "N_LEVELS"), [[20.0, 20.0, 20.0, 20.0]], {"units": "degree_celsius"}),
            "PSAL_CORRECTED": (("N_PROF", "N_LEVELS"), [[35.0, 35.0, 35.0, 35.0]]),
            "PSAL_CORRECTED_QC": (("N_PROF", "N_LEVELS"), strategies.text("4441")),
            "DEPH_CORRECTED": (("N_PROF", "N_LEVELS"), [[5.0, 10.0, 20.0, 30.0]], {"units": "metre"}),
            "DEPH_CORRECTED_QC": (("N_PROF", "N_LEVELS"), strategies.text("1141")),
            "JULD": ("N_PROF", [strategies.WHEN]),
            "JULD_QC": ("N_PROF", strategies.text("1")[0]),
            "LATITUDE": ("N_PROF", [1.0]),
            "LONGITUDE": ("N_PROF", [2.0]),
            "POSITION_QC": ("N_PROF", strategies.text("1")[0]),
        }
    )
    points = to_points(ds)
    assert points.thetao.values.tolist()[:1] == [10.0]
    assert points.depth.values.tolist() == [5.0, 30.0]
    assert np.isnan(points.thetao.values[1])
    assert np.isnan(points.so.values[0])
    rejected = ds.assign(POSITION_QC=("N_PROF", strategies.text("4")[0]))
    assert to_points(rejected).sizes["obs"] == 0


@pytest.mark.parametrize(
    "attrs",
    [
        {"conventions": "WOCECTD - WOCE Quality Codes for CTD instrument measurements"},
        {"flag_meanings": "no_flag_assigned not_calibrated acceptable_measurement questionable_measurement"},
    ],
)
def test_woce_flags(attrs):
    ds = strategies.mooring(times=1, levels=4).drop_vars("DEPH_QC")
    ds["PSAL_QC"] = (ds.PSAL.dims, np.array([[1, 2, 3, 6]], "i1"), attrs)
    assert np.isfinite(to_points(ds).so).values.tolist() == [False, True, False, False]


def test_flags_that_say_themselves_what_is_good():
    attrs = {"flag_values": np.array([0, 1], "i1"), "flag_meanings": "good bad"}
    ds = strategies.grid("sss", [35.0, 36.0]).assign(sss_qc=(("lat", "lon"), np.array([[0, 1]], "i1"), attrs))
    assert to_points(ds).so.values.tolist() == [35.0]
    # QARTOD calls 1 good, as everyone does: 2 (not evaluated) is kept with it.
    ds.sss_qc.attrs |= {"flag_values": np.array([1, 2, 3, 4, 9], "i1"), "flag_meanings": "good b c d e"}
    ds.sss_qc[:] = [[2, 3]]
    assert to_points(ds).so.values.tolist() == [35.0]


# Satellites ---------------------------------------------------------------------------------------------------------


def test_swath_sst():
    ds = strategies.swath_sst(2, 3)
    ds.quality_level[0] = [[0, 1, 2], [3, 4, 5]]
    ds.sses_bias[0, 1, 2] = np.nan
    points = to_points(ds)
    kelvin = ds.sea_surface_temperature.values[0, 1]
    np.testing.assert_allclose(points.thetao, [kelvin[1] - 273.15 - 0.25, kelvin[2] - 273.15])
    assert points.thetao_error.values.tolist() == [0.5, 0.5]
    delay = (ds.sst_dtime.values[0, 1, 1:] * 1e9).astype("m8[ns]")
    np.testing.assert_array_equal(points.time, strategies.WHEN + delay)
    everything = to_points(ds, qc="all")
    assert everything.sizes["obs"] == 6
    np.testing.assert_allclose(everything.thetao.values[0], ds.sea_surface_temperature.values.flat[0] - 273.15 - 0.25)


def test_swath_sst_decoded_as_timedelta():
    ds = strategies.swath_sst(2, 3)
    seconds = ds.sst_dtime.values
    other = ds.assign(sst_dtime=(ds.sst_dtime.dims, (seconds * 1e9).astype("m8[ns]")))
    xr.testing.assert_identical(to_points(ds), to_points(other))


@pytest.mark.parametrize("timedelta", [False, True])
@pytest.mark.parametrize("chunks", [None, {"ni": 2}])
def test_fill_values_of_delays_are_no_delays(timedelta, chunks, tmp_path):
    ds = strategies.swath_sst()
    ds["sst_dtime"][0, 0, 1] = np.nan
    fill = {"sst_dtime": {"dtype": "i4", "_FillValue": -2147483648}}
    ds.to_netcdf(tmp_path / "a.nc", encoding=fill)
    how = {"mask_and_scale": False, "decode_timedelta": timedelta, "chunks": chunks}
    with xr.open_dataset(tmp_path / "a.nc", **how) as opened:
        points = to_points(opened).compute()
    assert np.isfinite(points.thetao).sum() == 11
    kept = points.time[~np.isnat(points.time)]
    assert kept.size == 11
    assert abs(kept - kept[0]).max() < np.timedelta64(100, "s")


def test_swath_sst_without_quality_level():
    ds = strategies.swath_sst().drop_vars("quality_level")
    with pytest.raises(QualityError, match=r"without quality_level.*qc=\"all\""):
        to_points(ds)
    assert to_points(ds, qc="all").sizes["obs"] == 12
    bare = ds[["sea_surface_temperature"]]
    with pytest.raises(QualityError):
        to_points(bare)


def test_swath_sst_whose_quality_was_never_written_promises_nothing():
    ds = strategies.swath_sst()
    assert to_points(ds.assign(quality_level=ds.quality_level * np.nan)).sizes["obs"] == 0


def test_limits_hold_after_the_bias():
    ds = strategies.swath_sst(1, 2)
    ds.sea_surface_temperature[0, 0] = [273.15 + 40.2, 273.15 - 2.4]
    assert to_points(ds).thetao.values == pytest.approx([39.95])


def test_analysed_sst_is_taken_as_it_is():
    ds = strategies.grid("analysed_sst", [280.0, 290.0], "kelvin", standard_name="sea_surface_foundation_temperature")
    ds["analysis_error"] = (("lat", "lon"), [[0.3, 0.4]], {"units": "kelvin"})
    points = to_points(ds)
    np.testing.assert_allclose(points.thetao, [6.85, 16.85])
    assert points.thetao_error.values.tolist() == [0.3, 0.4]


def test_scatterometer_directions():
    points = to_points(strategies.scatterometer(direction=(0.0, 90.0)))
    np.testing.assert_allclose(points.uas, [0.0, 10.0], atol=1e-12)
    np.testing.assert_allclose(points.vas, [10.0, 0.0], atol=1e-12)


def test_wind_from_a_buoy():
    ds = strategies.mooring(times=3, levels=1)
    ds["WSPD"] = (ds.TEMP.dims, np.full((3, 1), 10.0), {"units": "m s-1"})
    ds["WDIR"] = (ds.TEMP.dims, [[0.0], [90.0], [0.0]], {"units": "degree"})
    ds["WSPD_QC"] = (ds.TEMP.dims, np.array([[1], [1], [4]], "i1"))
    ds["WDIR_QC"] = (ds.TEMP.dims, np.array([[1], [1], [1]], "i1"))
    points = to_points(ds)
    np.testing.assert_allclose(points.uas, [0.0, -10.0, np.nan], atol=1e-12)
    np.testing.assert_allclose(points.vas, [-10.0, 0.0, np.nan], atol=1e-12)
    speed_only = to_points(ds.drop_vars("WDIR"))
    assert "uas" not in speed_only


def test_current_as_speed_and_direction():
    ds = strategies.mooring(times=2, levels=1)
    ds["HCSP"] = (ds.TEMP.dims, [[1.0], [99.0]], {"units": "m s-1"})
    ds["HCDT"] = (ds.TEMP.dims, [[90.0], [0.0]], {"units": "degree"})
    np.testing.assert_allclose(to_points(ds).uo, [1.0, np.nan], atol=1e-12)


@pytest.mark.parametrize("bit", [1 << n for n in range(6, 23)])
def test_wind_vector_cell_flags(bit):
    bad = bit in flags.WIND_VECTOR_CELL_BITS.values()
    ds = strategies.scatterometer(flag=(0, bit))
    assert to_points(ds).sizes["obs"] == (1 if bad else 2)
    ds.wvc_quality_flag.attrs["flag_masks"] = np.array([bit], "i4")
    for meaning in ("knmi_quality_control_fails", "some_portion_of_wvc_is_over_land"):
        ds.wvc_quality_flag.attrs["flag_meanings"] = meaning
        assert to_points(ds).sizes["obs"] == (1 if meaning.startswith("knmi") else 2)


def test_topography_from_anomaly():
    unfiltered = strategies.along_track(3, sla_unfiltered=0.1, sla_filtered=0.2, mdt=1.0)
    points = to_points(unfiltered)
    np.testing.assert_allclose(points.zos, 1.1)
    np.testing.assert_allclose(points.sla, 0.1)
    np.testing.assert_allclose(to_points(unfiltered, "zos").zos, 1.1)
    assert "sla" not in to_points(unfiltered, "zos")
    np.testing.assert_allclose(to_points(strategies.along_track(3, sla_filtered=0.2, mdt=1.0)).zos, 1.2)
    given = strategies.along_track(3, adt_unfiltered=0.7, sla_unfiltered=0.1, mdt=1.0)
    np.testing.assert_allclose(to_points(given).zos, 0.7)
    filtered = strategies.along_track(3, adt_filtered=0.7, sla_unfiltered=0.1, mdt=1.0)
    np.testing.assert_allclose(to_points(filtered).zos, 1.1)
    np.testing.assert_allclose(to_points(strategies.along_track(3, adt_filtered=0.7, sla_unfiltered=0.1)).zos, 0.7)
    assert "zos" not in to_points(strategies.along_track(3, sla_unfiltered=0.1))


def test_nasa_ssh():
    ds = strategies.along_track(4, ssh=0.1, ssh_smoothed=0.2)
    ds["nasa_flag"] = ("time", [0.0, 1.0, np.nan, 0.0])
    assert to_points(ds).sla.values.tolist() == [0.1, 0.1]
    assert to_points(ds, qc="all").sizes["obs"] == 4


@pytest.mark.parametrize("flag", ["qual_alt_1hz_range_ku", "surface_type", "ice_flag", "rain_flag"])
def test_jason(flag):
    ds = strategies.along_track(3, ssha=0.1, ssha_mle3=0.2, mean_topography=1.0)
    for name in ("qual_alt_1hz_range_ku", "surface_type", "ice_flag", "rain_flag"):
        ds[name] = ("time", [0.0, 0.0, 0.0])
    ds[flag][1] = 1
    ds.ssha[2] = -2.5
    points = to_points(ds)
    assert points.sla.values.tolist() == [0.1]
    assert "zos" not in points
    assert to_points(ds, qc="all").sla.values.tolist() == [0.1, 0.1, -2.5]


def test_large_anomalies_elsewhere_stay():
    assert to_points(strategies.along_track(2, ssha=2.5)).sla.values.tolist() == [2.5, 2.5]


def test_smos():
    ds = strategies.grid("SSS_corr", [35.0, 36.0, 37.0, 38.0], "psu")
    ds["Dg_quality_SSS_corr"] = (("lat", "lon"), [[150.0, 151.0], [np.nan, 0.0]])
    ds["Sigma_SSS_corr"] = (("lat", "lon"), np.full((2, 2), 0.6), {"units": "psu"})
    ds["SST"] = (("lat", "lon"), np.full((2, 2), 20.0), {"units": "°C"})
    points = to_points(ds)
    assert points.so.values.tolist() == [35.0, 38.0]
    assert points.so_error.values.tolist() == [0.6, 0.6]
    assert "thetao" not in points


def test_smap():
    ds = strategies.grid("smap_sss", [35.0, 36.0, 37.0, 38.0], "PSU")
    ds["quality_flag"] = (("lat", "lon"), [[0.0, 1.0], [6.0, np.nan]])
    ds["smap_sss_uncertainty"] = (("lat", "lon"), np.full((2, 2), 0.6), {"units": "PSU"})
    assert to_points(ds).so.values.tolist() == [35.0, 37.0]
    assert to_points(ds, qc="all").sizes["obs"] == 4


def test_quality_flags_of_other_products_are_left_alone():
    ds = strategies.grid("concentration", [50.0, 60.0], "percent").assign(quality_flag=(("lat", "lon"), [[1.0, 3.0]]))
    assert to_points(ds).siconc.values.tolist() == [0.5, 0.6]


@pytest.mark.parametrize(
    ("name", "flag"), [("NASA_Team_2_Ice_Concentration", "Flags"), ("IceConc", "SummaryQC_Ice_Concentration")]
)
def test_ice_flags(name, flag):
    ds = strategies.grid(name, [50.0, 60.0], "1").assign({flag: (("lat", "lon"), [[0.0, 8.0]])})
    assert to_points(ds).siconc.values.tolist() == [0.5]


@pytest.mark.parametrize("group", ["PreQC", "PreQc"])
def test_ioda(group):
    points = to_points(strategies.ioda((280.0, 281.0, 282.0), (0, 1, np.nan), group=group))
    np.testing.assert_allclose(points.thetao, [6.85])
    assert points.thetao_error.values.tolist() == [0.3]
    assert points.attrs["source"] == "sst"
    assert to_points(strategies.ioda((280.0, 281.0), (0.25, 0.0), group=group)).sizes["obs"] == 2
    assert to_points(strategies.ioda((280.0, 281.0), (np.nan, np.nan), group=group)).sizes["obs"] == 2


# Errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sss_error", "err_sss", "sss_uncertainty", "sigma_sss", "SSS_Random_Error"])
def test_errors_by_name(name):
    ds = strategies.grid("sss", [35.0, 36.0]).assign({name: (("lat", "lon"), [[0.1, -9999.0]])})
    np.testing.assert_array_equal(to_points(ds).so_error, [0.1, np.nan])


def test_errors_by_standard_name():
    ds = strategies.grid("sss", [35.0, 36.0], standard_name="sea_surface_salinity")
    ds["spread"] = (("lat", "lon"), [[0.1, 0.2]], {"standard_name": "sea_surface_salinity standard_error"})
    assert to_points(ds).so_error.values.tolist() == [0.1, 0.2]


def test_errors_in_units_of_their_own_are_none():
    ds = strategies.along_track(2, sla=0.1).assign(err=("time", [5.0, 6.0], {"units": "percent"}))
    assert "sla_error" not in to_points(ds)
    ds.err.attrs["units"] = "cm"
    assert to_points(ds).sla_error.values.tolist() == [0.05, 0.06]


def test_unknown_unit_at_the_door():
    with pytest.raises(UnitError, match=r"'adt'.*'fathom'"):
        to_points(strategies.along_track(2).assign(adt=("time", [0.1, 0.2], {"units": "fathom"})))
