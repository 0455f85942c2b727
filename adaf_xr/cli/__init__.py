"""The command line: opens what is named, calls the package, writes the result and says where it is."""

from adaf_xr.cli.commands import app as app
