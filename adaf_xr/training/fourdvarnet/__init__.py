"""Training of 4DVarNet and of direct inversion: windows of days, the published loss, the four experiments."""
