"""The embedded sample: its physics, its instruments, and that opening it computes nothing."""

import pickle
from functools import lru_cache

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import ocean_mask
from adaf_xr.cf.canonical import SOURCES, VARIABLES
from adaf_xr.grids import regrid, sample
from adaf_xr.osse.observing import scatterometer
from adaf_xr.osse.sample import DAYS, NAMES, SEED, START, SYSTEMS, ocean, open_sample
from adaf_xr.sphere import RADIUS, great_circle

DAY = np.timedelta64(1, "D")


@lru_cache
def lazily(name):
    """A dataset of the sample, opened once for all tests."""
    return open_sample(name)


@lru_cache
def sampled(name):
    """The same with its values; tests share it and do not write to it."""
    return lazily(name).compute()


def centred(field, spacing, axis):
    """Central differences at interior points, coded apart from the simulator."""
    ahead, behind = [slice(1, -1)] * 2, [slice(1, -1)] * 2
    ahead[axis], behind[axis] = slice(2, None), slice(None, -2)
    return (field[tuple(ahead)] - field[tuple(behind)]) / (2 * spacing)


def test_currents_balance_the_sea_level():
    truth = sampled("truth").isel(time=2)
    zos = truth.zos.values.astype("f8")
    phi = np.radians(truth.latitude.values)[1:-1, None]
    metres = np.radians(0.25) * RADIUS * 1e3
    coriolis = 2 * 7.2921e-5 * np.sin(phi)
    for found, slope in (
        (coriolis * truth.uo.values[1:-1, 1:-1], -9.81 * centred(zos, metres, 0)),
        (coriolis * truth.vo.values[1:-1, 1:-1], 9.81 * centred(zos, metres, 1) / np.cos(phi)),
    ):
        both = np.isfinite(found) & np.isfinite(slope)
        assert both.sum() > 40_000
        np.testing.assert_allclose(found[both], slope[both], atol=2e-9, rtol=1e-3)


def test_currents_do_not_diverge_but_for_the_change_of_coriolis():
    # div u_g = -(beta / f) v for geostrophic flow on the sphere; computed here from the currents alone.
    truth = sampled("truth").isel(time=0)
    phi = np.radians(truth.latitude.values)[:, None]
    metres = np.radians(0.25) * RADIUS * 1e3
    u, v = truth.uo.values.astype("f8"), truth.vo.values.astype("f8")
    divergence = (centred(u, metres, 1) + centred(v * np.cos(phi), metres, 0)) / np.cos(phi[1:-1])
    beta_term = -v[1:-1, 1:-1] / np.tan(phi[1:-1]) / (RADIUS * 1e3)
    rest = divergence - beta_term
    vorticity = centred(v, metres, 1) / np.cos(phi[1:-1]) - centred(u, metres, 0)
    assert np.nanstd(rest) < 0.01 * np.nanstd(vorticity)


def test_the_same_seed_gives_the_same_ocean_and_another_seed_another():
    first, again = (open_sample("truth", seed=7).zos.isel(time=1).values for _ in range(2))
    other = open_sample("truth", seed=8).zos.isel(time=1).values
    np.testing.assert_array_equal(first, again)
    assert np.nanstd(first - other) > 0.05


def test_the_seed_reaches_the_noise_and_the_positions_of_floats():
    a, b = open_sample("insitu", seed=1), open_sample("insitu", seed=2)
    assert not np.array_equal(a.LATITUDE, b.LATITUDE)
    assert open_sample("insitu", seed=1).TEMP.data.name == a.TEMP.data.name != b.TEMP.data.name


