"""Every real sample file gives the points that its producer meant, or an error that names the way out."""

from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr

from adaf_xr.cf.errors import CalendarError, NoVariableError, PositionError, TimeError
from adaf_xr.points import to_points

# Source, number of points, and for each column (how many are present, least, greatest, mean). The figures do not come
# from the package: they were counted with netCDF4, NumPy and gsw alone, masks and scale factors applied by hand, from
# the raw values and flags of each file by the rules of docs/conventions.md, before the package read them.
EXPECTED = {
    "argo/13857_prof.nc": (
        "insitu",
        14148,
        {
            "longitude": (14148, -33.757, -16.032, -24.4604),
            "latitude": (14148, 0.072, 6.859, 3.9182),
            "depth": (14148, 6.7621, 1049.4162, 466.7839),
            "thetao": (14148, 4.3492, 29.8298, 10.5266),
        },
    ),
    "argo/2901746_prof.nc": (
        "insitu",
        9122,
        {
            "longitude": (9122, 130.602, 136.251, 134.049),
            "latitude": (9122, 36.936, 42.241, 39.5756),
            "depth": (9122, 0.5953, 793.1767, 319.6162),
            "thetao": (9122, 0.312, 26.9859, 3.6997),
            "so": (9052, 32.4612, 34.7035, 34.0698),
        },
    ),
    "argo/2902269_prof.nc": (
        "insitu",
        5575,
        {
            "longitude": (5575, 61.314, 64.933, 62.6654),
            "latitude": (5575, 14.826, 16.867, 15.7506),
            "depth": (5575, 0, 2015.1262, 804.6673),
            "thetao": (5574, 0, 30.707, 12.6914),
            "so": (5464, 34.817, 36.828, 35.5332),
        },
    ),
    "argo/5900865_prof.nc": (
        "insitu",
        5667,
        {
            "longitude": (5667, 107.48, 116.328, 111.4991),
            "latitude": (5667, -13.709, -9.093, -10.9903),
            "depth": (5667, 7.2587, 1979.0898, 608.04),
            "thetao": (5667, 2.2458, 30.3799, 10.6754),
            "so": (5667, 33.3515, 35.0196, 34.5943),
        },
    ),
    "argo/D2901746_189.nc": (
        "insitu",
        50,
        {
            "longitude": (50, 133.808, 133.808, 133.808),
            "latitude": (50, 40.508, 40.508, 40.508),
            "depth": (50, 3.9691, 771.9416, 329.0279),
            "thetao": (50, 0.3924, 3.5054, 1.3597),
            "so": (50, 34.0035, 34.0725, 34.0462),
        },
    ),
    "argo/R6903247_016.nc": (
        "insitu",
        234,
        {
            "longitude": (234, 26.1503, 26.1503, 26.1503),
            "latitude": (234, 34.6941, 34.6941, 34.6941),
            "depth": (234, 0.2978, 982.3881, 309.952),
            "thetao": (234, 13.6796, 24.4929, 17.8303),
            "so": (233, 38.755, 39.719, 39.1756),
        },
    ),
    "argo/argo_erddap_phy_43to45N_-57to-55E_0-20dbar_57030019.nc": (
        "insitu",
        10674,
        {
            "longitude": (10674, -57.5, -55.0006, -56.1038),
            "latitude": (10674, 42.502, 44.968, 43.5738),
            "depth": (10674, 0.0992, 20.2372, 10.0009),
            "thetao": (10634, 0.7367, 25.364, 11.1933),
            "so": (10499, 30.9149, 36.276, 33.2912),
        },
    ),
    "argo/argo_erddap_ref_36to40N_-25to-10E_0-10dbar_0f972804.nc": (
        "insitu",
        5485,
        {
            "longitude": (5485, -24.992, -10.011, -18.0833),
            "latitude": (5485, 36.001, 40, 38.1375),
            "depth": (5485, 0.0993, 9.9267, 6.5361),
            "thetao": (5485, 6.9232, 27.4346, 17.038),
            "so": (5485, 33.306, 34.8621, 34.3114),
        },
    ),
    "ice/icec_amsr2_north_1.nc": (
        "ice",
        6,
        {
            "longitude": (6, -168.8672, 107.9784, -50.6445),
            "latitude": (6, 74.1823, 86.8975, 80.9841),
            "siconc": (6, 0.97, 1, 0.995),
        },
    ),
    "ice/icec_ioda.nc": (
        "ice",
        100,
        {
            "longitude": (100, -179.875, 179.125, 1.825),
            "latitude": (100, -78.375, 86.125, 19.4525),
            "siconc": (100, 0.21, 0.99, 0.7721),
        },
    ),
    "insitu/EN3_v2a_Profiles_195001.nc": (
        "insitu",
        53331,
        {
            "longitude": (53331, -172.22, 153.33, -86.8689),
            "latitude": (53331, -65.43, 74.2, 35.6225),
            "depth": (53331, 0, 3091, 84.0932),
            "thetao": (53331, -1.8, 28.0964, 15.0368),
        },
    ),
    "insitu/GL_PR_PF_3900150.nc": (
        "insitu",
        1903,
        {
            "longitude": (1903, -50.798, -41.323, -44.8498),
            "latitude": (1903, -33.204, -25.86, -28.7793),
            "depth": (1903, 0.4965, 1139.3823, 358.7605),
            "thetao": (1901, 3.3083, 25.4333, 14.5754),
            "so": (1697, 34.254, 37.063, 35.516),
        },
    ),
    "insitu/GL_TS_DC_2300691.nc": (
        "insitu",
        2042,
        {
            "longitude": (2042, 79.938, 86.452, 83.3129),
            "latitude": (2042, -0.104, 17.831, 3.3271),
            "depth": (2042, 0.5, 15, 7.75),
            "thetao": (1021, 23.9299, 30.3399, 28.9554),
            "uo": (1021, -1.086, 0.833, -0.0382),
            "vo": (1021, -1.528, 0.581, -0.0407),
        },
    ),
    "insitu/IR_201511_TS_MO_61198.nc": (
        "insitu",
        674,
        {
            "longitude": (674, -2.3486, -2.3364, -2.3428),
            "latitude": (674, 36.5698, 36.5747, 36.5715),
            "depth": (674, 3, 3, 3),
            "thetao": (674, 16.7995, 21.4994, 20.1714),
            "so": (674, 36.59, 37.72, 37.3912),
            "uo": (603, -1.4966, 0.536, 0.0057),
            "vo": (603, -0.8993, 0.374, -0.092),
            "uas": (634, -13.4969, 13.0057, -0.7881),
            "vas": (634, -11.738, 7.6669, -1.2555),
        },
    ),
    "insitu/aoml_v2019.nc": (
        "insitu",
        17711,
        {
            "longitude": (17711, 27.964, 41.54, 33.6011),
            "latitude": (17711, 40.942, 46.04, 42.9984),
            "uo": (17711, -0.8494, 0.8646, 0.0047),
            "vo": (17711, -0.827, 0.7976, -0.0198),
        },
    ),
    "insitu/cchdo_docs_examples_test.nc": (
        "insitu",
        135,
        {
            "longitude": (135, -110.2183, -109.9717, -110.0461),
            "latitude": (135, -7.9917, 8.0733, 0.0455),
            "depth": (135, 1.2928, 2988.4181, 435.9767),
            "thetao": (135, 1.5163, 27.6905, 14.182),
            "so": (135, 33.4678, 35.6147, 34.6303),
        },
    ),
    "insitu/prof_ioda.nc": (
        "insitu",
        218,
        {
            "longitude": (218, -170, 165.2, -20.2356),
            "latitude": (218, -8.0156, 8.1, -1.846),
            "depth": (218, 1, 500, 142.344),
            "thetao": (218, 7.3704, 30.6698, 20.4599),
            "so": (218, 32.2944, 36.5, 35.0483),
        },
    ),
    "reanalysis/GLORYS_NA_20120101.nc": (
        "insitu",
        1018,
        {
            "depth": (1018, 0, 3867.5671, 358.3808),
            "thetao": (809, -0.9938, 11.0014, 7.2743),
            "so": (809, 31.4982, 35.49, 35.1627),
            "uo": (808, -0.2057, 0.2973, 0.0492),
            "vo": (808, -0.2039, 0.26, 0.0073),
            "zos": (209, -0.9494, -0.0845, -0.5332),
        },
    ),
    "reanalysis/GLORYS_coarse_test_data.v4621175.nc": (
        "insitu",
        46789,
        {
            "depth": (46789, 0, 4626.4458, 340.7994),
            "thetao": (41812, -1.1142, 20.5541, 7.8284),
            "so": (41812, 21.9635, 35.769, 34.9868),
            "uo": (41738, -0.6983, 0.4162, 0.0071),
            "vo": (41738, -0.3146, 0.8672, 0.0055),
            "zos": (4977, -0.9095, -0.1972, -0.5325),
        },
    ),
    "reanalysis/cmems_mod_glo_phy_my_0.083deg_P1D-m_multi-vars_65.00W-59.75W_37.75N-43.00N_0.49m_1993-01-01-1993-01-02.nc": (  # noqa: E501
        "insitu",
        16384,
        {
            "depth": (16384, 0, 0.494, 0.247),
            "thetao": (8192, 3.7634, 23.335, 16.7036),
            "so": (8192, 30.6101, 36.6146, 35.3982),
            "uo": (8192, -1.0034, 1.7725, 0.2036),
            "vo": (8192, -1.1811, 1.1554, -0.0172),
            "zos": (8192, -0.8118, 0.5188, -0.2493),
        },
    ),
    "ssh/COAsT_example_altimetry_data.nc": (
        "ssh",
        52923,
        {
            "longitude": (52923, -179.9971, 179.9998, -10.4656),
            "latitude": (52923, -66.1463, 66.144, -13.1436),
            "zos": (52838, -1.626, 2.047, 0.2501),
            "sla": (52923, -0.807, 0.808, 0.0393),
        },
    ),
    "ssh/GSFC-alt_ssh20220101.nc": (
        "ssh",
        55074,
        {
            "longitude": (55074, -179.9931, 179.9995, -7.7157),
            "latitude": (55074, -66.147, 66.138, -16.1728),
            "sla": (55074, -0.8886, 0.9952, 0.0694),
        },
    ),
    "ssh/GSFC-alt_ssh20220102.nc": (
        "ssh",
        56244,
        {
            "longitude": (56244, -179.9971, 179.9892, -5.0022),
            "latitude": (56244, -66.1476, 66.1469, -15.1725),
            "sla": (56244, -1.2426, 1.0678, 0.0755),
        },
    ),
    "ssh/GSFC-alt_ssh20220103.nc": (
        "ssh",
        56493,
        {
            "longitude": (56493, -179.9948, 179.9989, -13.1321),
            "latitude": (56493, -66.1479, 66.147, -13.8154),
            "sla": (56493, -0.7548, 0.9593, 0.075),
        },
    ),
    "ssh/S6A_P4_2__LR_RED__ST_114_100_20231217T000959_20231217T010612_F08.nc": (
        "ssh",
        2390,
        {
            "longitude": (2390, -84.617, 39.3045, -32.6903),
            "latitude": (2390, -66.1458, 58.7779, -13.4524),
            "sla": (2390, -1.8251, 0.4498, 0.047),
        },
    ),
    "ssh/adt_ioda.nc": (
        "ssh",
        100,
        {
            "longitude": (100, -175.7098, 178.4957, -1.601),
            "latitude": (100, -65.8217, 66.1474, -20.3114),
            "zos": (100, -1.4867, 1.469, 0.2014),
        },
    ),
    "ssh/dt_blacksea_allsat_phy_l4_20160707_20200801.nc": (
        "ssh",
        3056,
        {
            "longitude": (3056, 27.5625, 41.6875, 34.1879),
            "latitude": (3056, 40.9375, 46.6875, 43.2554),
            "zos": (2957, 0.2302, 0.5518, 0.3725),
            "sla": (3056, 0.1023, 0.3155, 0.183),
        },
    ),
    "ssh/dt_med_al_phy_vxxc_l3_20140605_20170110.nc": (
        "ssh",
        329,
        {
            "longitude": (329, -4.9206, 21.1047, 13.5569),
            "latitude": (329, 30.4569, 44.271, 36.5328),
            "zos": (329, -0.252, 0.082, -0.0706),
            "sla": (329, -0.131, 0.078, -0.0077),
        },
    ),
    "ssh/dt_med_allsat_phy_l4_2005T2.nc": (
        "ssh",
        1522874,
        {
            "longitude": (1522874, -5.3125, 35.9375, 16.6817),
            "latitude": (1522874, 30.3125, 45.6875, 37.0609),
            "zos": (1522874, -0.4199, 0.2944, -0.0918),
        },
    ),
    "ssh/nrt_blacksea_al_phy_vfec_l3_20170422_20170513.nc": (
        "ssh",
        71,
        {
            "longitude": (71, 29.7982, 31.3197, 30.5731),
            "latitude": (71, 41.3123, 45.5632, 43.4387),
            "sla": (71, -0.066, 0.05, -0.0248),
        },
    ),
    "ssh/nrt_blacksea_al_phy_vfec_l3_20190101_20190122.nc": (
        "ssh",
        76,
        {
            "longitude": (76, 30.8648, 32.5269, 31.7129),
            "latitude": (76, 41.8878, 46.4399, 44.165),
            "sla": (76, -0.1, 0.035, -0.0169),
        },
    ),
    "ssh/nrt_global_allsat_phy_l4_20190223_20190226.nc": (
        "ssh",
        595517,
        {
            "longitude": (595517, -179.875, 179.875, -8.8325),
            "latitude": (595517, -78.625, 82.375, -11.2212),
            "zos": (595517, -1.5912, 1.9887, 0.333),
        },
    ),
    "ssh/rads_adt_j3_2018104.nc": (
        "ssh",
        11,
        {
            "longitude": (11, 30.7933, 31.056, 30.9244),
            "latitude": (11, 31.6569, 32.1358, 31.8964),
            "zos": (11, 0.0446, 0.1394, 0.0761),
            "sla": (11, -0.0351, 0.0466, -0.0044),
        },
    ),
    "sss/sss_ioda.nc": (
        "sss",
        46,
        {
            "longitude": (46, -176.3478, 165.1211, -22.749),
            "latitude": (46, -57.1134, 60.3835, -7.266),
            "so": (46, 32.0551, 37.5791, 35.0256),
        },
    ),
    "sss/sss_smos_1.nc": (
        "sss",
        9,
        {
            "longitude": (9, -73.724, -39.034, -49.8636),
            "latitude": (9, -57.728, 51.965, 14.5124),
            "so": (9, 32.5205, 38.4005, 36.2256),
        },
    ),
    "sst/20050101120000-NCEI-L4_GHRSST-SSTblend-AVHRR_OI-GLOB-v02.0-fv02.0.nc": (
        "sst",
        691243,
        {
            "longitude": (691243, -179.875, 179.875, -8.6775),
            "latitude": (691243, -78.625, 89.875, 0.3209),
            "thetao": (691150, -1.8, 32.02, 13.6065),
            "siconc": (129202, 0.15, 1, 0.8553),
        },
    ),
    "sst/20151101120000-NCEI-L4_GHRSST-SSTblend-AVHRR_OI-GLOB-v02.0-fv02.0.nc": (
        "sst",
        691150,
        {
            "longitude": (691150, -179.875, 179.875, -8.6707),
            "latitude": (691150, -78.375, 89.875, 0.323),
            "thetao": (691150, -1.8, 32.37, 13.7602),
            "siconc": (152212, 0.15, 1, 0.8466),
        },
    ),
    "sst/20151102120000-NCEI-L4_GHRSST-SSTblend-AVHRR_OI-GLOB-v02.0-fv02.0.nc": (
        "sst",
        691150,
        {
            "longitude": (691150, -179.875, 179.875, -8.6707),
            "latitude": (691150, -78.375, 89.875, 0.323),
            "thetao": (691150, -1.8, 32.31, 13.7468),
            "siconc": (152443, 0.15, 1, 0.8479),
        },
    ),
    "sst/20160707000000-GOS-L4_GHRSST-SSTfnd-OISST_HR_REP-BLK-v02.0-fv01.0.nc": (
        "sst",
        30402,
        {
            "longitude": (30402, 26.3958, 41.7709, 34.2053),
            "latitude": (30402, 38.7708, 47.2709, 43.3967),
            "thetao": (30402, 22.56, 27.76, 25.3057),
            "siconc": (0,),
        },
    ),
    "sst/20180414150000-STAR-L3U_GHRSST-SSTsubskin-AVHRRF_MB-ACSPO_V2.80-v02.0-fv01.0.nc": (
        "sst",
        28,
        {
            "longitude": (28, -128.99, -78.99, -98.2043),
            "latitude": (28, -61.01, -49.01, -55.51),
            "thetao": (28, 0.922, 9.31, 5.6436),
        },
    ),
    "sst/20180415030000-STAR-L3U_GHRSST-SSTsubskin-AVHRRF_MB-ACSPO_V2.80-v02.0-fv01.0.nc": (
        "sst",
        3,
        {
            "longitude": (3, -90.99, -58.99, -75.6567),
            "latitude": (3, -67.01, -61.01, -64.3433),
            "thetao": (3, -0.466, 1.276, 0.4847),
        },
    ),
    "sst/SS_AMSR2-L2B_v08_r38622-v02.0-fv01.0.nc": (
        "sst",
        32609,
        {
            "longitude": (32609, -73.97, -39.41, -55.9522),
            "latitude": (32609, -61.72, -16.75, -45.1962),
            "thetao": (32609, -2.24, 18.78, 7.8552),
        },
    ),
    "sst/ghrsst_sst_mb_202107010000.nc": (
        "sst",
        66,
        {
            "longitude": (66, 131.51, 131.71, 131.61),
            "latitude": (66, -55.51, -55.41, -55.46),
            "thetao": (66, 3.532, 3.76, 3.6635),
        },
    ),
    "sst/oisst_2003_2004.nc": (
        "sst",
        8772,
        {
            "longitude": (8772, 148.125, 148.375, 148.2917),
            "latitude": (8772, -42.875, -41.125, -42.1667),
            "thetao": (8772, 11.16, 20.22, 14.7226),
        },
    ),
    "sst/sst_ioda.nc": (
        "sst",
        201,
        {
            "longitude": (201, -179.27, 177.67, -18.795),
            "latitude": (201, -63.71, 75.23, 0.4925),
            "thetao": (201, -1.928, 31.27, 22.8423),
        },
    ),
    "wind/ascat_20150702_084200_metopa_45145_eps_o_250_2300_ovw.l2.nc": (
        "wind",
        38478,
        {
            "longitude": (38478, -179.996, 180, 3.5597),
            "latitude": (38478, -64.9185, 81.4527, -4),
            "uas": (38478, -17.355, 15.8135, -0.1693),
            "vas": (38478, -15.832, 14.0693, -0.702),
        },
    ),
}

