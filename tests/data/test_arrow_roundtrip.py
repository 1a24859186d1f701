# SPDX-License-Identifier: Apache-2.0
"""Batches go to pyarrow and come back through the Arrow C Data Interface.

Needs SLUICE_BUILD, the build folder, for the shared library sluice_data_testlib.
"""
import ctypes
import datetime
import gc
import os
import pathlib
import random

import pyarrow as pa
import pytest

UTC = datetime.timezone.utc


class Library:
    def __init__(self):
        build = pathlib.Path(os.environ.get("SLUICE_BUILD", "build"))
        found = sorted(build.glob("**/libsluice_data_testlib.so"))
        if not found:
            pytest.fail(f"no libsluice_data_testlib.so below {build}: set SLUICE_BUILD")
        lib = ctypes.CDLL(str(found[0]))
        pointer, integer = ctypes.c_void_p, ctypes.c_int64
        for name, result, arguments in [
            ("adopt", pointer, [pointer, pointer, pointer, ctypes.c_size_t]),
            ("export", ctypes.c_int, [pointer, pointer, pointer]),
            ("slice", pointer, [pointer, integer, integer]),
            ("take", pointer, [pointer, pointer, integer]),
            ("hash", ctypes.c_int, [pointer, ctypes.c_int, pointer]),
            ("build", pointer, [integer, ctypes.c_int]),
            ("release", None, [pointer]),
            ("array_releases", ctypes.c_int, []),
            ("schema_releases", ctypes.c_int, []),
            ("used_bytes", ctypes.c_longlong, []),
        ]:
            function = getattr(lib, "testlib_" + name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def give(self, record_batch):
        """A pyarrow batch to ours; RuntimeError with the reason where it is refused."""
        array, schema = ctypes.create_string_buffer(80), ctypes.create_string_buffer(72)
        record_batch._export_to_c(ctypes.addressof(array), ctypes.addressof(schema))
        message = ctypes.create_string_buffer(500)
        batch = self.adopt(array, schema, message, len(message))
        if not batch:
            raise RuntimeError(message.value.decode())
        return batch

    def get(self, batch):
        """Ours to a pyarrow batch, fully validated."""
        array, schema = ctypes.create_string_buffer(80), ctypes.create_string_buffer(72)
        assert self.export(batch, array, schema) == 0
        got = pa.RecordBatch._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))
        got.validate(full=True)
        return got

    def hashes(self, batch, column, rows):
        out = (ctypes.c_uint64 * rows)()
        assert self.hash(batch, column, out) == 0
        return list(out)


@pytest.fixture(scope="module")
def shared_lib():
    return Library()


@pytest.fixture
def lib(shared_lib):
    """Checks after each test that everything charged was given back."""
    gc.collect()
    before = shared_lib.used_bytes()
    yield shared_lib
    gc.collect()
    assert shared_lib.used_bytes() == before


def expected(rows):
    columns = [
        [i % 2 == 1 for i in range(rows)],
        [-i for i in range(rows)],
        [i / 4 for i in range(rows)],
        [f"é{i % 5}" for i in range(rows)],
        [b"\0" + str(i).encode() for i in range(rows)],
        [datetime.datetime.fromtimestamp(i, UTC) for i in range(rows)],
    ]
    for index, column in enumerate(columns):
        for i in range(rows):
            if (i * 6 + index) % 7 == 0:
                column[i] = None
    return dict(zip(["flag", "number", "ratio", "text", "bytes", "time"], columns))


TYPES = [pa.bool_(), pa.int64(), pa.float64(), pa.string(), pa.binary(), pa.timestamp("us", "UTC")]


def of_pyarrow(rows, is_dictionary=False):
    arrays = [pa.array(values, kind) for values, kind in zip(expected(rows).values(), TYPES)]
    if is_dictionary:
        arrays[3] = arrays[3].dictionary_encode()
    return pa.RecordBatch.from_arrays(arrays, names=list(expected(0)))


