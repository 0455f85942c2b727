"""The conversion itself: arrays of one block in, rows of points out. NumPy only.

Rows without any value are dropped first, so that everything after works on 1-D arrays of what may be an observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cf import flags, units
from adaf_xr.cf.units import COUNTS, LIMITS
from adaf_xr.points.plan import Check, Column, Measured, Plan, Question, Reading, Version
from adaf_xr.seawater import depth_from_pressure, potential_temperature, pressure_from_depth
from adaf_xr.sphere import wrap_longitude

SEA = (-5.0, 12000.0)
"""Least and greatest depth; what is negative is noise, or a sensor in the air."""
NOT_A_TIME = np.datetime64("NaT", "ns")

Rows = dict[str, NDArray]
"""Output columns, each (n,)."""


def convert(plan: Plan, arrays: Sequence[NDArray], answers: Sequence[bool], compact: bool) -> Rows:
    """Points of one block.

    Parameters
    ----------
    plan : Plan
        What to do.
    arrays : sequence of array
        The inputs, each on its own dimensions in the order of the whole.
    answers : sequence of bool
        One per question of the plan.
    compact : bool
        Whether rejected rows are left out; else the result has one row per element of the block, rejected ones missing.

    Returns
    -------
    dict
        The columns of `plan.outputs`.
    """
    block = Block(plan, arrays, answers)
    rows = _columns(plan, block)
    valid = _valid(plan, rows)
    if compact:
        return rows if valid.all() else {name: values[valid] for name, values in rows.items()}
    where = np.flatnonzero(block.kept)[valid]
    return {name: _scattered(values[valid], where, block.kept.size) for name, values in rows.items()}


def count(question: Question, values: NDArray) -> int:
    """What one block says to a question: counts that add up over the blocks."""
    if question.kind in COUNTS:
        return units.count(question.kind, question.missing, values)
    found = flags.numbers(values, question.fills)
    return flags.count_written(found) if question.kind == "written" else flags.count_fractions(found)


@dataclass
class Block:
    """The arrays of one block, and access to their elements that may be observations.

    Attributes
    ----------
    kept : array of bool
        Elements where some variable is present.
    """

    plan: Plan
    arrays: Sequence[NDArray]
    answers: Sequence[bool]

    def __post_init__(self) -> None:
        wide = [self._widened(array, axes) for array, axes in zip(self.arrays, self.plan.axes, strict=True)]
        shape = np.broadcast_shapes(*(a.shape for a in wide))
        self.wide = [np.broadcast_to(a, shape) for a in wide]
        present = np.zeros(shape, bool)
        for column in self.plan.columns.values():
            part = column.parts[0]
            for version in (part.raw, part.adjusted):
                if version is not None:
                    present |= _present(self.wide[version.value.key])
        self.kept, self.all = present, bool(present.all())
        self.taken: dict[int, NDArray] = {}

    def take(self, key: int) -> NDArray:
        """Elements of an input that may be observations, (n,)."""
        if key not in self.taken:
            array = self.wide[key]
            self.taken[key] = array.reshape(-1) if self.all else array[self.kept]
        return self.taken[key]

    def read(self, reading: Reading) -> NDArray[np.float64]:
        """Canonical numbers of an input, (n,)."""
        answer = reading.question is not None and bool(self.answers[reading.question])
        return reading.how.apply(self.take(reading.key), answer)

    def passes(self, checks: Sequence[Check]) -> NDArray[np.bool_] | bool:
        """Where every flag that was written says "good"."""
        result: NDArray[np.bool_] | bool = True
        for check in checks:
            unwritten = check.question is not None and not self.answers[check.question]
            no_flag = check.fractions is not None and self.answers[check.fractions]
            if not (unwritten or no_flag):
                result = result & check.kept.passes(flags.numbers(self.take(check.key), check.fills))
        return result

    def _widened(self, array: NDArray, axes: tuple[int, ...]) -> NDArray:
        """The same array with a dimension of one where it lacks one."""
        return array[tuple(slice(None) if axis in axes else None for axis in range(self.plan.ndim))]


def _columns(plan: Plan, block: Block) -> Rows:
    """Every output column, not yet rejected as a whole."""
    longitude, latitude = block.read(plan.longitude), block.read(plan.latitude)
    depth, pressure = _vertical(plan, block, latitude)
    rows: Rows = {
        "longitude": wrap_longitude(longitude),
        "latitude": latitude,
        "depth": depth,
    }
    if plan.time is not None:
        rows["time"] = _time(plan, block, plan.time)
    errors: Rows = {}
    measured: dict[Measured, tuple[NDArray, NDArray | None]] = {}

    def measure(part: Measured) -> tuple[NDArray, NDArray | None]:
        if part not in measured:
            measured[part] = _measure(part, block)
        return measured[part]

    for name, column in plan.columns.items():
        value, error = _combined(column, [measure(part) for part in column.parts])
        if column.rule == "in situ":
            salinity = np.full_like(value, np.nan) if plan.salinity is None else measure(plan.salinity)[0]
            if pressure is None:
                pressure = pressure_from_depth(depth, latitude)
            value = potential_temperature(value, salinity, pressure, longitude, latitude)
        low, high = LIMITS[name]
        rows[name] = value = np.where((value >= low) & (value <= high), value, np.nan)
        if column.has_error:
            errors[f"{name}_error"] = np.where(np.isfinite(value), np.nan if error is None else error, np.nan)
    placed = block.passes(plan.place_checks)
    if placed is not True:
        rows["latitude"] = np.where(placed, latitude, np.nan)
    return rows | errors


def _vertical(plan: Plan, block: Block, latitude: NDArray) -> tuple[NDArray, NDArray | None]:
    """Depth, and pressure where it was measured; depth from pressure where it has no value of its own."""
    if plan.depth is None and plan.pressure is None:
        return np.zeros(latitude.shape), None
    pressure = None if plan.pressure is None else _measure(plan.pressure, block)[0]
    if plan.depth is None:
        assert pressure is not None
        return _in_the_sea(depth_from_pressure(pressure, latitude)), pressure
    depth = _in_the_sea(_measure(plan.depth, block)[0])
    if pressure is None:
        return depth, None
    absent = np.isnan(block.read(plan.depth.raw.value))
    depth = np.where(absent, _in_the_sea(depth_from_pressure(pressure, latitude)), depth)
    return depth, np.where(np.isfinite(pressure), pressure, pressure_from_depth(depth, latitude))


def _in_the_sea(depth: NDArray) -> NDArray[np.float64]:
    """Depths of the ocean: a little above the surface is at it, anything else outside is missing."""
    low, high = SEA
    return np.where((depth >= low) & (depth <= high), np.maximum(depth, 0.0), np.nan)


def _time(plan: Plan, block: Block, key: int) -> NDArray[np.datetime64]:
    """Time, with the delay of each pixel."""
    time = block.take(key)
    if plan.delay is None:
        return time
    delay = block.take(plan.delay)
    if delay.dtype.kind == "m":
        return time + delay.astype("m8[ns]")
    present = np.isfinite(delay)
    ticks = np.rint(np.where(present, delay, 0.0) * 1e9).astype("i8").astype("m8[ns]")
    return np.where(present, time + ticks, NOT_A_TIME)


def _measure(part: Measured, block: Block) -> tuple[NDArray, NDArray | None]:
    """Value and error of a quantity, missing where rejected."""
    value, error = _version(part.raw, block)
    if part.adjusted is not None:
        later, later_error = _version(part.adjusted, block)
        if part.mode is None:
            chosen = np.isfinite(block.read(part.adjusted.value))
        else:
            chosen = np.isin(flags.letters(block.take(part.mode)), flags.ADJUSTED_MODES)
        value = np.where(chosen, later, value)
        nothing = np.float64(np.nan)
        if error is not None or later_error is not None:
            error = np.where(
                chosen, nothing if later_error is None else later_error, nothing if error is None else error
            )
    if part.bias is not None:
        bias = block.read(part.bias)
        value = value - np.where(np.isfinite(bias), bias, 0.0)
    if part.largest is not None:
        value = np.where(np.abs(value) <= part.largest, value, np.nan)
    return (-value if part.flip else value), error


def _version(version: Version, block: Block) -> tuple[NDArray, NDArray | None]:
    """Value and error of one version, missing where its flags reject it."""
    value, passes = block.read(version.value), block.passes(version.checks)
    if passes is not True:
        value = np.where(passes, value, np.nan)
    return value, None if version.error is None else block.read(version.error)


def _combined(column: Column, parts: list[tuple[NDArray, NDArray | None]]) -> tuple[NDArray, NDArray | None]:
    """One output of one or two measured quantities."""
    first = parts[0][0]
    if column.rule == "sum":
        return first + parts[1][0], None
    if column.rule in ("sine", "cosine"):
        turn = np.sin if column.rule == "sine" else np.cos
        return column.sign * first * turn(np.deg2rad(parts[1][0])), None
    return parts[0]


def _valid(plan: Plan, rows: Rows) -> NDArray[np.bool_]:
    """Rows with position, depth, time and some value."""
    some = np.zeros(rows["longitude"].shape, bool)
    for name in plan.columns:
        some |= np.isfinite(rows[name])
    placed = np.isfinite(rows["longitude"]) & np.isfinite(rows["latitude"]) & np.isfinite(rows["depth"])
    return some & placed & ~np.isnat(rows["time"]) if "time" in rows else some & placed


def _present(values: NDArray) -> NDArray[np.bool_]:
    """Where numbers are neither NaN nor infinite."""
    return np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)


def _scattered(values: NDArray, where: NDArray, size: int) -> NDArray:
    """Valid rows at their places among all elements of a block, everything else missing."""
    result = np.full(size, NOT_A_TIME if values.dtype.kind == "M" else np.nan, values.dtype)
    result[where] = values
    return result
