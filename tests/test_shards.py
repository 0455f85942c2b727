"""Prepared days: they come back as written, go on after a kill, and refuse what something else made."""

import os
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from adaf_xr.training.shards import Shards, ShardsError

DAYS = {
    "train": np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[ns]"),
    "validation": np.array(["2020-02-01T12:00"], "M8[ns]"),
}
MADE = {"data": {"windows": 128, "sources": ["sst", "ssh"]}, "package": "0.1.0"}
ARRAYS = {"zos": np.arange(6, dtype="f4").reshape(2, 3), "rows": np.empty((0, 5), "f4"), "sea": np.array([True, False])}


def filled(folder, arrays=ARRAYS):
    shards = Shards.create(folder, MADE, DAYS)
    for split in DAYS:
        for index in shards.missing(split):
            shards.write(split, index, arrays)
    return shards


ragged = st.dictionaries(
    st.text("abcdefgh/_", min_size=1, max_size=12),
    hnp.arrays(
        st.sampled_from(["f4", "f8", "i4", "i8", "?", "u1", "i2"]), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)
    ),
    max_size=5,
)


@settings(max_examples=40, deadline=None)
@given(arrays=ragged)
def test_arrays_of_any_shape_and_type_come_back_bit_for_bit(tmp_path_factory, arrays):
    back = filled(tmp_path_factory.mktemp("any"), arrays).read("train", 1)
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype and back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_what_is_read_is_mapped_and_cannot_be_written_to(tmp_path):
    zos = filled(tmp_path).read("train", 0)["zos"]
    assert not zos.flags.owndata and not zos.flags.writeable


def test_days_are_in_order_of_time_and_know_it(tmp_path):
    shards = Shards.create(tmp_path, MADE, {"train": DAYS["train"][::-1], "validation": DAYS["validation"]})
    assert np.array_equal([shards.time("train", i) for i in range(3)], DAYS["train"])
    assert shards.time("validation", 0) == DAYS["validation"][0]


def test_preparing_goes_on_with_what_is_missing(tmp_path):
    shards = Shards.create(tmp_path, MADE, DAYS)
    shards.write("train", 1, ARRAYS)
    with pytest.raises(ShardsError, match=r"2 of 3 days of 'train' are missing.*20200101T000000.*prepare again"):
        Shards.open(tmp_path)
    again = Shards.create(tmp_path, MADE, DAYS)
    assert again.missing("train") == (0, 2)
    filled(tmp_path)
    assert Shards.open(tmp_path, MADE).count("train") == 3


def test_a_kill_while_writing_leaves_no_day(tmp_path, monkeypatch):
    shards = Shards.create(tmp_path, MADE, DAYS)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        shards.write("train", 0, ARRAYS)
    assert shards.missing("train") == (0, 1, 2) and not list((tmp_path / "train").iterdir())


def test_shards_of_another_making_are_refused_with_the_way_out(tmp_path):
    filled(tmp_path)
    other = {"data": {"windows": 64, "sources": ["sst", "ssh"]}, "package": "0.1.0"}
    for take in (lambda: Shards.open(tmp_path, other), lambda: Shards.create(tmp_path, other, DAYS)):
        with pytest.raises(ShardsError, match=r"data.windows was 128 and is 64.*another folder, delete this one"):
            take()
    fewer = {"train": DAYS["train"][:2], "validation": DAYS["validation"]}
    with pytest.raises(ShardsError, match=r"other days \(train: 3 .*wanted \(train: 2"):
        Shards.create(tmp_path, MADE, fewer)


def test_a_fingerprint_is_compared_as_json(tmp_path):
    filled(tmp_path)
    tuples = {"data": {"windows": 128, "sources": ("sst", "ssh")}, "package": "0.1.0"}
    assert Shards.open(tmp_path, tuples).count("validation") == 1


@pytest.mark.parametrize("cut", [0, 5, 40, -1, -9])
def test_a_truncated_day_is_named_with_the_way_out(tmp_path, cut):
    path = filled(tmp_path).path("train", 2)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ShardsError, match=r"shard of 20200103T000000 is damaged.*delete .*20200103.*prepare again"):
        Shards.open(tmp_path).read("train", 2)


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_any_wrong_byte_is_found_or_harmless(tmp_path_factory, place, flip):
    folder = tmp_path_factory.mktemp("flipped")
    path = filled(folder).path("train", 0)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= flip
    path.write_bytes(content)
    try:
        back = Shards.open(folder).read("train", 0)
    except ShardsError as error:
        assert "20200101T000000 is damaged" in str(error)
    else:  # the byte was one of the header that says nothing, such as a blank
        assert all(np.array_equal(back[name], ARRAYS[name]) for name in ARRAYS)


def test_a_deleted_day_a_damaged_manifest_and_no_folder_at_all(tmp_path):
    shards = filled(tmp_path)
    shards.path("train", 0).unlink()
    with pytest.raises(ShardsError, match="shard of 20200101T000000 is missing"):
        shards.read("train", 0)
    with pytest.raises(ShardsError, match=r"no split 'test'.*train, validation"):
        shards.count("test")
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text()[:20])
    with pytest.raises(ShardsError, match=r"manifest\.json is damaged"):
        Shards.open(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no prepared data.*prepare them first"):
        Shards.open(tmp_path / "elsewhere")


def test_another_format_and_repeated_times_are_refused(tmp_path):
    filled(tmp_path)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 9'))
    with pytest.raises(ShardsError, match=r"format 9 and this version reads 1"):
        Shards.open(tmp_path)
    with pytest.raises(ShardsError, match="repeat"):
        Shards.create(tmp_path / "new", MADE, {"train": DAYS["train"][[0, 0]]})


def test_days_that_the_disk_cannot_hold_are_not_begun(tmp_path, monkeypatch):
    shards = Shards.create(tmp_path, MADE, DAYS)
    shards.write("train", 0, ARRAYS)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=3 * 10**9))
    shards.require_room(10**9)  # what is there already needs no room
    with pytest.raises(ShardsError, match=r"3 days of 1.01 GB each do not fit into the 3 GB .* \(data.every, or"):
        shards.require_room(10**9 + 10**7)
