"""Maps people would publish, with matplotlib alone: land comes from the shipped ocean mask, nothing is downloaded."""

from adaf_xr.plotting.comparisons import figure_of_comparison as figure_of_comparison
from adaf_xr.plotting.comparisons import figure_of_errors as figure_of_errors
from adaf_xr.plotting.figures import figure_of_analysis as figure_of_analysis
from adaf_xr.plotting.figures import plot_dataset as plot_dataset
from adaf_xr.plotting.files import save as save
from adaf_xr.plotting.maps import plot as plot
from adaf_xr.plotting.scorecards import plot_scorecard as plot_scorecard
from adaf_xr.plotting.spectra import plot_psd_score as plot_psd_score
from adaf_xr.plotting.spectra import plot_spectra as plot_spectra
