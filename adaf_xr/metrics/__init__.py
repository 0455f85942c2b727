"""Scores of fields against a truth: datasets in, datasets out, lazily."""

from adaf_xr.metrics.calc_metrics import calc_metrics as calc_metrics
from adaf_xr.metrics.scorecard import scorecard as scorecard
from adaf_xr.metrics.scores import bias as bias
from adaf_xr.metrics.scores import correlation as correlation
from adaf_xr.metrics.scores import mae as mae
from adaf_xr.metrics.scores import rmse as rmse
from adaf_xr.metrics.table import score_table as score_table
