"""Catalogs of published data sets, on small files written here in their layout, and on the real sample files."""

import warnings

import dask
import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from adaf_xr import fields
from adaf_xr.catalog import describe, open_observations, open_source, shipped
from adaf_xr.catalog.adaf_ocean import DEPTH
from adaf_xr.catalog.opening import load
from adaf_xr.cf.canonical import SOURCES
from adaf_xr.points import to_points

DAYS = ("20200101", "20200102", "20200103")


def values_of(*shape, offset=0.0):
    """Distinct numbers of the size of temperatures."""
    return (np.arange(np.prod(shape), dtype="f4").reshape(shape) / 1e5 + offset).astype("f4")


def write_fields(root, day, number):
    """A background of five channels and four leads, and a target of 23 levels."""
    (root / "forecast_bg").mkdir(exist_ok=True)
    dims = ("lead", "variable", "lat", "lon")
    forecast = values_of(4, 5, 181, 360, offset=number)
    xr.Dataset({"seq_pred": (dims, forecast)}).to_netcdf(root / f"forecast_bg/{day}.nc")
    (root / "glorys/2020").mkdir(parents=True, exist_ok=True)
    with h5py.File(root / f"glorys/2020/{day}.h5", "w") as file:
        for name in "TSUV":
            file[name] = values_of(23, 181, 360, offset=number)
        file["SSH"] = values_of(181, 360, offset=number)


