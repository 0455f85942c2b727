"""The score card, the share of cells improved and the table of ADAF-Ocean, against NumPy written out."""

import dask.array as da
import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from adaf_xr import metrics
from adaf_xr.metrics.adaf_ocean import COLUMNS, published_weights
from adaf_xr.sphere import cell_area

LAT, LON = np.arange(-75.0, 90, 30), np.arange(-165.0, 180, 30)
AREA = cell_area(LAT, LON)
DEPTH = [0.5, 50.0, 500.0]


def sea(seed: int, days: int = 12, depth: list[float] | None = None, units: str = "m", missing=0.1) -> xr.DataArray:
    """White noise about 10 with holes and land, daily."""
    rng = np.random.default_rng(seed)
    axes = {"time": pd.date_range("2020-02-25", periods=days), "latitude": LAT, "longitude": LON}
    if depth is not None:
        axes = {"time": axes.pop("time"), "depth": depth, **axes}
    shape = [len(axis) for axis in axes.values()]
    values = rng.normal(10.0, 2.0, size=shape)
    values[rng.random(shape) < missing] = np.nan
    values[..., 2, 3] = np.nan
    return xr.DataArray(values, axes, tuple(axes), attrs={"units": units})


def world() -> dict[str, xr.Dataset]:
    """Analysis, truth, background and climatology; temperature at three depths, sea level at the surface."""
    truth = xr.Dataset({"thetao": sea(0, depth=DEPTH, units="degC"), "zos": sea(1)})
    analysis = truth + 0.5 * xr.Dataset({"thetao": sea(2, depth=DEPTH), "zos": sea(3)}) - 5.0
    background = truth + xr.Dataset({"thetao": sea(4, depth=DEPTH), "zos": sea(5)}) - 9.0
    analysis = analysis.map(lambda field: field.assign_attrs(truth[field.name].attrs))
    analysis["zos_std"] = 0.0 * analysis.zos + 1.0
    analysis["uo"] = analysis.zos
    climatology = xr.Dataset({"thetao": sea(6, 1, DEPTH, "degC", missing=0)[0], "zos": sea(7, 1, missing=0)[0]})
    given = {"analysis": analysis, "truth": truth, "background": background}
    return given | {"climatology": climatology.drop_vars("time")}


def moments(x, y, w):
    """Bias, MAE, RMSE and correlation of pairs by hand."""
    w = w / w.sum()
    dx, dy = x - (w * x).sum(), y - (w * y).sum()
    r = (w * dx * dy).sum() / np.sqrt((w * dx**2).sum() * (w * dy**2).sum())
    return (w * (x - y)).sum(), (w * abs(x - y)).sum(), np.sqrt((w * (x - y) ** 2).sum()), r


def test_the_card_is_made_of_pooled_scores():
    given = world()
    card = metrics.scorecard(**given)
    assert dict(card.sizes) == {"variable": 2, "depth": 3}
    assert card["variable"].values.tolist() == ["thetao", "zos"]
    assert card["units"].values.tolist() == ["degC", "m"]
    x, y, b = (given[name].thetao.isel(depth=1).values for name in ("analysis", "truth", "background"))
    c = np.broadcast_to(given["climatology"].thetao.isel(depth=1).values, x.shape)
    good = np.isfinite(x + y + b + c)
    w = np.broadcast_to(AREA, x.shape)[good]
    row = card.sel(variable="thetao").isel(depth=1)
    for end, field in (("", x), ("_background", b)):
        got = [float(row[f"{name}{end}"]) for name in ("bias", "mae", "rmse", "correlation")]
        npt.assert_allclose(got, moments(field[good], y[good], w), rtol=1e-9)
        p, t = field[good] - c[good], y[good] - c[good]
        npt.assert_allclose(row[f"acc{end}"], (w * p * t).sum() / np.sqrt((w * p * p).sum() * (w * t * t).sum()))
    npt.assert_allclose(row.improvement, 1 - row.rmse / row.rmse_background)
    assert float(row.rmse_low) < float(row.rmse) < float(row.rmse_high)
    assert float(row.improvement_low) < float(row.improvement) < float(row.improvement_high)


def test_a_variable_without_depth_or_spread_has_no_number_where_it_has_none():
    card = metrics.scorecard(**world())
    assert np.isfinite(card.rmse.sel(variable="zos")).values.tolist() == [True, False, False]
    assert np.isfinite(card.rmse.sel(variable="thetao")).all()
    for name in ("crps", "spread_skill", "coverage_90"):
        assert card[name].sel(variable="thetao").isnull().all()
    given = world()
    mask = np.isfinite(given["background"].zos + given["climatology"].zos)
    cut = (given["analysis"].zos.where(mask), given["truth"].zos, given["analysis"].zos_std)
    everywhere = ("time", "latitude", "longitude")
    surface = card.sel(variable="zos").isel(depth=0)
    npt.assert_allclose(surface.crps, metrics.crps(*cut, dim=everywhere))
    npt.assert_allclose(surface.spread_skill, metrics.spread_skill(*cut, dim=everywhere))
    npt.assert_allclose(surface.coverage_90, metrics.coverage(*cut, dim=everywhere))


