"""Catalogs: the one door to sources, what it refuses, and what it opens lazily."""

import subprocess
import sys
import warnings

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from adaf_xr.catalog import (
    EmptyCatalogWarning,
    MissingDaysWarning,
    describe,
    list_catalogs,
    open_observations,
    open_source,
    shipped,
)
from adaf_xr.catalog.opening import load
from adaf_xr.catalog.times import Span, around, days, period
from adaf_xr.cf.canonical import SOURCES

TIME = {"cls": "adaf_xr.catalog:TimeParameter", "default": None, "description": "date"}


def write_catalog(path, entries, **parameters):
    """A catalog of the given entries: name to (reader, kwargs, metadata)."""
    content = {
        "version": 2,
        "metadata": {"name": "test", "description": "a test"},
        "aliases": {name: name for name in entries},
        "user_parameters": {"time": TIME, **parameters},
        "data": {},
        "entries": {
            name: {
                "reader": f"adaf_xr.catalog:{reader}",
                "output_instance": "xarray:Dataset",
                "metadata": metadata,
                "user_parameters": {},
                "kwargs": kwargs,
            }
            for name, (reader, kwargs, metadata) in entries.items()
        },
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def track(day, rows=4):
    """An along-track file of one day."""
    time = pd.Timestamp(day) + pd.to_timedelta(np.arange(rows) * 24 / rows, unit="h")
    return xr.Dataset(
        {"sla_unfiltered": ("time", np.arange(rows) / 10, {"units": "m"})},
        coords={
            "time": ("time", time, {"standard_name": "time"}),
            "latitude": ("time", np.linspace(0, 1, rows)),
            "longitude": ("time", np.linspace(10, 11, rows)),
        },
    )


@pytest.fixture
def archive(tmp_path):
    """Five days of along-track files, of which the fourth is missing; each made in a later month."""
    for day in ("2020-01-01", "2020-01-02", "2020-01-03", "2020-01-05"):
        name = f"dt_track_{day.replace('-', '')}_20200201.nc"
        track(day).to_netcdf(tmp_path / name)
    entry = ("DailyReader", {"url": "{CATALOG_DIR}/dt_track_%Y%m%d_*.nc", "span": "{time}"})
    return write_catalog(tmp_path / "cat.yaml", {"ssh": (*entry, {"role": "observations", "source": "ssh"})})


def test_shipped_catalogs_are_those_the_page_promises():
    promised = {"demo", "realdata", "adaf_ocean", "natl60", "copernicus", "noaa", "argo"}
    assert promised <= {row["catalog"] for row in list_catalogs()}


def test_catalogs_are_found_inside_an_installed_package_and_beside_a_checkout(tmp_path, monkeypatch):
    (tmp_path / "adaf_xr").mkdir()
    monkeypatch.setattr(shipped, "files", lambda package: tmp_path / package)
    for folder in (tmp_path / "catalogs", tmp_path / "adaf_xr/catalogs"):
        folder.mkdir()
        assert shipped.folder() == folder


@pytest.mark.parametrize("name", shipped.names())
def test_shipped_catalogs_are_sound(name):
    cat = load(name)
    # Intake lists aliases, not entries; and a kwarg named like a parameter would set it to its own template.
    assert list(cat) == list(cat.entries)
    for source, entry in cat.entries.items():
        known = set(cat.user_parameters) | set(entry.user_parameters)
        assert not known & set(entry.kwargs), source
        assert entry.metadata["description"]
        assert entry.metadata["role"] != "observations" or entry.metadata["source"] in SOURCES
        # A reader imports, and no entry depends on a file of this machine.
        assert entry.reader.startswith("adaf_xr.catalog:")
        assert not str(entry.kwargs.get("url", "")).startswith("/")
    assert len(describe(name)) == len(cat.entries)


def test_importing_the_package_loads_no_intake():
    code = "import sys, adaf_xr; assert 'intake' not in sys.modules; adaf_xr.open_source"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_listings_print_brackets_as_they_are():
    console = Console(record=True, width=200)
    console.print(list_catalogs())
    assert "adaf-xr[copernicus]" in console.export_text()


def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named():
    # Intake 1 returned the default date for a date it did not know, and intake 2 passes anything on.
    with pytest.raises(TypeError, match=r"background: unknown parameter\(s\) date; it takes seed, time"):
        open_source("demo", "background", date="2020-01-03")
    with pytest.raises(TypeError, match=r"unknown parameter\(s\) tiem; these sources take seed, time"):
        open_observations("demo", tiem="2020-01-03")


def test_a_parameter_of_the_catalog_that_an_entry_does_not_feel_is_refused():
    with pytest.raises(TypeError, match=r"region; it takes satellite, time"):
        open_source("copernicus", "ssh", region=(0, 1, 0, 1))


def test_no_entry_has_a_default_date():
    for name in shipped.names():
        cat = load(name)
        for entry in cat.entries.values():
            for key, parameter in {**cat.user_parameters, **entry.user_parameters}.items():
                if key == "time":
                    assert parameter.default is None
                assert key not in ("date", "day", "fdate")


def test_every_date_gives_its_own_data():
    found = [open_source("demo", "truth", time=day).time.values for day in ("2020-01-02", "2020-01-03")]
    assert [str(t[0])[:10] for t in found] == ["2020-01-02", "2020-01-03"]
    assert [t.size for t in found] == [1, 1]


def test_values_that_a_parameter_cannot_have_are_refused():
    with pytest.raises(ValueError, match=r"parameter seed cannot be 'many'"):
        open_source("demo", "truth", seed="many")
    with pytest.raises(ValueError, match=r"parameter time cannot be '01/02/2020'.*write it like 2020-01-02"):
        open_source("demo", "truth", time="01/02/2020")
    with pytest.raises(ValueError, match=r"basin cannot be 'arctic'.*atlantic_ocean, indian_ocean or pacific_ocean"):
        open_source("argo", "profiles", basin="arctic", time="2020-01-01")


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(ValueError, match=r"no catalog 'dmeo' \(did you mean 'demo'\?\).*ships adaf_ocean, argo"):
        open_source("dmeo", "truth")
    with pytest.raises(ValueError, match=r"demo has no source 'trut' \(did you mean 'truth'\?\); it has background"):
        open_source("demo", "trut")
    with pytest.raises(ValueError, match=r"no observations 'chl'; it has ice, insitu, ssh"):
        open_observations("demo", sources=["chl"])
    with pytest.raises(TypeError, match=r"\['sst'\], not one name"):
        open_observations("demo", sources="sst")


def test_a_yaml_that_is_no_catalog_says_what_it_needs(tmp_path):
    (tmp_path / "v1.yaml").write_text("sources: {}\n")
    with pytest.raises(ValueError, match=r"v1.yaml is not an intake 2 catalog .*version: 2"):
        describe(tmp_path / "v1.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ValueError, match="not an intake 2 catalog"):
        describe(tmp_path / "list.yaml")


def test_opening_the_demo_computes_nothing(nothing_computes):
    tree = open_observations("demo", time="2020-01-02", window="2D")
    fields = open_source("demo", "background")
    for ds in (fields, *(node.to_dataset() for node in tree.children.values())):
        assert all(dask.is_dask_collection(da) for da in ds.data_vars.values())


def test_observations_come_one_node_a_source_within_the_window():
    tree = open_observations("demo", time="2020-01-03", window="1D")
    assert set(tree.children) == set(SOURCES)
    start, stop = np.datetime64("2020-01-02T12"), np.datetime64("2020-01-03T12")
    for name, time in (("ssh", "time"), ("insitu", "JULD"), ("ice", "time"), ("sss", "time")):
        found = tree[name][time].values
        assert ((found >= start) & (found < stop)).all(), name
    # The time of an SST pass is nominal, its pixels are up to hours off: a day more is kept on both sides.
    assert tree["sst"].time.values.min() == np.datetime64("2020-01-02T01:30")
    # A 2-D time is not cut by row, but days without a row in the window are left out.
    assert tree["wind"].time.values.min() >= np.datetime64("2020-01-02")
    assert tree["wind"].time.values.max() < np.datetime64("2020-01-04")


@given(st.floats(0.1, 3), st.floats(0.1, 3), st.integers(0, 96))
def test_a_window_cuts_like_a_mask(before, after, hour):
    t = pd.Timestamp("2020-01-01") + pd.Timedelta(hour, "h")
    sides = (pd.Timedelta(before, "D"), pd.Timedelta(after, "D"))
    whole = open_observations("demo", sources=["ssh"])["ssh"].time.values
    cut = open_observations("demo", time=t, window=sides, sources=["ssh"])["ssh"].time.values
    np.testing.assert_array_equal(cut, whole[(whole >= t - sides[0]) & (whole < t + sides[1])])


def test_outside_the_catalog_there_is_an_empty_tree_and_a_warning():
    with pytest.warns(EmptyCatalogWarning, match=r"demo has no observations in 2021-06-2\d.*to 2021-07-0\d"):
        tree = open_observations("demo", time="2021-07-01")
    assert not tree.children


def test_a_parameter_reaches_every_source():
    a, b = (open_observations("demo", seed=seed, sources=["insitu"])["insitu"].LATITUDE.values for seed in (1, 2))
    assert not np.array_equal(a, b)


def test_each_day_is_its_own_file(archive, nothing_computes):
    ds = open_source(archive, "ssh", time=("2020-01-01", "2020-01-02"))
    assert ds.chunksizes["time"] == (4, 4)
    assert str(ds.time.values[-1])[:13] == "2020-01-02T18"
    assert dask.is_dask_collection(ds.sla_unfiltered)


def test_the_date_a_file_was_made_on_is_not_its_day(archive):
    with pytest.raises(FileNotFoundError, match=r"no file of .*dt_track_%Y%m%d_\*.nc for 2020-02-01"):
        open_source(archive, "ssh", time="2020-02-01")
    wide = write_catalog(
        archive.with_name("wide.yaml"),
        {"ssh": ("DailyReader", {"url": "{CATALOG_DIR}/*%Y%m%d*.nc", "span": "{time}"}, {"role": "truth"})},
    )
    with pytest.raises(FileNotFoundError, match="2020-02-01"):
        open_source(wide, "ssh", time="2020-02-01")
    assert open_source(wide, "ssh", time="2020-01-05").sizes["time"] == 4


def test_missing_days_are_a_warning_that_names_them(archive):
    with pytest.warns(MissingDaysWarning, match=r"no file for 2020-01-04$"):
        ds = open_source(archive, "ssh", time=slice("2020-01-03", "2020-01-05"))
    assert sorted({str(t)[:10] for t in ds.time.values}) == ["2020-01-03", "2020-01-05"]
    with pytest.warns(MissingDaysWarning, match=r"2020-01-06, 2020-01-07, 2020-01-08 … 2020-01-31 \(26 days\)"):
        open_source(archive, "ssh", time=("2020-01-05", "2020-01-31"))


def test_without_time_a_local_archive_gives_all_it_has(archive):
    assert open_source(archive, "ssh").sizes["time"] == 16


def test_a_remote_archive_wants_a_time():
    for catalog, source in (("noaa", "oisst"), ("argo", "profiles")):
        with pytest.raises(ValueError, match=r"one file a day: pass time="):
            open_source(catalog, source)


def test_the_window_cuts_within_files(archive):
    tree = open_observations(archive, time="2020-01-02", window="1D")
    np.testing.assert_array_equal(
        tree["ssh"].time.values,
        np.array(["2020-01-01T12", "2020-01-01T18", "2020-01-02T00", "2020-01-02T06"], "M8[ns]"),
    )


def test_entries_on_request_are_opened_only_by_name(archive):
    kwargs = {"url": "{CATALOG_DIR}/dt_track_%Y%m%d_*.nc", "span": "{time}"}
    observing = {"role": "observations", "source": "ssh"}
    entries = {
        "usual": ("DailyReader", kwargs, observing),
        "other": ("DailyReader", kwargs, {**observing, "on_request": True}),
        "truth": ("DailyReader", kwargs, {"role": "truth"}),
    }
    cat = write_catalog(archive.with_name("two.yaml"), entries)
    when = {"time": "2020-01-02", "window": "1D"}
    assert open_observations(cat, **when).groups == ("/", "/ssh")
    assert open_observations(cat, sources=["other"], **when).groups == ("/", "/ssh")
    both = open_observations(cat, sources=["ssh", "other"], **when)
    assert {path for path in both.groups if both[path].has_data} == {"/usual/ssh", "/other/ssh"}
    with pytest.raises(ValueError, match=r"no observations 'truth'; it has ssh, from usual, other"):
        open_observations(cat, sources=["truth"])


def test_a_source_without_files_in_the_window_is_reported(archive):
    with pytest.warns(EmptyCatalogWarning) as caught:
        tree = open_observations(archive, time="2020-03-01", window="2D")
    assert not tree.children
    assert "ssh gives nothing: no file of" in str(caught[0].message)


def test_a_wrong_root_is_an_error_that_names_the_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere, where"):
        open_observations("adaf_ocean", root=tmp_path / "nowhere", time="2020-01-02")
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere/argo/13857_prof.nc"):
        open_source("realdata", "argo_13857", root=tmp_path / "nowhere")


def test_a_damaged_file_is_named(archive):
    (archive.parent / "dt_track_20200106_20200201.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(40))
    with pytest.raises(OSError, match=r"dt_track_20200106_20200201.nc cannot be read"):
        open_source(archive, "ssh", time="2020-01-06")
    (archive.parent / "dt_track_20200107_20200201.nc").write_bytes(b"not a file of any kind")
    with pytest.raises(OSError, match=r"dt_track_20200107_20200201.nc cannot be read"):
        open_observations(archive, time="2020-01-07", window=("0h", "2h"))


def test_files_that_do_not_share_their_grid_are_not_joined(tmp_path):
    for day, lat in ((1, 0.0), (2, 0.5)):
        ds = xr.Dataset(
            {"sst": (("time", "lat"), np.zeros((1, 2)))},
            coords={"time": [np.datetime64(f"2020-01-0{day}", "ns")], "lat": [lat, lat + 1]},
        )
        ds.to_netcdf(tmp_path / f"sst_2020010{day}.nc")
    cat = write_catalog(
        tmp_path / "cat.yaml",
        {"sst": ("DailyReader", {"url": "{CATALOG_DIR}/sst_%Y%m%d.nc", "span": "{time}"}, {"role": "truth"})},
    )
    with pytest.raises(ValueError, match=r"sst_20200101.nc … .*sst_20200102.nc do not join along 'time'"):
        open_source(cat, "sst", time="2020-01")


def test_positions_that_are_no_axes_stay_with_their_file(tmp_path, nothing_computes):
    # Were the first file's positions kept, the data of the second would be misplaced.
    for day in (1, 2):
        ds = xr.Dataset(
            {"ice": (("time", "y", "x"), np.full((1, 2, 2), float(day)))},
            coords={
                "time": [np.datetime64(f"2020-01-0{day}", "ns")],
                "lat": (("y", "x"), np.full((2, 2), 60.0 + day)),
                "lon": (("y", "x"), np.full((2, 2), 10.0 * day)),
            },
        )
        ds.to_netcdf(tmp_path / f"ice_2020010{day}.nc")
    kwargs = {"url": "{CATALOG_DIR}/ice_%Y%m%d.nc", "span": "{time}"}
    cat = write_catalog(tmp_path / "cat.yaml", {"ice": ("DailyReader", kwargs, {"role": "truth"})})
    ds = open_source(cat, "ice", time=("2020-01-01", "2020-01-02"))
    with dask.config.set(scheduler="sync"):
        np.testing.assert_array_equal(ds.lat.values[:, 0, 0], [61, 62])
        np.testing.assert_array_equal(ds.lon.values[:, 0, 0], [10, 20])


def test_profiles_of_different_lengths_are_padded(tmp_path, nothing_computes):
    for day, levels in ((1, 3), (2, 2)):
        shape = (2, levels)
        ds = xr.Dataset(
            {
                "TEMP": (("N_PROF", "N_LEVELS"), np.full(shape, float(day), "f4")),
                "TEMP_QC": (("N_PROF", "N_LEVELS"), np.full(shape, b"1")),
                "JULD": ("N_PROF", np.full(2, np.datetime64(f"2020-01-0{day}", "ns"))),
                "DATA_TYPE": ((), b"Argo profile"),
            }
        )
        ds.to_netcdf(tmp_path / f"2020010{day}_prof.nc")
    kwargs = {"url": "{CATALOG_DIR}/%Y%m%d_prof.nc", "span": "{time}", "along": "N_PROF"}
    cat = write_catalog(tmp_path / "cat.yaml", {"argo": ("DailyReader", kwargs, {"role": "truth"})})
    ds = open_source(cat, "argo", time=("2020-01-01", "2020-01-02"))
    assert dict(ds.sizes) == {"N_PROF": 4, "N_LEVELS": 3}
    with dask.config.set(scheduler="sync"):
        np.testing.assert_array_equal(np.isnan(ds.TEMP.values).sum(axis=1), [0, 0, 1, 1])
        assert ds.TEMP.dtype == "f4"
        assert [bytes(q).strip() for q in ds.TEMP_QC.values[3]] == [b"1", b"1", b""]
        assert ds.JULD.dtype.kind == "M"


def test_data_that_stray_into_the_next_day_are_found_in_the_file_of_the_day_before(tmp_path):
    for day in ("2020-01-01", "2020-01-02", "2020-01-03"):
        ds = track(day, rows=24)
        ds["time"] = ds.time - np.timedelta64(30, "m")
        ds.to_netcdf(tmp_path / f"t_{day.replace('-', '')}.nc")
    kwargs = {"url": "{CATALOG_DIR}/t_%Y%m%d.nc", "span": "{time}"}
    entries = {
        "exact": ("DailyReader", kwargs, {"role": "truth"}),
        "margin": ("DailyReader", {**kwargs, "margin": "1h"}, {"role": "truth"}),
    }
    cat = write_catalog(tmp_path / "cat.yaml", entries)
    assert open_source(cat, "exact", time="2020-01-01").sizes["time"] == 23
    ds = open_source(cat, "margin", time="2020-01-01")
    assert ds.sizes["time"] == 24
    assert str(ds.time.values[-1])[:16] == "2020-01-01T23:30"
    # A margin that reaches beyond the archive is no reason to warn.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_source(cat, "margin", time="2020-01-03")


def test_a_path_comes_from_the_argument_then_the_environment_then_the_fallback(tmp_path, monkeypatch):
    parameter = load("adaf_ocean").user_parameters["root"]
    monkeypatch.delenv("ADAF_XR_ADAF_OCEAN", raising=False)
    with pytest.raises(ValueError, match=r"a path is needed.*set the environment variable ADAF_XR_ADAF_OCEAN"):
        open_source("adaf_ocean", "sst", time="2020-01-01")
    monkeypatch.setenv("ADAF_XR_ADAF_OCEAN", "/from/environment/")
    assert parameter.default == "/from/environment"
    assert parameter.with_default(tmp_path).default == str(tmp_path)
    monkeypatch.delenv("ADAF_XR_REALDATA", raising=False)
    assert load("realdata").user_parameters["root"].default == "../shared/data"


def test_a_background_without_a_time_in_the_period_is_an_error(archive):
    cat = write_catalog(
        archive.with_name("b.yaml"),
        {
            "bg": (
                "NetCDFReader",
                {"url": "{CATALOG_DIR}/dt_track_20200101_*.nc", "span": "{time}"},
                {"role": "background"},
            )
        },
    )
    with pytest.raises(ValueError, match=r"bg has no time within '2020-01-02'"):
        open_source(cat, "bg", time="2020-01-02")


@pytest.mark.parametrize(
    ("library", "source", "extra"),
    [("copernicusmarine", "glorys", "copernicus"), ("copernicusmarine", "ssh", "copernicus")],
)
def test_a_missing_client_names_the_extra(monkeypatch, library, source, extra):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"needs {library}.*pip install adaf-xr\[{extra}\]"):
        open_source("copernicus", source, time="2020-01-01")


def test_a_missing_file_system_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(ImportError, match=r"needs s3fs.*pip install adaf-xr\[s3\]"):
        open_source("argo", "float")


class Client:
    """Stands for copernicusmarine, which needs an account: records what it is asked."""

    def __init__(self, folder):
        self.asked, self.folder = [], folder

    def open_dataset(self, **request):
        self.asked.append(request)
        time = pd.date_range("2020-01-01", periods=4)
        return xr.Dataset({"zos": ("time", np.zeros(4))}, coords={"time": time})

    def get(self, **request):
        self.asked.append(request)
        import re
        from types import SimpleNamespace

        urls = [str(path) for path in sorted(self.folder.glob("*.nc")) if re.match(request["regex"], str(path))]
        return SimpleNamespace(files=[SimpleNamespace(https_url=url) for url in urls])


def test_the_copernicus_client_is_asked_for_the_period_and_the_box(monkeypatch, tmp_path):
    client = Client(tmp_path)
    monkeypatch.setitem(sys.modules, "copernicusmarine", client)
    ds = open_source("copernicus", "glorys", time=("2020-01-02", "2020-01-03"), region=(-80, 0, 10, 60))
    assert client.asked == [
        {
            "dataset_id": "cmems_mod_glo_phy_my_0.083deg_P1D-m",
            "minimum_longitude": -80,
            "maximum_longitude": 0,
            "minimum_latitude": 10,
            "maximum_latitude": 60,
            "start_datetime": "2020-01-02T00:00:00",
            "end_datetime": "2020-01-03T23:59:59",
        }
    ]
    assert ds.sizes["time"] == 2
    assert dask.is_dask_collection(ds.zos)


def test_daily_files_of_the_copernicus_store_are_those_of_the_days(monkeypatch, archive):
    client = Client(archive.parent)
    monkeypatch.setitem(sys.modules, "copernicusmarine", client)
    ds = open_source("copernicus", "ssh", time=("2020-01-02", "2020-01-03"), satellite="s3a")
    assert client.asked[0]["dataset_id"] == "cmems_obs-sl_glo_phy-ssh_my_s3a-l3-duacs_PT1S"
    assert client.asked[0]["dry_run"] is True
    assert sorted({str(t)[:10] for t in ds.time.values}) == ["2020-01-02", "2020-01-03"]
    with pytest.raises(FileNotFoundError, match="has no file for 2020-02-01"):
        open_source("copernicus", "ssh", time="2020-02-01")
    with pytest.raises(ValueError, match="pass time="):
        open_source("copernicus", "ssh")


@given(st.dates(pd.Timestamp("1900-01-01").date(), pd.Timestamp("2100-01-01").date()), st.integers(0, 400))
def test_a_period_holds_whole_days_and_days_lists_them(first, length):
    last = first + pd.Timedelta(length, "D")
    span = period((str(first), str(last)))
    assert (span.stop - span.start) / np.timedelta64(1, "D") == length + 1
    listed = days(span)
    assert (len(listed), listed[0].date(), listed[-1].date()) == (length + 1, first, last)
    assert period(span) is span


def test_periods_of_all_spellings():
    day = Span(np.datetime64("2020-02-29", "ns"), np.datetime64("2020-03-01", "ns"))
    for spelling in (
        "2020-02-29",
        "20200229",
        pd.Timestamp("2020-02-29"),
        np.datetime64("2020-02-29"),
        slice("2020-02-29", "2020-02-29"),
    ):
        assert period(spelling) == day, spelling
    assert period("2020-02").stop == np.datetime64("2020-03-01")
    assert period(slice("2020-02-29", None)).start == day.start
    assert period(xr.DataArray(pd.date_range("2020-02-01", "2020-02-29"), dims="time")).stop == day.stop
    instant = period(pd.Timestamp("2020-02-29T12:00"))
    assert instant.stop - instant.start == np.timedelta64(1, "ns")
    assert period(None) is None
    for wrong, message in (
        ("2020-02-30", "not a date"),
        ("soon", "not a date"),
        ([], "time is empty"),
        (slice("2020-02", "2020-01"), "no interval"),
    ):
        with pytest.raises(ValueError, match=message):
            period(wrong)


def test_windows_are_centred_or_two_sided_and_never_negative():
    assert around("2020-01-02", "2D") == around("2020-01-02", ("1D", "1D"))
    assert around(("2020-01-02", "2020-01-05"), ("1D", "3D")) == Span(
        np.datetime64("2020-01-01", "ns"), np.datetime64("2020-01-08", "ns")
    )
    assert around(None, "2D") is None
    with pytest.raises(ValueError, match="both spans must be positive"):
        around("2020-01-02", ("-1D", "1D"))


PLAIN = """
version: 2
metadata: {name: plain}
aliases: {tracks: tracks}
user_parameters:
  day: {cls: "intake.readers.user_parameters:BaseUserParameter", default: "20200101", description: YYYYMMDD}
  unused: {cls: "intake.readers.user_parameters:BaseUserParameter", default: "", description: nothing}
data:
  store: {datatype: "intake.readers.datatypes:Zarr", metadata: {}, user_parameters: {},
          kwargs: {url: "{CATALOG_DIR}/{day}.zarr", root: "", storage_options: null}}
entries:
  tracks:
    reader: "intake.readers.readers:XArrayDatasetReader"
    output_instance: "xarray:Dataset"
    metadata: {role: observations, source: ssh}
    user_parameters: {}
    kwargs: {args: ["{data(store)}"], chunks: {}}
"""


def test_catalogs_with_intakes_own_readers_open_as_well(tmp_path):
    for day in ("2020-01-01", "2020-01-02"):
        track(day).to_zarr(tmp_path / f"{day.replace('-', '')}.zarr", consolidated=False)
    path = tmp_path / "plain.yaml"
    path.write_text(PLAIN)
    ds = open_source(path, "tracks", day="20200102")
    assert str(ds.time.values[0])[:10] == "2020-01-02"
    assert dask.is_dask_collection(ds.sla_unfiltered)
    # Parameters are those that the templates mention, the data's included; the window cuts all the same.
    with pytest.raises(TypeError, match="it takes day"):
        open_source(path, "tracks", unused="x")
    tree = open_observations(path, time="2020-01-01T12", window="8h")
    np.testing.assert_array_equal(tree["ssh"].time.values, np.array(["2020-01-01T12"], "M8[ns]"))
