"""Engines: arrays in, arrays out. Siblings that do not import one another."""
