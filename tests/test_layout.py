"""The import rules of docs/design.md, executed: imports point down, rooms know only the libraries of their trade."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "adaf_xr"

FLOORS = (
    {"_version", "atomic", "sphere", "kinematics", "grids", "seawater"},
    {"cf", "lattice", "instants", "cell_means"},
    {"points", "fields", "ocean_mask", "normalisation", "checkpoint"},
    {"models", "metrics", "osse", "plotting"},
    {"inference", "training", "catalog"},
    {"accessor", "cli"},
)
"""Rooms by floor, lowest first. An import points to a lower floor, never sideways, never up."""

FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

DOOR = "__init__"
"""`adaf_xr/__init__.py`: opens every room but the command line to users; no room goes out through it."""

ARITHMETIC = {"xarray", "dask", "torch", "intake", "matplotlib"}
STRANGERS = {
    "atomic": ARITHMETIC,
    "sphere": ARITHMETIC,
    "kinematics": ARITHMETIC,
    "grids": ARITHMETIC,
    "seawater": ARITHMETIC,
    "lattice": ARITHMETIC,
    "instants": {"dask", "torch", "intake", "matplotlib"},
    "cell_means": ARITHMETIC,
    "cf": {"torch", "intake", "matplotlib"},
    "points": {"torch", "intake", "matplotlib"},
    "fields": {"torch", "intake", "matplotlib"},
    "ocean_mask": {"torch", "intake", "matplotlib"},
    "normalisation": ARITHMETIC,
    "checkpoint": ARITHMETIC,
    "models": {"xarray", "cf_xarray", "dask", "distributed", "intake", "matplotlib"},
    "metrics": {"torch", "intake", "matplotlib"},
    "osse": {"intake", "matplotlib"},
    "plotting": {"torch", "intake"},
    "inference": {"intake", "matplotlib"},
    "training": {"intake", "matplotlib"},
    "catalog": {"torch", "matplotlib"},
    "accessor": {"torch", "matplotlib", "intake"},
    "cli": {"torch", "matplotlib", "intake"},
}
"""Libraries a room must not know, not even inside a function."""

HEAVY = {"torch", "matplotlib", "intake", "distributed"}
"""Libraries that `import adaf_xr` must not load."""

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(file: Path) -> str:
    """First part of the path below the package, without its suffix."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    """Absolute dotted names that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from adaf_xr import cf` names a room in its second half.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sins(room: str, source: str) -> list[str]:
    """What the house rules have against a source file of a room."""
    tree = ast.parse(source)
    found = [
        f"line {node.lineno}: {'relative' if node.level else 'star'} import"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.level or any(alias.name == "*" for alias in node.names))
    ]
    for name in imported(tree):
        top, *rest = name.split(".")
        if top in STRANGERS.get(room, set()):
            found.append(f"{room} must not know {top}")
        if top != "adaf_xr":
            continue
        other = rest[0] if rest and rest[0] in FLOOR else DOOR
        if other == room:
            continue
        if room == DOOR:
            found += [f"the door must not open {other}"] if other == "cli" else []
        elif other == DOOR:
            found.append(f"{room} imports {name}, which is no room: import the room that defines it")
        elif FLOOR[other] >= FLOOR[room]:
            found.append(f"{room} (floor {FLOOR[room]}) imports {other} (floor {FLOOR[other]}), which is not below it")
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_every_file_keeps_the_house_rules(file):
    room = room_of(file)
    assert room in FLOOR or room == DOOR, f"{room!r} is a new room: place it on a floor of FLOORS and in docs/design.md"
    assert file.stem != "utils", "name a file for the one reason it exists"
    assert not sins(room, file.read_text())


@pytest.mark.parametrize(
    ("room", "source", "sin"),
    [
        ("sphere", "from adaf_xr.cf import canonical", "not below it"),
        ("metrics", "import adaf_xr.plotting", "not below it"),
        ("points", "def late():\n    from adaf_xr import inference", "not below it"),
        ("inference", "from adaf_xr.accessor import Adaf", "not below it"),
        ("osse", "from adaf_xr import open_source", "no room"),
        ("models", "def late():\n    import xarray as xr", "must not know xarray"),
        ("metrics", "from torch.nn import functional", "must not know torch"),
        ("cf", "from .canonical import VARIABLES", "relative"),
        ("cf", "from numpy import *", "star"),
        (DOOR, "from adaf_xr.cli import app", "door"),
    ],
)
def test_a_bad_import_is_caught(room, source, sin):
    assert any(sin in found for found in sins(room, source))


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("models", "from adaf_xr.points.arrays import Points"),
        ("models", "def late():\n    import torch"),
        ("points", "from adaf_xr.points import arrays\nfrom adaf_xr import sphere"),
        (DOOR, "from adaf_xr.accessor import Adaf"),
    ],
)
def test_a_good_import_passes(room, source):
    assert sins(room, source) == []


def test_importing_the_package_loads_nothing_heavy():
    program = "import sys, adaf_xr; print(*(name for name in sys.modules if '.' not in name))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "adaf_xr" in loaded
    assert not HEAVY & set(loaded)


def test_the_picture_in_the_design_shows_the_rooms_and_their_floors():
    picture = (PACKAGE.parent / "docs" / "_static" / "floors.svg").read_text()
    drawn = [set(re.findall(r'class="name"[^>]*>(\w+)<', group)) for group in picture.split("<g ")[1:]]
    rooms = {room_of(file) for file in FILES} - {DOOR, "_version"}
    assert list(reversed(drawn)) == [floor & rooms for floor in FLOORS]
