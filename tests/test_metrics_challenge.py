"""The scores of the ocean data challenges against their definitions written out, and in cases that are known."""

import numpy as np
import numpy.testing as npt
import pytest
import scipy.interpolate
import scipy.signal
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adaf_xr import metrics
from adaf_xr.sphere import RADIUS

few = settings(max_examples=7, deadline=None)
seeds = st.integers(0, 2**32 - 1)
DAY = np.timedelta64(86_400_000_000_000, "ns")
START = np.datetime64("2012-10-22", "ns")


def maps(values: np.ndarray, spacing: float = 0.25) -> xr.DataArray:
    """Values (time, latitude, longitude), daily."""
    axes = {
        "time": START + np.arange(values.shape[0]) * DAY,
        "latitude": 33.0 + spacing * np.arange(values.shape[1]),
        "longitude": -65.0 + spacing * np.arange(values.shape[2]),
    }
    return xr.DataArray(values, axes, list(axes), "zos")


def red(seed: int, shape: tuple[int, int, int] = (24, 8, 40)) -> np.ndarray:
    """Noise whose power falls with wavenumber and frequency, as that of the sea does."""
    rng = np.random.default_rng(seed)
    scale = 1 + (20 * np.fft.fftfreq(shape[0])[:, None, None]) ** 2 + (20 * np.fft.rfftfreq(shape[2])[None, None]) ** 2
    return np.fft.irfft2(np.fft.rfft2(rng.normal(size=shape), axes=(0, 2)) / scale, (shape[0], shape[2]), axes=(0, 2))


def filtered(values: np.ndarray, transfer) -> np.ndarray:
    """Values after a filter by frequency [day-1] and number of waves a degree."""
    time = np.fft.fftfreq(values.shape[0])[:, None, None]
    lon = np.fft.rfftfreq(values.shape[2], 0.25)[None, None]
    transform = np.fft.rfft2(values, axes=(0, 2)) * transfer(np.abs(time), lon)
    return np.fft.irfft2(transform, (values.shape[0], values.shape[2]), axes=(0, 2))


