"""Rows that print as a table on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


class Listing(list[dict[str, Any]]):
    """A list of rows, all with the same columns; rich prints it as a table."""

    def __rich__(self) -> Table:
        """The rows as a table."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in self[0] if self else ():
            table.add_column(column, overflow="fold")
        for row in self:
            # As text: brackets such as those of an extra are no markup.
            table.add_row(*(Text(str(value)) for value in row.values()))
        return table
