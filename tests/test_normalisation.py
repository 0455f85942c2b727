"""Normalisations: there and back is nothing, bounds become -1 and 1, and every kind of array passes."""

import json

import dask.array as da
import numpy as np
import numpy.testing as npt
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from adaf_xr.normalisation import Affine, minmax, standard

numbers = st.floats(-1e6, 1e6)
widths = st.floats(1e-3, 1e6)
KINDS = {
    "numpy": np.asarray,
    "dask": lambda x: da.from_array(x, chunks=2),
    "torch": torch.as_tensor,
    "xarray": lambda x: xr.DataArray(x, dims="n"),
}


@given(numbers, widths, st.lists(numbers, min_size=1, max_size=9))
def test_there_and_back_is_nothing_and_it_keeps_order(offset, scale, values):
    affine, x = Affine(offset, scale), np.sort(values)
    npt.assert_allclose(affine.backward(affine.forward(x)), x, rtol=1e-9, atol=1e-9 * (abs(offset) + scale))
    npt.assert_allclose(affine.forward(affine.backward(x)), x, atol=1e-9 * (abs(offset) / scale + 1), rtol=1e-9)
    assert (np.diff(affine.forward(x)) >= 0).all()


@given(numbers, widths)
def test_the_bounds_of_a_range_become_minus_one_and_one(low, width):
    affine = minmax(low, low + width)
    tolerance = 1e-12 * (1 + abs(low) / width)
    npt.assert_allclose(affine.forward(np.array([low, low + width / 2, low + width])), [-1, 0, 1], atol=tolerance)


def test_mean_and_deviation_become_nought_and_one():
    x = np.random.default_rng(0).normal(35.0, 0.2, 1000)
    z = standard(x.mean(), x.std()).forward(x)
    npt.assert_allclose([z.mean(), z.std()], [0, 1], atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_kind_of_array_keeps_its_kind_and_its_precision(kind, dtype):
    plain = np.linspace(-3, 36, 5).astype(dtype)
    x = KINDS[kind](plain)
    affine = minmax(-3.0, 36.0)
    for done, expected in ((affine.forward(x), np.linspace(-1, 1, 5)), (affine.backward(affine.forward(x)), plain)):
        assert type(done) is type(x)
        assert done.dtype == x.dtype
        npt.assert_allclose(np.asarray(done), expected, rtol=1e-6, atol=1e-6)


def test_missing_stays_missing():
    npt.assert_array_equal(minmax(0, 2).forward(np.array([np.nan, 1.0])), [np.nan, 0.0])


@given(numbers, widths)
def test_json_brings_back_the_same_numbers(offset, scale):
    affine = Affine(offset, scale)
    assert Affine.from_dict(json.loads(json.dumps(affine.as_dict()))) == affine
    assert Affine(np.float64(offset), np.float64(scale)) == affine


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: minmax(1.0, 1.0), "the range from 1.0 to 1.0 is empty"),
        (lambda: minmax(2.0, 1.0), "is empty: give the lower bound first"),
        (lambda: minmax(np.nan, 1.0), "is empty"),
        (lambda: minmax(-np.inf, 1.0), "needs finite numbers"),
        (lambda: standard(0.0, 0.0), "scale=0.0 is not above 0"),
        (lambda: standard(0.0, -1.0), "scale=-1.0 is not above 0"),
        (lambda: standard(np.nan, 1.0), "needs finite numbers"),
        (lambda: Affine.from_dict({"offset": 1.0, "std": 2.0}), r"this one \['offset', 'std'\]"),
    ],
)
def test_what_cannot_normalise_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