def test_the_ocean_looks_like_one():
    truth = sampled("truth")
    assert truth.thetao.min() >= -1.8 - 1e-6
    assert truth.thetao.max() < 36
    assert 32 < truth.so.min() < truth.so.max() < 39
    # In the mean it cools poleward and downward.
    profile = truth.thetao.mean(("time", "longitude"))
    assert (
        profile.sel(latitude=slice(15, 20)).mean("latitude") > profile.sel(latitude=slice(50, 55)).mean("latitude")
    ).all()
    assert (profile.sel(latitude=slice(15, 45)).mean("latitude").diff("depth") < 0).all()
    # Eddies: strongest along the western boundary current, with currents of the observed size.
    speed = np.hypot(truth.uo, truth.vo)
    west = speed.sel(latitude=slice(36, 46), longitude=slice(-70, -50))
    east = speed.sel(latitude=slice(20, 30), longitude=slice(-40, -25))
    assert west.std() > 2 * east.std()
    assert 1.0 < float(speed.max()) < 2.5
    # Some ice where it is at freezing point, none elsewhere.
    assert truth.siconc.max() > 0.5
    assert float(truth.thetao.isel(depth=0).where(truth.siconc > 0).max()) < -0.5


def test_fields_are_missing_on_land_only():
    truth = sampled("truth").isel(time=0)
    sea = ocean_mask.sea(truth.latitude.values, truth.longitude.values)
    for name in truth:
        present = np.isfinite(truth[name].values)
        np.testing.assert_array_equal(present, np.broadcast_to(sea, present.shape), err_msg=str(name))


def test_eddies_drift_west_as_rossby_waves():
    before, after = (np.fft.rfft2(ocean.noise_field(3, 350e3, days)) for days in (0.0, 2.0))
    step = np.radians(0.25) * RADIUS * 1e3
    ky = 2 * np.pi * np.fft.fftfreq(200, step)[:, None]
    kx = 2 * np.pi * np.fft.rfftfreq(320, step * np.cos(np.radians(35)))[None, :]
    beta = 2 * 7.2921e-5 * np.cos(np.radians(35)) / (RADIUS * 1e3)
    theory = beta * kx / (kx**2 + ky**2 + ocean.ROSSBY_RADIUS**-2)
    # Waves exp(i (k x + omega t)) with omega > 0 run west. Away from kx = 0, where conjugate modes mix.
    measured = (np.angle(after * np.conj(before)) / (2 * 86400))[:, 1:-1]
    energy = np.abs(before[:, 1:-1]) ** 2
    theory = theory[:, 1:-1]
    assert (energy * measured * theory).sum() / (energy * theory**2).sum() == pytest.approx(1.0, abs=0.1)


def test_the_background_is_wrong_by_what_its_page_says():
    truth, background = sampled("truth"), sampled("background")
    grid = (background.latitude, background.longitude)
    for name, (low, high) in {"zos": (0.04, 0.08), "thetao": (0.4, 0.7), "so": (0.06, 0.15)}.items():
        fine = regrid(background[name].values, *grid, truth.latitude, truth.longitude)
        error = fine - truth[name].values
        assert low < np.sqrt(np.nanmean(error**2)) < high
        assert abs(np.nanmean(error)) < 0.25 * high
        # Wrong about the eddies, right about the climate: most of the variance is shared.
        assert np.nanstd(error) < 0.5 * np.nanstd(truth[name])


