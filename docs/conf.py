"""Sphinx configuration. The build is strict: `make docs` turns every warning into an error."""

import sys
from pathlib import Path

import adaf_xr

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "adaf_xr"
author = "The adaf_xr developers"
copyright = "The adaf_xr developers, Apache-2.0"
version = release = adaf_xr.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "from_code"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"adaf_xr {release}"
html_static_path = ["_static"]

myst_enable_extensions = ["deflist", "dollarmath", "fieldlist", "colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # a property is described once, by itself

# Cross-references to our own names must resolve. Types of parameters are prose ("array (n,)") or other packages'
# classes, whose inventories a build without a network cannot read.
nitpicky = True
nitpick_ignore_regex = [(r"py:(class|obj)", r"(?!adaf_xr\.).*"), (r"py:.*", r"(?!adaf_xr).*")]
# Two rooms may each have their own `Part`; a type in prose need not say which.
suppress_warnings = ["ref.python"]
