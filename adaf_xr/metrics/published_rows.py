"""The table of the 4DVarNet paper, to stand beside scores of :func:`adaf_xr.metrics.paper_scores`.

Of NATL60, a model of 1/60 degree, over the Gulf Stream: 33-43 N, 65-55 W on cells of 0.05 degrees, 2012-10-22 to
2012-12-02, seen by four nadir altimeters and SWOT without errors, and by temperature without gaps. Scores of another
sea, grid or period are of another difficulty.

References
----------
Fablet, R., and others (2024). Inversion of sea surface currents from satellite-derived SST-SSH synergies with
4DVarNets. Journal of Advances in Modeling Earth Systems 16, e2023MS003609.
"""

from __future__ import annotations

COLUMNS = (
    "test_lambda_x_u",
    "test_lambda_x_v",
    "test_lambda_t_u",
    "test_lambda_t_v",
    "test_var_mse_uv",
    "test_var_mse_curl",
    "test_var_mse_div",
    "test_var_mse_strain",
)
"""The eight scores of the paper: [degrees], [days] and [percent], twice each and four times."""

_VALUES = {
    "true-SSH geostrophy": (0.36, 0.17, 19.6, 11.2, 97.0, 96.3, -1.0, 92.1),
    "OI geostrophy (DUACS)": (1.72, 1.24, 12.6, 11.6, 83.7, 53.5, -0.5, 24.8),
    "unet-ssh": (1.39, 1.22, 9.1, 10.3, 89.1, 72.3, -3.0, 65.0),
    "unet-ssh-sst": (1.33, 0.90, 4.0, 4.2, 92.6, 79.4, 19.5, 72.0),
    "4dvarnet-ssh": (0.9, 0.7, 4.3, 5.6, 94.0, 86.1, 12.1, 81.3),
    "4dvarnet-ssh-sst": (0.76, 0.61, 2.7, 2.5, 97.4, 92.1, 46.9, 87.2),
}

PUBLISHED_ROWS: dict[str, dict[str, float]] = {
    name: dict(zip(COLUMNS, values, strict=True)) for name, values in _VALUES.items()
}
"""Published scores by method and name."""
