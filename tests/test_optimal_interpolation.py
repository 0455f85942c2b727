"""Theorems of optimal interpolation: closed forms, limits, invariances, and agreement with the textbook solution."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.models.base import Background, Targets
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.models.scales import SCALES
from adaf_xr.points.arrays import Points
from adaf_xr.sphere import RADIUS, unit_vectors

TIME = np.datetime64("2022-01-02T12:00", "ns")
DAY = np.timedelta64(1, "D")
PLAIN = {"broad": 0.0}


def points(latitude, longitude, value, *, days=0.0, depth=0.0, error=np.nan, name="zos", source="ssh"):
    """Points of one variable; numbers are broadcast."""
    columns = np.broadcast_arrays(latitude, longitude, depth, value, error, days)
    lat, lon, depth, value, error, days = (np.atleast_1d(np.array(c, "f8")) for c in columns)
    time = TIME + (days * 86400e9).astype("m8[ns]")
    where = {"latitude": lat, "longitude": (lon + 180) % 360 - 180, "depth": depth, "time": time}
    return Points.from_columns({**where, name: value, f"{name}_error": error}, source)


def flat(latitude=(-20, 20), longitude=(-30, 30), step=0.25, value=0.0, name="zos", depth=()):
    """A constant background."""
    lat = np.arange(latitude[0] + step / 2, latitude[1], step)
    lon = np.arange(longitude[0] + step / 2, longitude[1], step)
    depth = np.asarray(depth, "f8")
    return Background(lat, lon, depth, {name: np.full((*depth.shape[: depth.size], lat.size, lon.size), value)})


def at(*places):
    """Point targets."""
    latitude, longitude = np.array(places, "f8").T
    return Targets(latitude, longitude, gridded=False)


def run(model, obs, background, targets, name="zos"):
    """Mean and standard error of one variable."""
    analysis = model.analyse(model.encode(obs, background, TIME), background, targets)
    return analysis.mean[name], analysis.std[name]


def swarm(n, seed=0, spread=3.0, **kwargs):
    """Random observations around (0, 0)."""
    rng = np.random.default_rng(seed)
    lat, lon = rng.uniform(-spread, spread, (2, n))
    return points(lat, lon, rng.normal(0, 0.1, n), days=rng.uniform(-3, 3, n), **kwargs)


def dense(model, obs, background_std, targets, name="zos"):
    """The textbook: every observation, one matrix."""
    scales = model.scales[name]

    def places(latitude, longitude, days):
        x = unit_vectors(latitude, longitude) * RADIUS / scales.length
        return np.column_stack([x, np.broadcast_to(days / scales.time, latitude.shape)])

    def correlation(a, b):
        return np.exp(-0.5 * np.sum((a[:, None] - b[None]) ** 2, axis=-1))

    here = places(obs.latitude, obs.longitude, (obs.time - TIME) / DAY)
    there = places(targets.latitude, targets.longitude, 0.0)
    noise = np.where(np.isfinite(obs.error), obs.error, scales.error) ** 2 + scales.representativeness**2
    gain = background_std**2 * correlation(there, here)
    matrix = background_std**2 * correlation(here, here) + np.diag(noise)
    weights = np.linalg.solve(matrix, gain.T).T
    return weights @ obs.value, np.sqrt(background_std**2 - np.sum(weights * gain, axis=1))


def test_one_observation_has_its_closed_form():
    model = OptimalInterpolation(length=100.0, time=10.0, std=0.1, **PLAIN)
    scales = model.scales["zos"]
    obs = points(0.0, 0.0, 0.5, days=2.0, error=0.04)
    mean, std = run(model, obs, flat(), at((0.0, 0.0), (1.0, 0.0), (0.0, 2.0)))
    chord = 2 * RADIUS * np.sin(np.radians([0.0, 1.0, 2.0]) / 2)
    correlation = np.exp(-0.5 * ((chord / 100.0) ** 2 + (2.0 / 10.0) ** 2))
    noise = 0.04**2 + scales.representativeness**2
    np.testing.assert_allclose(mean, 0.5 * correlation * 0.01 / (0.01 + noise), rtol=1e-5)
    np.testing.assert_allclose(std, np.sqrt(0.01 - (0.01 * correlation) ** 2 / (0.01 + noise)), rtol=1e-6)


def test_perfect_observations_are_interpolated():
    model = OptimalInterpolation(representativeness=0.0, **PLAIN)
    obs = points([0.0, 0.6, -0.8], [0.0, 0.9, 0.3], [0.3, -0.2, 0.1], error=1e-6)
    mean, std = run(model, obs, flat(), at((0.0, 0.0), (0.6, 0.9), (-0.8, 0.3)))
    np.testing.assert_allclose(mean, obs.value, atol=1e-6)
    assert (std < 1e-4).all()


def test_far_observations_do_not_know_of_each_other():
    model = OptimalInterpolation(**PLAIN)
    one, other = points(0.0, 0.0, 0.3), points(15.0, 20.0, -0.2)
    targets = at((0.2, 0.2), (15.2, 20.1))
    both, std = run(model, Points.concatenate([one, other]), flat(), targets)
    np.testing.assert_allclose(both[0], run(model, one, flat(), targets)[0][0], rtol=1e-12)
    np.testing.assert_allclose(both[1], run(model, other, flat(), targets)[0][1], rtol=1e-12)
    np.testing.assert_allclose(std[0], run(model, one, flat(), targets)[1][0], rtol=1e-12)


@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 40), seed=st.integers(0, 10**6), std=st.floats(0.05, 0.5), length=st.floats(60, 400))
def test_agrees_with_the_dense_solution(n, seed, std, length):
    model = OptimalInterpolation(length=length, std=std, neighbours=40, cell=0.01, days=1 / 24, **PLAIN)
    # Everything is within reach of everything, so that nothing but rounding and the means of bins may differ.
    obs = swarm(n, seed, spread=0.5 * length / 111.0)
    targets = at(*np.random.default_rng(seed).uniform(-0.3, 0.3, (5, 2)))
    mean, error = run(model, obs, flat(), targets)
    expected, expected_error = dense(model, obs, std, targets)
    np.testing.assert_allclose(mean, expected, atol=1e-6)
    np.testing.assert_allclose(error, expected_error, atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), cut=st.integers(0, 300))
def test_neither_order_nor_chunks_of_observations_matter(seed, cut):
    model, background = OptimalInterpolation(), flat(longitude=(-5, 5), latitude=(-5, 5))
    obs = swarm(300, seed)
    targets = Targets(background.latitude, background.longitude)
    shuffled = obs.take(np.random.default_rng(seed).permutation(300))
    whole = model.encode(obs, background, TIME)
    head, tail = (model.encode(shuffled.take(rows), background, TIME) for rows in (slice(cut), slice(cut, None)))
    nothing = model.encode(Points.empty(), background, TIME)
    expected = model.analyse(whole, background, targets)
    for encoded in (head + tail, tail + head, (nothing + tail) + head, tail + (head + nothing)):
        found = model.analyse(encoded, background, targets)
        np.testing.assert_allclose(found.mean["zos"], expected.mean["zos"], atol=1e-12)
        np.testing.assert_allclose(found.std["zos"], expected.std["zos"], atol=1e-12)


def test_sums_of_parts_commute_exactly():
    model, background = OptimalInterpolation(), flat()
    a, b = (model.encode(swarm(500, seed, spread=0.5), background, TIME) for seed in (1, 2))
    np.testing.assert_array_equal((a + b).sums, (b + a).sums)
    np.testing.assert_array_equal((a + b).key, (b + a).key)


def test_a_tile_is_a_cut_of_the_whole():
    model, background = OptimalInterpolation(), flat(latitude=(-6, 6), longitude=(-6, 6))
    obs = swarm(2000, spread=5.0)
    encoded = model.encode(obs, background, TIME)
    lat, lon = background.latitude, background.longitude
    whole = model.analyse(encoded, background, Targets(lat, lon))
    tile = model.analyse(encoded, background, Targets(lat[7:30], lon[11:18]))
    np.testing.assert_allclose(tile.mean["zos"], whole.mean["zos"][7:30, 11:18], atol=1e-13)
    np.testing.assert_allclose(tile.std["zos"], whole.std["zos"][7:30, 11:18], atol=1e-13)
    rows, columns = np.array([3, 40, 9]), np.array([5, 2, 33])
    scattered = model.analyse(encoded, background, Targets(lat[rows], lon[columns], gridded=False))
    np.testing.assert_allclose(scattered.mean["zos"], whole.mean["zos"][rows, columns], atol=1e-13)


def test_crowded_targets_are_analysed_like_single_ones():
    model, background = OptimalInterpolation(), flat()
    encoded = model.encode(swarm(500), background, TIME)
    lat, lon = np.random.default_rng(3).uniform(-0.1, 0.1, (2, 100))
    together = model.analyse(encoded, background, Targets(lat, lon, gridded=False))
    for i in (0, 57, 99):
        alone = model.analyse(encoded, background, Targets(lat[[i]], lon[[i]], gridded=False))
        np.testing.assert_allclose(together.mean["zos"][i], alone.mean["zos"][0], atol=1e-13)


@settings(deadline=None, max_examples=15)
@given(start=st.sampled_from([-180.0, 0.0, -37.5, 90.0]), seed=st.integers(0, 10**6))
def test_longitude_may_be_cut_anywhere(start, seed):
    model = OptimalInterpolation()
    background = flat(latitude=(-4, 4), longitude=(-180, 180), step=1.0)
    field = np.random.default_rng(seed).normal(size=background.fields["zos"].shape)
    background = replace(background, fields={"zos": field})
    shift = int(start + 180)
    turned = replace(
        background, longitude=background.longitude + start + 180, fields={"zos": np.roll(field, -shift % 360, axis=1)}
    )
    rng = np.random.default_rng(seed)
    obs = points(rng.uniform(-4, 4, 300), 180 + rng.uniform(-4, 4, 300), rng.normal(0, 0.1, 300))
    if shift != start + 180:
        turned = background
    mean, std = run(model, obs, background, Targets(background.latitude, background.longitude))
    other, other_std = run(model, obs, turned, Targets(turned.latitude, turned.longitude))
    rolled = np.roll(mean, -shift % 360, axis=1) if turned is not background else mean
    rolled_std = np.roll(std, -shift % 360, axis=1) if turned is not background else std
    np.testing.assert_allclose(other, rolled, atol=1e-10)
    np.testing.assert_allclose(other_std, rolled_std, atol=1e-10)


def test_empty():
    background = flat(value=0.2)
    model = OptimalInterpolation()
    mean, std = run(model, Points.empty(), background, Targets(background.latitude, background.longitude))
    np.testing.assert_array_equal(mean, 0.2)
    np.testing.assert_array_equal(std, np.hypot(SCALES["zos"].std, SCALES["zos"].broad))
