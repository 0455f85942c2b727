"""A sample in the folder layout of the published ADAF-Ocean data, of a simulated ocean: every source of it, by date.

==================================== =================================================================================
folder                               files
==================================== =================================================================================
``forecast_bg/YYYYMMDD.nc``          ``seq_pred[lead, variable, lat, lon]``: T, S, U, V, SSH of the days from the date
``glorys/YYYY/YYYYMMDD.h5``          ``T``, ``S``, ``U``, ``V`` on 23 levels and ``SSH``: the truth
``insitu/YYYYMMDD.csv``              ``lat, lon, depth, temp, sal``: profiles, and drifters, which have no salinity
``mask/...glorys_23_181_360.nc``     1 where there is water, on the levels of the truth
``SST``, ``SSS``                     two files a day: of the night and of the day; of ascending and descending passes
``SSH``, ``SSW``, ``SIC``            one file a day: anomalies along tracks, wind, ice, each put on its grid
==================================== =================================================================================

Fields lie on whole degrees, latitude from -90, longitude from 0. The ocean is a :class:`~adaf_xr.osse.GlobalRun` of
coarse eddies; it describes no real one. The published data are at doi 10.5281/zenodo.17543316.
"""

from adaf_xr.osse.published_layout.sample import write as write

__all__ = ["write"]
