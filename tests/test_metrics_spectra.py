"""Spectra against scipy and numpy written out, waves of known length, and reconstructions that end at a known scale."""

import dask.array as da
import numpy as np
import numpy.testing as npt
import pytest
import scipy.signal
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import metrics
from adaf_xr.metrics.contours import lines
from adaf_xr.metrics.resolution import DEGREE, shortest_resolved
from adaf_xr.metrics.spectra import hann

few = settings(max_examples=7, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def maps(values: np.ndarray, spacing: float = 0.1, days: float = 1.0, south: float = 33.0) -> xr.DataArray:
    """Values (time, latitude, longitude) on regular axes."""
    times, rows, columns = values.shape
    time = np.datetime64("2012-10-22", "ns") + np.arange(times) * np.timedelta64(round(days * 86400), "s")
    axes = {
        "time": time,
        "latitude": south + spacing * np.arange(rows),
        "longitude": -65.0 + spacing * np.arange(columns),
    }
    return xr.DataArray(values, axes, list(axes), "zos", {"units": "m"})


def noise(seed: int, shape: tuple[int, int, int] = (12, 6, 16), **axes) -> xr.DataArray:
    """White noise about one."""
    return maps(1.0 + np.random.default_rng(seed).normal(size=shape), **axes)


def density_by_hand(values: np.ndarray, dt: float, dx: float) -> np.ndarray:
    """Full two-sided periodogram over time and longitude, mean over latitude: unshifted, shape (n_time, n_lon)."""
    window = np.outer(
        scipy.signal.windows.hann(values.shape[0], sym=False), scipy.signal.windows.hann(values.shape[2], sym=False)
    )
    total = np.zeros(window.shape)
    for row in range(values.shape[1]):
        part = values[:, row] - values[:, row].mean()
        total += np.abs(np.fft.fft2(part * window)) ** 2
    return total / values.shape[1] * dt * dx / (window**2).sum()


@pytest.mark.parametrize("n", [5, 8, 43, 200])
def test_the_window_is_that_of_scipy(n):
    npt.assert_allclose(hann(n), scipy.signal.windows.hann(n, sym=False), atol=1e-15)


@few
@given(seeds, st.integers(5, 13), st.integers(5, 13))
def test_the_plane_is_numpy_written_out(seed, times, columns):
    field = noise(seed, (times, 3, columns), spacing=0.25, days=0.5)
    got = metrics.psd(field).mean("latitude").transpose("frequency_time", "frequency_longitude")
    want = density_by_hand(field.values, 0.5, 0.25)
    time = np.fft.fftfreq(times, 0.5)
    lon = np.fft.rfftfreq(columns, 0.25)
    npt.assert_allclose(got.frequency_time, np.fft.fftshift(time))
    npt.assert_allclose(got.frequency_longitude, lon)
    mirrored = np.full(lon.size, 2.0)
    mirrored[0] = 1.0
    if columns % 2 == 0:
        mirrored[-1] = 1.0
    npt.assert_allclose(got, np.fft.fftshift(want, axes=0)[:, : lon.size] * mirrored, rtol=1e-9, atol=1e-14)


@few
@given(seeds, st.integers(5, 40), st.sampled_from(["time", "latitude", "longitude"]))
def test_along_one_dimension_it_is_the_periodogram_of_scipy(seed, n, role):
    field = noise(seed, (n, n, n), spacing=0.5, south=-5.0).isel({"longitude" if role == "time" else "time": slice(2)})
    rate = 1.0 if role == "time" else 2.0
    numbers, want = scipy.signal.periodogram(
        field.transpose(..., role).values, rate, "hann", detrend="constant", axis=-1
    )
    got = metrics.psd(field, role)
    npt.assert_allclose(got[f"frequency_{role}"], numbers)
    npt.assert_allclose(got, want, rtol=1e-9, atol=1e-13)


@few
@given(seeds, st.sampled_from([("time",), ("time", "longitude"), ("latitude", "longitude"), ("longitude", "time")]))
def test_the_spectrum_holds_the_variance_of_the_windowed_field(seed, dim):
    field = noise(seed, (9, 8, 10), spacing=0.2, days=2.0)
    spectrum = metrics.psd(field, dim)
    cell = np.prod([float(spectrum[f"frequency_{role}"].diff(f"frequency_{role}")[0]) for role in dim])
    window = xr.DataArray(1.0)
    for role in dim:
        window = window * xr.DataArray(hann(field.sizes[role]), dims=role)
    variance = (((field - field.mean(dim)) * window) ** 2).sum(dim) / (window**2).sum()
    total = spectrum.sum([f"frequency_{role}" for role in dim]) * cell
    npt.assert_allclose(total, variance.transpose(*total.dims), rtol=1e-9)


@pytest.mark.parametrize(("wavelength", "period"), [(2.0, 8.0), (1.0, -5.0), (4.0, 10.0)])
def test_a_plane_wave_stands_at_its_wavelength_and_period_and_runs_its_way(wavelength, period):
    time, lon = np.arange(40.0), 0.1 * np.arange(80)
    # Crests move east where the phase of time falls.
    phase = 2 * np.pi * (lon[None, None, :] / wavelength - time[:, None, None] / period)
    peak = metrics.psd(maps(np.cos(phase) * np.ones((1, 3, 1)))).mean("latitude")
    where = peak.argmax(["frequency_time", "frequency_longitude"])
    npt.assert_allclose(1.0 / peak.frequency_longitude[where["frequency_longitude"]], wavelength)
    npt.assert_allclose(1.0 / peak.frequency_time[where["frequency_time"]], -period)


@few
@given(seeds, st.floats(0.0, 2.0))
def test_what_is_too_small_misses_the_square_of_its_share(seed, share):
    ref = noise(seed)
    for dim in ("time", ("time", "longitude"), ("latitude", "longitude")):
        npt.assert_allclose(metrics.psd_score((1.0 - share) * ref, ref, dim), 1.0 - share**2, atol=1e-9)


def test_the_score_is_on_positive_frequencies_below_that_of_nyquist():
    score = metrics.psd_score(noise(1), noise(2))
    npt.assert_allclose(score.frequency_time, np.arange(1, 6) / 12)
    npt.assert_allclose(score.frequency_longitude, np.arange(1, 8) / 1.6)
    npt.assert_allclose(score.wavelength_time, 12 / np.arange(1, 6))
    npt.assert_allclose(score.wavelength_longitude, 1.6 / np.arange(1, 8))
    assert score.wavelength_time.attrs["units"] == "days"


@few
@given(seeds, st.permutations(["time", "latitude", "longitude"]), st.booleans(), st.booleans())
def test_spelling_does_not_matter(seed, order, descending, east):
    rec, ref = noise(seed), noise(seed + 1)
    spelt = rec.transpose(*order).rename(latitude="lat", longitude="lon").astype("f4")
    if descending:
        spelt = spelt.isel(lat=slice(None, None, -1))
    if east:
        spelt = spelt.assign_coords(lon=(spelt.lon.values + 360.0).astype("f4"))
    want = metrics.psd_score(rec, ref)
    npt.assert_allclose(metrics.psd_score(spelt, ref), want, rtol=1e-5, atol=1e-5)
    npt.assert_allclose(
        metrics.effective_resolution(spelt, ref + rec), metrics.effective_resolution(rec, ref + rec), rtol=1e-4
    )


@settings(max_examples=5, deadline=None)
@given(seeds, st.integers(1, 12), st.integers(1, 6), st.integers(1, 16))
def test_dask_is_numpy_and_waits(seed, days, rows, columns):
    import dask

    rec, ref = noise(seed), noise(seed + 1)
    chunks = {"time": days, "latitude": rows, "longitude": columns}

    def fail(dsk, keys, **kwargs):
        raise AssertionError("computed while building")

    with dask.config.set(scheduler=fail):
        lazy = [
            metrics.psd_score(rec.chunk(chunks), ref.chunk(chunks)),
            metrics.psd(rec.chunk(chunks), "time"),
            metrics.isotropic_psd(rec.chunk(chunks)),
        ]
    assert all(isinstance(result.data, da.Array) for result in lazy)
    eager = [metrics.psd_score(rec, ref), metrics.psd(rec, "time"), metrics.isotropic_psd(rec)]
    for one, other in zip(lazy, eager, strict=True):
        xr.testing.assert_allclose(one.compute(scheduler="synchronous"), other, rtol=1e-12)


def test_a_reference_of_nothing_has_no_score():
    assert metrics.psd_score(noise(0), 0.0 * noise(0)).isnull().all()


BAD = {
    "few times": (lambda f: f.isel(time=slice(4)), "4 values along time are too few"),
    "uneven": (lambda f: f.isel(time=[0, 1, 2, 4, 5, 6]), "time is not evenly spaced .steps from 1 to 2 days"),
    "repeated": (lambda f: f.isel(longitude=[0, 1, 1, 2, 3, 4]), "longitudes repeat"),
    "a hole": (lambda f: f.where(f.latitude > 33.15), "of 1152 values of 'zos' are missing, and this score needs them"),
    "land": (lambda f: f * np.nan, "all values of 'zos' are missing"),
    "no dates": (lambda f: f.assign_coords(time=range(12)), "times are no decoded dates, and how many days"),
    "no time": (lambda f: f.isel(time=0, drop=True), "'zos' has no time .* decoded dates"),
    "a point": (lambda f: f.isel(longitude=0), "longitude of 'zos' is a single value, not an axis"),
    "depths": (lambda f: f.expand_dims(depth=[0.0, 1.0]), r"has dimensions \['depth'\] beside .*select one"),
    "no place": (lambda f: f.drop_vars("longitude").rename(longitude="x"), "'zos' has no longitude .* assign degrees"),
    "an array": (lambda f: f.to_dataset(), "must be a DataArray, not Dataset"),
}


@pytest.mark.parametrize("case", BAD)
def test_maps_that_have_no_spectrum_are_refused(case):
    spoil, message = BAD[case]
    bad = spoil(noise(3))
    with pytest.raises((ValueError, TypeError), match=message):
        metrics.psd_score(bad, bad)


def test_unlike_grids_times_and_units_are_refused():
    ref = noise(0)
    for other, message in (
        (noise(0, spacing=0.11), "'latitude'"),
        (noise(0, (12, 6, 15)), "'longitude'"),
        (ref.assign_coords(time=ref.time + np.timedelta64(12, "h")), "'time'"),
    ):
        with pytest.raises(ValueError, match=f"the reconstruction differ along {message}.*no pair is made"):
            metrics.psd_score(other, ref)
    with pytest.raises(ValueError, match="'zos' is in 'm' and the reconstruction in 'cm'"):
        metrics.psd_score(ref.assign_attrs(units="cm"), ref)
    npt.assert_allclose(metrics.psd_score(ref.assign_attrs(units="metres"), ref), 1.0)


@pytest.mark.parametrize("dim", ["depth", (), ("time", "time")])
def test_directions_that_are_none_are_refused(dim):
    with pytest.raises(ValueError, match="name one or several of time, latitude, longitude, each once"):
        metrics.psd(noise(0), dim)


# Contours


@few
@given(seeds, st.integers(3, 12), st.integers(3, 12), st.booleans())
def test_contours_are_those_of_matplotlib_in_its_order(seed, rows, columns, holes):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    rng = np.random.default_rng(seed)
    z = rng.random((rows, columns))
    if holes:
        z[rng.random(z.shape) < 0.1] = np.nan
    x, y = 1.0 / np.arange(1, columns + 1), 40.0 / np.arange(1, rows + 1)
    figure, ax = pyplot.subplots()
    want = ax.contour(x, y, z, levels=[0.5]).allsegs[0]
    pyplot.close(figure)
    got = lines(x, y, z, 0.5)
    assert len(got) == len([line for line in want if len(line)])
    for one, other in zip(got, want, strict=False):
        npt.assert_array_equal(one, other)


# Isotropic spectra


def turned_wave(wavelength: float, angle: float) -> xr.DataArray:
    """A wave of some length [km] on a box of 10 degrees at 38 north, whose crests are turned by an angle."""
    field = maps(np.zeros((1, 100, 100)), south=33.05)
    north = (field.latitude - 38.0) * DEGREE
    east = (field.longitude + 60.0) * DEGREE * np.cos(np.radians(38.0))
    phase = 2 * np.pi / wavelength * (np.cos(angle) * east + np.sin(angle) * north)
    return (np.cos(phase) + 0 * field).transpose("time", "latitude", "longitude")


@pytest.mark.parametrize("angle", np.radians([0.0, 30.0, 60.0, 90.0, 135.0]))
def test_a_wave_has_its_length_whichever_way_it_runs(angle):
    wavelength = 120.0
    spectrum = metrics.isotropic_psd(turned_wave(wavelength, angle)).isel(time=0)
    width = float(spectrum.wavenumber.diff("wavenumber").mean())
    centroid = float((spectrum * spectrum.wavenumber).sum() / spectrum.sum())
    assert abs(centroid - 1 / wavelength) < 0.5 * width
    # Half a squared amplitude, all of it within whole rings.
    npt.assert_allclose(spectrum.sum() * width, 0.5, rtol=0.03)


def test_a_degree_may_be_a_hundred_kilometres_both_ways():
    degrees = maps(np.zeros((1, 100, 100)))
    for axis in ("latitude", "longitude"):
        wave = np.cos(2 * np.pi * (degrees[axis] - degrees[axis][0])) + degrees
        spectrum = metrics.isotropic_psd(wave, kilometres_per_degree=100.0).isel(time=0)
        assert abs(1.0 / float(spectrum.idxmax("wavenumber")) - 100.0) < 5.0


def low_passed(ref: xr.DataArray, transfer) -> xr.DataArray:
    """A field after a filter with some transfer function of wavenumbers north and east [km-1], periodic."""
    rows, columns = ref.sizes["latitude"], ref.sizes["longitude"]
    spacing = 0.1 * DEGREE
    north = np.fft.fftfreq(rows, spacing)[:, None]
    east = np.fft.rfftfreq(columns, spacing * np.cos(np.radians(float(ref.latitude.mean()))))[None, :]
    transform = np.fft.rfft2(ref.values) * transfer(np.hypot(north, east))
    return ref.copy(data=np.fft.irfft2(transform, (rows, columns)))


@pytest.mark.parametrize("cut", [60.0, 100.0, 180.0])
def test_a_low_pass_resolves_down_to_its_cut(cut):
    ref = noise(5, (8, 100, 100))
    # What is lost has half the power, the score of 0.5, at the cut: none far above it, all far below.
    error = low_passed(ref, lambda k: np.sqrt(0.5) ** (np.maximum(k * cut, 1e-2) ** -4.0))
    got = metrics.effective_resolution(ref - error, ref)
    assert abs(1.0 / got - 1.0 / cut) < 1.0 / (100 * 0.1 * DEGREE)


def test_a_map_that_is_right_resolves_all_and_one_that_is_not_resolves_nothing():
    ref = noise(0, (2, 20, 20))
    finest = 1.0 / float(metrics.isotropic_psd(ref).wavenumber[-1])
    assert metrics.effective_resolution(ref, ref) == finest
    assert finest < 2.3 * 0.1 * DEGREE
    assert np.isnan(metrics.effective_resolution(-ref, ref))
    assert metrics.effective_resolution(ref.isel(time=0), ref.isel(time=0)) == finest


def test_a_box_that_is_too_narrow_for_its_pixels_is_refused():
    axes = {"latitude": np.linspace(80.0, 89.0, 12), "longitude": np.arange(12.0)}
    polar = xr.DataArray(np.random.default_rng(0).normal(size=(12, 12)), axes, list(axes), "zos")
    with pytest.raises(ValueError, match=r"the box is 1.09e\+03 km by 128 km, and pixels .* away from the poles"):
        metrics.effective_resolution(polar, polar)


def test_a_flat_reference_resolves_nothing():
    ref = noise(0, (2, 20, 20))
    with pytest.raises(ValueError, match="'zos' has no variation at some scales"):
        metrics.effective_resolution(ref, 0.0 * ref)
        metrics.effective_resolution(ref, 0.0 * ref + 0.1)
    with pytest.raises(ValueError, match="4 values along latitude are too few"):
        metrics.effective_resolution(ref.isel(latitude=slice(4)), ref.isel(latitude=slice(4)))


@few
@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_the_first_fall_counts(scores):
    numbers = np.arange(1.0, len(scores) + 1)
    got = shortest_resolved(numbers, scores)
    below = [k for k, s in zip(numbers, scores, strict=True) if s < 0.5]
    if not below:
        assert got == 1.0 / numbers[-1]
    elif below[0] == 1.0:
        assert np.isnan(got)
    else:
        assert below[0] - 1 <= 1.0 / got <= below[0]
        npt.assert_allclose(np.interp(1.0 / got, numbers, scores), 0.5, atol=1e-9)


@pytest.mark.parametrize("power", [-2.0, -3.5])
def test_a_field_of_known_slope_has_it(power):
    white = noise(7, (20, 100, 100))
    # Over rings, whose circumference grows with k, a density of k^(p-1) in the plane is one of k^p.
    red = low_passed(white, lambda k: np.where(k > 0, np.maximum(k, 1e-12) ** (0.5 * (power - 1.0)), 0.0))
    spectrum = metrics.isotropic_psd(red).mean("time")
    assert abs(metrics.spectral_slope(spectrum, (50.0, 150.0)) - power) < 0.15


def test_a_slope_needs_a_band():
    spectrum = metrics.isotropic_psd(noise(7, (2, 20, 20)))
    with pytest.raises(ValueError, match="average over all but its frequency first"):
        metrics.spectral_slope(spectrum, (70.0, 250.0))
    with pytest.raises(ValueError, match="0 wavelengths from 1 to 2 have power, and a slope needs three"):
        metrics.spectral_slope(spectrum.mean("time"), (1.0, 2.0))
