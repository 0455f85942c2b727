"""What is shipped: the wheel's contents, its metadata and its version."""

import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import adaf_xr

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


@pytest.fixture(scope="module")
def metadata(wheel) -> Message:
    (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_the_wheel_holds_every_file_of_the_package_and_every_catalog(wheel):
    shipped = set(wheel.namelist())
    sources = {p.relative_to(REPOSITORY).as_posix() for p in (REPOSITORY / "adaf_xr").rglob("*.py")}
    catalogs = {f"adaf_xr/catalogs/{p.name}" for p in (REPOSITORY / "catalogs").glob("*.yaml")}
    weights = {p.relative_to(REPOSITORY).as_posix() for p in (REPOSITORY / "adaf_xr" / "weights").glob("*.safetensors")}
    assert weights, "the default models come with their weights"
    assert sources | catalogs | weights | {"adaf_xr/py.typed"} <= shipped


def test_the_wheel_holds_nothing_else_but_small_data(wheel):
    for info in wheel.infolist():
        assert info.filename.split("/")[0] == "adaf_xr" or ".dist-info/" in info.filename
        limit = 12_000_000 if info.filename.startswith("adaf_xr/weights/") else 1_000_000
        assert info.file_size < limit, f"{info.filename}: data of this size are downloaded, not shipped"


def test_the_metadata_say_what_the_package_says(metadata):
    assert metadata["Version"] == adaf_xr.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_base_installation_is_enough_to_assimilate(metadata):
    base = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    names = {line.split(";")[0].split(">")[0].split("[")[0].split("<")[0].strip() for line in base}
    assert {"xarray", "dask", "zarr", "torch", "intake", "gsw", "typer", "rich", "pydantic"} <= names
    # Plots, cloud clients and tests are the user's choice.
    assert not {"matplotlib", "s3fs", "copernicusmarine", "argopy", "pytest"} & names


def test_the_command_line_is_installed(wheel):
    (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/entry_points.txt"))
    assert "adaf = adaf_xr.cli:app" in wheel.read(name).decode()


@pytest.mark.parametrize("name", ["metrics.rmse", "osse.simulate", "assimilate", "open_source"])
def test_what_the_readme_names_can_be_reached_from_the_package_alone(name):
    program = f"import adaf_xr; assert callable(adaf_xr.{name})"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert name.split(".")[0] in dir(adaf_xr)
