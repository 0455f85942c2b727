"""Analyses beside a truth: on one set of axes, and scored."""

from adaf_xr.inference.comparison.matching import Matched as Matched
from adaf_xr.inference.comparison.matching import match as match
