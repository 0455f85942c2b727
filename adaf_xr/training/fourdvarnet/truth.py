"""What a network is given of a batch, and what its answer is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from adaf_xr.models.fourdvarnet import Configuration, Window


@dataclass(frozen=True, eq=False)
class Truth:
    """What an estimate is compared with; without units.

    Attributes
    ----------
    ssh, u, v : Tensor (batch, days, rows, columns)
        0 on land.
    oi : Tensor, of the same shape
        The interpolated height.
    sea : bool Tensor, of the same shape
        Where all of the truth is known.
    latitude : Tensor (batch, rows)
        [degrees].
    """

    ssh: Tensor
    u: Tensor
    v: Tensor
    oi: Tensor
    sea: Tensor
    latitude: Tensor

    @classmethod
    def of(cls, batch: Any, cells: int = 1) -> Self:
        """The truth of a batch, its means over squares of cells where the network works on such."""
        fields, latitude = [batch[name] for name in ("ssh", "u", "v", "oi")], batch["latitude"]
        if cells > 1:
            fields = [functional.avg_pool2d(field, cells) for field in fields]
            latitude = functional.avg_pool1d(latitude, cells)
        *known, oi = fields
        sea = torch.stack([torch.isfinite(field) for field in known]).all(0)
        ssh, u, v = (torch.where(sea, field, 0.0) for field in known)
        return cls(ssh, u, v, oi, sea, latitude)

    def day(self, number: int) -> Self:
        """One day of the window."""
        fields = (self.ssh, self.u, self.v, self.oi, self.sea)
        ssh, u, v, oi, sea = (field[:, number : number + 1] for field in fields)
        return replace(self, ssh=ssh, u=u, v=v, oi=oi, sea=sea)

    def state(self, configuration: Configuration) -> Tensor:
        """The state that the truth would be; on land the interpolated height, at rest."""
        ssh = torch.where(self.sea, self.ssh, self.oi)
        if configuration.state == "direct":
            return ssh
        anomaly = ssh - self.oi
        return torch.cat([self.oi, anomaly, anomaly, self.u, self.v], 1)


def window_of(batch: Any, configuration: Configuration) -> Window:
    """What the network is given of a batch."""
    return Window(
        ssh=batch["observed"],
        oi=batch["oi"] if configuration.needs_oi else None,
        sst=batch["sst"] if configuration.needs_sst else None,
    )