# Four decimals, and the rounding of SST that xarray unpacks to float32 kelvin.
TOLERANCE = 1e-4

NO_POINTS = {
    # One row has a good time (8: interpolated), and neither temperature nor salinity were measured there.
    "insitu/ru07-20130824T170228_rt0.nc": ("insitu", {"thetao", "so", "uo", "vo"}),
    "wind/ascat_20211220_231800_metopb_48038_eps_o_250_3202_ovw.l2.nc4": ("wind", {"uas", "vas"}),
}

ERRORS = {
    "ice/20171002.nc": (PositionError, "concentration", "assign_coords(longitude="),
    "mask/basin_mask.nc": (NoVariableError, "basin", "standard_name"),
    "reanalysis/WOA_2018_quarterDeg_coarsened.nc": (TimeError, "months since 1955", "assign_coords(time="),
    "reanalysis/nemo_1m_20150101-20150201_grid-T.nc": (CalendarError, "360_day", "assign_coords(time="),
    "sss/sss20140107.v2.0cap.nc": (TimeError, "sss_cap", "assign_coords(time="),
    "sss/sss_smap_1.nc": (TimeError, "row_time", "assign_coords(time="),
}


def opened(root: Path, file: str, **options):
    """A file as a user opens it: grouped ones as a tree; xarray itself refuses to decode months."""
    if "ioda" in file or "S6A" in file:
        return xr.open_datatree(root / file, **options)
    return xr.open_dataset(root / file, decode_times="WOA" not in file, **options)


