"""Training of super-resolution: pairs of fields and their means over coarse cells, from real and simulated fields."""
