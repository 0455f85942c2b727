"""Training of the published ADAF-Ocean network: its days, its windows, its loss."""
