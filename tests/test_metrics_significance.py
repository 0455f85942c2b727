"""The block bootstrap: coverage of processes whose mean is known, pairing, seeds."""

import dask.array as da
import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from scipy import signal, stats

from adaf_xr import metrics
from adaf_xr.metrics.significance import block_length, lag_one, widening


def process(phi: float, times: int, count: int, seed: int = 0) -> np.ndarray:
    """First-order autoregressive series of variance 1, (count, times)."""
    noise = np.random.default_rng(seed).normal(size=(count, times + 200)) * np.sqrt(1 - phi**2)
    return signal.lfilter([1.0], [1.0, -phi], noise, axis=-1)[:, 200:]


def sums_of(series: np.ndarray) -> xr.Dataset:
    """As if each value were the error of one day."""
    dims = ("depth", "time")[-series.ndim :]
    return xr.Dataset({"error": (dims, series), "squared_error": (dims, series**2), "weight": (dims, series * 0 + 1)})


@pytest.mark.parametrize(("score", "true"), [("bias", 0.0), ("rmse", 1.0)])
@pytest.mark.parametrize(("phi", "least"), [(0.0, 0.84), (0.6, 0.80)])
def test_an_interval_covers_the_truth_about_as_often_as_it_says(score, true, phi, least):
    covered = []
    for series in process(phi, 200, 150):
        low, high = metrics.block_bootstrap(sums_of(series), score, samples=300).values
        covered.append(low < true < high)
    assert least <= np.mean(covered) <= 0.97


def test_memory_of_the_series_widens_the_interval():
    ratio = []
    for series in process(0.6, 200, 40):
        blocks = metrics.block_bootstrap(sums_of(series), "bias", samples=300).values
        ratio.append(np.ptp(blocks) / np.ptp(stats.t.interval(0.9, 199, 0.0, series.std(ddof=1) / np.sqrt(200))))
    # The mean of this process varies by (1 + 0.6) / (1 - 0.6) as much as that of white noise.
    npt.assert_allclose(np.mean(ratio), 2.0, rtol=0.1)


def test_of_independent_days_it_is_the_interval_of_textbooks():
    series = process(0.0, 100, 1)[0]
    low, high = metrics.block_bootstrap(sums_of(series), "bias", block=1, samples=20_000).values
    expected = stats.t.interval(0.9, 99, series.mean(), series.std(ddof=1) / 10)
    npt.assert_allclose([low, high], expected, atol=0.012)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    totals = sums_of(process(0.5, 60, 1)[0])
    first, again, other = (metrics.block_bootstrap(totals, "rmse", seed=seed).values for seed in (1, 1, 2))
    npt.assert_array_equal(first, again)
    assert (first != other).all()
    npt.assert_allclose(first, other, rtol=0.1)


def test_a_difference_is_paired():
    hard = process(0.8, 120, 1)[0] * 5.0
    analysis, background = hard + 0.1 * process(0.0, 120, 1, seed=1)[0], hard + 1.0
    totals = xr.Dataset({"mine": ("time", analysis), "first": ("time", background), "weight": ("time", np.ones(120))})
    paired = metrics.block_bootstrap(totals, lambda t: (t["mine"] - t["first"]) / t["weight"])
    alone = metrics.block_bootstrap(totals, lambda t: t["mine"] / t["weight"])
    # What both find hard cancels: the difference is sure where neither is.
    assert paired.sel(bound="high") < 0.0
    assert float(np.ptp(alone.values)) > 20.0 * float(np.ptp(paired.values))


def test_the_bounds_move_with_the_unit_of_the_field():
    series = process(0.5, 80, 2)
    one, thousand = (metrics.block_bootstrap(sums_of(f * series), "rmse") for f in (1.0, 1000.0))
    npt.assert_allclose(thousand, 1000.0 * one)
    assert one.dims == ("bound", "depth")
    assert one.bound.values.tolist() == ["low", "high"]
    pooled = (series**2).mean(axis=1) ** 0.5
    assert ((one.sel(bound="low") < pooled) & (pooled < one.sel(bound="high"))).all()


@pytest.mark.parametrize("chunk", [1, 7, 80])
def test_lazy_sums_give_a_lazy_interval_in_one_task(chunk, nothing_computes):
    totals = sums_of(process(0.5, 80, 2)).assign_coords(depth=[0.5, 10.0], time=np.arange(80))
    lazy = metrics.block_bootstrap(totals.chunk(time=chunk), "rmse")
    assert isinstance(lazy.data, da.Array)
    got = lazy.compute(scheduler="sync")
    xr.testing.assert_allclose(got, metrics.block_bootstrap(totals, "rmse"))
    assert got.depth.values.tolist() == [0.5, 10.0]


def test_the_order_of_times_does_not_matter():
    days = np.datetime64("2020-01-01", "ns") + np.arange(60) * np.timedelta64(1, "D")
    totals = sums_of(process(0.9, 60, 1)[0]).assign_coords(time=days)
    want = metrics.block_bootstrap(totals, "rmse")
    turned = totals.isel(time=np.random.default_rng(0).permutation(60))
    xr.testing.assert_allclose(metrics.block_bootstrap(turned, "rmse"), want)
    xr.testing.assert_allclose(metrics.block_bootstrap(turned.chunk(time=7), "rmse").compute(), want)


def test_blocks_are_as_long_as_the_memory_of_the_series_wants():
    for phi in (0.0, 0.3, 0.6, 0.9):
        # The truth of Politis and White for this process: b = (2 G**2 / D)**(1/3) n**(1/3), sums over lags.
        lags = np.arange(1, 2000)
        spread, moment = 1 + 2 * (phi**lags).sum(), 2 * (lags * phi**lags).sum()
        expected = (2 * moment**2 / (4 / 3 * spread**2)) ** (1 / 3) * 1000 ** (1 / 3)
        assert block_length(1000, phi) == max(1, np.ceil(expected - 1e-9))
        found = [lag_one(series) for series in process(phi, 300, 40, seed=3)]
        npt.assert_allclose(np.mean(found), phi, atol=0.04)
    assert block_length(30, 0.99) == 10
    assert lag_one(np.ones(50)) == 0.0
    assert widening(43, 8, 0.7, 0.9) > widening(430, 8, 0.7, 0.9) > widening(10**6, 1, 0.0, 0.9) - 1e-9


def test_the_widening_restores_the_variance_that_blocks_miss():
    phi, block = 0.7, 10
    lags = np.arange(1, block)
    of_block = (1 + 2 * ((1 - lags / block) * phi**lags).sum()) / block
    of_series = (1 + phi) / (1 - phi) / block
    wide, plain = widening(10**9, block, phi, 0.9), widening(10**9, block, 0.0, 0.9)
    npt.assert_allclose((plain / wide) ** 2, of_block / of_series)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"score": "skill"}, "unknown score 'skill': choose among"),
        ({"dim": "day"}, "have no dimension 'day' to draw from"),
        ({"block": 31}, "at most half of the 60"),
        ({"level": 90}, "give a probability"),
        ({"samples": 5}, "at least 100 samples"),
    ],
)
def test_what_gives_no_interval_is_refused(how, message):
    with pytest.raises(ValueError, match=message):
        metrics.block_bootstrap(sums_of(process(0.0, 60, 1)[0]), **({"score": "rmse"} | how))


def test_few_times_are_refused():
    with pytest.raises(ValueError, match="7 times are too few to tell a confidence interval from: give at least 8"):
        metrics.block_bootstrap(sums_of(process(0.0, 7, 1)[0]), "rmse")