@pytest.mark.parametrize("is_dictionary", [False, True])
@pytest.mark.parametrize("rows", [1, 7, 8, 63, 1000])
def test_pyarrow_reads_what_a_builder_made(lib, rows, is_dictionary):
    batch = lib.build(rows, is_dictionary)
    got = lib.get(batch)
    lib.release(batch)
    text = pa.dictionary(pa.int32(), pa.string()) if is_dictionary else pa.string()
    assert got.schema.types == TYPES[:3] + [text] + TYPES[4:]
    assert got.to_pydict() == expected(rows)
    assert [c.null_count for c in got.columns] == [c.count(None) for c in expected(rows).values()]


@pytest.mark.parametrize("is_dictionary", [False, True])
@pytest.mark.parametrize("first, count", [(0, 100), (1, 99), (8, 20), (13, 50), (99, 1), (50, 0)])
def test_pyarrow_reads_slices(lib, first, count, is_dictionary):
    batch = lib.build(100, is_dictionary)
    whole = lib.slice(batch, 0, 100)
    part = lib.slice(whole, first, count)
    lib.release(batch)
    lib.release(whole)
    got = lib.get(part)
    lib.release(part)
    assert got.to_pydict() == {k: v[first : first + count] for k, v in expected(100).items()}


@pytest.mark.parametrize("is_dictionary", [False, True])
def test_our_batches_come_back_unchanged(lib, is_dictionary):
    batch = lib.build(100, is_dictionary)
    part = lib.slice(batch, 5, 90)
    again = lib.give(lib.get(part))
    assert lib.hashes(part, 3, 90) == lib.hashes(again, 3, 90)
    got = lib.get(again)
    for each in (batch, part, again):
        lib.release(each)
    assert got.to_pydict() == {k: v[5:95] for k, v in expected(100).items()}


@pytest.mark.parametrize("is_dictionary", [False, True])
@pytest.mark.parametrize("first, count", [(0, 200), (1, 100), (9, 64), (30, 0), (199, 1)])
def test_foreign_batches_with_offsets_are_taken(lib, first, count, is_dictionary):
    batch = lib.give(of_pyarrow(200, is_dictionary).slice(first, count))
    got = lib.get(batch)
    lib.release(batch)
    assert got.to_pydict() == {k: v[first : first + count] for k, v in expected(200).items()}


def test_a_struct_with_an_offset_of_its_own_is_taken(lib):
    whole = of_pyarrow(50)
    array = pa.StructArray.from_arrays(whole.columns, names=whole.schema.names).slice(11, 30)
    c_array, c_schema = ctypes.create_string_buffer(80), ctypes.create_string_buffer(72)
    array._export_to_c(ctypes.addressof(c_array), ctypes.addressof(c_schema))
    assert ctypes.cast(c_array, ctypes.POINTER(ctypes.c_int64))[2] == 11
    message = ctypes.create_string_buffer(500)
    batch = lib.adopt(c_array, c_schema, message, len(message))
    assert batch, message.value
    got = lib.get(batch)
    lib.release(batch)
    assert got.to_pydict() == {k: v[11:41] for k, v in expected(50).items()}


@pytest.mark.parametrize("is_dictionary", [False, True])
def test_rows_are_taken_in_any_order(lib, is_dictionary):
    chance = random.Random(5)
    rows = [chance.randrange(3, 150) for _ in range(333)]
    foreign = lib.give(of_pyarrow(200, is_dictionary).slice(3))
    taken = lib.take(foreign, (ctypes.c_int32 * 333)(*[r - 3 for r in rows]), 333)
    lib.release(foreign)
    got = lib.get(taken)
    lib.release(taken)
    assert got.to_pydict() == {k: [v[r] for r in rows] for k, v in expected(200).items()}


def test_codes_and_strings_hash_equally(lib):
    plain, coded = lib.give(of_pyarrow(100)), lib.give(of_pyarrow(100, True))
    built = lib.build(100, 1)
    hashes = lib.hashes(plain, 3, 100)
    assert hashes == lib.hashes(coded, 3, 100) == lib.hashes(built, 3, 100)
    assert len(set(hashes)) == 6  # five texts and null
    for each in (plain, coded, built):
        lib.release(each)


