"""All scores of the 4DVarNet paper at once, under the names of its repository."""

from __future__ import annotations

from typing import Literal

import xarray as xr

from adaf_xr.metrics.challenge import lambda_x_t, mu_sigma
from adaf_xr.metrics.currents import tau, tau_from_ssh
from adaf_xr.metrics.resolution import effective_resolution

NAMES = {"uv": "uv", "vorticity": "curl", "divergence": "div", "strain": "strain"}
"""What the repository calls the quantities of :func:`adaf_xr.metrics.tau`."""

DEGREE = 100.0
"""Length of a degree [km] as the repository has it."""


def paper_scores(
    u: xr.DataArray,
    v: xr.DataArray,
    ssh: xr.DataArray,
    u_ref: xr.DataArray,
    v_ref: xr.DataArray,
    ssh_ref: xr.DataArray,
    *,
    path: Literal["first", "all"] = "first",
    smoothed: float | None = None,
) -> dict[str, float]:
    """Scores of currents and sea surface height as published with 4DVarNet.

    Parameters
    ----------
    u, v, ssh : DataArray
        Reconstruction, with `time`, `latitude` and `longitude`: daily maps of an evaluation box (published: 43 days of
        200 by 200 pixels).
    u_ref, v_ref, ssh_ref : DataArray
        Reference, on the same grid.
    path : {"first", "all"}
        As for :func:`adaf_xr.metrics.lambda_x_t`.
    smoothed : float, optional
        For currents that are the geostrophic ones of `ssh`: the last four scores are those of
        :func:`adaf_xr.metrics.tau_from_ssh`, for which the height is smoothed by a Gaussian of this width [cells and
        days] (published, on cells of 0.05 degrees: 1 for the truth, 4 for an optimal interpolation).

    Returns
    -------
    dict of float
        ``test_mu``, ``test_sigma`` (definition 2020a); ``test_lambda_x`` [degrees] and ``test_lambda_t`` [days] of the
        height, and of the currents with the endings ``_u`` and ``_v``; ``test_spatial_res`` [km] of the height, with
        100 km to the degree; ``test_var_mse_uv``, ``_curl``, ``_div`` and ``_strain`` [percent], of
        :func:`adaf_xr.metrics.tau` with the filter of the paper. This computes.

    Raises
    ------
    ValueError
        As these scores do.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> time = np.datetime64("2012-10-22", "ns") + np.arange(7) * np.timedelta64(1, "D")
    >>> axes = {"time": time, "latitude": 33.0 + 0.1 * np.arange(12.0), "longitude": 0.1 * np.arange(12.0)}
    >>> u, v, ssh = (xr.DataArray(rng.normal(size=(7, 12, 12)), axes, list(axes)) for _ in range(3))
    >>> scores = paper_scores(0.9 * u, 0.9 * v, 0.9 * ssh, u, v, ssh)
    >>> round(scores["test_mu"], 10), round(scores["test_var_mse_uv"], 10)
    (0.9, 99.0)
    """
    mu, sigma = mu_sigma(ssh, ssh_ref, definition="2020a")
    scores = {"test_mu": mu, "test_sigma": sigma}
    for ending, pair in {"": (ssh, ssh_ref), "_u": (u, u_ref), "_v": (v, v_ref)}.items():
        lengths = lambda_x_t(*pair, path=path)
        scores |= dict(zip((f"test_lambda_x{ending}", f"test_lambda_t{ending}"), lengths, strict=True))
    scores["test_spatial_res"] = effective_resolution(ssh, ssh_ref, kilometres_per_degree=DEGREE)
    if smoothed is None:
        explained = tau(u, v, u_ref, v_ref, filter="paper").compute()
    else:
        explained = tau_from_ssh(ssh, u_ref, v_ref, filter="paper", sigma=smoothed).compute()
    return scores | {f"test_var_mse_{name}": float(explained[ours]) for ours, name in NAMES.items()}
