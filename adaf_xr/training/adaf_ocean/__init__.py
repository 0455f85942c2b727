"""Training of adaf-ocean."""
