"""The data of the 4DVarNet paper in a folder, as material: NATL60, simulated altimetry of it, and an interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from adaf_xr.training import Material

CATALOG = "natl60"

PATHS = {
    "obs": "data/gridded_data_swot_wocorr/dataset_nadir_0d_swot.nc",
    "oi": "oi/ssh_NATL60_swot_4nadir.nc",
    "ref": "ref",
}
"""Parameters of the catalog, and where their files lie as published, below the folder NATL."""

PERIODS = {
    "train": ("2013-02-04", "2013-09-30"),
    "validation": ("2013-01-01", "2013-02-04"),
    "test": ("2012-10-22", "2012-12-04"),
}
"""Of the paper, half-open."""


def root_of(folder: Path) -> Path | None:
    """The folder NATL, given itself or the one around it; None where there is none."""
    return next((root for root in (folder, folder / "NATL") if all((root / p).exists() for p in PATHS.values())), None)


def material_of(root: Path) -> Material:
    """All of it, lazily.

    Parameters
    ----------
    root : Path
        Of :func:`root_of`.
    """
    import xarray as xr

    from adaf_xr.catalog import open_source
    from adaf_xr.cli.training_data import periods_of
    from adaf_xr.training import Material

    paths = {name: str((root / path).absolute()) for name, path in PATHS.items()}
    opened = [open_source(CATALOG, f"ref_{name}", ref=paths["ref"]) for name in ("ssh", "sst", "u", "v")]
    truth = xr.merge([part for part in opened if isinstance(part, xr.Dataset)], join="inner")
    background = open_source(CATALOG, "oi", oi=paths["oi"])
    assert isinstance(background, xr.Dataset)
    periods = periods_of([f"{name}={start},{stop}" for name, (start, stop) in PERIODS.items()])
    provenance = {"catalog": CATALOG, "root": str(root.absolute())}
    return Material(truth, background, Altimetry(paths["obs"]), periods, provenance)


@dataclass(frozen=True)
class Altimetry:
    """Simulated altimetry of NATL60, which is gridded already; it travels to workers as its path.

    Attributes
    ----------
    path : str
        The file.
    """

    path: str

    def __call__(self, time: Any, window: Any) -> xr.DataTree:
        """What was seen around analysis times."""
        from adaf_xr.catalog import open_observations

        return open_observations(CATALOG, time=time, window=window, obs=self.path)