def test_a_coarse_cell_is_the_mean_of_its_sea_cells():
    field = np.where(ocean_mask.sea(ocean.LATITUDE, ocean.LONGITUDE), ocean.noise_field(5, 400e3), np.nan)
    coarse = ocean._block_mean(field)
    assert coarse.shape == (50, 80)
    for i, j in ((3, 30), (30, 20), (35, 12)):
        with np.errstate(invalid="ignore"):
            block = field[4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
        expected = block[np.isfinite(block)].mean() if np.isfinite(block).any() else np.nan
        np.testing.assert_allclose(coarse[i, j], expected)


def test_opening_computes_nothing(nothing_computes):
    for name in NAMES:
        ds = open_sample(name)
        assert all(dask.is_dask_collection(da) for da in ds.data_vars.values()), name
        lazy = {str(c) for c, values in ds.coords.items() if values.chunks is not None}
        assert lazy == ({"lat", "lon"} if name == "wind" else set()), name  # positions of swaths are many


def test_the_sample_travels_to_other_processes_in_a_few_bytes():
    for name in NAMES:
        ds = open_sample(name)
        ds = ds.drop_vars(ds.coords)
        sent = pickle.dumps(ds)
        assert len(sent) < 100_000, name
        key = next(iter(ds.data_vars))
        np.testing.assert_array_equal(pickle.loads(sent)[key].data[:1].compute(), sampled(name)[key][:1])


@pytest.mark.parametrize("name", NAMES)
def test_each_day_is_a_chunk_and_comes_out_with_the_stated_type_and_shape(name):
    ds, computed = lazily(name), sampled(name)
    for key, da in ds.items():
        assert da.data.numblocks[0] == DAYS
        assert computed[key].dtype == da.dtype
        assert computed[key].shape == da.shape
        assert "units" in da.attrs or da.dtype.kind == "S" or "flag_meanings" in da.attrs, key


@pytest.mark.parametrize("name", ["truth", "background"])
def test_fields_bear_canonical_names_and_attributes(name):
    ds = open_sample(name)
    for key in ("zos", "thetao", "so", "uo", "vo", "siconc"):
        assert ds[key].attrs["standard_name"] == VARIABLES[key].standard_name
        assert ds[key].attrs["units"] == VARIABLES[key].units
    assert ds.depth.attrs["positive"] == "down"
    assert ds.time.values[0] == START
    assert (np.diff(ds.time.values) == DAY).all()


def test_all_kinds_of_observing_systems_are_there():
    assert set(SOURCES) < set(NAMES)


@pytest.mark.parametrize(("name", "time"), [("ssh", "time"), ("insitu", "JULD"), ("wind", "time"), ("sst", "time")])
def test_observations_stay_in_their_days(name, time):
    for day in range(DAYS):
        start = START + day * DAY
        ds = open_sample(name, (start, start + DAY))
        assert (ds[time].values >= start).all()
        assert (ds[time].values < start + DAY).all()


@given(st.integers(0, DAYS - 1), st.integers(1, DAYS), st.sampled_from(NAMES))
@settings(max_examples=20, deadline=None)
def test_a_span_gives_the_days_it_meets(first, length, name):
    span = (START + first * DAY, START + (first + length) * DAY)
    whole, part = lazily(name), open_sample(name, span)
    dim = next(iter(part.data_vars.values())).dims[0]
    rows = whole.chunksizes[dim]
    last = min(first + length, DAYS)
    assert part.chunksizes[dim] == rows[first:last]
    begin = sum(rows[:first])
    key = next(iter(part.data_vars))
    np.testing.assert_array_equal(part[key].data[:1].compute(), sampled(name)[key][begin : begin + 1])


def test_no_day_and_no_such_name_say_what_there_is():
    with pytest.raises(ValueError, match=r"no truth between 2021-01-01.*covers 2020-01-01 to 2020-01-05"):
        open_sample("truth", (np.datetime64("2021-01-01"), np.datetime64("2021-02-01")))
    with pytest.raises(ValueError, match=r"no 'chlorophyll'; it has truth, background, insitu"):
        open_sample("chlorophyll")


def departures(value, error):
    """Departures in units of the stated error."""
    good = np.isfinite(value)
    return (value[good] / error).astype("f8")


def truth_at(name, ds, time, latitude, longitude):
    """Truth at times and places, by interpolating the published fields: not by the instrument's own way."""
    fields = sampled("truth")[name]
    if "depth" in fields.dims:
        fields = fields.isel(depth=0)
    days = (np.asarray(time) - START) / DAY
    inside = days <= DAYS - 1
    stack = np.stack([sample(f, fields.latitude, fields.longitude, latitude, longitude) for f in fields.values])
    lower = np.clip(np.floor(days).astype(int), 0, DAYS - 2)
    column = np.arange(days.size)
    weight = days - lower
    value = (1 - weight) * stack[lower, column] + weight * stack[lower + 1, column]
    return np.where(inside, value, np.nan)


def test_altimeters_are_white_about_the_truth():
    ds = sampled("ssh")
    adt = (ds.sla_unfiltered + ds.mdt).values
    z = departures(adt - truth_at("zos", ds, ds.time, ds.latitude.values, ds.longitude.values), 0.03)
    assert z.size > 30_000
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert abs(z.std() - 1) < 0.02
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 0.03


def test_the_radiometer_is_right_once_its_bias_is_taken_off_and_bad_pixels_left_out():
    ds = sampled("sst").isel(time=slice(0, 2))
    error = SYSTEMS["sst"].error
    lat, lon = (c.values for c in xr.broadcast(ds.lat, ds.lon))
    good = ds.quality_level.values >= 4
    time = ds.time.values[:, None, None] + ds.sst_dtime.values.astype("m8[s]")
    where = np.broadcast_to(lat, good.shape)[good], np.broadcast_to(lon, good.shape)[good]
    truth = truth_at("thetao", ds, time[good], *where)
    kelvin = ds.sea_surface_temperature.values[good].astype("f8") - 273.15
    z = departures(kelvin - ds.sses_bias.values[good] - truth, error)
    assert z.size > 30_000
    assert abs(z.mean()) < 0.02
    assert abs(z.std() - 1) < 0.02
    raw = kelvin - truth
    assert np.sqrt(np.nanmean(raw**2)) > 1.1 * error
    # Margins of clouds are cold, and say so.
    edge = ds.quality_level.values == 2
    cold = ds.sea_surface_temperature.values[edge] - 273.15 - ds.sses_bias.values[edge]
    where = np.broadcast_to(lat, good.shape)[edge], np.broadcast_to(lon, good.shape)[edge]
    assert np.nanmean(cold - truth_at("thetao", ds, time[edge], *where)) == pytest.approx(-1.5, abs=0.05)
    assert (
        0.3
        < good.mean()
        / np.isfinite(truth_at("thetao", ds, ds.time.values[:1].repeat(lat.size), lat.ravel(), lon.ravel())).mean()
        < 0.8
    )


def test_salinity_scatters_as_its_error_says():
    ds = sampled("sss").isel(time=slice(0, 6))
    value, error = ds.Sea_Surface_Salinity, ds.Sea_Surface_Salinity_Error
    lat, lon = (c.values.ravel() for c in xr.broadcast(ds.lat, ds.lon))
    for t in range(ds.sizes["time"]):
        truth = truth_at("so", ds, ds.time.values[t : t + 1].repeat(lat.size), lat, lon)
        z = (value.values[t].ravel() - truth) / error.values[t].ravel()
        z = z[np.isfinite(z)]
        assert z.size > 8_000
        assert abs(z.mean()) < 5 / np.sqrt(z.size)
        assert abs(z.std() - 1) < 0.03
    assert 0.45 < float(error.min()) < 0.55
    assert 0.9 < float(error.max()) < 1.5
    np.testing.assert_array_equal(np.isfinite(value), np.isfinite(error))
    assert value.attrs["ancillary_variables"] == error.name
    # The swaths move: three days see more than one.
    assert np.isfinite(value).any("time").sum() > 1.2 * np.isfinite(value).isel(time=slice(0, 2)).any("time").sum()


def test_ice_is_in_percent_exact_in_open_water_and_noisy_within():
    ds = sampled("ice")
    truth = open_sample("truth").siconc.compute()
    lat, lon = (c.values.ravel() for c in xr.broadcast(ds.lat, ds.lon))
    seen = ds.ice_conc.values[0].ravel() / 100
    at = truth_at("siconc", ds, ds.time.values[:1].repeat(lat.size), lat, lon)
    assert (seen[at == 0] == 0).all()
    assert truth.max() <= 1
    inner = (at > 0.2) & (at < 0.8)
    assert inner.sum() > 20
    assert (seen - at)[inner].std() == pytest.approx(SYSTEMS["ice"].error, rel=0.5)
    assert ds.ice_conc.attrs["units"] == "%"


def test_the_scatterometer_gives_directions_the_wind_blows_to():
    ds = sampled("wind").isel(NUMROWS=slice(0, 1500))
    error = SYSTEMS["wind"].error
    lon = (ds.lon.values + 180) % 360 - 180
    fine = np.isfinite(ds.wind_speed.values) & (ds.wvc_quality_flag.values == 0)
    east, north = ocean.wind(ds.lat.values[fine], lon[fine], SEED)
    radians = np.radians(ds.wind_dir.values[fine])
    u = ds.wind_speed.values[fine] * np.sin(radians) - east
    v = ds.wind_speed.values[fine] * np.cos(radians) - north
    for part in (u, v):
        assert part.size > 5_000
        assert abs(part.mean()) < 0.05
        assert abs(part.std() - error) < 0.05
    flagged = np.isfinite(ds.wind_speed.values) & (ds.wvc_quality_flag.values > 0)
    assert flagged.sum() / (flagged.sum() + fine.sum()) == pytest.approx(scatterometer.FAILED, abs=0.01)
    assert np.mean(ds.wind_speed.values[flagged]) > 14


def test_cells_of_the_scatterometer_are_25_km_apart_across_the_track():
    ds = sampled("wind")
    near, far = ds.isel(NUMCELLS=slice(0, 20)), ds.isel(NUMCELLS=slice(1, 21))
    apart = great_circle(near.lat.values, near.lon.values, far.lat.values, far.lon.values)
    np.testing.assert_allclose(apart, 25.0, rtol=1e-6)
    assert float(ds.lon.min()) >= 0


def test_profiles_are_in_situ_temperatures_whose_potential_is_the_truth():
    import gsw

    ds = sampled("insitu").isel(N_PROF=slice(0, 120))
    delayed = ds.DATA_MODE.values == b"D"
    assert 40 < delayed.sum() < 80
    lat, lon, p = ds.LATITUDE.values[:, None], ds.LONGITUDE.values[:, None], ds.PRES.values
    salt = np.where(delayed[:, None], ds.PSAL_ADJUSTED, ds.PSAL)
    warm = np.where(delayed[:, None], ds.TEMP_ADJUSTED, np.where(ds.TEMP_QC == b"1", ds.TEMP, np.nan))
    potential = gsw.pt0_from_t(gsw.SA_from_SP(salt, p, lon, lat), warm, p)
    depth = -gsw.z_from_p(p, lat)
    truth = sampled("truth")
    points = {
        name: xr.DataArray(value, dims=("row",))
        for name, value in {
            "time": np.repeat(ds.JULD.values, p.shape[1]),
            "latitude": np.repeat(ds.LATITUDE.values, p.shape[1]),
            "longitude": np.repeat(ds.LONGITUDE.values, p.shape[1]),
            "depth": depth.ravel(),
        }.items()
    }
    for name, found in (("thetao", potential), ("so", salt)):
        # xarray's own linear interpolation: missing beside land, where ours uses the sea corners.
        expected = truth[name].interp(points).values.reshape(p.shape)
        z = departures(found - expected, SYSTEMS["insitu"].error[name == "so"])
        assert z.size > 500
        assert abs(z.mean()) < 0.15
        assert abs(z.std() - 1) < 0.1


def test_profiles_have_spikes_that_are_flagged_and_a_drift_that_is_adjusted():
    ds = sampled("insitu")
    delayed = ds.DATA_MODE.values == b"D"
    drift = (ds.PSAL - ds.PSAL_ADJUSTED).values[delayed]
    np.testing.assert_allclose(drift[np.isfinite(drift)], 0.3, atol=1e-5)
    assert np.isnan(ds.PSAL_ADJUSTED.values[~delayed]).all()
    spikes = ds.TEMP_QC.values == b"4"
    assert 0.005 < spikes.mean() < 0.04
    assert np.isnan(ds.TEMP_ADJUSTED.values[spikes]).all()
    assert set(np.unique(ds.TEMP_ADJUSTED_QC.values[~delayed])) == {b" "}
