"""Training of the depth stage of adaf-ocean, beside a surface network that is trained already."""