def computing(*args, **kwargs):
    """A scheduler that must not run (xarray itself computes when it chunks text, so it runs before and after)."""
    raise AssertionError("computed while building")


def test_the_table_is_complete(realdata):
    files = {str(f.relative_to(realdata)) for f in realdata.glob("*/*")}
    assert files == EXPECTED.keys() | NO_POINTS.keys() | ERRORS.keys()


@pytest.mark.filterwarnings("ignore::xarray.SerializationWarning", "ignore:.*multiple fill values:UserWarning")
@pytest.mark.parametrize("file", EXPECTED)
def test_counts_and_ranges(realdata, file):
    source, count, columns = EXPECTED[file]
    points = to_points(opened(realdata, file))
    assert points.attrs["source"] == source
    assert points.sizes == {"obs": count}
    found = {name for name in points.data_vars if not name.endswith("_error")}
    assert found == columns.keys() - {"longitude", "latitude", "depth"}
    for name, (present, *figures) in columns.items():
        values = points[name].values[np.isfinite(points[name].values)]
        assert values.size == present, name
        if figures:
            assert [values.min(), values.max(), values.mean()] == pytest.approx(figures, abs=TOLERANCE), name


@pytest.mark.filterwarnings("ignore::xarray.SerializationWarning", "ignore:.*multiple fill values:UserWarning")
@pytest.mark.parametrize("file", NO_POINTS)
def test_nothing_good_is_no_error(realdata, file):
    source, names = NO_POINTS[file]
    points = to_points(opened(realdata, file))
    assert points.sizes == {"obs": 0}
    assert set(points.data_vars) == names
    assert points.attrs["source"] == source


