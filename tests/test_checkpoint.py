"""Checkpoints: what is written is what is read, and nothing else is ever taken for it."""

import hashlib
import json
import os
import pickle
import struct

import fsspec
import numpy as np
import numpy.testing as npt
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from adaf_xr import checkpoint
from adaf_xr.checkpoint import Checkpoint, CheckpointError, MissingCheckpointError, Reference

TYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")


def small(**changes):
    content = {
        "family": "line",
        "weights": {"slope": np.float32([2.0, 3.0]), "offset": np.float32(1.0)},
        "configuration": {"width": 2, "ranges": [[0.0, 1.0]]},
        "normalisation": {"slope": {"offset": 0.5, "scale": 2.0}},
        "provenance": {"seed": 1, "data": "déjà vu"},
    }
    return Checkpoint(**{**content, **changes})


@pytest.fixture
def path(tmp_path):
    """A checkpoint on disk."""
    path = tmp_path / "small.safetensors"
    checkpoint.write(small(), path)
    return path


def patched(path, **changes):
    """The file at `path` with another header of ours."""
    data = path.read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + n])
    ours = {**json.loads(header["__metadata__"]["adaf_xr"]), **changes}
    header["__metadata__"]["adaf_xr"] = json.dumps({key: value for key, value in ours.items() if value is not None})
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + n :])
    return path


class TestRoundTrip:
    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_every_type_shape_and_stride_comes_back_bit_for_bit(self, tmp_path_factory, data):
        dtype = np.dtype(data.draw(st.sampled_from(TYPES))).newbyteorder(data.draw(st.sampled_from("<>")))
        elements = {"allow_nan": False, "allow_infinity": False} if dtype.kind == "f" else None
        array = data.draw(hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=5), elements=elements))
        turned = data.draw(st.booleans())
        array = array.T[::-1] if turned and array.ndim else array
        path = tmp_path_factory.mktemp("any") / "any.safetensors"
        checkpoint.write(small(weights={"any": array}), path)
        back = checkpoint.read(path).weights["any"]
        assert back.shape == array.shape
        assert back.dtype == array.dtype.newbyteorder("=")
        assert back.tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()

    def test_text_comes_back_and_numpy_numbers_become_numbers(self, path):
        back = checkpoint.read(path)
        for name in ("family", "configuration", "normalisation", "provenance"):
            assert getattr(back, name) == getattr(small(), name)
        provenance = {
            "rmse": np.float64(0.25),
            "periods": ("a", np.array([1, 2])),
            "best": np.bool_(True),
            "none": None,
        }
        checkpoint.write(small(provenance=provenance), path)
        assert checkpoint.read(path).provenance == {"rmse": 0.25, "periods": ["a", [1, 2]], "best": True, "none": None}

    def test_equal_content_gives_equal_bytes_in_whatever_order_it_is_named(self, path, tmp_path):
        one = small()
        turned = small(weights=dict(reversed(one.weights.items())), provenance=dict(reversed(one.provenance.items())))
        other = tmp_path / "deep" / "other.safetensors"
        sha256 = checkpoint.write(turned, other)
        assert other.read_bytes() == path.read_bytes()
        assert sha256 == checkpoint.digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()
        assert checkpoint.write(small(family="curve"), other) != sha256

    def test_describing_reads_the_head_only(self, path):
        data = path.read_bytes()
        path.write_bytes(data[:-4] + struct.pack("<f", np.nan))
        about = checkpoint.describe(path)
        assert about.weights == {}
        assert about.configuration == small().configuration
        with pytest.raises(CheckpointError, match="corrupted weights"):
            checkpoint.read(path)

    def test_any_other_safetensors_reader_reads_it(self, path):
        npt.assert_array_equal(safetensors.numpy.load_file(path)["slope"], [2.0, 3.0])


class TestWriting:
    def test_a_crash_leaves_the_former_file_and_nothing_beside_it(self, path, monkeypatch):
        before = path.read_bytes()

        def crash(*args):
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.write(small(family="curve"), path)
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_weights_that_are_not_finite_are_not_written(self, path, bad):
        before = path.read_bytes()
        weights = {"good": np.ones(3), "bad": np.array([1.0, bad])}
        with pytest.raises(CheckpointError, match=r"not finite are not written: 'bad' has NaN or infinity"):
            checkpoint.write(small(weights=weights), path)
        assert path.read_bytes() == before

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"weights": {"w": np.array(["a"])}}, r"'w' has type <U1: weights are floating"),
            ({"weights": {"w": np.array([1j])}}, r"'w' has type complex128"),
            ({"weights": {"w": np.array([object()])}}, r"'w' has type object"),
            ({"provenance": {"git": {"rev": {1}}}}, r"checkpoint.provenance.git.rev is a set, which JSON cannot hold"),
            ({"configuration": {"a": [0, {2: 3}]}}, r"checkpoint.configuration.a\[1\] has the key 2.*use '2'"),
        ],
    )
    def test_what_the_file_cannot_hold_is_named(self, tmp_path, changes, message):
        with pytest.raises(CheckpointError, match=message):
            checkpoint.write(small(**changes), tmp_path / "x.safetensors")
        assert not list(tmp_path.iterdir())

    def test_a_url_is_not_written_to(self):
        with pytest.raises(CheckpointError, match="to a local file first"):
            checkpoint.write(small(), "s3://bucket/x.safetensors")


