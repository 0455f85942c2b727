"""The instruments one by one: where they look, how much they see, and how large and of what kind their errors are."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import label

import adaf_xr  # noqa: F401  registers the accessor
from adaf_xr import ocean_mask
from adaf_xr.osse.observing import SYSTEMS, Domain, clouds, observe
from adaf_xr.osse.observing.karin import height_noise
from adaf_xr.osse.observing.noise import red, smooth, uniform, white
from adaf_xr.osse.observing.passes import Grid, overpass
from adaf_xr.sphere import great_circle, unit_vectors

START, DAY = np.datetime64("2022-01-01", "ns"), np.timedelta64(1, "D")
GLOBE = (-180.0, 180.0, -80.0, 90.0)
BOX = (-70.0, -50.0, 30.0, 45.0)


@dataclass(frozen=True)
class Plain:
    """An ocean that is the same everywhere, with or without the continents of the Earth."""

    extent: tuple = BOX
    land: bool = False
    mean_sea: bool = False
    values: dict = field(default_factory=dict)

    period = (np.datetime64("2000-01-01", "ns"), np.datetime64("2100-01-01", "ns"))

    @property
    def names(self):
        return {"zos", "thetao", "so", "uo", "vo", "uas", "vas", "siconc"} | ({"mdt"} if self.mean_sea else set())

    def wet(self, latitude, longitude):
        if self.land:
            return ocean_mask.sea_at(latitude, longitude)
        eastward = (longitude - self.extent[0]) % 360
        return (latitude > self.extent[2]) & (latitude < self.extent[3]) & (eastward < self.extent[1] - self.extent[0])

    def at(self, name, latitude, longitude, time, depth=None):
        found = {"zos": 0.5, "thetao": 15.0, "so": 35.0}
        return np.full(latitude.shape, (found | self.values).get(name, 0.0))


def days(first, last):
    return START + first * DAY, START + last * DAY


def slope(sizes, low, high):
    """Exponent of a power law between two sizes, from a histogram in logarithmic bins."""
    edges = np.geomspace(low, high, 12)
    density = np.histogram(sizes, edges)[0] / np.diff(edges)
    return np.polyfit(np.log(edges[1:] * edges[:-1]) / 2, np.log(density), 1)[0]


# Errors


def test_random_numbers_are_uniform_independent_and_anywhere_accessible():
    whole = uniform((3, "a"), np.arange(200_000))
    np.testing.assert_array_equal(uniform((3, "a"), [[7], [123_456]]).ravel(), whole[[7, 123_456]])
    assert np.abs(np.histogram(whole, 50, (0, 1))[0] - 4000).max() < 5 * np.sqrt(4000)
    for other in (uniform((4, "a"), np.arange(200_000)), uniform((3, "b"), np.arange(200_000)), np.roll(whole, 1)):
        assert abs(np.corrcoef(whole, other)[0, 1]) < 5 / np.sqrt(whole.size)
    normal = white((3, "a"), np.arange(200_000))
    assert abs(normal.mean()) < 0.01
    assert abs(normal.std() - 1) < 0.01
    assert abs((normal**4).mean() - 3) < 0.1


def test_red_errors_and_smooth_fields_have_unit_variance_and_their_scale():
    seconds = np.arange(0, 20 * 86400, 40.0)
    found = np.stack([red((seed,), seconds, 150.0, 3000.0) for seed in range(8)])
    assert found.std() == pytest.approx(1, abs=0.05)
    assert np.mean(found[:, 1:] * found[:, :-1]) > 0.9
    latitude, longitude = np.degrees(np.arcsin(np.linspace(-1, 1, 2000))), np.linspace(0, 20 * 360, 2000)
    fields = np.stack([smooth((seed,), latitude, longitude, 3000.0) for seed in range(20)])
    assert fields.std() == pytest.approx(1, abs=0.05)
    near = np.stack([smooth((seed,), latitude + 0.5, longitude, 3000.0) for seed in range(20)])
    # <f f'> = sin(kr) / kr for waves of one length in all directions.
    kr = 2 * np.pi * 55.6 / 3000
    half_of_structure = np.mean((fields - near) ** 2) / 2 / np.mean(fields**2)
    assert half_of_structure == pytest.approx(1 - np.sin(kr) / kr, rel=0.1)


# Altimeters


@pytest.fixture(scope="module")
def track():
    return observe(Plain(GLOBE, land=True), "nadir-reference", days(0, 2), seed=0).compute()


def test_altimeters_read_once_a_second_over_the_sea(track):
    apart = great_circle(
        *(track[c].values[k] for k in (slice(None, -1), slice(1, None)) for c in ("latitude", "longitude"))
    )
    gap = np.diff(track.time.values) / np.timedelta64(1, "s")
    # A track point moves 5.8 km/s in space; the Earth turns below it.
    np.testing.assert_allclose(apart[gap == 1].mean(), 5.8, atol=0.1)
    assert ocean_mask.sea_at(track.latitude, track.longitude).all()
    assert set(np.unique(track.track.values)) <= set(range(1, 255))
    passes = track.sel(time=slice(START, START + DAY)).track.values
    assert 25 <= np.unique(passes).size <= 27  # 254 passes in 9.9156 days


def test_a_pass_of_the_next_cycle_lies_on_the_same_track():
    everything = SYSTEMS["nadir-reference"].but(edited=0.0)
    ds = observe(Plain(), everything, days(0, 25), seed=0)
    first, second = (ds.isel(time=ds.cycle == cycle) for cycle in np.unique(ds.cycle)[-2:])
    again = 0
    for number in np.intersect1d(first.track, second.track):
        one, other = (each.isel(time=each.track == number) for each in (first, second))
        order = np.argsort(other.latitude.values)
        expected = np.interp(one.latitude, other.latitude[order], other.longitude[order])
        np.testing.assert_allclose(one.longitude[2:-2], expected[2:-2], atol=1e-3)
        assert (one.time.values[0] - other.time.values[0]) / DAY == pytest.approx(-9.9156, abs=1e-3)
        again += 1
    assert again > 5


def test_a_region_may_cross_the_date_line():
    ocean = Plain((-180.0, 180.0, -60.0, 60.0))
    for name in ("nadir-gfo", "sss"):
        ds = observe(ocean, name, days(0, 3), seed=0, region=(170, -160, -10, 10))
        longitude = np.unique(ds["longitude" if "longitude" in ds.coords else "lon"].values % 360)
        assert longitude.min() > 170
        assert longitude.max() < 200
        assert ((longitude < 180).any(), (longitude > 180).any()) == (True, True)


def test_editing_removes_its_share_in_blocks():
    ocean, reference = Plain(GLOBE), SYSTEMS["nadir-reference"]
    all_of_it, left = (observe(ocean, reference.but(edited=e), days(0, 3), seed=0).time for e in (0.0, 0.1))
    assert all_of_it.size == 3 * 86400
    assert 1 - left.size / all_of_it.size == pytest.approx(0.1, abs=0.01)
    gap = np.diff(left.values) / np.timedelta64(1, "s")
    assert set(gap[gap > 1] % 4) == {1.0}  # 4 s, some 25 km, at a time


def test_altimeter_counts_and_latitudes_are_those_of_a_real_mission(track, realdata):
    file = realdata / "ssh" / "GSFC-alt_ssh20220101.nc"
    with xr.open_dataset(file) as real:
        # Rows over water that is open in the file's own view.
        latitude = real.latitude.values[np.isfinite(real.ssh.values) & (real.nasa_flag.values == 0)]
    simulated = track.sel(time=slice(START, START + DAY)).latitude.values
    assert simulated.size == pytest.approx(latitude.size, rel=0.15)
    edges = np.arange(-60, 61, 10)
    counts = [np.histogram(each, edges)[0] / each.size for each in (simulated, latitude)]
    assert np.corrcoef(*counts)[0, 1] > 0.97
    np.testing.assert_allclose(*counts, atol=0.02)


def test_the_reference_altimeter_flies_the_tracks_of_the_real_mission(realdata):
    orbit = SYSTEMS["nadir-reference"].orbits[0]
    simulated = orbit.track(np.arange(127) * orbit.period / 1440)[1]
    for day in (1, 2, 3):
        with xr.open_dataset(realdata / "ssh" / f"GSFC-alt_ssh2022010{day}.nc") as real:
            order = np.argsort(real.time.values)
            latitude, longitude, second = (real[c].values[order] for c in ("latitude", "longitude", "time"))
        up = np.flatnonzero((latitude[:-1] < 0) & (latitude[1:] >= 0) & (np.diff(second) < np.timedelta64(2, "s")))
        share = latitude[up] / (latitude[up] - latitude[up + 1])
        crossing = longitude[up] + share * (longitude[up + 1] - longitude[up])
        assert crossing.size > 7
        away = np.abs((crossing[:, None] - simulated + 180) % 360 - 180).min(axis=1)
        assert away.max() < 0.01  # degrees, about a kilometre: how closely the real one is kept on its track


def test_altimeter_noise_is_white_and_of_the_stated_size():
    quiet = SYSTEMS["nadir-sentinel3"].but(long_error=0.0, edited=0.0)
    error = observe(Plain(GLOBE), quiet, days(0, 1), seed=0).adt_unfiltered.values.astype("f8") - 0.5
    assert error.std() == pytest.approx(quiet.error, rel=0.02)
    power = np.abs(np.fft.rfft(error)[1:]) ** 2
    bands = [band.mean() for band in np.array_split(power, 8)]
    assert max(bands) / min(bands) < 1.1


def test_long_wavelength_errors_are_long():
    # 1 Hz errors without the white part; the scales begin at 1000 km.
    smoothly = SYSTEMS["nadir-cryosat"].but(error=0.0, long_error=0.02, edited=0.0)
    poles_too = Plain((-180.0, 180.0, -90.0, 90.0))
    error = observe(poles_too, smoothly, days(0, 8), seed=0).adt_unfiltered.values.astype("f8") - 0.5
    assert error.size == 8 * 86400
    assert error.std() == pytest.approx(0.02, rel=0.15)
    power = np.abs(np.fft.rfft(error * np.hanning(error.size))) ** 2
    wavelength = smoothly.orbits[0].speed / np.fft.rfftfreq(error.size, 1.0)[1:]
    assert power[1:][wavelength < 900].sum() < 1e-3 * power[1:].sum()
    assert power[1:][(wavelength > 5000) & (wavelength < 25000)].sum() > 0.5 * power[1:].sum()


def test_satellites_of_one_dataset_are_in_order_of_time():
    both = SYSTEMS["nadir-gfo"].but(orbits=SYSTEMS["nadir-gfo"].orbits + SYSTEMS["nadir-envisat"].orbits)
    ds = observe(Plain(), both, days(0, 5), seed=0)
    assert set(ds.satellite.values) == {0, 1}
    assert (np.diff(ds.time.values) >= np.timedelta64(0)).all()


# SWOT


def test_the_wide_swath_has_two_strips_and_a_gap():
    for posting, count in ((2.0, 25), (5.0, 10), (10.0, 5)):
        ds = observe(Plain(), SYSTEMS["swot"].but(posting=posting), days(0, 2), seed=0)
        across = ds.cross_track_distance.values
        assert across.size == 2 * count
        assert np.abs(across).min() == 10 + posting / 2
        assert np.abs(across).max() == 60 - posting / 2
        latitude, longitude = ds.latitude.values, ds.longitude.values
        beside = great_circle(latitude[:, 0], longitude[:, 0], latitude[:, 1], longitude[:, 1])
        np.testing.assert_allclose(beside, posting, rtol=1e-6)
        follow = np.diff(ds.time.values) < np.timedelta64(3, "s")
        along = great_circle(latitude[:-1], longitude[:-1], latitude[1:], longitude[1:])[follow]
        np.testing.assert_allclose(along.mean(), posting, rtol=0.05)
    with pytest.raises(ValueError, match="more than the width of a strip"):
        observe(Plain(), SYSTEMS["swot"].but(posting=60.0), days(0, 1), seed=0)


def test_the_wide_swath_sees_most_of_a_box_in_a_cycle():
    # 120 km wide strips every 137 km at the equator, twice (up and down): nothing is left but the gap's shadow.
    swath = SYSTEMS["swot"].but(posting=10.0)
    ds = observe(Plain((-60.0, -50.0, 0.0, 10.0)), swath, days(0, 21), seed=0).compute()
    seen = np.histogram2d(
        ds.latitude.values.ravel(), ds.longitude.values.ravel(), bins=(20, 20), range=((0, 10), (-60, -50))
    )[0]
    assert (seen > 0).mean() > 0.97
    one = observe(Plain((-60.0, -50.0, 0.0, 10.0)), swath, days(0, 1), seed=0).adt_unfiltered.count() * 100
    assert 0.02 < float(one) / 1113**2 < 0.3


def test_karin_noise_grows_to_the_edges_and_with_the_waves():
    for posting, waves in ((2.0, 2.0), (4.0, 2.0), (2.0, 8.0)):
        quiet = SYSTEMS["swot"].but(posting=posting, wave_height=waves, roll_error=0.0, phase_error=0.0)
        ds = observe(Plain(), quiet, days(0, 5), seed=0).compute()
        error = (ds.adt_unfiltered.astype("f8") - 0.5).std("num_lines")
        np.testing.assert_allclose(error, height_noise(ds.cross_track_distance, waves) / posting, rtol=0.06)
    across = np.linspace(10, 60, 2001)
    assert np.sqrt(np.mean(height_noise(across) ** 2)) == pytest.approx(0.0274, rel=1e-3)
    assert height_noise(60.0, 8.0) == pytest.approx(2 * height_noise(60.0, 2.0))


def test_roll_tilts_the_whole_swath_and_phase_each_strip():
    only = {"roll": {"roll_error": 0.02, "phase_error": 0.0}, "phase": {"roll_error": 0.0, "phase_error": 0.02}}
    for name, how in only.items():
        swath = SYSTEMS["swot"].but(posting=10.0, error=0.0, **how)
        ds = observe(Plain(GLOBE), swath, days(0, 1), seed=1).compute()
        error = ds.adt_unfiltered.values.astype("f8") - 0.5
        error = error[np.isfinite(error).all(axis=1)]
        across = ds.cross_track_distance.values
        slopes = error / across
        for side in (across < 0, across > 0):
            assert np.ptp(slopes[:, side], axis=1).max() < 1e-6
        left, right = slopes[:, across > 0][:, 0], slopes[:, across < 0][:, 0]
        assert (np.abs(left - right).max() < 1e-6) == (name == "roll")
        assert (60 * left).std() == pytest.approx(0.02, rel=0.35)


# SST


def test_cloud_sizes_follow_power_laws():
    areas, chords, cover, spread = [], [], [], []
    for seed in range(4):
        pattern = clouds._pattern((seed, "test"), 20_000.0)
        spread.append(pattern.std())
        cloudy = pattern > clouds.threshold(0.5)
        cover.append(cloudy.mean())
        areas.append(np.bincount(label(cloudy)[0].ravel())[1:])
        steps = np.diff(np.pad(cloudy[::4].astype(int), ((0, 0), (1, 1))), axis=1)
        chords += [np.flatnonzero(row < 0) - np.flatnonzero(row > 0) for row in steps]
    assert np.mean(spread) == pytest.approx(1.0, abs=0.012)
    assert np.mean(cover) == pytest.approx(0.5, abs=0.01)
    # Kondev and Henley (1995): 2 - H/2; Wood and Field (2011): 1.66.
    assert slope(np.concatenate(areas), 10, 1e4) == pytest.approx(-1.83, abs=0.15)
    assert slope(np.concatenate(chords), 8, 200) == pytest.approx(-1.66, abs=0.2)


def test_clouds_drift_eastward_and_forget():
    now, soon, tomorrow = (clouds._pattern((1, "test"), 20_000.0 + d) for d in (0.0, 0.125, 1.0))
    shift = round(clouds.DRIFT * 0.125 * clouds.CELLS / clouds.PERIOD)
    moved, still = (np.corrcoef(np.roll(now, s, axis=1).ravel(), soon.ravel())[0, 1] for s in (shift, 0))
    assert moved > 0.8 > still + 0.2
    assert abs(np.corrcoef(now.ravel(), tomorrow.ravel())[0, 1]) < 0.3
    longitude = np.linspace(-180, 180, 50)
    field = [clouds.cloudiness((1, "test"), 20_000.0, np.full(50, 40.0), longitude + turn) for turn in (0, 360)]
    np.testing.assert_array_equal(*field)


@pytest.fixture(scope="module")
def images():
    return observe(Plain(), SYSTEMS["sst"].but(posting=0.1), days(0, 3), seed=2).compute()


def test_the_radiometer_sees_between_clouds_twice_a_day(images):
    assert images.sizes["time"] == 6
    seen = np.isfinite(images.sea_surface_temperature)
    assert float(seen.mean()) == pytest.approx(0.35, abs=0.08)
    good = images.quality_level >= 4
    assert float(good.mean()) < float(seen.mean())
    np.testing.assert_array_equal(images.quality_level == 0, ~seen)
    # Pixels say when they were seen: a pass crosses the box in 5 minutes, and the next comes 101 minutes on.
    delay = images.sst_dtime
    assert np.isfinite(delay.values[seen.values]).all()
    assert (np.isnan(delay.values) <= (images.quality_level.values == 0)).all()
    delay = delay.where(seen)
    assert (delay % 4 == 0).where(seen, True).all()
    local = ((images.time.dt.hour * 3600 + 1800 + delay) / 3600 + images.lon / 15) % 24
    # 21:30 and 9:30 at the equator; the swath spans 2900 km, which is two hours and more at these latitudes.
    for image, hour in ((0, 21.5), (1, 9.5)):
        found = local.isel(time=slice(image, None, 2)).values
        found = found[np.isfinite(found)]
        assert np.abs(found - hour).max() < 2.6


def test_the_radiometer_is_noisy_biased_and_cold_beside_clouds(images):
    error = images.sea_surface_temperature.astype("f8") - 273.15 - 15
    good = images.quality_level == 5
    corrected = (error - images.sses_bias).where(good)
    assert float(corrected.mean()) == pytest.approx(0, abs=0.01)
    assert float(corrected.std()) == pytest.approx(SYSTEMS["sst"].error, rel=0.02)
    assert float((error - images.sses_bias).where(images.quality_level == 2).mean()) == pytest.approx(-1.5, abs=0.03)
    # The bias does not change from day to day, and varies over thousands of kilometres.
    bias = images.sses_bias.where(good)
    assert float(bias.std("time").max()) < 1e-6
    assert 0.02 < float(np.abs(bias).max()) < 0.8


def test_delays_are_bounded_in_files_so_that_chunks_can_be_pruned(images):
    from adaf_xr.points.bounds import spread_of

    low, high = spread_of(images.sst_dtime)
    assert low <= float(images.sst_dtime.min()) <= float(images.sst_dtime.max()) <= high < 2 * 86400


def test_an_overpass_is_in_one_image_and_near_the_pole_too():
    # Every cell that a pass could see is in an image; none is in both at the same time.
    orbit, reach = SYSTEMS["sst"].orbit, SYSTEMS["sst"].reach
    grid = Grid.of(Domain(Plain((-180.0, 180.0, 70.0, 90.0))), 1.0)
    up, down = (overpass(orbit, 26_000, image, grid, reach) for image in (0, 1))
    assert (np.isfinite(up) | np.isfinite(down)).all()
    assert (np.abs(up - down) < 60).mean() < 0.01
    for seconds, image in ((up, 0), (down, 1)):
        seen = np.isfinite(seconds)
        assert (orbit.passes(26_000 + seconds[seen] / 86400) % 2 == image).all()
        below = orbit.track(26_000 + seconds[seen] / 86400)
        away = great_circle(*below, *(each[seen] for each in grid.points))
        assert away.max() < reach + 10


# SSS, wind, ice


def test_salinity_is_worse_in_the_cold_and_beside_land():
    for warmth, low, high in ((28.0, 0.49, 0.51), (5.0, 0.9, 1.2)):
        ds = observe(Plain(values={"thetao": warmth}), "sss", days(0, 4), seed=0).compute()
        error = ds.Sea_Surface_Salinity.astype("f8") - 35
        assert low < float(ds.Sea_Surface_Salinity_Error.mean()) < high
        assert float((error / ds.Sea_Surface_Salinity_Error).std()) == pytest.approx(1, abs=0.03)
        assert 0.3 < float(np.isfinite(error).mean()) < 0.6  # 1000 km of 2830 between tracks at the equator
    coast = Plain((-82.0, -60.0, 25.0, 45.0), land=True)
    near = SYSTEMS["sss"].but(error=0.0, land_bias=2.0)
    error = (observe(coast, near, days(0, 3), seed=0).Sea_Surface_Salinity - 35).compute()
    assert float(error.min()) < -0.5
    assert float(error.sel(lon=slice(-65, -62), lat=slice(30, 35)).min()) == 0


def test_wind_vectors_come_in_two_swaths():
    breeze = Plain(GLOBE, values={"uas": 6.0, "vas": -3.0})
    ds = observe(breeze, "wind", days(0, 1), seed=0).compute()
    assert ds.sizes["NUMROWS"] == 86400 / 3.75
    gap = great_circle(ds.lat[:, 20], ds.lon[:, 20], ds.lat[:, 21], ds.lon[:, 21])
    np.testing.assert_allclose(gap, 755, rtol=1e-9)
    good = (ds.wvc_quality_flag == 0).values
    direction = np.radians(ds.wind_dir.values[good].astype("f8"))
    for part, true in ((np.sin(direction), 6.0), (np.cos(direction), -3.0)):
        error = ds.wind_speed.values[good] * part - true
        assert error.std() == pytest.approx(1.0, rel=0.02)
        assert abs(error.mean()) < 0.01
    # 2 x 525 km of 2830 km between tracks, up and down.
    cells = np.abs(ds.lat.values) < 5
    area = 2 * np.pi * 6371**2 * 2 * np.sin(np.radians(5))
    assert cells.sum() * 625 / area == pytest.approx(2 * 1050 / 2760, rel=0.1)


def sides(ds, latitude, longitude):
    """Which side of the track the first column of a swath lies on, row by row: 1 left, -1 right."""
    at = unit_vectors(ds[latitude].values, ds[longitude].values)
    middle = at[:, at.shape[1] // 2]
    left = np.cross(middle[:-1], np.diff(middle, axis=0))
    return np.sign(np.sum(left * (at[:-1, 0] - at[:-1, -1]), axis=-1))


def test_swaths_are_seen_from_left_to_right(realdata):
    ocean, span = Plain((-60.0, -40.0, -10.0, 10.0)), days(0, 3)
    swot = observe(ocean, SYSTEMS["swot"].but(posting=10.0), span, seed=0)
    assert swot.cross_track_distance[0] == -55  # left of the track, as the product has it
    for ds in (swot, observe(ocean, "wind", span, seed=0).rename(lat="latitude", lon="longitude")):
        follow = np.diff(ds.time.values.reshape(ds.latitude.shape[0], -1)[:, 0]) < np.timedelta64(10, "s")
        assert (sides(ds, "latitude", "longitude")[follow] == 1).all()
    with xr.open_dataset(realdata / "wind" / "ascat_20150702_084200_metopa_45145_eps_o_250_2300_ovw.l2.nc") as real:
        assert (sides(real, "lat", "lon") == 1).all()
        inner = great_circle(*(real[c].values[:, k] for k in (20, 21) for c in ("lat", "lon")))
    # It goes up and down with the altitude, which a circle over a sphere does not.
    assert np.mean(inner) == pytest.approx(755, abs=3)


def test_ice_is_least_certain_at_its_edge():
    for cover, error in ((0.0, 0.0), (0.5, 0.10), (0.15, 0.063), (0.85, 0.063)):
        ds = observe(Plain(values={"siconc": cover}), "ice", days(0, 3), seed=0).compute()
        seen = ds.ice_conc.astype("f8") / 100
        assert float(seen.std()) == pytest.approx(error, rel=0.1, abs=1e-6)
        assert float(seen.min()) >= 0
        assert float(seen.max()) <= 1


REAL = {
    "nadir-reference": "ssh/COAsT_example_altimetry_data.nc",
    "sst": "sst/20180414150000-STAR-L3U_GHRSST-SSTsubskin-AVHRRF_MB-ACSPO_V2.80-v02.0-fv01.0.nc",
    "wind": "wind/ascat_20150702_084200_metopa_45145_eps_o_250_2300_ovw.l2.nc",
    "argo": "argo/2901746_prof.nc",
}


@pytest.mark.parametrize(("name", "file"), REAL.items())
def test_products_are_laid_out_like_real_files(name, file, realdata):
    instrument = SYSTEMS[name].but(posting=0.25) if name == "sst" else SYSTEMS[name]
    simulated = observe(Plain(mean_sea=True), instrument, days(0, 1), seed=0)
    with xr.open_dataset(realdata / file, decode_timedelta=False) as real:
        assert set(simulated.variables) - set(real.variables) <= {"satellite"}
        for key in set(simulated.variables) & set(real.variables):
            ours, theirs = simulated[key], real[key]
            assert ours.dims == theirs.dims, key
            assert ours.attrs.get("units", "").replace("degrees", "degree") == theirs.attrs.get("units", "").replace(
                "degrees", "degree"
            ), key
            if "standard_name" in theirs.attrs:
                assert ours.attrs["standard_name"] == theirs.attrs["standard_name"], key
            kind = {"flag_masks", "flag_values"} & set(ours.attrs)
            for bits in kind:
                known, real_ones = (
                    dict(zip(a["flag_meanings"].split(), a[bits].tolist(), strict=True))
                    for a in (ours.attrs, theirs.attrs)
                )
                shared = known.keys() & real_ones.keys()
                assert len(shared) >= 3
                assert all(known[meaning] == real_ones[meaning] for meaning in shared)


# Argo and drifters


def test_argo_is_an_array_of_three_degrees_and_ten_days():
    ds = observe(Plain(GLOBE, land=True), "argo", days(0, 10), seed=0)
    box = ocean_mask.sea(*(np.arange(-turn + 0.25, turn, 0.5) for turn in (60, 180))).mean() * 120 * 360
    assert ds.sizes["N_PROF"] == pytest.approx(box / 9, rel=0.03)
    assert np.unique(ds.PLATFORM_NUMBER).size == ds.sizes["N_PROF"]  # every float once
    counts = np.array(ds.TEMP.chunksizes["N_PROF"])
    assert counts.std() < 3 * np.sqrt(counts.mean())
    assert (np.diff(ds.JULD.values) >= np.timedelta64(0)).all()
    assert ds.sizes["N_LEVELS"] in range(60, 101)


def test_floats_return_after_a_cycle_near_the_place_they_were():
    ds = observe(Plain(), "argo", days(0, 40), seed=1)
    floats = ds[["LATITUDE", "LONGITUDE", "JULD"]].to_dataframe().reset_index(drop=True)
    floats["id"] = ds.PLATFORM_NUMBER.values
    steps = []
    for _, track in floats.groupby("id").filter(lambda g: len(g) == 4).groupby("id"):
        assert (np.diff(track.JULD.values) == 10 * DAY).all()
        latitude, longitude = track.LATITUDE.values, track.LONGITUDE.values
        steps.append(great_circle(latitude[:-1], longitude[:-1], latitude[1:], longitude[1:]))
    assert len(steps) > 10
    assert np.min(steps) > 0
    assert np.max(steps) < 80  # 10 days at 9 cm/s
    assert np.sqrt(np.mean(np.square(steps))) / 8.64 == pytest.approx(2, rel=0.2)  # cm/s


def test_profiles_reach_2000_dbar_with_errors_flags_and_adjustments():
    import gsw

    ds = observe(Plain(), "argo", days(0, 20), seed=0).compute()
    delayed = ds.DATA_MODE.values == b"D"
    assert 0.3 < delayed.mean() < 0.7
    assert float(ds.PRES.max()) == 2000
    salt = np.where(delayed[:, None], ds.PSAL_ADJUSTED, ds.PSAL).astype("f8")
    warm = np.where(ds.TEMP_QC == b"1", ds.TEMP, np.nan).astype("f8")
    assert (salt - 35).std() == pytest.approx(0.01, rel=0.1)
    where = ds.PRES.values, ds.LONGITUDE.values[:, None], ds.LATITUDE.values[:, None]
    potential = gsw.pt0_from_t(gsw.SA_from_SP(salt, *where), warm, ds.PRES.values)
    assert np.nanmean(potential) == pytest.approx(15, abs=1e-3)
    assert np.nanstd(potential) == pytest.approx(0.01, rel=0.05)
    spikes = ds.TEMP_QC.values == b"4"
    assert spikes.mean() == pytest.approx(0.02, abs=0.005)
    assert np.isnan(ds.TEMP_ADJUSTED.values[spikes]).all()
    assert (ds.PSAL - ds.PSAL_ADJUSTED).values[delayed] == pytest.approx(0.3, abs=1e-4)
    assert (ds.PSAL_ADJUSTED_ERROR.values[delayed] == np.float32(0.01)).all()
    exact = observe(Plain(), "argo", days(0, 20), seed=0, noise=False).compute()
    np.testing.assert_array_equal(exact.TEMP_QC == b"4", spikes)
    assert float(np.abs(exact.TEMP - ds.TEMP).where(~spikes).max()) < 0.1
    assert (exact.PSAL == 35).all()


def test_drifters_go_with_the_water():
    # Eastward at 1 m/s: 64.8 km from 0 to 18 h, along a circle of latitude.
    ds = observe(Plain(GLOBE, values={"uo": 1.0, "vo": 0.5}), "drifters", days(0, 1), seed=0, noise=False).compute()
    start, end = (ds.isel(obs=ds.time.dt.hour == hour) for hour in (0, 18))
    np.testing.assert_array_equal(start.ID, end.ID)
    middle = np.abs(start.latitude) < 50
    north = (end.latitude - start.latitude).values * np.pi / 180 * 6371
    np.testing.assert_allclose(north[middle], 0.5 * 3.6 * 18, rtol=1e-3)
    east = ((end.longitude - start.longitude).values + 180) % 360 - 180
    halfway = np.cos(np.radians(0.5 * (start.latitude + end.latitude).values))
    np.testing.assert_allclose((east * halfway * np.pi / 180 * 6371)[middle], 3.6 * 18, rtol=2e-3)
    assert (ds.ve == 1).all()


def test_drifters_are_as_many_and_as_good_as_the_array():
    ds = observe(Plain(GLOBE, land=True), "drifters", days(0, 2), seed=0).compute()
    per_day = ds.sizes["obs"] / 2 / 4
    assert 1000 < per_day < 1400  # 1250, by design
    assert float((ds.temp - 15).std()) == pytest.approx(0.15, rel=0.05)
    assert float(ds.ve.std()) == pytest.approx(0.015, rel=0.05)
    assert (ds.err_temp.dropna("obs") == np.float32(0.15)).all()
