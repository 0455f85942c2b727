"""The documentation keeps its word: its python runs, its commands and modules exist."""

import re
import warnings
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [
    "README.md",
    "docs/quickstart.md",
    *sorted(f"docs/how_to/{p.name}" for p in (REPOSITORY / "docs/how_to").glob("*.md")),
]
BLOCK = re.compile(r"^```(?P<language>\w+)(?P<option> no-run)?\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[tuple[int, str]]:
    """Line number and text of the code blocks of a page that are meant to run."""
    text = (REPOSITORY / page).read_text()
    return [
        (text.count("\n", 0, match.start()) + 2, match["code"])
        for match in BLOCK.finditer(text)
        if match["language"] == language and not match["option"]
    ]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_the_python_of_a_page_runs_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    namespace: dict = {}
    with warnings.catch_warnings():
        # What a reader sees must be free of warnings, but for zarr's about metadata that xarray always consolidates.
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        for line, code in blocks(page, "python"):
            exec(compile("\n" * (line - 1) + code, page, "exec"), namespace)


def test_the_quickstarts_have_something_to_run():
    assert blocks("README.md", "python")
    assert blocks("docs/quickstart.md", "python")


def test_the_readme_names_commands_that_exist():
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", (REPOSITORY / "README.md").read_text()))
    assert {"demo", "test"} <= named <= targets


def test_every_module_is_on_an_api_page():
    package = REPOSITORY / "adaf_xr"
    pages = "\n".join(page.read_text() for page in (REPOSITORY / "docs" / "api").glob("*.md"))
    documented = set(re.findall(r"automodule:: (adaf_xr[\w.]*)", pages))
    public = [p for p in package.rglob("*.py") if not p.stem.startswith("_")]
    modules = {".".join(("adaf_xr", *p.relative_to(package).with_suffix("").parts)) for p in public}
    # The command line is documented by its own help.
    assert {name for name in modules - documented if not name.startswith("adaf_xr.cli.")} == set()


def test_every_measurement_is_named_and_every_name_is_a_script():
    page = (REPOSITORY / "docs" / "measurements.md").read_text()
    named = set(re.findall(r"`python (tests/benchmarks/\w+\.py)`", page))
    files = (REPOSITORY / "tests" / "benchmarks").glob("*.py")
    scripts = {p.relative_to(REPOSITORY).as_posix() for p in files if 'if __name__ == "__main__":' in p.read_text()}
    assert named == scripts
