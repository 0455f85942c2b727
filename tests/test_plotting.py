"""Maps: every value at its place, land where it is, scales that mean something."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.plotting import figure_of_analysis, geography, plot, plot_dataset, style

mpl.use("agg")
import matplotlib.pyplot as plt

SAHARA, ATLANTIC = (5.0, 23.0), (-40.0, 30.0)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def field(spacing=2.0, region=(-180, 180, -90, 90), name="thetao", **attrs) -> xr.DataArray:
    """A field that differs from cell to cell, on land too."""
    west, east, south, north = region
    lat, lon = np.arange(south + spacing / 2, north, spacing), np.arange(west + spacing / 2, east, spacing)
    values = lat[:, None] + np.sin(np.radians(lon))
    return xr.DataArray(values, {"latitude": lat, "longitude": lon}, ("latitude", "longitude"), name, attrs)


def points(n=50, seed=0) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    columns = {"thetao": rng.normal(15, 3, n), "zos": np.where(np.arange(n) % 2, rng.normal(size=n), np.nan)}
    where = {"longitude": ("obs", rng.uniform(-60, -40, n)), "latitude": ("obs", rng.uniform(20, 40, n))}
    return xr.Dataset({k: ("obs", v) for k, v in columns.items()}, where)


def mesh(ax):
    (drawn,) = (c for c in ax.collections if isinstance(c, mpl.collections.QuadMesh))
    return drawn


def colour_at(ax, position) -> np.ndarray:
    """RGB of the drawn map at (longitude, latitude)."""
    ax.figure.canvas.draw()
    image = np.asarray(ax.figure.canvas.buffer_rgba())
    column, row = ax.transData.transform(position).astype(int)
    return image[image.shape[0] - 1 - row, column, :3] / 255.0


def is_land(ax, position) -> bool:
    return np.allclose(colour_at(ax, position), mpl.colors.to_rgb(geography.LAND), atol=0.02)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 179), st.booleans(), st.booleans())
def test_neither_the_cut_of_longitude_nor_the_order_of_the_axes_changes_a_map(cut, descending, transposed):
    here = field()
    there = here.roll(longitude=cut, roll_coords=True)
    there = there.assign_coords(longitude=there.longitude % 360.0)
    there = there[::-1] if descending else there
    view = (130, -100, -40, 62)
    one, other = (mesh(plot(da, region=view)) for da in (here, there.T if transposed else there))
    npt.assert_allclose(one.get_coordinates(), other.get_coordinates(), atol=1e-9)
    npt.assert_allclose(one.get_array(), other.get_array(), atol=1e-12)
    plt.close("all")


def test_every_cell_is_drawn_at_its_place_across_the_date_line():
    ax = plot(field(), region=(170, -160, -10, 10))
    assert (*ax.get_xlim(), *ax.get_ylim()) == (170.0, 200.0, -10.0, 10.0)
    corners, values = mesh(ax).get_coordinates(), mesh(ax).get_array()
    centres = 0.25 * (corners[:-1, :-1] + corners[1:, :-1] + corners[:-1, 1:] + corners[1:, 1:])
    npt.assert_allclose(values, centres[..., 1] + np.sin(np.radians(centres[..., 0])), atol=1e-9)
    ax.figure.canvas.draw()
    assert [t.get_text() for t in ax.get_xticklabels()] == [
        "170°E",
        "175°E",
        "180°",
        "175°W",
        "170°W",
        "165°W",
        "160°W",
    ]


@pytest.mark.parametrize(
    ("lon", "window"),
    [
        (np.arange(-179.0, 180, 2), (-180.0, 180.0)),
        (np.arange(1.0, 360, 2), (0.0, 360.0)),
        (np.array([177.0, 179.0, -179.0, -177.0]), (176.0, 184.0)),
        (np.arange(-81.0, -60, 2), (-82.0, -60.0)),
    ],
    ids=["global, from 180 W", "global, from 0", "across the date line", "regional"],
)
def test_a_map_covers_its_cells(lon, window):
    da = xr.DataArray(np.ones((3, lon.size)), {"lat": [1.0, 3.0, 5.0], "lon": lon}, ("lat", "lon"))
    ax = plot(da)
    assert ax.get_xlim() == pytest.approx(window)
    assert ax.get_ylim() == pytest.approx((0.0, 6.0))


def test_land_covers_coarse_fields_and_lies_beneath_fine_ones():
    coarse = plot(field(1.0, (-50, 20, 10, 40)))
    assert is_land(coarse, SAHARA)
    assert not is_land(coarse, ATLANTIC)
    fine = plot(field(0.125, (0, 10, 20, 26)))
    assert not is_land(fine, SAHARA)
    assert is_land(plot(field(0.125, (0, 10, 20, 26)) * np.nan), SAHARA)


def test_a_degree_is_as_long_as_it_is_there():
    assert plot(field(region=(0, 20, 50, 70))).get_aspect() == pytest.approx(2.0)
    assert plot(field()).get_aspect() == pytest.approx(1.0)
    assert plot(field(region=(0, 20, 80, 90))).get_aspect() == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("name", "cmap", "centre", "floor"),
    [
        ("thetao", "thermal", None, None),
        ("so", "haline", None, None),
        ("sla", "balance", 0.0, None),
        ("vo", "balance", 0.0, None),
        ("thetao_increment", "balance", 0.0, None),
        ("thetao_std", "amp", None, 0.0),
        ("siconc", "ice", None, 0.0),
        ("speed", "speed", None, 0.0),
    ],
)
def test_a_variable_looks_like_itself(name, cmap, centre, floor):
    drawn = mesh(plot(abs(field(name=name)) * 0.01))
    low, high = drawn.get_clim()
    assert drawn.get_cmap().name == cmap
    assert centre is None or low == pytest.approx(-high)
    assert floor is None or low == floor
    assert name != "siconc" or high == 1.0


def test_sea_level_is_centred_on_its_median():
    drawn = mesh(plot(field(name="zos") + 7.0))
    assert np.mean(drawn.get_clim()) == pytest.approx(float((field() + 7.0).median()))


def test_names_of_files_are_understood():
    drawn = plot(field(name="analysed_sst", standard_name="sea_surface_foundation_temperature", units="kelvin"))
    assert mesh(drawn).get_cmap().name == "thermal"
    assert drawn.child_axes[0].get_ylabel().endswith("[K]")


def test_the_scale_is_robust_unless_told_otherwise():
    spoilt = field(name="thetao")
    spoilt[45, 90] = 1e6
    assert mesh(plot(spoilt)).get_clim()[1] < 100.0
    assert mesh(plot(spoilt, robust=False)).get_clim()[1] == 1e6
    assert mesh(plot(spoilt, vmin=-3.0, vmax=4.0)).get_clim() == (-3.0, 4.0)


@pytest.mark.parametrize("values", [np.full((90, 180), np.nan), np.full((90, 180), 3.0)], ids=["missing", "constant"])
def test_a_field_without_contrast_can_be_drawn(values):
    low, high = mesh(plot(field().copy(data=values))).get_clim()
    assert low < high


def test_the_title_says_when_and_where():
    da = field().expand_dims(time=[np.datetime64("2015-11-01T12:00", "ns")], depth=[0.494])
    assert plot(da).get_title() == "2015-11-01 12:00, 0.494 m"
    assert plot(da, title="mine").get_title() == "mine"


def test_points_are_drawn_where_they_are_and_only_where_they_have_a_value():
    ds = points()
    ax = plot(ds.zos)
    (dots,) = (c for c in ax.collections if isinstance(c, mpl.collections.PathCollection) and len(c.get_offsets()))
    there = ds.isel(obs=slice(1, None, 2))
    drawn = np.asarray(dots.get_offsets())
    npt.assert_allclose(np.mod(drawn[:, 0], 360), np.mod(there.longitude, 360))
    npt.assert_allclose(drawn[:, 1], there.latitude)
    npt.assert_allclose(dots.get_array(), there.zos)
    assert ax.get_xlim()[0] < ds.longitude.min() < ds.longitude.max() < ax.get_xlim()[1]


def test_points_without_a_position_or_none_at_all_do_no_harm():
    ds = points()
    ds.longitude[:10], ds.latitude[:10], ds.thetao[:10] = np.nan, np.nan, np.nan
    assert plot(ds.thetao).get_xlim() == plot(ds.isel(obs=slice(10, None)).thetao).get_xlim()
    assert plot(ds.isel(obs=slice(0)).thetao).get_xlim() == (-180.0, 180.0)


def test_a_dataset_gives_a_map_per_variable():
    ds = xr.Dataset({name: field(name=name) for name in ("thetao", "so", "zos")}).assign(note="text")
    figure = plot_dataset(ds)
    assert [ax.child_axes[0].get_ylabel().split(" [")[0] for ax in figure.axes if ax.child_axes] == [
        "sea water potential temperature",
        "practical salinity",
        "absolute dynamic topography",
    ]
    assert len(ds.adaf.plot(variables=["so"], columns=1).axes) == 1
    assert len([ax for ax in plot_dataset(points()).axes if ax.child_axes]) == 2


class TestFigureOfAnalysis:
    coarse, fine = (0.05 * field(spacing, (-60, 0, 10, 50)) for spacing in (2.0, 1.0))
    background = xr.Dataset({"thetao": coarse, "zos": coarse})
    analysis = xr.Dataset({"thetao": fine + 0.5, "thetao_std": 0.0 * fine + 0.1, "zos": fine + 0.5})

    def maps(self, figure):
        return [ax for ax in figure.axes if ax.get_xlim() == (-60.0, 0.0)]

    def test_a_single_variable_fills_two_rows_of_two(self):
        figure = figure_of_analysis(self.background, self.analysis, points(), variables=["thetao"])
        first, result, increment, error = self.maps(figure)
        titles = [ax.get_title() for ax in (first, result, increment, error)]
        assert titles == ["background", "analysis", "increment", "standard error"]
        assert mesh(first).get_clim() == mesh(result).get_clim()
        assert mesh(error).get_array().mean() == pytest.approx(0.1)
        # Away from the edges bilinear interpolation of the background is exact in latitude, and nearly so in longitude.
        npt.assert_allclose(mesh(increment).get_array()[1:-1, 1:-1], 0.5, atol=1e-3)

    @pytest.mark.parametrize("wrap", [dict, xr.DataTree.from_dict], ids=["mapping", "tree"])
    def test_observations_are_marked_on_the_increment_of_their_variable(self, wrap):
        sources = wrap({"one": points(), "two": points(30, seed=1)[["zos"]]})
        maps = self.maps(figure_of_analysis(self.background, self.analysis, sources))
        marks = [
            [len(c.get_offsets()) for c in ax.collections if type(c) is mpl.collections.PathCollection] for ax in maps
        ]
        # Two rows of four maps, but that there is no standard error of sea level to be drawn.
        assert marks == [[], [], [50], [], [], [], [25 + 15]]

    def test_many_observations_do_not_hide_the_increment(self):
        maps = self.maps(figure_of_analysis(self.background, self.analysis, points(100_000), variables=["thetao"]))
        (dots,) = (c for c in maps[2].collections if type(c) is mpl.collections.PathCollection)
        ink, sheet = dots.get_sizes()[0] * len(dots.get_offsets()), np.prod(maps[2].bbox.size) * (72 / 100) ** 2
        assert ink < 0.1 * sheet

    def test_rounding_is_no_increment(self):
        same = self.background.astype("f4")
        assert not mesh(self.maps(figure_of_analysis(self.background, same, variables=["zos"]))[2]).get_array().any()

    def test_fields_that_share_nothing_or_are_many_are_refused(self):
        with pytest.raises(ValueError, match=r"background \['thetao', 'zos'\] and analysis \['thetao_std'\] share no"):
            figure_of_analysis(self.background, self.analysis[["thetao_std"]])
        with pytest.raises(ValueError, match=r"more than one map \(it has {'depth': 2}\): choose one"):
            figure_of_analysis(self.background, self.analysis.expand_dims(depth=2))


def test_what_is_no_map_is_refused():
    with pytest.raises(ValueError, match=r"'thetao' is more than one map .* for example \.isel\(time=0\)"):
        plot(field().expand_dims(time=3))
    curvilinear = xr.DataArray(np.eye(2), {"lat": (("y", "x"), np.eye(2)), "lon": (("y", "x"), np.eye(2))}, ("y", "x"))
    with pytest.raises(ValueError, match="a map needs a rectilinear grid or points"):
        plot(curvilinear)
    with pytest.raises(ValueError, match="south below north"):
        plot(field(), region=(0, 10, 20, 10))
    with pytest.raises(ValueError, match="shows no cells of 'thetao'"):
        plot(field(region=(0, 20, 0, 20)), region=(100, 120, 0, 20))
    with pytest.raises(ValueError, match=r"nothing to draw: no variable of \['note'\]"):
        plot_dataset(xr.Dataset({"note": "text"}))


def test_without_the_drawing_libraries_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "cmocean", None)
    with pytest.raises(ImportError, match=r"pip install 'adaf-xr\[viz\]'"):
        plot(field())


def test_the_room_opens_without_matplotlib():
    program = "import sys, adaf_xr.plotting; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("low", "high", "most"), [(-180, 180, 7), (-90, 90, 7), (0.2, 0.9, 7), (-31, 17.3, 4), (3, 4, 3)]
)
def test_degrees_are_few_round_and_inside(low, high, most):
    ticks = geography.ticks(low, high, most)
    assert 1 < ticks.size <= most
    assert low <= ticks[0] <= ticks[-1] <= high
    npt.assert_allclose(np.diff(ticks), ticks[1] - ticks[0])


def test_units_are_printed_as_in_a_journal():
    assert style.label(field(name="uo"), "uo") == "eastward sea water velocity [m s$^{-1}$]"
    assert style.label(field(name="so"), "so") == "practical salinity"
    assert (
        style.label(field(name="x", long_name="depth of the mixed layer", units="m"), "x")
        == "depth of the mixed layer [m]"
    )
