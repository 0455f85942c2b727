"""Analyses beside a truth or observations: on one set of axes, and scored."""

from adaf_xr.inference.comparison.at_points import along_track as along_track
from adaf_xr.inference.comparison.at_points import sampled as sampled
from adaf_xr.inference.comparison.at_points import span_of as span_of
from adaf_xr.inference.comparison.error_maps import error_maps as error_maps
from adaf_xr.inference.comparison.levels import uppermost as uppermost
from adaf_xr.inference.comparison.matching import BACKGROUND as BACKGROUND
from adaf_xr.inference.comparison.matching import CLIMATOLOGY as CLIMATOLOGY
from adaf_xr.inference.comparison.matching import Matched as Matched
from adaf_xr.inference.comparison.matching import everywhere as everywhere
from adaf_xr.inference.comparison.matching import match as match
from adaf_xr.inference.comparison.paper import paper_sheet as paper_sheet
from adaf_xr.inference.comparison.scoring import Comparison as Comparison
from adaf_xr.inference.comparison.scoring import calc_metrics_of as calc_metrics_of
from adaf_xr.inference.comparison.scoring import compare as compare
from adaf_xr.inference.comparison.scoring import compare_at_points as compare_at_points
from adaf_xr.inference.comparison.sheet import Sheet as Sheet
from adaf_xr.inference.comparison.sheet import joined as joined
from adaf_xr.inference.comparison.spectra import spectra as spectra
from adaf_xr.inference.comparison.usual import climatology_of as climatology_of