def test_the_card_describes_itself():
    card = metrics.scorecard(**world())
    assert all(score.attrs["long_name"] for score in card.data_vars.values())
    assert "units" not in card.rmse.attrs
    assert card.improved.attrs["units"] == card.acc.attrs["units"] == "1"
    given = world()
    alone = metrics.scorecard(given["analysis"].zos, given["truth"].zos)
    assert alone.rmse.units == alone.bias.units == "m"
    assert alone["variable"].values.tolist() == ["zos"]
    assert set(alone.data_vars) == {"rmse", "bias", "mae", "correlation", "rmse_low", "rmse_high"}


def test_the_card_of_the_truth_is_perfect():
    truth = world()["truth"]
    card = metrics.scorecard(truth, truth, truth + 1.0, truth * 0.0)
    for name, best in {
        "rmse": 0,
        "bias": 0,
        "mae": 0,
        "correlation": 1,
        "acc": 1,
        "improvement": 1,
        "improved": 1,
    }.items():
        npt.assert_allclose(card[name].sel(variable="thetao"), best, atol=1e-12)
    npt.assert_allclose(card.rmse_high.sel(variable="thetao"), 0.0)


def test_the_card_in_chunks_is_the_same_and_nothing_computes_while_building(nothing_computes):
    given = world()
    regions = {"north": (-180, 180, 0, 90), "date line": (150, -150, -60, 60)}
    lazy = metrics.scorecard(
        *(ds.chunk(latitude=2, **({"time": 5} if "time" in ds.dims else {})) for ds in given.values()), regions=regions
    )
    assert all(isinstance(score.data, da.Array) for score in lazy.data_vars.values())
    got = lazy.compute(scheduler="sync")
    xr.testing.assert_allclose(got, metrics.scorecard(**given, regions=regions))
    assert got["region"].values.tolist() == list(regions)
    # Blocks are as long as the region with the longest memory wants, so the bounds alone differ.
    north = metrics.scorecard(*(ds.sel(latitude=slice(0, 90)) for ds in given.values()))
    scores = [name for name in north.data_vars if not str(name).endswith(("_low", "_high"))]
    xr.testing.assert_allclose(got.sel(region="north", drop=True)[scores], north[scores])


def test_order_and_convention_of_the_axes_do_not_matter():
    given = world()
    turned = {
        name: ds.assign_coords(longitude=ds.longitude % 360).sortby("longitude").sortby("latitude", ascending=False)
        for name, ds in given.items()
    }
    mixed = {**given, "background": turned["background"].transpose(..., "time"), "truth": turned["truth"]}
    renamed = {name: ds.rename(latitude="lat", longitude="lon") for name, ds in given.items()}
    for other in (turned, mixed, renamed, {**given, "climatology": renamed["climatology"]}):
        xr.testing.assert_allclose(metrics.scorecard(**other), metrics.scorecard(**given))


def test_few_times_have_scores_but_no_interval():
    given = {name: ds.isel(time=slice(7)) if "time" in ds.dims else ds for name, ds in world().items()}
    card = metrics.scorecard(**given)
    assert card.rmse_low.isnull().all()
    assert np.isfinite(card.rmse.sel(variable="thetao")).all()


def test_points_are_scored_alike_and_their_intervals_are_over_days(nothing_computes):
    rng = np.random.default_rng(0)
    days = np.datetime64("2020-01-01", "ns") + rng.integers(0, 20 * 24, 600) * np.timedelta64(1, "h")
    where = {"latitude": ("obs", rng.uniform(-60, 60, 600)), "longitude": ("obs", rng.uniform(-180, 180, 600))}
    truth = xr.Dataset({"zos": ("obs", rng.normal(size=600))}, where)
    card = metrics.scorecard(truth + 1.0, truth, truth - 2.0)
    assert [float(card[name][0]) for name in ("rmse", "improvement", "improved")] == pytest.approx([1.0, 0.5, 1.0])
    assert card.rmse_low.isnull().all()
    timed = truth.assign_coords(time=("obs", days))
    analysis = timed + rng.normal(size=600)
    got = metrics.scorecard(analysis, timed)
    npt.assert_allclose(got.rmse, metrics.rmse(analysis, timed).zos)
    # The interval is that of sums by day, in order.
    error = (analysis - timed).zos
    dates = pd.Series(error.values**2).groupby(days.astype("datetime64[D]"))
    totals = xr.Dataset({"squared_error": ("time", dates.sum()), "weight": ("time", dates.count().astype(float))})
    expected = metrics.block_bootstrap(totals, "rmse")
    npt.assert_allclose([got.rmse_low[0], got.rmse_high[0]], expected)
    chunked = (ds.chunk(obs=70).assign_coords(time=timed.time) for ds in (analysis, timed))
    lazy = metrics.scorecard(*chunked)
    xr.testing.assert_allclose(lazy.compute(scheduler="sync"), got)


