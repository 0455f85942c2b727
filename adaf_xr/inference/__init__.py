"""Models at work on labelled data: lazily, chunk by chunk, on dask."""

from adaf_xr.inference.assimilation import assimilate as assimilate
from adaf_xr.inference.departures import innovations as innovations
from adaf_xr.inference.upsampling import upsample as upsample