@pytest.mark.filterwarnings("ignore::xarray.SerializationWarning", "ignore:.*multiple fill values:UserWarning")
@pytest.mark.parametrize("file", ERRORS)
def test_errors_name_what_was_seen_and_the_way_out(realdata, file):
    kind, seen, way_out = ERRORS[file]
    with pytest.raises(kind) as caught:
        to_points(opened(realdata, file))
    assert seen in str(caught.value)
    assert way_out in str(caught.value)


@pytest.mark.filterwarnings("ignore::xarray.SerializationWarning", "ignore:.*multiple fill values:UserWarning")
@pytest.mark.parametrize("file", sorted(EXPECTED))
def test_lazy_is_the_same(realdata, file):
    lazy = opened(realdata, file, chunks={})
    if isinstance(lazy, xr.Dataset):
        lazy = lazy.chunk({d: max(1, s // 2) for d, s in lazy.sizes.items() if s > 7})
    with dask.config.set(scheduler=computing):
        built = to_points(lazy)
    assert any(v.chunks for v in built.variables.values())
    computed = built.compute()
    present = computed.isel(obs=np.isfinite(computed.longitude.values))
    columns = ["time", "depth", "latitude", "longitude", *present.data_vars]

    def in_order(points):
        return points.isel(obs=np.lexsort([points[name].values.astype("f8") for name in columns]))

    xr.testing.assert_identical(in_order(present), in_order(to_points(opened(realdata, file))))


def test_the_ways_out_work(realdata):
    when = np.datetime64("2015-01-16", "ns")
    nemo = to_points(opened(realdata, "reanalysis/nemo_1m_20150101-20150201_grid-T.nc").assign_coords(time=when))
    assert nemo.sizes["obs"] > 50_000
    assert np.all(nemo.time == when)
    aquarius = to_points(opened(realdata, "sss/sss20140107.v2.0cap.nc").assign_coords(time=when))
    assert 20_000 < aquarius.sizes["obs"] < 64_800
    assert aquarius.so.min() >= 0  # fill -9999 behind a misspelt attribute
    smap = opened(realdata, "sss/sss_smap_1.nc").assign_coords(time=("phony_dim_1", np.full(20, when)))
    assert {"so", "so_error"} == set(to_points(smap, qc="all").data_vars)
    ice = opened(realdata, "ice/20171002.nc")
    lon, lat = np.meshgrid(np.linspace(-180, 179, ice.sizes["ni"]), np.linspace(-80, -50, ice.sizes["nj"]))
    placed = to_points(ice.assign_coords(longitude=(("nj", "ni"), lon), latitude=(("nj", "ni"), lat)))
    assert placed.siconc.max() == 1.0
    woa = opened(realdata, "reanalysis/WOA_2018_quarterDeg_coarsened.nc")
    woa = woa[["s_an"]].assign_coords(time=np.arange("2018-01", "2019-01", dtype="M8[M]").astype("M8[ns]"))
    assert to_points(woa).so.notnull().all()


def test_potential_temperature_of_a_real_cast(realdata):
    # Bottle file: its own potential temperature against the one made from its CTD temperature and salinity.
    bottle = opened(realdata, "insitu/cchdo_docs_examples_test.nc")
    given = to_points(bottle, "thetao").thetao.values
    made = to_points(bottle.drop_vars("potential_temperature_c"), "thetao").thetao.values
    assert given.size == made.size
    np.testing.assert_allclose(made, given, atol=2e-3)


def test_buoy_and_analysis_agree(realdata):
    buoy = to_points(opened(realdata, "insitu/IR_201511_TS_MO_61198.nc"), "thetao")
    first = buoy.isel(obs=buoy.time.values < np.datetime64("2015-11-02"))
    assert first.thetao.mean().item() == pytest.approx(21.34, abs=0.02)
    assert set(first.depth.values) == {3.0}