def test_improved_is_the_share_of_area_with_a_smaller_mean_error():
    x, y, b = (world()[name].zos for name in ("analysis", "truth", "background"))
    errors = [np.where(np.isfinite(x + y + b), np.abs(f - y), np.nan) for f in (x, b)]
    for by, power in (("mae", 1), ("rmse", 2)):
        with np.errstate(invalid="ignore"):
            mine, first = (np.nanmean(e[:, np.isfinite(e).any(axis=0)] ** power, axis=0) for e in errors)
        w = AREA[np.isfinite(errors[0]).any(axis=0)]
        npt.assert_allclose(metrics.improved(x, y, b, by=by), (w * (mine < first)).sum() / w.sum())
        npt.assert_allclose(metrics.improved(x, y, b, by=by, weights=None), (mine < first).mean())
    # Equal is not better; worse everywhere is none.
    assert float(metrics.improved(x, y, x)) == 0.0
    assert float(metrics.improved(y + 2.0, y, y - 1.0)) == 0.0
    assert metrics.improved(x * np.nan, y, b).isnull()
    with pytest.raises(ValueError, match="by='bias': choose among"):
        metrics.improved(x, y, b, by="bias")


WRONG = {
    "a day less in the truth": (
        {"truth": lambda ds: ds.isel(time=slice(1, None))},
        r"of the truth differ along 'time'.*12 from 2020-02-25 to 2020-03-07 against 11.*"
        r"the truth lacks 1 of them, the first 2020-02-25; if that is meant, select on both sides",
    ),
    "a day less in the background": (
        {"background": lambda ds: ds.isel(time=slice(1, None))},
        r"of the background differ along 'time'",
    ),
    "more days in the truth": (
        {"analysis": lambda ds: ds.isel(time=[0, 2])},
        r"the truth has 10 more; select those of 'thetao', .sel\(time=",
    ),
    "other latitudes": (
        {"truth": lambda ds: ds.assign_coords(latitude=LAT + 1)},
        r"along 'latitude'.*none in common; bring both to one axis, for example .interp\(latitude",
    ),
    "half of the longitudes": (
        {"truth": lambda ds: ds.isel(longitude=slice(6))},
        r"the truth lacks 6 of them, the first 15",
    ),
    "time backwards": (
        {"truth": lambda ds: ds.isel(time=slice(None, None, -1))},
        r"another order; put both in order, .sortby\('time'\)",
    ),
    "other names": (
        {"truth": lambda ds: ds.rename(thetao="t", zos="z")},
        r"nothing to score: the field has .* and the truth \['t', 'z'\]; rename",
    ),
    "an empty background": (
        {"background": lambda ds: ds[[]]},
        r"the background has none of \['thetao', 'zos'\], only \[\]: rename its variables, or leave it out",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_what_does_not_match_is_refused(change, message):
    given = world()
    with pytest.raises(ValueError, match=message):
        metrics.scorecard(**given | {name: f(given[name]) for name, f in change.items()})


def test_points_at_other_places_are_refused():
    where = {"latitude": ("obs", [0.0, 1.0]), "longitude": ("obs", [0.0, 1.0])}
    x = xr.DataArray([1.0, 2.0], where, ["obs"], "zos")
    with pytest.raises(ValueError, match=r"'latitude' along .* is not the same.*sample both at the same points"):
        metrics.rmse(x, x.assign_coords(latitude=("obs", [0.0, 1.5])))
    when = x.assign_coords(time=("obs", np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]")))
    with pytest.raises(ValueError, match=r"'time' along .* is not the same"):
        metrics.rmse(when, when.assign_coords(time=("obs", when.time.values[::-1])))
    # What is neither a place nor a time may differ.
    assert float(metrics.rmse(x.assign_coords(track=("obs", [1, 2])), x.assign_coords(track=("obs", [3, 4])))) == 0.0


class TestTable:
    """The columns of ADAF-Ocean, written out as its script computes them and as they should be."""

    given = world()
    days = len(given["truth"].time)

    def arrays(self, name: str):
        """Analysis, background, climatology and truth of one variable at the surface, by day."""
        for day in range(self.days):
            ds = [self.given[key] for key in ("analysis", "background", "climatology", "truth")]
            yield [
                (field.isel(depth=0) if "depth" in field.dims else field)
                .isel(time=day if "time" in field.dims else 0, missing_dims="ignore")
                .values
                for field in (each[name] for each in ds)
            ]

    def test_the_published_columns(self):
        surface = {key: ds.isel(depth=0, drop=True) for key, ds in self.given.items()}
        # From north to south, as the script has its rows; the table does not mind.
        table = metrics.calc_metrics(*surface.values(), definition="published")
        n = LAT.size
        phi = np.radians(np.linspace(90, -90, n))
        w = np.repeat((n * np.cos(phi) / np.cos(phi).sum())[:, None], LON.size, axis=1)
        for name in ("thetao", "zos"):
            for day, arrays in enumerate(self.arrays(name)):
                p, b, c, t = (each[::-1] for each in arrays)
                row = table.loc[(surface["truth"].time.values[day], name)]
                for end, x in (("", p), ("_bg", b), ("_clima", c)):
                    both = np.isfinite(x + t)
                    npt.assert_allclose(row[f"rmse{end}"], np.sqrt(np.nanmean((x - t) ** 2)))
                    npt.assert_allclose(row[f"weighted_rmse{end}"], np.sqrt(np.nanmean(w * (x - t) ** 2)))
                    npt.assert_allclose(row[f"corr{end}"], stats.pearsonr(x[both], t[both])[0])
                for end, x in (("", p), ("_bg", b)):
                    full, true = np.nan_to_num(x), np.nan_to_num(t)
                    npt.assert_allclose(
                        row[f"acc{end}"], (full * true).sum() / np.sqrt((full**2).sum() * (true**2).sum())
                    )
                    a, d = np.nan_to_num(x - c), np.nan_to_num(t - c)
                    npt.assert_allclose(
                        row[f"weighted_acc{end}"], (w * a * d).sum() / np.sqrt((w * a**2).sum() * (w * d**2).sum())
                    )

    def test_the_exact_columns(self):
        table = metrics.calc_metrics(*(ds.isel(depth=0, drop=True).chunk() for ds in self.given.values()))
        for day, (p, b, c, t) in enumerate(self.arrays("zos")):
            good = np.isfinite(p + b + c + t)
            x, y, first, usual, w = (each[good] for each in (p, t, b, c, AREA))
            row = table.loc[(self.given["truth"].time.values[day], "zos")]
            for end, z in (("", x), ("_bg", first), ("_clima", usual)):
                npt.assert_allclose(row[f"rmse{end}"], np.sqrt(np.mean((z - y) ** 2)))
                npt.assert_allclose(row[f"weighted_rmse{end}"], np.sqrt((w * (z - y) ** 2).sum() / w.sum()))
                npt.assert_allclose(row[f"corr{end}"], np.corrcoef(z, y)[0, 1])
            for end, z in (("", x), ("_bg", first)):
                for start, v in (("", np.ones_like(w)), ("weighted_", w)):
                    a, d = z - usual, y - usual
                    npt.assert_allclose(
                        row[f"{start}acc{end}"], (v * a * d).sum() / np.sqrt((v * a**2).sum() * (v * d**2).sum())
                    )

    def test_columns_and_rows(self, tmp_path):
        table = metrics.calc_metrics(**self.given)
        assert tuple(table.columns) == COLUMNS
        assert table.index.names == ["time", "depth", "variable"]
        assert len(table) == self.days * (len(DEPTH) + 1)
        assert table.notna().all().all()
        table.to_csv(tmp_path / "table.csv")
        back = pd.read_csv(tmp_path / "table.csv", index_col=[0, 1, 2], parse_dates=[0])
        npt.assert_allclose(back.to_numpy(), table.to_numpy())

    def test_without_background_and_climatology_their_columns_are_missing(self):
        for definition in ("exact", "published"):
            table = metrics.calc_metrics(self.given["analysis"], self.given["truth"], definition=definition)
            assert table[["rmse", "weighted_rmse", "corr"]].notna().all().all()
            assert table[["rmse_bg", "rmse_clima", "weighted_acc", "weighted_acc_bg"]].isna().all().all()

    def test_what_it_does_not_know_is_refused(self):
        with pytest.raises(ValueError, match="definition='cos': choose"):
            metrics.calc_metrics(**self.given, definition="cos")
        with pytest.raises(ValueError, match="the published definition has its own weights"):
            metrics.calc_metrics(**self.given, definition="published", weights=None)
        with pytest.raises(ValueError, match="has no rows of latitude"):
            published_weights(xr.DataArray([1.0], dims="obs", name="zos"))