def gridded(day, variables, step=10.0, hour=12):
    """A map with a time, on a coarse grid."""
    lat, lon = np.arange(-85, 90, step), np.arange(5, 360, step)
    return xr.Dataset(
        {
            name: (("time", "lat", "lon"), np.full((1, lat.size, lon.size), value, "f4"), attrs)
            for name, (value, attrs) in variables.items()
        },
        coords={
            "time": [np.datetime64(f"{pd.Timestamp(day).date()}T{hour:02d}", "ns")],
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )


def write_observations(root, day):
    """One day of every kind, as each producer writes it."""
    for name in ("insitu", "SST", "SSS", "SSH", "SSW", "SIC"):
        (root / name).mkdir(exist_ok=True)
    table = pd.DataFrame(
        {"lat": [10.0, 20], "lon": [200.0, 300], "depth": [5.0, 10], "temp_qc": [20.0, 15], "sal_qc": [35.0, np.nan]}
    )
    table.to_csv(root / f"insitu/{day}.csv", index=False)
    for part, hour in (("day", 13), ("night", 1)):
        sst = gridded(
            day,
            {
                "sea_surface_temperature": (
                    290.0,
                    {"units": "kelvin", "standard_name": "sea_surface_skin_temperature"},
                ),
                "sst_dtime": (60.0, {"units": "seconds"}),
                "quality_level": (5.0, {}),
            },
            hour=hour,
        )
        sst.to_netcdf(root / f"SST/{day}-NCEI-L3C_GHRSST-AVHRR_Pathfinder_{part}.nc")
    for part, hour in (("asc", 6), ("des", 18)):
        sss = {
            "Sea_Surface_Salinity_Rain_Corrected": (35.0, {"units": "1e-3", "standard_name": "sea_surface_salinity"})
        }
        gridded(day, sss, hour=hour).to_netcdf(root / f"SSS/smos_{part}_{day}.nc")
    sla = {"sla_unfiltered": (0.1, {"units": "m", "standard_name": "sea_surface_height_above_sea_level"})}
    gridded(day, sla).isel(time=0, drop=True).to_netcdf(root / f"SSH/{day}.nc")
    wind = {
        "wind_speed": (8.0, {"units": "m s-1", "standard_name": "wind_speed"}),
        "wind_dir": (90.0, {"units": "degree", "standard_name": "wind_to_direction"}),
    }
    gridded(day, wind).to_netcdf(root / f"SSW/{day}.nc")
    gridded(day, {"sic": (0.5, {})}).isel(time=0, drop=True).to_netcdf(root / f"SIC/{day}.nc")


@pytest.fixture(scope="module")
def adaf_ocean(tmp_path_factory):
    """Three days in the layout of the published data."""
    root = tmp_path_factory.mktemp("adaf_ocean")
    for number, day in enumerate(DAYS):
        write_fields(root, day, number)
        write_observations(root, day)
    (root / "mask").mkdir()
    mask = xr.Dataset({"mask": (("depth", "lat", "lon"), np.ones((23, 181, 360), "i1"))})
    mask.to_netcdf(root / "mask/land_sea_mask_glorys_23_181_360.nc")
    return root


def test_every_source_of_the_layout_opens_lazily(adaf_ocean, nothing_computes):
    for row in describe("adaf_ocean"):
        name = row["source"]
        when = {} if name == "mask" else {"time": "2020-01-03"}
        ds = open_source("adaf_ocean", name, root=adaf_ocean, **when)
        lazy = all(dask.is_dask_collection(da) for da in ds.data_vars.values())
        # Text is read as it is opened.
        assert lazy != (name == "insitu"), name


def test_the_background_is_valid_lead_days_after_its_name(adaf_ocean):
    ds = open_source("adaf_ocean", "background", root=adaf_ocean, time="2020-01-04")
    expected = values_of(4, 5, 181, 360, offset=1)[2]
    for channel, name in enumerate(("thetao", "so", "uo", "vo", "zos")):
        np.testing.assert_array_equal(ds[name].values[0], expected[channel])
    assert str(ds.time.values[0])[:10] == "2020-01-04"
    assert (ds.latitude.values[0], ds.longitude.values[-1]) == (-90, 359)
    other = open_source("adaf_ocean", "background", root=adaf_ocean, time="2020-01-04", lead=1)
    np.testing.assert_array_equal(other.thetao.values[0], values_of(4, 5, 181, 360, offset=2)[1, 0])
    assert open_source("adaf_ocean", "background", root=adaf_ocean, time="2020-01").sizes["time"] == 3
    with pytest.raises(ValueError, match=r"20200101.nc has leads 0 to 3, not 9"):
        open_source("adaf_ocean", "background", root=adaf_ocean, lead=9)


def test_backgrounds_and_targets_are_canonical_fields(adaf_ocean):
    background = fields.canonical(open_source("adaf_ocean", "background", root=adaf_ocean, time="2020-01-03"))
    assert set(background.data_vars) == {"thetao", "so", "uo", "vo", "zos"}
    target = fields.canonical(open_source("adaf_ocean", "glorys", root=adaf_ocean, time="2020-01-02"))
    assert target.thetao.dims == ("time", "depth", "latitude", "longitude")
    np.testing.assert_array_equal(target.depth, DEPTH)
    np.testing.assert_array_equal(target.so.values[0], values_of(23, 181, 360, offset=1))
    np.testing.assert_array_equal(target.zos.values[0], values_of(181, 360, offset=1))


def test_observations_of_the_layout_become_points(adaf_ocean):
    tree = open_observations("adaf_ocean", root=adaf_ocean, time="2020-01-03", window=("1D", "0h"))
    assert set(tree.children) == set(SOURCES)
    expected = {
        "insitu": ("thetao", 15),
        "sst": ("thetao", 16.85),
        "sss": ("so", 35),
        "ssh": ("sla", 0.1),
        "ice": ("siconc", 0.5),
        "wind": ("uas", 8),
    }
    for source, (variable, least) in expected.items():
        points = to_points(tree[source].to_dataset(), source=source).compute()
        assert float(points[variable].min()) == pytest.approx(least, abs=5e-3), source
        found = {str(t)[:10] for t in points.time.values}
        # The time of an SST pass is nominal: the days beside are kept, for those who compute to cut.
        assert found == {"2020-01-02"} if source != "sst" else found > {"2020-01-02"}, source
    # Two passes of the radiometer a day, and noon for what has no time of its own.
    assert tree["sst"].sel(time="2020-01-02").sizes["time"] == 2
    assert str(tree["ice"].time.values[0])[:13] == "2020-01-02T12"


def test_a_table_without_a_column_says_which(adaf_ocean, tmp_path):
    (tmp_path / "insitu").mkdir()
    (tmp_path / "insitu/20200101.csv").write_text("lat,lon,temp\n1,2,3\n")
    with pytest.raises(ValueError, match=r"20200101.csv has no column for depth, PSAL; it has lat, lon, temp"):
        open_source("adaf_ocean", "insitu", root=tmp_path, time="2020-01-01")


def test_natl60_reads_its_times_and_names(tmp_path):
    days = np.arange(3) * 86400.0 + 43200.0
    coords = {"time": days, "lat": [32.0, 32.05], "lon": [-65.95, -65.9]}
    cube = ("time", "lat", "lon")
    for path, name in {
        "obs.nc": "ssh_mod",
        "oi.nc": "ssh_mod",
        **{f"ref/NATL60-CJM165_NATL_{v}_y2013.1y.nc": v for v in ("ssh", "sst", "u", "v")},
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        xr.Dataset({name: (cube, np.full((3, 2, 2), 0.3, "f4"))}, coords=coords).to_netcdf(tmp_path / path)
    paths = {"obs": tmp_path / "obs.nc", "oi": tmp_path / "oi.nc", "ref": tmp_path / "ref"}
    names = {"obs": "zos", "oi": "zos", "ref_ssh": "zos", "ref_sst": "thetao", "ref_u": "uo", "ref_v": "vo"}
    for source, name in names.items():
        parameter = source.split("_")[0]
        ds = open_source("natl60", source, time="2012-10-02", **{parameter: paths[parameter]})
        assert [str(t)[:13] for t in ds.time.values] == ["2012-10-02T12"]
        assert dask.is_dask_collection(ds[name])
    with pytest.raises(TypeError, match="it takes obs, time"):
        open_source("natl60", "obs", oi=paths["oi"])


def test_every_real_file_opens_lazily(realdata, nothing_computes):
    rows = describe("realdata")
    assert len(rows) == 48
    for row in rows:
        with warnings.catch_warnings():
            # Some of these files are odd, which is what they are for.
            warnings.simplefilter("ignore")
            opened = open_source("realdata", row["source"], root=realdata)
        for node in getattr(opened, "subtree", [opened]):
            for name, da in node.data_vars.items():
                assert dask.is_dask_collection(da) or da.ndim == 0, (row["source"], name)


def test_every_real_file_is_in_the_catalog(realdata):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = [open_source("realdata", row["source"], root=realdata) for row in describe("realdata")]
    found = {path.split("/")[-1] for obj in opened for path in sources_of(obj)}
    # Of several joined files xarray keeps the name of the first.
    joined = {
        "20151101120000-NCEI",
        "20151102120000-NCEI",
        "GSFC-alt_ssh20220102",
        "GSFC-alt_ssh20220103",
        "20180415030000-STAR",
        "nrt_blacksea_al_phy_vfec_l3_20190101",
    }
    files = {path.name for path in realdata.glob("*/*.nc*")}
    missing = {name for name in files - found if not any(name.startswith(prefix) for prefix in joined)}
    assert not missing


def sources_of(obj):
    """Files behind an object, as far as xarray remembers them."""
    nodes = [node.to_dataset() for node in obj.subtree] if isinstance(obj, xr.DataTree) else [obj]
    for ds in nodes:
        encodings = [ds.encoding, *(v.encoding for v in ds.variables.values())]
        yield from {str(e["source"]) for e in encodings if "source" in e}


def test_joined_floats_give_the_points_of_each(realdata, tmp_path):
    text = (shipped.folder() / "realdata.yaml").read_text()
    text = text.replace("argo/2901746_prof.nc", "argo/*_prof.nc").replace(
        'span: "{time}"', 'span: "{time}"\n      along: N_PROF'
    )
    (tmp_path / "joined.yaml").write_text(text)
    joined = to_points(open_source(tmp_path / "joined.yaml", "argo_2901746", root=realdata), source="insitu").compute()
    parts = [
        to_points(open_source("realdata", f"argo_{wmo}", root=realdata), source="insitu").compute()
        for wmo in ("13857", "2901746", "2902269", "5900865")
    ]
    for name in ("thetao", "so"):
        together = joined[name].values
        each = np.concatenate([part[name].values for part in parts if name in part])
        assert np.isfinite(each).sum() > 10_000
        np.testing.assert_array_equal(np.sort(together[np.isfinite(together)]), np.sort(each[np.isfinite(each)]))


def test_no_real_observation_lies_outside_what_its_entry_covers(realdata):
    # Entries are left out of a window by what they cover: too narrow a claim would lose data without a word.
    for source, entry in load("realdata").entries.items():
        if entry.metadata["role"] != "observations":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opened = open_source("realdata", source, root=realdata).load()
            points = to_points(opened, source=entry.metadata["source"], qc="all")
        start, stop = (np.datetime64(date) for date in entry.metadata["covers"])
        # A glider without temperatures and a swath without rows are real, too.
        assert (points.sizes["obs"] == 0) == (source in ("glider", "wind_ascat_empty"))
        assert ((points.time.values >= start) & (points.time.values < stop)).all(), source


def test_real_observations_of_a_date_are_those_that_cover_it(realdata):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = open_observations("realdata", root=realdata, time="2015-11-01", window="10D")
    assert {path.strip("/") for path in tree.groups if tree[path].has_data} == {
        "argo_2901746/insitu",
        "argo_table/insitu",
        "argo_reference/insitu",
        "buoy_61198/insitu",
    }
    times = tree["buoy_61198/insitu"].TIME.values
    assert times.min() >= np.datetime64("2015-10-27")
    assert times.max() < np.datetime64("2015-11-06")
