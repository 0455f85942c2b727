"""Scores of fields against a truth: datasets in, datasets out, lazily."""

from adaf_xr.metrics.adaf_ocean import calc_metrics as calc_metrics
from adaf_xr.metrics.card import scorecard as scorecard
from adaf_xr.metrics.challenge import lambda_x_t as lambda_x_t
from adaf_xr.metrics.challenge import mu_sigma as mu_sigma
from adaf_xr.metrics.climatology import day_of_year_mean as day_of_year_mean
from adaf_xr.metrics.ensemble import coverage as coverage
from adaf_xr.metrics.ensemble import crps as crps
from adaf_xr.metrics.ensemble import spread_skill as spread_skill
from adaf_xr.metrics.improvement import improved as improved
from adaf_xr.metrics.scores import acc as acc
from adaf_xr.metrics.scores import bias as bias
from adaf_xr.metrics.scores import correlation as correlation
from adaf_xr.metrics.scores import from_sums as from_sums
from adaf_xr.metrics.scores import mae as mae
from adaf_xr.metrics.scores import rmse as rmse
from adaf_xr.metrics.significance import block_bootstrap as block_bootstrap
from adaf_xr.metrics.spectra import psd as psd
from adaf_xr.metrics.spectra import psd_score as psd_score
from adaf_xr.metrics.statistics import sums as sums
from adaf_xr.metrics.table import score_table as score_table