class TestBadFiles:
    def every_way_in(self, path, message, error=CheckpointError):
        for way in (checkpoint.read, checkpoint.describe, Reference.of):
            with pytest.raises(error, match=message) as caught:
                way(path)
            assert str(path) in str(caught.value)

    def test_a_missing_file(self, tmp_path):
        self.every_way_in(tmp_path / "no.safetensors", "every worker must see it", MissingCheckpointError)
        with pytest.raises(FileNotFoundError):
            checkpoint.digest(tmp_path / "no.safetensors")

    def test_a_folder(self, tmp_path):
        self.every_way_in(tmp_path, "is a folder: name the checkpoint in it")

    def test_every_truncation_is_seen(self, path):
        data = path.read_bytes()
        for length in range(len(data)):
            path.write_bytes(data[:length])
            message = "no safetensors file" if length < 8 else f"truncated: it has {length} bytes"
            self.every_way_in(path, message)

    def test_every_bit_that_flips_is_seen(self, path):
        data = path.read_bytes()
        for place in range(len(data)):
            for bit in (place % 8, (place + 3) % 8):
                path.write_bytes(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
                with pytest.raises(CheckpointError):
                    checkpoint.read(path)

    def test_bytes_after_the_end(self, path):
        path.write_bytes(path.read_bytes() + b"x")
        self.every_way_in(path, "goes on after its end")

    @pytest.mark.parametrize(
        "data", [b"", b"PK\x03\x04" + b"\x00" * 60, b"\x89HDF\r\n\x1a\n" + b"x" * 99, pickle.dumps({"w": np.ones(9)})]
    )
    def test_another_kind_of_file(self, tmp_path, data):
        path = tmp_path / "weights"
        path.write_bytes(data)
        self.every_way_in(path, "is no safetensors file" + (r" \(but one of torch" if data[:2] == b"PK" else ""))

    @pytest.mark.parametrize("text", [b"[]", b"{}}", b"\xff\xfe", b'{"a": 1}', b'{"__metadata__": {"adaf_xr": "{"}}'])
    def test_a_damaged_header(self, tmp_path, text):
        path = tmp_path / "weights"
        path.write_bytes(struct.pack("<Q", len(text)) + text)
        self.every_way_in(path, "a damaged one")

    def test_overlapping_arrays(self, path):
        data = path.read_bytes().replace(b"[4,12]", b"[0,12]").replace(b"[0,8]", b"[4,8]")
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match="is damaged"):
            checkpoint.read(path)

    def test_weights_of_somebody_else(self, tmp_path):
        path = tmp_path / "foreign.safetensors"
        for metadata in (None, {"format": "pt"}, {"adaf_xr": "1"}):
            safetensors.numpy.save_file({"w": np.ones(3)}, path, metadata)
            self.every_way_in(path, "it was not written by adaf_xr")

    def test_a_later_format(self, path):
        self.every_way_in(patched(path, format=2), "has format 2, this package knows up to 1: upgrade")

    def test_a_header_that_lacks_something_or_has_more(self, path):
        patched(path, content=None)
        assert checkpoint.read(path).family == "line"
        self.every_way_in(patched(path, later=1), "has 'later' in its header, which format 1 has not")
        self.every_way_in(patched(path, normalisation=None), "lacks 'normalisation' in its header")


class TestReferences:
    def test_it_reads_what_it_refers_to_until_that_changes(self, path, monkeypatch):
        monkeypatch.chdir(path.parent)
        reference = Reference.of(path.name)
        assert reference == Reference.of(str(path)) == Reference.of(f"file://{path}")
        assert len(pickle.dumps(reference)) < 300
        monkeypatch.chdir("/")
        assert reference.read().family == "line"
        checkpoint.write(small(family="curve"), path)
        with pytest.raises(CheckpointError, match=r"has changed: its sha256 is .* build the analysis again"):
            reference.read()
        checkpoint.write(small(), path)
        assert reference.read().family == "line"


class TestRemote:
    @pytest.fixture
    def url(self, path, tmp_path, monkeypatch):
        """A checkpoint in a bucket of our own."""
        boto3 = pytest.importorskip("boto3")
        server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        server.start()
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket="weights")
        client = {"endpoint_url": endpoint, "region_name": "us-east-1"}
        monkeypatch.setitem(fsspec.config.conf, "s3", {"key": "testing", "secret": "testing", "client_kwargs": client})
        monkeypatch.setenv("ADAF_XR_CACHE", str(tmp_path / "cache"))
        fsspec.filesystem("s3").put(str(path), "weights/small.safetensors")
        yield "s3://weights/small.safetensors"
        server.stop()

    def test_a_bucket_is_read_once_and_again_when_it_changed(self, url, path, tmp_path, caplog):
        def fetched():
            return caplog.text.count("GET /weights/small.safetensors ")

        reference = Reference.of(url)
        assert reference == Reference(url, checkpoint.digest(path))
        assert reference.read().weights["slope"].tolist() == [2.0, 3.0]
        assert fetched() == 1
        checkpoint.write(small(family="curve"), path)
        fsspec.filesystem("s3").put(str(path), "weights/small.safetensors")
        with pytest.raises(CheckpointError, match="has changed"):
            reference.read()
        assert Reference.of(url).read().family == "curve"
        assert fetched() == 2
        assert len(list((tmp_path / "cache" / "checkpoints").iterdir())) == 2

    def test_what_is_not_in_the_bucket_is_missing(self, url):
        with pytest.raises(MissingCheckpointError, match=r"no checkpoint s3://weights/none"):
            checkpoint.read("s3://weights/none")

    def test_without_a_stamp_a_file_is_read_each_time(self, path, tmp_path, monkeypatch):
        monkeypatch.setenv("ADAF_XR_CACHE", str(tmp_path / "cache"))
        fs = fsspec.filesystem("memory")
        for family in ("line", "bent"):
            checkpoint.write(small(family=family), path)
            fs.pipe("/small.safetensors", path.read_bytes())
            assert checkpoint.describe("memory://small.safetensors").family == family
