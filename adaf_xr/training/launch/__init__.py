"""Functions run as the ranks of a job: in this process, under torchrun, or on the workers of a dask cluster."""

from adaf_xr.training.launch.errors import RankFailedError as RankFailedError
from adaf_xr.training.launch.launching import launch as launch
