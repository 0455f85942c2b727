"""Pictures of scores: every number where it belongs, and nothing hidden."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr

from adaf_xr.plotting import figure_of_comparison, figure_of_errors, plot_psd_score, plot_scorecard, plot_spectra, save

mpl.use("agg")
import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg

NAMES = ("oi", "4dvarnet", "none")
K = np.linspace(0.0, 0.05, 40)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture
def spectra() -> xr.Dataset:
    """Three analyses; the first wavenumber is zero, the last analysis resolves nothing."""
    truth = 1.0 / (1e-6 + K**3)
    share = np.array([np.minimum(1.0, 2.0 * (100.0 * K) ** 2), (40.0 * K) ** 2, 0.0 * K + 1.2])
    one = ("analysis", "wavenumber")
    variables = {
        "truth": ("wavenumber", truth, {"units": "m2 km"}),
        "psd": (one, truth * (1.0 - 0.5 * np.minimum(share, 1.0))),
        "error": (one, truth * share),
        "score": (one, 1.0 - share),
        "resolution": ("analysis", [200.0, 56.6, np.nan]),
    }
    return xr.Dataset(variables, {"wavenumber": K, "analysis": list(NAMES)})


def texts_overlap(figure) -> bool:
    """Whether any two texts with words lie on each other."""
    FigureCanvasAgg(figure).draw()
    shown = [t for t in figure.findobj(mpl.text.Text) if t.get_visible() and t.get_text().strip()]
    boxes = [t.get_window_extent() for t in shown if t.get_window_extent().width > 1]
    boxes = [box.shrunk(0.9, 0.9) for box in boxes]
    return any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


class TestSpectra:
    def test_lines_are_the_spectra_over_their_wavelengths(self, spectra):
        power, share = plot_spectra(spectra, title="zos").axes
        drawn = {line.get_label(): line for line in power.lines}
        expected = {"truth": spectra.truth}
        for name in NAMES:
            expected |= {name: spectra.psd.sel(analysis=name), f"{name}, error": spectra.error.sel(analysis=name)}
        assert drawn.keys() == expected.keys()
        for label, line in drawn.items():
            npt.assert_allclose(line.get_xdata(), 1.0 / K[1:])
            npt.assert_allclose(line.get_ydata(), expected[label][1:])
        assert drawn["oi"].get_color() == drawn["oi, error"].get_color() != drawn["4dvarnet"].get_color()
        assert drawn["oi"].get_linestyle() != drawn["oi, error"].get_linestyle()
        assert power.get_ylabel() == "power spectral density [m$^{2}$ km]"
        assert share.get_xlabel() == "wavelength [km]"
        west, east = share.get_xlim()
        assert west > east  # long waves on the left, as everywhere in oceanography

    def test_resolutions_are_marked_where_the_score_falls_through_one_half(self, spectra):
        _, share = plot_spectra(spectra).axes
        marks = [
            (x, y) for line in share.lines if line.get_marker() == "o" for x, y in zip(*line.get_data(), strict=True)
        ]
        assert marks == [(200.0, 0.5), (56.6, 0.5)]
        legend = [text.get_text() for text in share.get_legend().get_texts()]
        assert legend == ["oi: 200 km", "4dvarnet: 57 km", "none: none"]

    def test_colours_are_told_apart_and_repeat_only_after_six(self, spectra):
        many = xr.concat([spectra.isel(analysis=[0])] * 7, "analysis", data_vars="minimal").assign_coords(
            analysis=list("abcdefg")
        )
        lines = plot_spectra(many).axes[0].lines
        colours = [line.get_color() for line in lines if len(line.get_label()) == 1]
        assert len(set(colours[:6])) == 6
        assert colours[6] == colours[0]


class TestScoreOfScales:
    time, lon = np.arange(1, 21) / 42.0, np.arange(1, 50) / 10.0

    def score(self) -> xr.DataArray:
        """Falls through one half on a quarter of an ellipse with half axes of 1 per degree and 0.1 per day."""
        square = (self.lon[None, :] / 1.0) ** 2 + (self.time[:, None] / 0.1) ** 2
        return xr.DataArray(1.0 - 0.5 * square, {"frequency_time": self.time, "frequency_longitude": self.lon})

    def test_the_contour_of_one_half_runs_where_the_score_does(self):
        ax = plot_psd_score(self.score().T, lambda_x=1.0, lambda_t=10.0, title="oi")
        (path,) = next(c for c in ax.collections if len(c.levels) == 1).get_paths()
        x, y = path.vertices.T
        npt.assert_allclose((1.0 / x) ** 2 + (10.0 / y) ** 2, 1.0, atol=0.05)

    def test_scales_are_written_beside_their_lines(self):
        ax = plot_psd_score(self.score(), lambda_x=1.423, lambda_t=12.12)
        assert [text.get_text() for text in ax.texts] == ["λx 1.42°", "λt 12.1 d"]
        upright, level = ax.lines
        assert (upright.get_xdata()[0], level.get_ydata()[0]) == (1.423, 12.12)
        for days, side in ((2.11, "top"), (12.12, "center"), (41.0, "bottom")):
            label = plot_psd_score(self.score(), lambda_t=days).texts[0]
            assert label.get_va() == side
        assert not plot_psd_score(self.score(), lambda_x=np.nan, lambda_t=None).texts

    @pytest.mark.parametrize("value", [-3.0, 0.9], ids=["nothing resolved", "all resolved"])
    def test_a_score_without_a_contour_is_drawn_without_one(self, value):
        ax = plot_psd_score(xr.full_like(self.score(), value))
        assert not [c for c in ax.collections if len(c.levels) == 1]

    def test_frequencies_that_are_not_positive_are_left_out(self):
        axes = {"frequency_time": [-0.1, 0.0, 0.1, 0.2], "frequency_longitude": [0.0, 1.0, 2.0, 4.0]}
        ax = plot_psd_score(xr.DataArray(np.ones((4, 4)), axes))
        assert (ax.get_xlim(), ax.get_ylim()) == ((1.0, 0.25), (10.0, 5.0))


class TestScorecard:
    card = xr.Dataset(
        {
            "improvement": (
                ("analysis", "variable", "score"),
                [[[30.0, -12.0], [np.nan, 4.0]], [[0.2, 1e4], [-1e4, 0.0]]],
            ),
            "low": (
                ("analysis", "variable", "score"),
                [[[20.0, -20.0], [np.nan, -1.0]], [[-1.0, np.nan], [-2e4, 0.0]]],
            ),
            "high": (("analysis", "variable", "score"), [[[40.0, -5.0], [np.nan, 9.0]], [[1.0, np.nan], [-1e3, 0.0]]]),
        },
        {"analysis": ["oi", "dl"], "variable": ["zos", "thetao 0.5 m"], "score": ["rmse", "crps"]},
    )

    def test_numbers_stand_in_their_cells_and_dots_mark_what_is_no_chance(self):
        left, right, *_ = plot_scorecard(self.card).axes
        at = {text.get_position(): text.get_text() for text in left.texts}
        assert at == {(0, 0): "+30 ●", (1, 0): "−12 ●", (1, 1): "+4"}
        assert {t.get_text(): t.get_fontweight() for t in left.texts} == {
            "+30 ●": "bold",
            "−12 ●": "bold",
            "+4": "normal",
        }
        assert [t.get_text() for t in right.texts] == ["+0", "+>999", "−>999 ●", "+0"]
        assert [t.get_text() for t in left.get_yticklabels()] == ["zos", "thetao 0.5 m"]
        assert [t.get_text() for t in left.get_xticklabels()] == ["rmse", "crps"]
        assert left.get_title() == "oi"

    def test_better_is_blue_worse_is_red_and_none_is_neither(self):
        ax = plot_scorecard(self.card).axes[0]
        (drawn,) = ax.collections
        (better, worse), (none, slight) = drawn.to_rgba(drawn.get_array())
        assert better[2] > better[0]
        assert worse[0] > worse[2]
        assert none[3] == 0.0
        assert abs(slight[2] - slight[0]) < abs(better[2] - better[0])
        low, high = drawn.get_clim()
        assert low == -high

    @pytest.mark.parametrize(("rows", "panels"), [(1, 1), (2, 1), (2, 2)])
    def test_no_text_lies_on_another(self, rows, panels):
        card = self.card.isel(variable=slice(rows), analysis=slice(panels))
        assert not texts_overlap(plot_scorecard(card, title="2012-10-22 to 2012-12-03, 42 times"))


class TestMaps:
    lat, lon = 30.5 + np.arange(8), -60.5 + np.arange(12)

    def field(self, offset=0.0) -> xr.DataArray:
        values = 0.01 * self.lat[:, None] + 0.001 * self.lon + offset
        coords = {"latitude": self.lat, "longitude": self.lon}
        return xr.DataArray(values, coords, list(coords), "zos", {"units": "m"})

    @staticmethod
    def mesh(ax):
        (drawn,) = (c for c in ax.collections if isinstance(c, mpl.collections.QuadMesh))
        return drawn

    def test_truth_fields_and_errors_share_their_scales(self):
        fields = {"oi": self.field(0.02), "dl": self.field(-0.01)}
        figure = figure_of_comparison(self.field().assign_coords(time=np.datetime64("2012-10-22", "ns")), fields)
        by_title = {ax.get_title(): self.mesh(ax) for ax in figure.axes if ax.get_title()}
        assert list(by_title) == ["truth", "oi", "error of oi", "dl", "error of dl"]
        npt.assert_allclose(by_title["error of dl"].get_array(), -0.01)
        npt.assert_allclose(by_title["oi"].get_array(), self.field(0.02))
        assert len({by_title[name].get_clim() for name in ("truth", "oi", "dl")}) == 1
        low, high = by_title["error of oi"].get_clim()
        assert low == -high == by_title["error of dl"].get_clim()[0]
        assert figure.get_suptitle() == "absolute dynamic topography, 2012-10-22"

    def test_mean_errors_share_their_scales_and_say_the_unit(self):
        errors = {
            name: xr.Dataset({"zos_bias": self.field(-0.2) * b, "zos_rmse": abs(self.field(-0.2)) * b})
            for name, b in (("oi", 1.0), ("dl", 0.5))
        }
        figure = figure_of_errors(errors, "zos")
        by_title = {ax.get_title(): ax for ax in figure.axes if ax.get_title()}
        assert list(by_title) == ["oi: bias", "oi: RMSE", "dl: bias", "dl: RMSE"]
        assert self.mesh(by_title["oi: bias"]).get_clim() == self.mesh(by_title["dl: bias"]).get_clim()
        low, high = self.mesh(by_title["dl: RMSE"]).get_clim()
        assert (low, high) == (0.0, self.mesh(by_title["oi: RMSE"]).get_clim()[1])
        assert all(ax.child_axes[0].get_ylabel() == "m" for ax in by_title.values())

    @pytest.mark.parametrize(("large", "end"), [(0.015, 0.015), (0.05, 0.02), (10.0, 1.0)])
    def test_a_poor_field_leaves_the_errors_of_a_good_one_their_colours(self, large, end):
        figure = figure_of_comparison(self.field(), {"good": self.field(0.01), "poor": self.field(large)})
        by_title = {ax.get_title(): self.mesh(ax) for ax in figure.axes if ax.get_title()}
        for name in ("good", "poor"):
            npt.assert_allclose(by_title[f"error of {name}"].get_clim(), (-end, end))

    def test_fields_without_error_or_without_values_can_be_drawn(self):
        same, none = self.field(), self.field() * np.nan
        for field in (same, none):
            figure_of_comparison(same, {"x": field})
            figure_of_errors({"x": xr.Dataset({"zos_bias": field - same, "zos_rmse": field - same})}, "zos")


def test_what_is_saved_is_let_go(tmp_path, spectra):
    for figure in (plot_spectra(spectra), plot_psd_score(TestScoreOfScales().score())):
        assert save(figure, tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert not plt.get_fignums()


def test_the_room_stays_light():
    program = "import sys, adaf_xr.plotting; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
