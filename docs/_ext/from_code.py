"""Parts of the documentation that are parts of the code, so that there is no second copy.

``{code-table} NAME`` prints one of `TABLES`, ``{cli-help} COMMAND`` what ``adaf COMMAND --help`` prints. References to
re-exported names are led to where the object is defined.
"""

from collections.abc import Callable, Iterable
from importlib import import_module

from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from typer.testing import CliRunner

from adaf_xr.catalog import list_catalogs
from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.cf.flags import FILE_FLAGS, QUALITY_LEVEL, WIND_VECTOR_CELL_BITS
from adaf_xr.cf.names import CHAINS, NAMES, STANDARD_NAMES
from adaf_xr.cf.units import UNITS
from adaf_xr.cli import app as adaf
from adaf_xr.models.scales import SCALES

Row = Iterable[object]


def variables() -> tuple[Row, list[Row]]:
    """Canonical variables, their units, names and limits."""
    head = ("name", "unit", "standard_name", "limits: outside is missing")
    rows = [
        (f"`{v.name}`", v.units, f"`{v.standard_name}`", "{:g} to {:g}".format(*v.limits)) for v in VARIABLES.values()
    ]
    return head, rows


def names() -> tuple[Row, list[Row]]:
    """What each quantity is called in files, most preferred first."""
    rows = []
    for canonical in VARIABLES:
        declared = [name for name, term in STANDARD_NAMES.items() if term.name == canonical]
        exact = sorted((name for name, term in NAMES.items() if term.name == canonical), key=lambda n: NAMES[n].rank)
        rows.append((f"`{canonical}`", code(declared), code(exact)))
    return ("quantity", "standard_name", "exact name, any case"), rows


def preferences() -> tuple[Row, list[Row]]:
    """Names that may occur side by side."""
    return ("where these occur on the same dimensions, the first is taken",), [(code(chain),) for chain in CHAINS]


def units() -> tuple[Row, list[Row]]:
    """Units that are known, by the quantities that share them."""
    shared: dict[tuple[str, ...], list[str]] = {}
    for quantity, table in UNITS.items():
        shared.setdefault(tuple(table), []).append(quantity)
    rows = [(code(quantities), code(spellings)) for spellings, quantities in shared.items()]
    return ("quantity", "units, as they are compared"), rows


def flags() -> tuple[Row, list[Row]]:
    """Flags of whole products."""
    words = {
        "codes": "is {}",
        "at least": "is at least {}",
        "at most": "is at most {}",
        "no bits": "has none of the bits {}",
    }
    rows = []
    for flag in (QUALITY_LEVEL, *FILE_FLAGS):
        kept = "has none of the reasons below"
        if flag.kept is not None:
            value = flag.kept.value
            kept = words[flag.kept.rule].format(", ".join(map(str, value)) if isinstance(value, tuple) else value)
        rows.append((code(flag.names), code(sorted(flag.quantities)), kept))
    return ("flag", "of", "kept where it"), rows


def wind_bits() -> tuple[Row, list[Row]]:
    """Reasons against a wind."""
    return ("reason to reject a scatterometer's wind",), [(code([reason]),) for reason in WIND_VECTOR_CELL_BITS]


def scales() -> tuple[Row, list[Row]]:
    """What optimal interpolation assumes of each variable."""
    head = ("variable", "length, km", "time, days", "vertical, m", "background error", "representativeness", "error")
    rows = []
    for name, s in SCALES.items():
        errors = [f"{s.error:g}", *(f"{source} {error:g}" for source, error in s.source_error.items())]
        numbers = (s.length, s.time, s.vertical, s.std, s.representativeness)
        rows.append((f"`{name}`, {VARIABLES[name].units}", *(f"{n:g}" for n in numbers), ", ".join(errors)))
    return head, rows


def catalogs() -> tuple[Row, list[Row]]:
    """Shipped catalogs."""
    return ("catalog", "sources", "description"), [tuple(row.values()) for row in list_catalogs()]


def code(words: Iterable[str]) -> str:
    """Words as code, in a row."""
    return ", ".join(f"`{word}`" for word in words)


TABLES: dict[str, Callable[[], tuple[Row, list[Row]]]] = {
    "variables": variables,
    "names": names,
    "preferences": preferences,
    "units": units,
    "flags": flags,
    "wind-bits": wind_bits,
    "scales": scales,
    "catalogs": catalogs,
}


def markdown(head: Row, rows: Iterable[Row]) -> str:
    """A pipe table."""
    lines = [head, ["---" for _ in head], *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", r"\|") for cell in line) + " |" for line in lines)


class CodeTable(SphinxDirective):
    """``{code-table} NAME``: one of `TABLES`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse the table where the directive stands."""
        return self.parse_text_to_nodes(markdown(*TABLES[self.arguments[0]]()))


class CliHelp(SphinxDirective):
    """``{cli-help} COMMAND``: its help, as a terminal of 100 columns shows it; without a command, that of ``adaf``."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Ask the command line itself."""
        terminal = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
        text = CliRunner().invoke(adaf, [*self.arguments, "--help"], env=terminal, prog_name="adaf").output
        return [nodes.literal_block(text, text, language="text")]


def resolve_shorthand(app, env, node, contnode):
    """Let a name that is re-exported, such as ``adaf_xr.assimilate``, lead to where it is documented."""
    module, _, name = node.get("reftarget", "").rpartition(".")
    if not module.startswith("adaf_xr"):
        return None
    try:
        found = getattr(import_module(module), name)
        home = f"{found.__module__}.{found.__qualname__}"
    except (ImportError, AttributeError):
        return None
    python = env.domains["py"]
    return python.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], home, node, contnode)


def setup(app):
    """Register with Sphinx."""
    app.connect("missing-reference", resolve_shorthand)
    app.add_directive("code-table", CodeTable)
    app.add_directive("cli-help", CliHelp)
    return {"parallel_read_safe": True}
