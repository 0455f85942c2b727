"""Theorems of optimal interpolation: closed forms, limits, invariances, and agreement with the textbook solution."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.models.base import Background, Targets
from adaf_xr.models.cells import ORIGIN, Cells
from adaf_xr.models.neighbourhood import GROUP, cells_of
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.models.scales import SCALES
from adaf_xr.points.arrays import Points
from adaf_xr.sphere import RADIUS, great_circle, unit_vectors

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
    shape = (len(depth), lat.size, lon.size)
    return Background(lat, lon, np.array(depth, "f8"), {name: np.full(shape[0 if len(depth) else 1 :], value)})


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
@given(start=st.sampled_from([0, -37, 90, 179]), seed=st.integers(0, 10**6))
def test_longitude_may_be_cut_anywhere(start, seed):
    rng = np.random.default_rng(seed)
    background = flat(latitude=(-4, 4), longitude=(-180, 180), step=1.0)
    field = rng.normal(size=background.fields["zos"].shape)
    background = replace(background, fields={"zos": field})
    turned = replace(
        background,
        longitude=background.longitude + (start + 180),
        fields={"zos": np.roll(field, -(start + 180), axis=1)},
    )
    obs = points(rng.uniform(-4, 4, 300), start + rng.uniform(-4, 4, 300), rng.normal(0, 0.1, 300))
    whole = run(OptimalInterpolation(), obs, background, Targets(background.latitude, background.longitude))
    other = run(OptimalInterpolation(), obs, turned, Targets(turned.latitude, turned.longitude))
    assert (np.roll(whole[0], -(start + 180), axis=1) != turned.fields["zos"]).any()
    for here, there in zip(whole, other, strict=True):
        np.testing.assert_allclose(there, np.roll(here, -(start + 180), axis=1), atol=1e-10)


def test_latitude_may_descend():
    background = flat(latitude=(-4, 4), longitude=(-4, 4), step=0.5)
    field = np.random.default_rng(0).normal(size=background.fields["zos"].shape)
    background = replace(background, fields={"zos": field})
    upside_down = replace(background, latitude=background.latitude[::-1], fields={"zos": field[::-1]})
    obs = swarm(200)
    up = run(OptimalInterpolation(), obs, background, Targets(background.latitude, background.longitude))
    down = run(OptimalInterpolation(), obs, upside_down, Targets(upside_down.latitude, upside_down.longitude))
    for here, there in zip(up, down, strict=True):
        np.testing.assert_allclose(there[::-1], here, atol=1e-12)


def test_empty():
    background = flat(value=0.2)
    model = OptimalInterpolation()
    mean, std = run(model, Points.empty(), background, Targets(background.latitude, background.longitude))
    np.testing.assert_array_equal(mean, 0.2)
    np.testing.assert_array_equal(std, np.hypot(SCALES["zos"].std, SCALES["zos"].broad))


@settings(deadline=None, max_examples=20)
@given(
    n=st.integers(0, 400), seed=st.integers(0, 10**6), error=st.floats(1e-9, 10.0), broad=st.sampled_from([0.0, 0.1])
)
def test_the_formal_error_stays_between_zero_and_that_of_the_background(n, seed, error, broad):
    model = OptimalInterpolation(error=error, broad=broad)
    mean, std = run(model, swarm(n, seed, spread=0.5), flat(), at(*np.random.default_rng(seed).normal(0, 2, (20, 2))))
    assert np.isfinite(mean).all()
    assert (std >= 0).all()
    assert (std <= np.hypot(model.scales["zos"].std, broad) * (1 + 1e-12)).all()


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_increments_are_linear_in_the_innovations_and_errors_ignore_them(seed, a, b):
    background, model = flat(), OptimalInterpolation()
    obs = swarm(100, seed)
    other = np.random.default_rng(seed + 1).normal(0, 0.1, len(obs))
    targets = at(*np.random.default_rng(seed).uniform(-3, 3, (20, 2)))
    first, std = run(model, obs, background, targets)
    second, _ = run(model, replace(obs, value=other), background, targets)
    both, same = run(model, replace(obs, value=a * obs.value + b * other), background, targets)
    np.testing.assert_allclose(both, a * first + b * second, atol=1e-12)
    np.testing.assert_array_equal(same, std)


def test_adding_a_constant_to_background_and_observations_adds_it_to_the_analysis():
    obs, targets = swarm(100), at((0.0, 0.0), (1.0, 1.0))
    low, _ = run(OptimalInterpolation(), obs, flat(), targets)
    high, _ = run(OptimalInterpolation(), replace(obs, value=obs.value + 2.0), flat(value=2.0), targets)
    np.testing.assert_allclose(high, low + 2.0, atol=1e-12)


def test_far_from_every_observation_the_background_holds_exactly():
    background = flat(value=0.123)
    mean, std = run(OptimalInterpolation(**PLAIN), points(0.0, 0.0, 5.0), background, at((0.0, 10.0), (19.0, -29.0)))
    np.testing.assert_array_equal(mean, 0.123)
    np.testing.assert_array_equal(std, SCALES["zos"].std)


@pytest.mark.parametrize("broad", [0.0, 0.06])
def test_nothing_beyond_the_halo_matters(broad):
    model = OptimalInterpolation(broad=broad, length=80.0)
    rng = np.random.default_rng(0)
    obs = points(
        np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000))), rng.uniform(-180, 180, 20_000), rng.normal(size=20_000)
    )
    background = flat((-90, 90), (-180, 180), 5.0)
    targets = at(*(0.2 * rng.normal(size=(30, 2))))
    distance = great_circle(0.0, 0.0, obs.latitude, obs.longitude)
    expected = run(model, obs, background, targets)[0]
    halo = model.spec.halo + great_circle(0.0, 0.0, targets.latitude, targets.longitude).max()
    np.testing.assert_allclose(run(model, obs.take(distance < halo), background, targets)[0], expected, atol=1e-13)
    closer = obs.take(distance < 0.1 * halo)
    assert np.abs(run(model, closer, background, targets)[0] - expected).max() > 1e-6


def test_analyses_may_run_in_many_threads_at_once():
    background, obs = flat((-6, 6), (-20, 20)), swarm(500, spread=5.0)
    targets, model = Targets(background.latitude, background.longitude), OptimalInterpolation(threads=2)
    expected, _ = run(model, obs, background, targets)
    with ThreadPoolExecutor(6) as callers:
        for mean, _ in callers.map(lambda _: run(model, obs, background, targets), range(12)):
            np.testing.assert_array_equal(mean, expected)


def test_the_broad_part_reaches_further_and_leaves_what_observations_say():
    obs = points(*np.random.default_rng(0).uniform(-8, 8, (2, 3000)), 0.1, error=0.01)
    targets = at((0.0, 0.0), (0.0, 13.0))
    plain, plain_std = run(OptimalInterpolation(**PLAIN), obs, flat(), targets)
    broad, broad_std = run(OptimalInterpolation(broad=0.06), obs, flat(), targets)
    np.testing.assert_allclose([plain[0], broad[0]], 0.1, atol=0.006)
    assert plain[1] == 0.0
    assert 0.03 < broad[1] < 0.1
    assert broad_std[1] < np.hypot(SCALES["zos"].std, 0.06)
    assert plain_std[1] == SCALES["zos"].std


def test_thousands_of_observations_in_one_place_keep_their_representativeness_error():
    model = OptimalInterpolation(std=0.1, representativeness=0.02, **PLAIN)
    rng = np.random.default_rng(0)
    obs = points(*(0.05 + rng.uniform(-0.01, 0.01, (2, 20_000))), 0.1, error=0.03)
    _, std = run(model, obs, flat(), at((0.05, 0.05)))
    expected = np.sqrt(0.01 - 0.01**2 / (0.01 + 0.02**2))
    np.testing.assert_allclose(std, expected, rtol=1e-3)


def test_groups_of_targets_come_nearer_to_the_dense_solution_than_cells_one_by_one():
    """Against all observations at once, shared super-observations err less than as many points chosen for each cell."""
    rng = np.random.default_rng(0)
    along = np.linspace(-4, 4, 120)
    tracks = [(along, shift + 0.3 * along) for shift in (-3, -1.2, 0.1, 2.4)]
    tracks += [(along, shift - 0.3 * along) for shift in (-2, -0.4, 1, 3.1)]
    lat, lon = np.concatenate(tracks, axis=1)
    obs = points(lat, lon, 0.1 * np.sin(2 * lat) * np.cos(3 * lon) + rng.normal(0, 0.02, lat.size), error=0.02)
    model = OptimalInterpolation(length=100.0, std=0.1, representativeness=0.0, **PLAIN)
    targets = at(*np.stack(np.meshgrid(*[np.arange(-2, 2, 0.25)] * 2), axis=-1).reshape(-1, 2))
    exact, _ = dense(model, obs, 0.1, targets)
    grouped, _ = run(model, obs, flat(), targets)
    near = np.argsort(
        np.hypot(targets.latitude[:, None] - lat, targets.longitude[:, None] - lon), axis=1, kind="stable"
    )[:, : model.neighbours]
    alone = [
        dense(model, obs.take(rows), 0.1, at((y, x)))[0][0]
        for rows, y, x in zip(near, targets.latitude, targets.longitude, strict=True)
    ]
    error_of_groups, error_of_neighbours = (np.sqrt(np.mean((x - exact) ** 2)) for x in (grouped, alone))
    assert error_of_groups < error_of_neighbours
    assert error_of_groups < 0.02  # of a background error of 0.1


def step(field, chosen):
    """Root mean square difference of neighbouring values, where one mask for each axis says."""
    squares = [np.ravel(np.diff(field, axis=axis)[where]) ** 2 for axis, where in enumerate(chosen)]
    return np.sqrt(np.mean(np.concatenate(squares)))


def steps(model, part, obs, background, name="zos"):
    """Steps of the increments from cell to cell across the edges of a lattice of groups, and inside."""
    lat, lon = background.latitude, background.longitude
    mean, _ = run(model, obs, background, Targets(lat, lon), name)
    group = cells_of(part, GROUP).locate(*np.broadcast_arrays(lat[:, None], lon[None]))[0]
    across = [np.diff(group, axis=axis) != 0 for axis in (0, 1)]
    increment = mean - background.fields[name]
    return step(increment, across), step(increment, [~edge for edge in across])


@pytest.mark.parametrize("n", [1500, 8000])
@pytest.mark.parametrize(
    "signal",
    [
        lambda lat, lon: 0.01 * (lat - 40.0) + 0.0 * lon,
        lambda lat, lon: 0.1 * np.sin(np.radians(9 * lat)) * np.cos(np.radians(7 * lon)),
    ],
    ids=["slope", "smooth"],
)
def test_no_seam_of_the_broad_part_shows(signal, n):
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(20, 60, n), rng.uniform(-60, -20, n)
    obs = points(lat, lon, signal(lat, lon), days=rng.uniform(-3, 3, n))
    model, background = OptimalInterpolation(), flat((20, 60), (-60, -20), 1.0)
    across, inside = steps(model, SCALES["zos"].broad_part, obs, background)
    assert across <= 1.5 * inside
    truth = signal(background.latitude[:, None], background.longitude)
    expected = step(truth, [...] * 2)
    assert 0.5 * expected < inside < 1.5 * expected


@pytest.mark.parametrize("shares", [1, 8])
def test_no_seam_shows_between_dense_noisy_maps_nor_between_their_gaps(shares):
    """Daily maps of salinity, or an eighth of their cells."""
    background = flat((30, 38), (-40, -30), 0.25, 35.0, "so")
    lat, lon = (np.repeat(x, 10) for x in np.meshgrid(background.latitude, background.longitude))
    days = np.tile(np.arange(10) - 4.5, background.fields["so"].size)
    rng = np.random.default_rng(0)

    def signal(lat, lon):
        return 0.2 * np.sin(np.radians(60 * lat)) * np.cos(np.radians(45 * lon))

    value = 35.0 + signal(lat, lon) + rng.normal(0, 0.4, lat.shape)
    obs = points(lat.ravel(), lon.ravel(), value.ravel(), days=days, error=0.4, name="so", source="sss")
    obs = obs.take(rng.permutation(len(obs))[: len(obs) // shares])
    model, targets = OptimalInterpolation(), Targets(background.latitude, background.longitude)
    across, inside = steps(model, SCALES["so"].mesoscale_part, obs, background, "so")
    assert across <= 1.5 * inside
    mean, std = run(model, obs, background, targets, "so")
    misfit = mean - 35.0 - signal(background.latitude[:, None], background.longitude)
    # Noise averages out as far as the formal error says.
    assert np.sqrt(np.mean(misfit**2)) < 1.2 * np.sqrt(np.mean(std**2))


def test_increments_are_continuous_where_neighbours_change():
    """On a line through the groups, a tenfold finer walk takes tenfold smaller steps."""
    obs = swarm(3000, spread=4.0)
    largest = []
    for n in (200, 2000):
        line = np.linspace(-3, 3, n)
        mean, _ = run(OptimalInterpolation(), obs, flat(), at(*np.stack([0.3 * line, line], axis=1)))
        largest.append(np.abs(np.diff(mean)).max())
    assert largest[1] < 0.15 * largest[0]


def test_tiles_of_crowded_observations_agree():
    model, background = OptimalInterpolation(), flat((-4, 4), (-4, 4))
    encoded = model.encode(swarm(20_000, spread=4.0), background, TIME)
    lat, lon = background.latitude, background.longitude
    whole = model.analyse(encoded, background, Targets(lat, lon))
    tile = model.analyse(encoded, background, Targets(lat[7:18], lon[11:20]))
    np.testing.assert_allclose(tile.mean["zos"], whole.mean["zos"][7:18, 11:20], atol=1e-13)
    backwards = model.encode(swarm(20_000, spread=4.0).take(np.arange(20_000)[::-1]), background, TIME)
    again = model.analyse(backwards, background, Targets(lat, lon))
    np.testing.assert_allclose(again.mean["zos"], whole.mean["zos"], atol=1e-11)


def test_copies_of_observations_are_bounded_by_the_representativeness():
    model = OptimalInterpolation(std=0.1, representativeness=0.02, **PLAIN)
    obs = points(0.0, 0.0, 0.3, error=0.03)
    for copies in (1, 2, 1000):
        mean, _ = run(model, Points.concatenate([obs] * copies), flat(), at((0.0, 0.0)))
        np.testing.assert_allclose(mean, 0.3 * 0.01 / (0.01 + 0.03**2 / copies + 0.02**2), rtol=1e-7)


@settings(deadline=None, max_examples=30)
@given(size=st.floats(0.05, 30.0), lat=st.floats(-90, 90), lon=st.floats(-720, 720))
def test_weights_of_the_cells_around_a_place_are_a_partition_of_unity(size, lat, lon):
    cells = Cells(size)
    index, weight = cells.around([lat], [lon])
    assert (weight >= 0).all()
    assert weight.sum() == pytest.approx(1.0, abs=1e-12)
    assert ((index >= 0) & (index < cells.columns.sum())).all()
    there, _ = cells.centre(index[weight > 1e-9])
    assert (np.abs(there - lat) <= size * (1 + 1e-9)).all()


def test_land_is_missing_and_observations_there_count_for_nothing():
    background = flat()
    field = background.fields["zos"].copy()
    field[:, 100:140] = np.nan
    background = replace(background, fields={"zos": field})
    sea = np.ones(field.shape, bool)
    sea[:5] = False
    targets = Targets(background.latitude, background.longitude, sea=sea)
    on_land = points(0.0, background.longitude[120], 1.0)
    mean, std = run(OptimalInterpolation(), on_land, background, targets)
    missing = np.isnan(field) | ~sea
    np.testing.assert_array_equal(np.isnan(mean), missing)
    np.testing.assert_array_equal(np.isnan(std), missing)
    np.testing.assert_array_equal(mean[~missing], 0.0)


def test_a_background_without_any_sea_is_no_error():
    background = flat(value=np.nan)
    mean, std = run(OptimalInterpolation(), swarm(10), background, Targets(background.latitude, background.longitude))
    assert np.isnan(mean).all()
    assert np.isnan(std).all()


def test_observations_of_other_variables_count_for_nothing():
    model = OptimalInterpolation()
    foreign = Points.concatenate([points(0.0, 0.0, 9.0, name="so", source="insitu"), points(0.0, 0.0, 9.0, name="uas")])
    assert model.encode(foreign, flat(), TIME).key.size == 0


LEVELS = np.array([5.0, 50.0, 200.0, 1000.0])


def column(value=10.0):
    """A background with levels."""
    return flat((-3, 3), (-3, 3), 0.5, value, "thetao", LEVELS)


def test_one_profile_value_spreads_over_depth_in_vertical_scales():
    model = OptimalInterpolation()
    scales = model.scales["thetao"]
    obs = points(0.0, 0.0, 11.0, depth=120.0, error=0.1, name="thetao", source="insitu")
    mean, std = run(model, obs, column(), at((0.0, 0.0)), "thetao")
    assert mean.shape == std.shape == (4, 1)
    correlation = np.exp(-0.5 * (scales.stretch(LEVELS) - scales.stretch(120.0)) ** 2)
    sigma, sigma_there = scales.std * scales.fade(LEVELS), scales.std * scales.fade(120.0)
    noise = 0.1**2 + (scales.representativeness * scales.fade(120.0)) ** 2
    gain = sigma * correlation * sigma_there / (sigma_there**2 + noise)
    expected = np.sqrt(sigma**2 - gain * sigma * correlation * sigma_there)
    reached = np.abs(scales.stretch(LEVELS) - scales.stretch(120.0)) < 4
    np.testing.assert_allclose(mean[reached, 0], 10 + gain[reached], rtol=1e-6)
    np.testing.assert_allclose(std[reached, 0], expected[reached], rtol=1e-6)
    np.testing.assert_array_equal(mean[~reached], 10.0)


def test_the_vertical_scale_grows_with_depth():
    scales = SCALES["thetao"]
    z = np.array([0.0, 100.0, 1000.0, 4000.0])
    slope = (scales.stretch(z + 0.1) - scales.stretch(z)) / 0.1
    np.testing.assert_allclose(1 / slope, scales.vertical + 0.15 * z, rtol=1e-3)
    np.testing.assert_allclose(scales.depth(scales.stretch(z)), z, atol=1e-9)


def test_a_profile_that_the_background_already_knows_changes_nothing():
    background = column()
    linear = 20.0 - 0.01 * LEVELS[:, None, None] + np.zeros_like(background.fields["thetao"])
    background = replace(background, fields={"thetao": linear})
    depth = np.array([3.0, 5.0, 20.0, 125.0, 730.0, 1000.0])
    obs = points(0.1, 0.2, 20.0 - 0.01 * np.maximum(depth, 5.0), depth=depth, name="thetao", source="insitu")
    targets = Targets(background.latitude, background.longitude)
    mean, _ = run(OptimalInterpolation(), obs, background, targets, "thetao")
    np.testing.assert_allclose(mean, linear, atol=1e-5)


def test_observations_below_the_deepest_level_or_the_sea_floor_count_for_nothing():
    background = column()
    shallow = background.fields["thetao"].copy()
    shallow[2:] = np.nan
    background = replace(background, fields={"thetao": shallow})
    model = OptimalInterpolation()
    for depth, used in ((1500.0, 0), (210.0, 0), (130.0, 0), (120.0, 1), (20.0, 1)):
        obs = points(0.0, 0.0, 11.0, depth=depth, name="thetao", source="insitu")
        assert model.encode(obs, background, TIME).key.size == used
    mean, _ = run(model, obs, background, at((0.0, 0.0)), "thetao")
    np.testing.assert_array_equal(np.isnan(mean[:, 0]), [False, False, True, True])


def test_deep_observations_do_not_reach_a_surface_field():
    background = flat((-3, 3), (-3, 3), 0.5, 10.0, "thetao")
    model = OptimalInterpolation()
    for depth, used in ((0.0, 1), (9.0, 1), (11.0, 0), (500.0, 0)):
        obs = points(0.0, 0.0, 11.0, depth=depth, name="thetao", source="insitu")
        assert model.encode(obs, background, TIME).key.size == used


def test_settings_travel():
    model = OptimalInterpolation(length={"zos": 70.0}, error={"sst": 0.2})
    assert pickle.loads(pickle.dumps(model)) == model
    assert repr(OptimalInterpolation()) == repr(OptimalInterpolation())
    assert repr(model) != repr(OptimalInterpolation())
    assert model.scales["thetao"].default_errors()[1] == 0.2
    assert model.scales["so"].length == SCALES["so"].length
    assert OptimalInterpolation(error=0.03).scales["thetao"].default_errors().tolist() == [0.03] * 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": -1.0}, "length=-1.0 for thetao.*finite and above 0"),
        ({"error": np.nan}, "finite and at least 0"),
        ({"length": {"ssh": 80.0}}, r"nothing is called \['ssh'\]; it takes"),
        ({"neighbours": 0}, "neighbours=0"),
        ({"cell": 0.001}, "too fine"),
        ({"threads": 0}, "threads=0"),
    ],
)
def test_bad_settings_are_refused_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        OptimalInterpolation(**arguments)


def test_super_observations_of_different_times_or_bins_do_not_add_up():
    here = OptimalInterpolation().encode(swarm(3), flat(), TIME)
    for other in (
        OptimalInterpolation().encode(swarm(3), flat(), TIME + DAY),
        OptimalInterpolation(cell=0.3).encode(swarm(3), flat(), TIME),
    ):
        with pytest.raises(ValueError, match="do not add up"):
            here + other


@pytest.mark.parametrize("threads", [1, 2, None])
def test_threads_do_not_matter(threads):
    background, obs = flat((-6, 6), (-60, 60)), swarm(3000, spread=5.0)
    targets = Targets(background.latitude, background.longitude)
    expected, _ = run(OptimalInterpolation(threads=1), obs, background, targets)
    mean, _ = run(OptimalInterpolation(threads=threads), obs, background, targets)
    np.testing.assert_array_equal(mean, expected)


@settings(deadline=None, max_examples=30)
@given(size=st.floats(0.05, 30.0), lat=st.floats(-90, 90), lon=st.floats(-720, 720), turns=st.integers(-2, 2))
def test_cells_hold_their_points_in_every_longitude_convention(size, lat, lon, turns):
    cells = Cells(size)
    index, latitude, longitude = (x.item() for x in cells.locate([lat], [lon]))
    again = [x.item() for x in cells.centre(np.array([index]))]
    assert again == [latitude, longitude]
    assert abs(lat - latitude) <= size
    n = cells.columns[np.searchsorted(cells.first, index, side="right") - 1]
    assert abs((lon - longitude + 180) % 360 - 180) <= 180 / n * (1 + 1e-9)
    edge = (lon % 360) * n / 360 + ORIGIN
    if abs(edge - round(edge)) > 1e-6:
        assert cells.locate([lat], [lon + 360 * turns])[0].item() == index
