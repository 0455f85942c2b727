"""Orbits: theorems of repeating ground tracks, and the physics that makes them close."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.osse.observing.systems import CRYOSAT, ENVISAT, GFO, INTERLEAVED, JASON, METOP, SENTINEL3, SMOS, SWOT
from adaf_xr.osse.orbits import Orbit
from adaf_xr.sphere import great_circle, unit_vectors

REVOLUTIONS = {
    "jason": (JASON, 127),
    "interleaved": (INTERLEAVED, 127),
    "gfo": (GFO, 244),
    "envisat": (ENVISAT, 501),
    "sentinel3": (SENTINEL3, 385),
    "cryosat": (CRYOSAT, 5344),
    "swot": (SWOT, 292),
    "metop": (METOP, 412),
    "smos": (SMOS, 2144),
}
LOCAL_TIME = {"envisat": 22.0, "sentinel3": 22.0, "metop": 21.5, "smos": 6.0}

every = pytest.mark.parametrize(("orbit", "revolutions"), REVOLUTIONS.values(), ids=REVOLUTIONS)


def crossings(orbit, revolutions):
    """Times [days] and longitudes of the ascending crossings of the equator in a cycle."""
    days = np.arange(revolutions) * orbit.period / 1440
    latitude, longitude = orbit.track(days)
    np.testing.assert_allclose(latitude, 0, atol=1e-6)
    return days, longitude


def turned(degrees):
    """An angle within 180 degrees of zero."""
    return (np.asarray(degrees) + 180.0) % 360.0 - 180.0


@given(st.floats(50, 110), st.floats(95, 115), st.floats(-180, 180))
@settings(max_examples=30, deadline=None)
def test_a_circular_orbit_reaches_its_inclination_and_repeats_in_latitude(inclination, period, node):
    orbit = Orbit(inclination, period, node)
    days = np.linspace(0, 3 * period / 1440, 3001)
    latitude, longitude = orbit.track(days)
    assert latitude.max() == pytest.approx(min(inclination, 180 - inclination), abs=0.01)
    np.testing.assert_allclose(latitude[:1000], latitude[1000:2000], atol=1e-6)
    assert ((longitude >= -180) & (longitude < 180)).all()
    # One orbit on, the Earth has turned below it.
    assert abs(turned(longitude[1000] - longitude[0] + 360 * period / 1440 / 0.99726957)) < 1e-6


@given(st.sampled_from(list(REVOLUTIONS)), st.floats(0, 30_000), st.integers(1, 40))
def test_the_ground_track_closes_after_every_cycle(name, day, cycles):
    orbit, _ = REVOLUTIONS[name]
    now, later = (unit_vectors(*orbit.track(day + n * orbit.cycle)) for n in (0, cycles))
    assert 6371 * np.linalg.norm(later - now) < 0.02  # km: rounding of times


@every
def test_tracks_are_evenly_spaced_at_the_equator_and_closed_by_no_shorter_cycle(orbit, revolutions):
    _, longitude = crossings(orbit, revolutions)
    gaps = np.diff(np.sort(longitude), append=np.sort(longitude)[0] + 360)
    np.testing.assert_allclose(gaps, 360 / revolutions, atol=1e-5)


def test_the_reference_tracks_are_315_km_apart_and_the_interleaved_ones_half_way():
    between = 360 / 127 * 111.195
    assert between == pytest.approx(315, abs=1)
    longitude = crossings(JASON, 127)[1]
    other = crossings(INTERLEAVED, 127)[1]
    nearest = np.abs(turned(longitude[:, None] - other[None, :])).min(axis=1)
    np.testing.assert_allclose(nearest, 180 / 127, atol=1e-6)


@every
def test_the_plane_turns_as_the_flattening_of_the_earth_makes_it(orbit, revolutions):
    # J2: dOmega/dt = -3/2 J2 (R / a)^2 n cos i, with a from Kepler's third law.
    n = 2 * np.pi / (orbit.period * 60)
    a = (398_600.44 / n**2) ** (1 / 3)
    precession = np.degrees(-1.5 * 1.08263e-3 * (6378.137 / a) ** 2 * n * np.cos(np.radians(orbit.inclination))) * 86400
    assert 360.98565 - 360 / orbit.turn == pytest.approx(precession, rel=0.01, abs=0.004)


@pytest.mark.parametrize("name", LOCAL_TIME)
def test_sun_synchronous_orbits_cross_the_equator_at_their_local_time(name):
    days, longitude = crossings(*REVOLUTIONS[name])
    np.testing.assert_allclose((days * 24 + longitude / 15 - LOCAL_TIME[name] + 12) % 24, 12, atol=1e-6)


@every
def test_half_revolutions_are_counted_from_pole_to_pole(orbit, revolutions):
    days = np.linspace(0, 5 * orbit.period / 1440, 5001)
    climbs = np.diff(orbit.track(days)[0]) > 0
    number = orbit.passes(days)
    same = np.diff(number) == 0
    np.testing.assert_array_equal(climbs[same], number[:-1][same] % 2 == 0)
    assert orbit.passes(np.array([orbit.cycle]))[0] - orbit.passes(np.zeros(1))[0] == 2 * revolutions


@given(st.sampled_from(list(REVOLUTIONS)), st.floats(0, 300), st.floats(-1400, 1400))
def test_a_swath_lies_at_its_distance_square_to_the_track(name, day, across):
    orbit, _ = REVOLUTIONS[name]
    days, at = np.array([day]), np.array([across])
    latitude, longitude = orbit.swath(days, at)
    here = orbit.track(days)
    assert great_circle(*here, latitude[0], longitude[0])[0] == pytest.approx(abs(across), abs=1e-4)
    here, forward, left = orbit.frame(days)
    there = unit_vectors(latitude[0], longitude[0])
    assert abs(np.sum(there * forward)) < 1e-9
    assert np.sum(there * left) == pytest.approx(-np.sin(across / 6371), abs=1e-9)
    # Left of a satellite that goes forward: up is here.
    np.testing.assert_allclose(np.cross(here, forward), left, atol=1e-9)