def test_a_foreign_array_is_released_once_and_last(lib):
    arrays, schemas = lib.array_releases(), lib.schema_releases()
    batch = lib.give(of_pyarrow(100))
    assert lib.schema_releases() == schemas + 1
    part = lib.slice(batch, 10, 10)
    one, two = lib.get(part), lib.get(batch)
    lib.release(batch)
    lib.release(part)
    column = one.column(3)
    del one, two
    gc.collect()
    assert lib.array_releases() == arrays
    assert column.to_pylist() == expected(100)["text"][10:20]
    del column
    gc.collect()
    assert lib.array_releases() == arrays + 1


def test_absent_validity_and_empty_batches_are_fine(lib):
    full = pa.RecordBatch.from_arrays([pa.array([1, 2, 3]), pa.array(["", "", ""])], ["n", "s"])
    assert full.column(0).buffers()[0] is None
    empty = of_pyarrow(0)
    for given in (full, empty, full.slice(3)):
        batch = lib.give(given)
        got = lib.get(batch)
        lib.release(batch)
        assert got.equals(given)


def test_a_batch_without_columns_is_fine(lib):
    batch = lib.give(pa.RecordBatch.from_arrays([], names=[]))
    assert lib.get(batch).num_columns == 0
    lib.release(batch)


def test_large_values_are_taken(lib):
    given = pa.RecordBatch.from_arrays([pa.array(["x" * 5_000_000, None, "é" * 1_000_000])], ["s"])
    before = lib.used_bytes()
    batch = lib.give(given)
    assert lib.used_bytes() - before >= 7_000_000
    got = lib.get(batch)
    lib.release(batch)
    assert got.equals(given)


NOT_UTF8 = pa.Array.from_buffers(
    pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer("é".encode())]
)
FALLING = pa.Array.from_buffers(
    pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\1\0\0\0"), pa.py_buffer(b"abc")]
)
WRONG_CODE = pa.DictionaryArray.from_arrays(
    pa.array([0, 7], pa.int32()), pa.array(["a"]), safe=False
)


@pytest.mark.parametrize(
    "array, reason",
    [
        (pa.array([1], pa.int32()), "`i`"),
        (pa.array(["a"], pa.large_string()), "large_utf8"),
        (pa.array([1], pa.timestamp("ms", "UTC")), "timestamp[us, UTC]"),
        (pa.array([1], pa.timestamp("us")), "timestamp[us, UTC]"),
        (pa.array([1], pa.timestamp("us", "Europe/Berlin")), "timestamp[us, UTC]"),
        (pa.array([[1]]), "`+l`"),
        (pa.array(["a"]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())), "int32"),
        (pa.array([b"a"]).dictionary_encode(), "utf8"),
        (NOT_UTF8, "UTF-8"),
        (FALLING, "ascending"),
        (WRONG_CODE, "outside the dictionary"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason_and_released(lib, array, reason):
    arrays, schemas = lib.array_releases(), lib.schema_releases()
    given = pa.RecordBatch.from_arrays([array], ["wrong"])
    with pytest.raises(RuntimeError, match="wrong") as caught:
        lib.give(given)
    assert reason in str(caught.value)
    assert (lib.array_releases(), lib.schema_releases()) == (arrays + 1, schemas + 1)


def test_bytes_of_null_rows_may_be_anything(lib):
    array = pa.Array.from_buffers(
        pa.string(),
        3,
        [
            pa.py_buffer(b"\5"),
            pa.py_buffer(b"\0\0\0\0\1\0\0\0\3\0\0\0\4\0\0\0"),
            pa.py_buffer(b"a\xff\xfeb"),
        ],
    )
    batch = lib.give(pa.RecordBatch.from_arrays([array], ["s"]))
    assert lib.get(batch).to_pydict() == {"s": ["a", None, "b"]}
    lib.release(batch)
