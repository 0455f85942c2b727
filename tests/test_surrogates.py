"""Surrogates of old maps of sea level: what they keep, how they grow old, where their eddies go."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from adaf_xr.training.adaf_ocean.surrogates import LATITUDE, background, drift, split, surrogate

LONGITUDE = np.arange(-179.875, 180.0, 0.25)
CELL = 0.25


def eddying(seed: int = 0) -> np.ndarray:
    """A globe of gyres [m], a front at 40 degrees north and eddies of 1 degree; two continents and a pole of land."""
    noise = np.random.default_rng(seed).standard_normal((720, 1440))
    eddies = gaussian_filter(noise, 1.0 / CELL, mode=("nearest", "wrap"))
    gyres = 0.5 * np.cos(np.radians(3.0 * LATITUDE))[:, None] - 0.5 * np.tanh((LATITUDE - 40.0) / 0.5)[:, None]
    adt = gyres + 0.1 * eddies / eddies.std()
    adt[:60] = np.nan
    adt[300:500, 200:350] = np.nan
    adt[200:640, 900:1000] = np.nan
    return adt


@pytest.fixture(scope="module")
def adt() -> np.ndarray:
    return eddying()


@pytest.fixture(scope="module")
def parts(adt):
    return split(adt)


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean(np.square(x))))


def power(field: np.ndarray, rows: slice) -> np.ndarray:
    """Zonal power around the globe by wavenumber; land as zero."""
    return (np.abs(np.fft.rfft(np.nan_to_num(field[rows]), axis=1)) ** 2).mean(0)


def test_the_parts_make_the_map_and_an_age_of_nothing_leaves_it(adt, parts):
    np.testing.assert_allclose((parts.steady + parts.eddies)[parts.ocean], adt[parts.ocean], atol=1e-6)
    np.testing.assert_allclose(background(parts, 0.0, np.random.default_rng(0)), adt, atol=1e-5)


@settings(max_examples=4, deadline=None)
@given(weeks=st.floats(0.0, 13.0), seed=st.integers(0, 2**32 - 1))
def test_land_stays_land_and_sea_stays_sea(adt, parts, weeks, seed):
    np.testing.assert_array_equal(np.isfinite(background(parts, weeks, np.random.default_rng(seed))), np.isfinite(adt))


def test_a_seed_repeats_a_map_and_another_makes_another(adt, parts):
    first = surrogate(adt, 4.0, np.random.default_rng(1))
    again, other = (background(parts, 4.0, np.random.default_rng(seed)) for seed in (1, 2))
    np.testing.assert_array_equal(first, again)
    assert rms(first - other) > 0.03


def test_the_error_grows_with_age_as_that_of_real_maps(adt, parts):
    weeks = (1.0, 3.0, 7.0, 13.0)
    error = [np.mean([rms(background(parts, w, np.random.default_rng(s)) - adt) for s in range(2)]) for w in weeks]
    assert np.all(np.diff(error) > 0)
    # Of real global maps those of a week ago are wrong by 0.30 of what those of 13 weeks ago are, of three by 0.64, of
    # seven by 0.86; eddies that are so narrow and no basins to begin with grow old a little faster.
    np.testing.assert_allclose(np.divide(error, error[-1])[:3], (0.30, 0.64, 0.86), atol=0.15)
    # Forgotten eddies of 10 cm differ by 14, and basins by 4 to 6.
    assert 0.13 < error[-1] < 0.16


@pytest.mark.parametrize("weeks", [2.0, 7.0])
def test_eddies_keep_their_variance_and_spectrum(adt, parts, weeks):
    """Power of waves of 2 to 12 degrees, in octaves, between 0.5 and 2 of that of today; in all, within a fifth."""
    rows = slice(420, 520)
    today = power(parts.eddies, rows)
    made = [background(parts, weeks, np.random.default_rng(seed)) - parts.steady for seed in range(3)]
    old = np.mean([power(field, rows) for field in made], axis=0)
    octaves = [slice(30 * 2**k, 60 * 2**k) for k in range(3)]
    ratio = [old[k].sum() / today[k].sum() for k in octaves]
    assert min(ratio) > 0.5 and max(ratio) < 2.0, ratio
    assert 0.8 < old[30:].sum() / today[30:].sum() < 1.25


def test_the_seam_is_no_different_from_any_meridian(adt, parts):
    change = background(parts, 7.0, np.random.default_rng(3)) - adt
    steps = np.array([rms(change[:, i] - change[:, i - 1]) for i in range(0, 1440, 20)])
    assert np.all(np.isfinite(steps))
    assert steps[0] < 1.5 * np.median(steps)


def test_turning_the_globe_turns_the_parts(adt, parts):
    turned = split(np.roll(adt, 480, axis=1))
    for part in ("steady", "eddies", "spread"):
        here, there = getattr(turned, part), np.roll(getattr(parts, part), 480, 1)
        np.testing.assert_allclose(here[turned.ocean], there[turned.ocean], atol=1e-5, err_msg=part)


@pytest.mark.parametrize(("south", "north"), [(14.0, 18.0), (24.0, 28.0), (-56.0, -50.0)])
def test_eddies_of_the_past_lie_where_those_of_today_came_from(adt, parts, south, north):
    """East of them, but for the circumpolar current, by the distance that they drift."""
    weeks, rows = 3.0, (south <= LATITUDE) & (north >= LATITUDE)
    narrow = 111.195 * CELL * np.cos(np.radians(LATITUDE[rows])).mean()
    expected = -drift()[rows].mean() * weeks / narrow
    spectrum = 0.0
    for seed in range(4):
        old = np.nan_to_num(background(parts, weeks, np.random.default_rng(seed)) - parts.steady)[rows]
        spectrum = spectrum + (np.fft.rfft(old, axis=1) * np.fft.rfft(parts.eddies[rows], axis=1).conj())[:, 30:].sum(0)
    lags = np.fft.irfft(np.concatenate([np.zeros(30), spectrum]), 1440)
    found = (np.argmax(lags) + 720) % 1440 - 720
    assert found * expected > 0
    assert abs(found - expected) < 3.0 + 0.25 * abs(expected)


def test_waves_are_fastest_in_the_tropics_and_of_one_speed_in_both_hemispheres_but_in_the_circumpolar_current():
    westward = -drift()[:, 0]
    north, south = westward[360:], westward[:360][::-1]
    near = LATITUDE[360:] < 30.0
    np.testing.assert_allclose(north[near], south[near], rtol=0.01, atol=0.1)
    assert np.all(np.diff(north[LATITUDE[360:] > 1.0]) < 0)
    # A long wave of the first mode at the equator has a third of the speed of its gravity wave.
    assert north[0] == pytest.approx(2.9 / 3 * 604.8, rel=0.01)
    assert north[-1] == pytest.approx(0.0, abs=0.1)
    assert south[LATITUDE[360:] == 52.125] < 0.0


def test_a_front_is_steady_and_an_eddy_is_not():
    front = np.broadcast_to(-0.5 * np.tanh((LATITUDE - 40.0) / 1.0)[:, None], (720, 1440))
    apart = np.hypot(LATITUDE[:, None] - 20.0, LONGITUDE[None, :] - 10.0)
    eddy = 0.2 * np.exp(-((apart / 0.8) ** 2))
    parts = split(front + eddy)
    assert np.abs(parts.steady - front).max() < 0.1
    assert parts.eddies.max() > 0.19


@pytest.mark.parametrize(
    ("adt", "weeks", "message"),
    [
        (np.zeros((180, 360)), 1.0, r"shape \(180, 360\) is not the globe at 0.25 degrees: regrid it"),
        (np.full((720, 1440), np.nan), 1.0, "no ocean, it is NaN throughout"),
        (np.zeros((720, 1440)), -1.0, r"weeks=-1.0: the age of a surrogate is 0 weeks or more"),
        (np.zeros((720, 1440)), np.nan, r"weeks=nan: the age of a surrogate is 0"),
    ],
)
def test_what_is_no_map_or_no_age_is_refused(adt, weeks, message):
    with pytest.raises(ValueError, match=message):
        surrogate(adt, weeks, np.random.default_rng(0))
