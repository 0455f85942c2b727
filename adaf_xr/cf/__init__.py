"""Names, units and quality flags: tables, not ifs."""