def challenge_by_hand(rec: xr.DataArray, ref: xr.DataArray) -> list[tuple[float, float]]:
    """Least wavelength and period on every contour line of the score, from the definition."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    n_time, _, n_lon = ref.shape
    window = np.outer(scipy.signal.windows.hann(n_time, sym=False), scipy.signal.windows.hann(n_lon, sym=False))
    power = []
    for field in (rec.values - ref.values, ref.values):
        rows = [field[:, j] - field[:, j].mean() for j in range(field.shape[1])]
        power.append(np.mean([np.abs(np.fft.fft2(row * window)) ** 2 for row in rows], axis=0))
    time, lon = np.fft.fftfreq(n_time, 1.0), np.fft.fftfreq(n_lon, float(ref.longitude[1] - ref.longitude[0]))
    score = (1 - power[0] / power[1])[time > 0][:, lon > 0]
    figure, ax = pyplot.subplots()
    found = ax.contour(1 / lon[lon > 0], 1 / time[time > 0], score, levels=[0.5]).allsegs[0]
    pyplot.close(figure)
    return [tuple(line.min(axis=0)) for line in found if len(line)]


@few
@given(seeds, st.floats(0.1, 2.0), st.integers(0, 1), st.integers(0, 1))
def test_the_scales_are_the_definition_written_out(seed, amplitude, fewer_days, fewer_columns):
    shape = (24 - fewer_days, 4, 40 - fewer_columns)
    ref = maps(red(seed, shape))
    rec = ref + amplitude * ref.std().item() * 0.1 * np.random.default_rng(seed + 1).normal(size=shape)
    want = challenge_by_hand(rec, ref)
    assume(want)
    npt.assert_allclose(metrics.lambda_x_t(rec, ref), want[0], rtol=1e-10)
    npt.assert_allclose(metrics.lambda_x_t(rec, ref, path="all"), np.min(want, axis=0), rtol=1e-10)


def test_the_first_line_need_not_have_the_shortest_scales():
    """An analysis that is wrong in two bands apart has several contours, and the first says the least."""
    ref = red(3, (40, 30, 80))

    def wrong(time, lon):
        """Amplitude of the error: short periods, and the corner of the longest periods and wavelengths."""
        corner = np.exp(-((time / 0.06) ** 2) - (lon / 0.3) ** 2)
        return 1.3 * corner + 1.2 / (1 + np.exp(-(time - 0.35) / 0.02))

    rec = maps(ref - filtered(ref, wrong))
    first, every = (metrics.lambda_x_t(rec, maps(ref), path=path) for path in ("first", "all"))
    want = challenge_by_hand(rec, maps(ref))
    assert len(want) > 1
    npt.assert_allclose(first, want[0], rtol=1e-10)
    npt.assert_allclose(every, np.min(want, axis=0), rtol=1e-10)
    assert first[0] > 2 * every[0]
    assert first[1] > 2 * every[1]


@pytest.mark.parametrize(("wavelength", "period"), [(1.0, 5.0), (1.6, 8.0)])
def test_a_low_pass_resolves_down_to_its_cut(wavelength, period):
    ref = np.random.default_rng(0).normal(size=(60, 120, 120))
    # The power of the error is that of the reference times the larger of two ramps, one half at the cut.
    lost = filtered(
        ref, lambda time, lon: np.sqrt(np.clip(np.maximum(0.5 * lon * wavelength, 0.5 * time * period) ** 3 * 4, 0, 1))
    )
    got = metrics.lambda_x_t(maps(ref - lost), maps(ref), path="first")
    bins = 1 / (120 * 0.25), 1 / 60
    assert abs(1 / got[0] - 1 / wavelength) < 2 * bins[0]
    assert abs(1 / got[1] - 1 / period) < 2 * bins[1]


def test_where_no_line_is_drawn_all_is_resolved_or_nothing():
    ref = maps(red(0))
    finest = (24 / 11, 40 * 0.25 / 19)
    for rec in (ref, 0.9 * ref):
        npt.assert_allclose(metrics.lambda_x_t(rec, ref), finest[::-1])
    assert np.isnan(metrics.lambda_x_t(0.0 * ref, ref)).all()


def test_scales_are_blind_to_units_that_both_share_and_to_the_mean():
    rec, ref = maps(red(0) + 0.3 * red(1)), maps(red(0))
    want = metrics.lambda_x_t(rec, ref)
    npt.assert_allclose(metrics.lambda_x_t(100 * rec + 5, 100 * ref), want, rtol=1e-9)
    npt.assert_allclose(metrics.lambda_x_t(rec.chunk(time=5, latitude=3), ref.chunk(longitude=7)), want, rtol=1e-9)
    turned = rec.transpose("longitude", "time", "latitude").rename(longitude="lon")
    npt.assert_allclose(metrics.lambda_x_t(turned.assign_coords(lon=turned.lon + 360.0), ref), want, rtol=1e-9)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.isel(time=slice(4)), "4 values along time are too few for a score of scales, which needs 5"),
        (lambda f: f.isel(longitude=slice(3)), "3 values along longitude are too few"),
        (
            lambda f: f.where(f.time > f.time[1]),
            "values of .* are missing, and this score needs them all: choose a box",
        ),
        (lambda f: f * np.nan, "all values of .* are missing"),
        (lambda f: f.isel(time=[0, 1, 2, 3, 5, 7]), "time is not evenly spaced"),
        (lambda f: f * 0.0, "does not vary in both time and longitude"),
        (lambda f: f * 0.0 + 0.1, "does not vary in both time and longitude"),
        (lambda f: 0.0 * f + f[0], "does not vary in both time and longitude"),
        (lambda f: 0.0 * f + f[:, :, 0] + 7.7, "does not vary in both time and longitude"),
    ],
)
def test_maps_without_scales_are_refused(spoil, message):
    bad = spoil(maps(red(0)))
    with pytest.raises(ValueError, match=message):
        metrics.lambda_x_t(bad, bad)


def test_a_path_must_be_named():
    with pytest.raises(ValueError, match='give "first", as the challenge has it, or "all"'):
        metrics.lambda_x_t(maps(red(0)), maps(red(0)), path="last")


# Nearness


@few
@given(seeds)
def test_nearness_of_maps_is_the_definition_written_out(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 6, 4, 5)) + 0.5
    daily = [1 - np.sqrt(np.mean((x[t] - y[t]) ** 2)) / np.sqrt(np.mean(y[t] ** 2)) for t in range(6)]
    mu = 1 - np.sqrt(np.mean((x - y) ** 2)) / np.sqrt(np.mean(y**2))
    npt.assert_allclose(metrics.mu_sigma(maps(x), maps(y)), (mu, np.std(daily, ddof=0)), rtol=1e-12)
    lazy = maps(x).transpose().chunk(time=4), maps(y).chunk(latitude=1)
    npt.assert_allclose(metrics.mu_sigma(*lazy, definition="2020a"), (mu, np.std(daily, ddof=0)), rtol=1e-12)


@few
@given(seeds, st.floats(-0.5, 1.5))
def test_a_scaled_map_is_as_near_as_its_scale_and_steady(seed, share):
    ref = maps(np.random.default_rng(seed).normal(size=(5, 4, 4)))
    npt.assert_allclose(metrics.mu_sigma(share * ref, ref), (1 - abs(1 - share), 0.0), atol=1e-9)


def test_what_is_missing_on_one_side_counts_on_neither():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 4, 5, 6))
    land = np.zeros(x.shape, bool)
    land[:, 2:, 3:] = True
    whole = metrics.mu_sigma(maps(np.where(land, y, x))[:, :2], maps(y)[:, :2])
    holes = metrics.mu_sigma(maps(np.where(land, np.nan, x))[:, :2], maps(y)[:, :2])
    npt.assert_allclose(holes, whole)
    one = metrics.mu_sigma(maps(np.where(land, np.nan, x)), maps(y))
    npt.assert_allclose(one, metrics.mu_sigma(maps(x), maps(np.where(land, np.nan, y))))
    # A day without a pair has no score, and the others have theirs.
    gone = x.copy()
    gone[1] = np.nan
    keep = [0, 2, 3]
    npt.assert_allclose(metrics.mu_sigma(maps(gone), maps(y)), metrics.mu_sigma(maps(x)[keep], maps(y)[keep]))


def test_nearness_needs_no_dates():
    rec, ref = maps(red(0) + 0.1), maps(red(0))
    numbered = rec.assign_coords(time=np.arange(rec.sizes["time"]))
    want = metrics.mu_sigma(rec, ref)
    assert metrics.mu_sigma(numbered, ref.assign_coords(time=numbered.time)) == want
    assert metrics.mu_sigma(rec.drop_vars("time"), ref.drop_vars("time")) == want
    in_seconds = (ref.time - ref.time[0]) / np.timedelta64(1, "s")
    in_seconds.attrs["units"] = "seconds since 2012-10-22"
    assert metrics.lambda_x_t(rec.assign_coords(time=in_seconds), ref) == metrics.lambda_x_t(rec, ref)


def test_nothing_to_score_is_an_error():
    ref = maps(red(0))
    with pytest.raises(ValueError, match="no pair that is present on both sides: nothing to score"):
        metrics.mu_sigma(ref, ref * np.nan)
    with pytest.raises(ValueError, match="reference is zero everywhere at 2 times"):
        metrics.mu_sigma(ref, ref.where(ref.time > ref.time[1], 0.0))
    with pytest.raises(ValueError, match="differ along 'latitude'"):
        metrics.mu_sigma(ref.isel(latitude=slice(1, None)), ref)
    with pytest.raises(ValueError, match='give "2020a" for maps or "2021a"'):
        metrics.mu_sigma(ref, ref, definition="2022a")


def track(values: np.ndarray, interval: float = 0.9434) -> xr.DataArray:
    """A series of one satellite."""
    time = np.datetime64("2017-01-01", "ns") + (np.arange(values.size) * round(interval * 1e9)).astype("m8[ns]")
    return xr.DataArray(values, {"time": ("obs", time)}, ["obs"], "sla")


@few
@given(seeds)
def test_nearness_along_a_track_is_the_definition_written_out(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 100)) + 0.3
    # 25 points in each whole day: four days; the third loses all but nine of its pairs.
    rec, ref = (track(values, 86400 / 25) for values in (x, y))
    rec[50:66] = np.nan
    kept = [slice(0, 25), slice(25, 50), slice(75, 100)]
    daily = [1 - np.sqrt(np.mean((x[d] - y[d]) ** 2)) / np.sqrt(np.mean(y[d] ** 2)) for d in kept]
    got = metrics.mu_sigma(rec, ref, definition="2021a")
    npt.assert_allclose(got, (np.mean(daily), np.std(daily, ddof=0)), rtol=1e-12)
    npt.assert_allclose(metrics.mu_sigma(rec.chunk(obs=7), ref, definition="2021a"), got, rtol=1e-14)
    # With ten pairs the third counts too.
    rec[65] = 0.0
    assert metrics.mu_sigma(rec, ref, definition="2021a")[0] != got[0]


@pytest.mark.parametrize(
    ("rec", "ref", "message"),
    [
        (track(np.ones(9)), track(np.ones(9)), "no day has 10 pairs .the best of 1 has 9."),
        (track(np.ones(20)), track(np.zeros(20)), "zero all day on 1 days"),
        (track(np.ones(20)), track(np.ones(21)), "not at the same times .20 and 21 of them."),
        (track(np.ones(20) * np.nan), track(np.ones(20)), "no pair of the 20 in the two series"),
        (track(np.ones(20))[::-1], track(np.ones(20))[::-1], "missing or not in order"),
        (maps(np.ones((2, 2, 2))), maps(np.ones((2, 2, 2))), "a series along a track has one, with a time for each"),
        (track(np.ones(20)).drop_vars("time"), track(np.ones(20)), "sample maps at the places and times"),
    ],
)
def test_series_that_have_no_score_are_refused(rec, ref, message):
    with pytest.raises(ValueError, match=message):
        metrics.mu_sigma(rec, ref, definition="2021a")


# Along-track resolution


def smooth_track(seed: int, n: int) -> np.ndarray:
    """A series whose spectrum falls, so that its noise passes it once."""
    rng = np.random.default_rng(seed)
    k = np.fft.rfftfreq(n)
    return np.fft.irfft(np.fft.rfft(rng.normal(size=n)) / (1 + (k * 40) ** 2), n)


@few
@given(seeds, st.integers(1, 4))
def test_resolution_along_a_track_is_the_definition_written_out(seed, pieces):
    rng = np.random.default_rng(seed)
    y = smooth_track(seed, 2000)
    x = y + 0.05 * y.std() * rng.normal(size=y.size)
    ref, rec = track(y), track(x)
    cuts = np.sort(rng.choice(np.arange(1, 2000), pieces - 1, replace=False))
    pause = np.zeros(2000, "i8")
    pause[cuts] = 5_000_000_000
    time = ref.time.values + np.cumsum(pause).astype("m8[ns]")
    ref, rec = (series.assign_coords(time=("obs", time)) for series in (ref, rec))
    error, power = [], []
    for piece in np.split(np.arange(2000), cuts):
        for start in range(0, piece.size - 156 + 1, 39):
            chosen = piece[start : start + 156]
            error.extend(x[chosen] - y[chosen])
            power.extend(y[chosen])
    k, error = scipy.signal.welch(np.array(error), fs=1 / (6.77 * 0.9434), nperseg=156, noverlap=0, scaling="density")
    _, power = scipy.signal.welch(np.array(power), fs=1 / (6.77 * 0.9434), nperseg=156, noverlap=0, scaling="density")
    want = scipy.interpolate.interp1d(1 - error[1:] / power[1:], 1 / k[1:])(0.5)
    npt.assert_allclose(metrics.along_track_resolution(rec, ref), want, rtol=1e-10)


@pytest.mark.parametrize("crossing", ["published", "first"])
@pytest.mark.parametrize("wavelength", [60.0, 120.0, 250.0])
def test_a_low_passed_series_resolves_its_cut(wavelength, crossing):
    y = np.random.default_rng(1).normal(size=40_000)
    k = np.fft.rfftfreq(y.size, 6.77 * 0.9434)
    # Power of the error: a ramp through one half at the cut.
    lost = np.fft.irfft(np.fft.rfft(y) * np.sqrt(np.clip(0.5 * k * wavelength, 0, 1)), y.size)
    got = metrics.along_track_resolution(track(y - lost), track(y), crossing=crossing)
    assert abs(1 / got - 1 / wavelength) < 1 / 1000


def test_a_series_that_is_right_resolves_all_and_one_that_is_not_nothing():
    ref = track(smooth_track(0, 1000))
    npt.assert_allclose(metrics.along_track_resolution(ref, ref), 2 * 6.77 * 0.9434)
    assert np.isnan(metrics.along_track_resolution(-ref, ref))
    assert np.isnan(metrics.along_track_resolution(-ref, ref, crossing="first"))


def test_pauses_break_segments_and_gaps_in_either_series_are_pauses():
    ref = track(smooth_track(0, 400))
    rec = 0.5 * ref
    rec[155:165] = np.nan
    rec[310:330] = np.nan
    with pytest.raises(ValueError, match=r"no piece .* more than 4 s is as long as a segment .156 points; .* has 155"):
        metrics.along_track_resolution(rec, ref)
    # Within four seconds three points may lack.
    rec = 0.5 * ref
    rec[155:158] = np.nan
    assert metrics.along_track_resolution(rec, ref) > 0


def test_a_distance_of_points_that_their_places_deny_is_refused():
    ref = track(smooth_track(0, 400))
    degree = np.radians(1.0) * RADIUS
    for apart, spacing in ((6.6, 6.387), (6.0, 6.387), (1.4, 1.4)):
        places = {"latitude": ("obs", apart / degree * np.arange(400.0) - 10.0), "longitude": ("obs", np.zeros(400))}
        placed = ref.assign_coords(places)
        # A jump is no step.
        placed = placed.assign_coords(time=("obs", ref.time.values + (np.arange(400) > 200) * np.timedelta64(9, "s")))
        placed["latitude"] = ("obs", placed.latitude.values + 30 * (np.arange(400) > 200))
        how = {"spacing": spacing, "segment": 150 * spacing}
        assert metrics.along_track_resolution(placed, placed, **how) == pytest.approx(2 * spacing)
    with pytest.raises(ValueError, match=r"are 1.4 km apart, not 6.387 km .* pass spacing=1.4"):
        metrics.along_track_resolution(placed, placed)


def test_segments_and_crossings_that_make_no_sense_are_refused():
    ref = track(smooth_track(0, 400))
    with pytest.raises(ValueError, match="segments of 20 km hold 3 points"):
        metrics.along_track_resolution(ref, ref, segment=20.0)
    with pytest.raises(ValueError, match="does not vary along its track"):
        metrics.along_track_resolution(ref, 0.0 * ref)
    with pytest.raises(ValueError, match='give "published" or "first"'):
        metrics.along_track_resolution(ref, ref, crossing="last")
