"""Explained variance of currents: against the published definition written out, and of flows that are known."""

import numpy as np
import numpy.testing as npt
import pytest
import scipy.ndimage
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import kinematics, metrics
from adaf_xr.metrics import paper_filter

few = settings(max_examples=6, deadline=None)
seeds = st.integers(0, 2**32 - 1)
NAMES = ("uv", "vorticity", "divergence", "strain")
SPACING = 0.05


def maps(values: np.ndarray, spacing: float = SPACING, south: float = 33.0, units: str = "m s-1") -> xr.DataArray:
    """Values (time, latitude, longitude), daily."""
    axes = {
        "time": np.datetime64("2012-10-22", "ns") + np.arange(values.shape[0]) * np.timedelta64(1, "D"),
        "latitude": south + spacing * np.arange(values.shape[1]),
        "longitude": -65.0 + spacing * np.arange(values.shape[2]),
    }
    return xr.DataArray(values, axes, list(axes), "uo", {"units": units})


def flow(seed: int, shape: tuple[int, int, int] = (6, 14, 16), **axes) -> tuple[xr.DataArray, xr.DataArray]:
    """Smooth noise about a mean current."""
    noise = np.random.default_rng(seed).normal(size=(2, *shape))
    u, v = (0.3 + 3 * scipy.ndimage.gaussian_filter(part, 1.0) for part in noise)
    return maps(u, **axes), maps(v, **axes)


