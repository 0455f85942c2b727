"""ADAF-Ocean as this package has it: any points, calibrated increments, 0.25 degrees from 1 degree.

The contract is that of the published network (:mod:`adaf_xr.models.cnp`): observations of many sources, each as it
comes, correct a background, at any place. The way is another one: innovations are summed over cells, so that the order
of points, their number and how they are chunked do not matter; convolutions on tokens work on the sphere's lattice of
1 degree; a light stage beside it refines to 0.25 degrees.
"""
