"""``python -m adaf_xr.cli``."""

from adaf_xr.cli import app

app(prog_name="adaf")