def haversine(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Distance [m] on a sphere of 6371 km."""
    p1, p2, dl = np.radians(lat1), np.radians(lat2), np.radians(lon2 - lon1)
    h = np.sin((p2 - p1) / 2) ** 2 + np.cos(p1) * np.cos(p2) * np.sin(dl / 2) ** 2
    return 2 * 6.371e6 * np.arcsin(np.sqrt(h))


def stencil_by_hand(x: np.ndarray, axis: int) -> np.ndarray:
    """0.3 ahead, 0.4 here, -0.7 behind; the field mirrored beyond its edges."""
    x = np.moveaxis(x, axis, -1)
    padded = np.concatenate([x[..., :1], x, x[..., -1:]], axis=-1)
    return np.moveaxis(0.3 * padded[..., 2:] + 0.4 * padded[..., 1:-1] - 0.7 * padded[..., :-2], -1, axis)


def derivatives_by_hand(x: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eastward and northward."""
    dx = np.array([haversine(phi, 0, phi, SPACING) for phi in lat])[:, None]
    dy = np.array([haversine(phi, 0, phi + SPACING, 0) for phi in lat])[:, None]
    return stencil_by_hand(x, 2) / dx, stencil_by_hand(x, 1) / dy


def derived_by_hand(u: np.ndarray, v: np.ndarray, lat: np.ndarray) -> dict[str, np.ndarray]:
    """With the sign of vorticity that the reference has: the other one."""
    (u_x, u_y), (v_x, v_y) = derivatives_by_hand(u, lat), derivatives_by_hand(v, lat)
    return {
        "vorticity": u_y - v_x,
        "divergence": u_x + v_y,
        "strain": np.sqrt((v_x + u_y) ** 2 + (u_x - v_y) ** 2),
    }


def percentages_by_hand(rec, ref, u, v, u_ref, v_ref) -> dict[str, float]:
    """From derived quantities and currents, three pixels cropped."""
    inside = (slice(None), slice(3, -3), slice(3, -3))
    error = np.mean((u - u_ref)[inside] ** 2 + (v - v_ref)[inside] ** 2)
    tau = {"uv": 100 * (1 - error / np.mean(u_ref[inside] ** 2 + v_ref[inside] ** 2))}
    for name, q in ref.items():
        tau[name] = 100 * (1 - np.mean((q - rec[name])[inside] ** 2) / np.var(q[inside]))
    return tau


def smoothed(x: np.ndarray, sigma: float) -> np.ndarray:
    """Along all three axes."""
    return scipy.ndimage.gaussian_filter(x, sigma=sigma)


@few
@given(seeds)
def test_the_filter_of_the_paper_is_the_definition_written_out(seed):
    (u_ref, v_ref), (du, dv) = flow(seed), flow(seed + 1)
    u, v = u_ref + 0.5 * du, v_ref - 0.3 * dv
    lat = u.latitude.values
    x, y, x_ref, y_ref = (smoothed(field.values, 1.0) for field in (u, v, u_ref, v_ref))
    want = percentages_by_hand(
        derived_by_hand(x, y, lat), derived_by_hand(x_ref, y_ref, lat), u.values, v.values, u_ref.values, v_ref.values
    )
    got = metrics.tau(u, v, u_ref, v_ref)
    for name in NAMES:
        npt.assert_allclose(got[name], want[name], rtol=1e-9)


@pytest.mark.parametrize("sigma", [1.0, 4.0])
@pytest.mark.parametrize("south", [33.0, -43.0])
def test_heights_are_scored_as_their_geostrophic_currents(sigma, south):
    u_ref, v_ref = flow(3, south=south)
    ssh = maps(smoothed(np.random.default_rng(0).normal(size=u_ref.shape), 2.0), south=south, units="m")
    lat = ssh.latitude.values
    f = 2 * 7.2921e-5 * np.sin(np.radians(lat))[:, None]

    def currents(height):
        east, north = derivatives_by_hand(height, lat)
        return -9.81 / f * north, 9.81 / f * east

    u, v = currents(ssh.values)
    rec = derived_by_hand(*currents(smoothed(ssh.values, sigma)), lat)
    ref = derived_by_hand(smoothed(u_ref.values, 1.0), smoothed(v_ref.values, 1.0), lat)
    want = percentages_by_hand(rec, ref, u, v, u_ref.values, v_ref.values)
    got = metrics.tau_from_ssh(ssh, u_ref, v_ref, sigma=sigma)
    for name in NAMES:
        npt.assert_allclose(got[name], want[name], rtol=1e-9)
    in_centimetres = (100 * ssh).assign_attrs(units="cm")
    xr.testing.assert_allclose(metrics.tau_from_ssh(in_centimetres, u_ref, v_ref, sigma=sigma), got)


@few
@given(seeds, st.floats(-0.5, 1.0), st.sampled_from(["paper", None]))
def test_currents_too_weak_explain_all_but_the_square_of_what_lacks(seed, lacking, filter):
    u, v = flow(seed)
    share = 1.0 - lacking
    tau = metrics.tau(share * u, share * v, u, v, filter=filter)
    npt.assert_allclose(tau.uv, 100 * (1 - lacking**2), atol=1e-9)
    # The others are about the mean, whose own error counts too: relative to what rest explains, less than none.
    rest = metrics.tau(0 * u, 0 * v, u, v, filter=filter)
    for name in NAMES[1:]:
        assert float(rest[name]) <= 0.0
        npt.assert_allclose(tau[name], 100 - lacking**2 * (100 - rest[name]), atol=1e-9)


@pytest.mark.parametrize("filter", ["paper", None])
def test_the_truth_explains_all_and_rest_explains_no_current(filter):
    u, v = flow(0)
    npt.assert_allclose(metrics.tau(u, v, u, v, filter=filter).to_array(), 100.0)
    rest = metrics.tau(0 * u, 0 * v, u, v, filter=filter)
    npt.assert_allclose(rest.uv, 0.0, atol=1e-12)
    assert float(rest.vorticity) <= 0.0


@pytest.mark.parametrize("filter", ["paper", None])
def test_what_only_spreads_explains_no_vorticity_and_what_only_turns_no_divergence(filter):
    box = maps(np.zeros((4, 60, 60)), spacing=0.1)
    phase = 2 * np.pi * (box.longitude / 1.5 + box.latitude / 2.0)
    # The gradient of a potential and that of a stream function, turned: sums of both are the truth.
    spread = np.cos(phase) + box, np.cos(phase) * (1.5 / 2.0) * np.cos(np.radians(box.latitude)) + box
    turn = -spread[1], spread[0]
    truth = [a + b for a, b in zip(spread, turn, strict=True)]
    of_spread = metrics.tau(*spread, *truth, filter=filter)
    of_turn = metrics.tau(*turn, *truth, filter=filter)
    for tau, explained, other in ((of_spread, "divergence", "vorticity"), (of_turn, "vorticity", "divergence")):
        assert float(tau[explained]) > 95.0
        assert abs(float(tau[other])) < 5.0


def test_vorticity_is_positive_anticlockwise():
    """The paper's repository has the other sign: the score is blind to it, what is returned is not."""
    grid = paper_filter.steps(np.array([30.0, 30.1, 30.2]), 0.1, 0.1)
    x = np.arange(3.0) * np.ones((1, 3, 1))
    u, v = -x.transpose(0, 2, 1) * grid.north, x * grid.east[1]
    vorticity, divergence, strain = paper_filter.derived(u, v, grid)
    npt.assert_allclose([part[0, 1, 1] for part in (vorticity, divergence, strain)], [2.0, 0.0, 0.0], atol=1e-12)


@few
@given(seeds, st.booleans())
def test_without_filter_derivatives_are_those_of_the_sphere(seed, globe):
    shape, south = ((2, 12, 36), -55.0) if globe else ((2, 12, 14), 33.0)
    spacing = 10.0 if globe else 0.25
    (u_ref, v_ref), (du, dv) = flow(seed, shape, spacing=spacing, south=south), flow(seed + 1, shape, spacing=spacing)
    u, v = u_ref + du.values, v_ref + dv.values
    got = metrics.tau(u, v, u_ref, v_ref, filter=None)
    inside = (slice(None), slice(1, -1), slice(None) if globe else slice(1, -1))
    for name in NAMES[1:]:
        q, q_ref = (
            getattr(kinematics, name)(a.values, b.values, u.latitude.values, spacing, spacing, periodic=globe)[inside]
            for a, b in ((u, v), (u_ref, v_ref))
        )
        npt.assert_allclose(got[name], 100 * (1 - np.mean((q - q_ref) ** 2) / np.var(q_ref)), rtol=1e-9)


def test_land_is_left_out_where_nothing_is_smoothed():
    (u_ref, v_ref), (du, dv) = flow(0), flow(1)
    u, v = u_ref + du, v_ref + dv
    # The southern half is land: the score is that of the northern, whose first row has no derivative.
    whole = metrics.tau(*(f.isel(latitude=slice(6, None)) for f in (u, v, u_ref, v_ref)), filter=None)
    sea = u.latitude > u.latitude[5] + 1e-9
    land = metrics.tau(u.where(sea), v.where(sea), u_ref, v_ref, filter=None)
    for name in NAMES[1:]:
        npt.assert_allclose(land[name], whole[name])
    assert np.isfinite(land.uv)
    assert metrics.tau(u * np.nan, v, u_ref, v_ref, filter=None).to_array().isnull().all()
    with pytest.raises(ValueError, match="576 of 1344 values of 'uo' are missing, and this score needs them all"):
        metrics.tau(u.where(sea), v, u_ref, v_ref, filter="paper").load()


@pytest.mark.parametrize("filter", ["paper", None])
def test_dask_is_numpy_and_waits(filter, nothing_computes):
    import dask

    (u_ref, v_ref), (du, dv) = flow(0), flow(1)
    fields = [u_ref + du, v_ref + dv, u_ref, v_ref]
    height = fields[0].assign_attrs(units="m")
    lazy_fields = [f.chunk(time=3, latitude=7) for f in fields]
    lazy = metrics.tau(*lazy_fields, filter=filter)
    lazy_height = metrics.tau_from_ssh(height.chunk(time=1), *lazy_fields[2:], filter=filter)
    assert all(dask.is_dask_collection(result) for result in (lazy, lazy_height))
    with dask.config.set(scheduler="synchronous"):
        xr.testing.assert_allclose(lazy.compute(), metrics.tau(*fields, filter=filter))
        want = metrics.tau_from_ssh(height, *fields[2:], filter=filter)
        xr.testing.assert_allclose(lazy_height.compute(), want)


@pytest.mark.parametrize("value", [0.1, 3.3, -7.7])
def test_rounding_is_no_flow_to_explain(value):
    u, v = flow(0)
    steady = 0.0 * u + value
    got = metrics.tau(u, v, steady, steady)
    assert np.isfinite(got.uv)
    assert all(got[name].isnull() for name in ("vorticity", "divergence", "strain"))
    # A slope of a millionth is one, and of a weak flow too.
    for scale in (1.0, 1e-8):
        sloped = scale * (steady + 1e-6 * u)
        assert all(abs(100.0 - float(got)) < 1e-6 for got in metrics.tau(*4 * (sloped,)).values())


def test_a_chunk_of_time_costs_few_tasks():
    def tasks(times: int) -> int:
        first = flow(0)[0].isel(time=0, drop=True)
        days = np.datetime64("2012-10-22", "ns") + np.arange(times) * np.timedelta64(1, "D")
        u = first.expand_dims(time=days).chunk(time=1)
        return len(metrics.tau(u, u, u, u, filter=None).__dask_graph__())

    # Three derivatives and four means of squares: slices and differences are not tasks of their own.
    assert tasks(9) - tasks(8) < 115


@few
@given(st.permutations(["time", "latitude", "longitude"]), st.booleans(), st.sampled_from(["paper", None]))
def test_spelling_does_not_matter(order, descending, filter):
    (u_ref, v_ref), (du, dv) = flow(0), flow(1)
    u, v = u_ref + du, v_ref + dv
    want = metrics.tau(u, v, u_ref, v_ref, filter=filter)
    spelt = u.transpose(*order).rename(latitude="lat", longitude="lon").assign_coords(lon=u.longitude.values + 360)
    if descending:
        spelt = spelt.isel(lat=slice(None, None, -1))
        u_ref = u_ref.isel(latitude=slice(None, None, -1))
    xr.testing.assert_allclose(metrics.tau(spelt, v, u_ref, v_ref, filter=filter), want)


def test_unlike_or_small_maps_are_refused():
    u, v = flow(0)
    with pytest.raises(ValueError, match="the northward reconstruction differ along 'longitude'"):
        metrics.tau(u, v.isel(longitude=slice(1, None)), u, v)
    with pytest.raises(ValueError, match="the northward reference differ along 'latitude'"):
        metrics.tau(u, v, u, v.assign_coords(latitude=v.latitude + 0.5 * SPACING))
    with pytest.raises(ValueError, match="'uo' is in 'm s-1' and the eastward reconstruction in 'cm s-1'"):
        metrics.tau(u.assign_attrs(units="cm s-1"), v, u, v)
    small = [field.isel(latitude=slice(7)) for field in (u, v, u, v)]
    with pytest.raises(ValueError, match="7 pixels along latitude are too few, for 3 are left out along each side"):
        metrics.tau(*small)
    with pytest.raises(ValueError, match="at least 3 points"):
        metrics.tau(*(field.isel(latitude=slice(2)) for field in small), filter=None)
    with pytest.raises(ValueError, match="latitude is not evenly spaced"):
        metrics.tau(*(field.isel(latitude=[0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12]) for field in (u, v, u, v)))
    with pytest.raises(ValueError, match='give "paper" for the published scores, or None'):
        metrics.tau(u, v, u, v, filter="gauss")


def test_a_height_must_be_one_and_away_from_the_equator():
    u, v = flow(0)
    with pytest.raises(ValueError, match="is in 'm s-1', which is no length"):
        metrics.tau_from_ssh(u, u, v)
    u, v = flow(0, south=-0.2)
    with pytest.raises(ValueError, match="hold the equator, where no current is geostrophic"):
        metrics.tau_from_ssh(u.assign_attrs(units="m"), u, v)
    with pytest.raises(ValueError, match='give "paper" for the published scores, or None'):
        metrics.tau_from_ssh(flow(0)[0].assign_attrs(units="m"), *flow(0), filter="gauss")


def test_the_scores_of_the_paper_are_the_scores_under_its_names():
    (u_ref, v_ref), (du, dv) = flow(0, (10, 16, 20)), flow(1, (10, 16, 20))
    u, v = u_ref + 0.4 * du, v_ref + 0.4 * dv
    ssh_ref, ssh = v_ref.assign_attrs(units="m"), v.assign_attrs(units="m")
    got = metrics.paper_scores(u, v, ssh, u_ref, v_ref, ssh_ref, path="all")
    tau = metrics.tau(u, v, u_ref, v_ref)
    assert set(got) == {
        *("test_mu", "test_sigma", "test_spatial_res"),
        *(f"test_lambda_{axis}{field}" for axis in "xt" for field in ("", "_u", "_v")),
        *(f"test_var_mse_{name}" for name in ("uv", "curl", "div", "strain")),
    }
    assert all(isinstance(value, float) for value in got.values())
    assert (got["test_mu"], got["test_sigma"]) == metrics.mu_sigma(ssh, ssh_ref)
    assert (got["test_lambda_x_u"], got["test_lambda_t_u"]) == metrics.lambda_x_t(u, u_ref, path="all")
    assert got["test_spatial_res"] == metrics.effective_resolution(ssh, ssh_ref, kilometres_per_degree=100.0)
    assert [got[f"test_var_mse_{name}"] for name in ("uv", "curl", "div", "strain")] == tau.to_array().values.tolist()
