"""What outcore writes, NumPy, SciPy and binsparse open without a copy; what they, h5py and anndata write, outcore opens.

    cargo build --release --example numpy_exchange
    cargo build --release --package outcore-cli
    pip install -r tests/interop/requirements.txt
    python tests/interop/test_interop.py target/release/examples/numpy_exchange target/release/outcore

The arguments are the built example `numpy_exchange`, which writes and reads the own files, and the tool, which converts
those of others. The last line says how many checks passed and how many failed; the exit code is 1 if any failed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

import anndata
import h5py
import numpy as np
import scipy.sparse as sp
from binsparse import tensor as bs
from binsparse.container import NPZBinsparseContainer
from binsparse.conversions import from_scipy, to_scipy

BINARY = None
TOOL = None
TYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
         "float32", "float64", "complex64", "complex128"]
BINSPARSE_TYPES = {"bool": "bint8", "complex64": "complex[float32]", "complex128": "complex[float64]"}
ARRAYS = {"csr": ["values", "indices_1", "pointers_to_1"], "csc": ["values", "indices_1", "pointers_to_1"],
          "coo": ["values", "indices_0", "indices_1"]}


# ---- both sides

def outcore(verb, folder):
    """Runs the example; gives its exit code, a dictionary of what it read by file name, and what it complained of."""
    done = subprocess.run([BINARY, verb, folder], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {line["file"]: line for line in lines}, done.stderr


def sample(dtype, k):
    """Element k of whatever the example writes: the same formulas as there."""
    dtype, k = np.dtype(dtype), np.asarray(k)
    formula = {"b": lambda: k % 3 != 0, "i": lambda: k - 9, "u": lambda: k,
               "f": lambda: k - 8.5, "c": lambda: (k - 8.5) + 1j * k / 4}
    return formula[dtype.kind]().astype(dtype)


def sample_matrix(dtype, shape):
    """The sparse matrix that the example writes, dense."""
    k = np.arange(shape[0] * shape[1])
    stored = np.where(k % 5 < 2, sample(dtype, k), np.zeros(1, dtype))
    return stored.astype(dtype).reshape(shape)


def assert_read(line, array, nnz, dtype=None, mapped=True):
    """Compares what outcore read with an array or a SciPy matrix."""
    dense = np.asarray(array.toarray() if sp.issparse(array) else array).astype("complex128")
    assert line["shape"] == list(dense.shape), line
    assert line["nnz"] == nnz, line
    assert line["dtype"] == str(dtype or array.dtype), line
    assert line["mapped"] == mapped, line
    assert np.allclose(complex(*line["sum"]), dense.sum(), rtol=1e-12), (line, dense.sum())
    if dense.ndim == 2:
        ax = np.linalg.norm(dense @ (1 / np.arange(1, dense.shape[1] + 1)))
        assert np.isclose(line["ax_norm"], ax, rtol=1e-12), (line, ax)


# ---- outcore to NumPy

def check_dense_is_mapped_by_numpy(folder):
    shapes = {"scalar": (), "5": (5,), "0x3": (0, 3), "4x3": (4, 3), "2x3x4": (2, 3, 4)}
    for dtype in TYPES:
        for name, shape in shapes.items():
            for order in "CF":
                path = f"{folder}/dense-{dtype}-{name}-{order}.npy"
                yield os.path.basename(path), lambda: dense_is_mapped(path, dtype, shape, order)


def dense_is_mapped(path, dtype, shape, order):
    a = np.load(path, mmap_mode="r")
    assert isinstance(a, np.memmap) and a.offset == 4096
    assert a.dtype == dtype and a.dtype.isnative and a.shape == shape
    assert a.flags.c_contiguous if order == "C" else a.flags.f_contiguous
    if len(shape) > 1 and a.size:
        assert a.flags.c_contiguous != a.flags.f_contiguous
    expected = sample(dtype, np.arange(a.size)).reshape(shape, order=order)
    assert np.array_equal(a, expected)
    assert np.array_equal(np.load(path), expected)


# ---- outcore to SciPy

def load(folder, kind, dtype):
    """The arrays of a stored matrix, mapped, and its shape; complex values seen as such, without a copy."""
    arrays = {name: np.load(f"{folder}/{name}.npy", mmap_mode="r") for name in ARRAYS[kind]}
    with open(f"{folder}/binsparse.json") as file:
        descriptor = json.load(file)["binsparse"]
    assert descriptor["format"] == kind.upper()
    assert descriptor["version"] == "0.1.0"
    if dtype.startswith("complex"):
        pairs = arrays["values"]
        arrays["values"] = pairs.view(dtype)
        assert not pairs.size or np.shares_memory(pairs, arrays["values"])
    return arrays, tuple(descriptor["shape"]), descriptor


def build(kind, arrays, shape):
    values, first, second = (arrays[name] for name in ARRAYS[kind])
    if kind == "coo":
        return sp.coo_array((values, (first, second)), shape=shape, copy=False)
    return getattr(sp, f"{kind}_array")((values, first, second), shape=shape, copy=False)


def parts(matrix, kind):
    if kind == "coo":
        return dict(zip(ARRAYS[kind], (matrix.data, *matrix.coords)))
    return dict(zip(ARRAYS[kind], (matrix.data, matrix.indices, matrix.indptr)))


def matrices(folder, dtypes):
    for kind in ("csr", "csc", "coo"):
        for dtype in dtypes:
            for widths in ("int32-int32", "int32-int64", "int64-int64"):
                for size, shape in (("", (6, 4)), ("-empty", (3, 0))):
                    yield f"{folder}/{kind}-{dtype}-{widths}{size}.bspnpy", kind, dtype, widths, shape


def check_sparse_is_shared_by_scipy(folder):
    for path, kind, dtype, widths, shape in matrices(folder, TYPES):
        yield os.path.basename(path), lambda: sparse_is_shared(path, kind, dtype, widths, shape)


def sparse_is_shared(path, kind, dtype, widths, shape):
    arrays, stored_shape, descriptor = load(path, kind, dtype)
    assert stored_shape == shape
    indices, pointers = widths.split("-")
    assert arrays["indices_1"].dtype == indices
    assert descriptor["data_types"]["indices_1"] == indices
    assert descriptor["data_types"]["values"] == BINSPARSE_TYPES.get(dtype, dtype)
    if kind != "coo":
        assert arrays["pointers_to_1"].dtype == pointers
        assert descriptor["data_types"]["pointers_to_1"] == pointers
    matrix = build(kind, arrays, shape)
    expected = sample_matrix(dtype, shape)
    assert matrix.dtype == dtype
    assert np.array_equal(matrix.toarray(), expected)
    x = 1 / np.arange(1, shape[1] + 1)
    assert np.allclose(matrix @ x, expected @ x, rtol=1e-5 if dtype in ("float32", "complex64") else 1e-13)
    for name, part in parts(matrix, kind).items():
        if part.size == 0:
            continue
        # SciPy wants indices and pointers of one type: of a mixed pair it copies one.
        copied = indices != pointers and kind != "coo" and name == "indices_1"
        assert np.shares_memory(part, arrays[name]) != copied, f"{name} of {widths}"


def check_pattern_is_shared_by_scipy(folder):
    for path, kind, _, widths, shape in matrices(folder, ["pattern"]):
        def opened():
            arrays, _, descriptor = load(path, kind, "pattern")
            assert descriptor["data_types"]["values"] == "iso[int8]"
            assert arrays["values"].dtype == "int8" and arrays["values"].tolist() == [1]
            one = dict(arrays, values=np.broadcast_to(arrays["values"], arrays["indices_1"].shape))
            matrix = build(kind, one, shape)
            assert np.array_equal(matrix.toarray() != 0, np.arange(shape[0] * shape[1]).reshape(shape) % 5 < 2)
            if widths != "int32-int64" and matrix.nnz:
                assert all(np.shares_memory(part, arrays[name]) for name, part in parts(matrix, kind).items())
        yield os.path.basename(path), opened


# ---- outcore to binsparse

def mapping(folder, kind):
    arrays = {name: np.load(f"{folder}/{name}.npy", mmap_mode="r") for name in ARRAYS[kind]}
    with open(f"{folder}/binsparse.json") as file:
        return dict(arrays, binsparse=np.asarray(file.read()))


def check_sparse_is_parsed_by_binsparse(folder):
    for path, kind, dtype, _, shape in matrices(folder, TYPES + ["pattern"]):
        yield os.path.basename(path), lambda: is_parsed(path, kind, dtype, shape)


def is_parsed(path, kind, dtype, shape):
    arrays = mapping(path, kind)
    # copy=False makes binsparse refuse any array that it cannot use where it lies.
    parsed = bs.BinsparseTensor.parse(NPZBinsparseContainer(arrays), copy=False)
    assert type(parsed) is {"csr": bs.CSRMatrix, "csc": bs.CSCMatrix, "coo": bs.COORMatrix}[kind]
    assert parsed.shape == shape
    for name in ARRAYS[kind]:
        part = getattr(parsed, name)
        assert part.size == 0 or np.shares_memory(part, arrays[name]), name
    matrix = to_scipy(parsed)
    if dtype == "pattern":
        assert np.array_equal(matrix.toarray() != 0, np.arange(shape[0] * shape[1]).reshape(shape) % 5 < 2)
    else:
        assert parsed.values.dtype == dtype
        assert np.array_equal(matrix.toarray(), sample_matrix(dtype, shape))


# ---- NumPy to outcore

def save_with_version(path, array, version):
    with open(path, "wb") as file:
        np.lib.format.write_array(file, array, version=version)


def dense_arrays():
    """Name, array, and whether outcore can use it where it lies."""
    for dtype in TYPES:
        for shape in ((), (7,), (5, 3), (2, 3, 4), (0, 4)):
            k = np.arange(int(np.prod(shape)))
            a = sample(dtype, k).reshape(shape)
            name = f"{dtype}-{'x'.join(map(str, shape))}"
            yield f"{name}-C", a, True
            yield f"{name}-F", np.asfortranarray(a), True
            if a.dtype.itemsize > 1 and a.size:
                yield f"{name}-big", a.astype(a.dtype.newbyteorder(">")), False


def check_arrays_from_numpy(folder):
    expected = {}
    for name, a, mapped in dense_arrays():
        np.save(f"{folder}/{name}.npy", a)
        expected[f"{name}.npy"] = (a, mapped)
    a = sample("float64", np.arange(15)).reshape(5, 3)
    for version in ((1, 0), (2, 0), (3, 0)):
        save_with_version(f"{folder}/version-{version[0]}.npy", a, version)
        expected[f"version-{version[0]}.npy"] = (a, True)
    m = np.lib.format.open_memmap(f"{folder}/memmap.npy", mode="w+", dtype="float32", shape=(100, 30), fortran_order=True)
    m[:] = np.arange(3000).reshape(100, 30)
    m.flush()
    expected["memmap.npy"] = (np.array(m), True)
    np.save(f"{folder}/sliced.npy", np.arange(100.0).reshape(10, 10)[::2, ::3])
    expected["sliced.npy"] = (np.arange(100.0).reshape(10, 10)[::2, ::3], True)
    code, lines, complaints = outcore("read", folder)
    for name, (a, mapped) in expected.items():
        native = a.dtype.newbyteorder("=")
        yield name, lambda: assert_read(lines[name], a, a.size, native, mapped)
    yield "exit code", lambda: assert_equal((code, complaints), (0, ""))


def assert_equal(found, expected):
    assert found == expected, found


# ---- SciPy to outcore

def write_folder(path, matrix, index="int32", pointer="int32"):
    """All that it takes to write a matrix for outcore: a descriptor and three arrays."""
    a, kind = matrix, matrix.format
    places = dict(zip(("indices_0", "indices_1"), a.coords)) if kind == "coo" \
        else {"pointers_to_1": a.indptr.astype(pointer), "indices_1": a.indices}
    arrays = {name: place.astype(pointer if name == "pointers_to_1" else index) for name, place in places.items()}
    arrays["values"] = a.data.view(a.data.real.dtype) if a.dtype.kind == "c" else a.data
    types = {name: str(array.dtype) for name, array in arrays.items()}
    types["values"] = BINSPARSE_TYPES.get(str(a.dtype), str(a.dtype))
    os.mkdir(path)
    for name, array in arrays.items():
        np.save(f"{path}/{name}.npy", array)
    descriptor = {"version": "0.1", "format": kind.upper(), "shape": a.shape,
                  "number_of_stored_values": a.nnz, "data_types": types}
    with open(f"{path}/binsparse.json", "w") as file:
        json.dump({"binsparse": descriptor}, file)


def scipy_matrix(dtype, kind, shape=(9, 7)):
    return sp.csr_array(sample_matrix(dtype, shape)).asformat(kind)


def check_matrices_from_scipy(folder):
    expected = {}
    for kind in ("csr", "csc", "coo"):
        for dtype in TYPES:
            for index in ("int32", "uint32", "int64", "uint64"):
                for pointer in (index, "int64", "uint64"):
                    name = f"{kind}-{dtype}-{index}-{pointer}.bspnpy"
                    if name not in expected:
                        expected[name] = scipy_matrix(dtype, kind)
                        write_folder(f"{folder}/{name}", expected[name], index, pointer)
        expected[f"{kind}-none.bspnpy"] = scipy_matrix("float64", kind, (4, 0))
        write_folder(f"{folder}/{kind}-none.bspnpy", expected[f"{kind}-none.bspnpy"])
    unsorted = sp.csr_array((np.arange(1.0, 6), [2, 0, 1, 1, 0], [0, 2, 5]), shape=(2, 3))
    expected["unsorted.bspnpy"] = unsorted
    write_folder(f"{folder}/unsorted.bspnpy", unsorted)
    coo = sp.coo_array((np.arange(1.0, 5), ([1, 0, 1, 0], [2, 0, 2, 1])), shape=(2, 3))
    expected["repeated.bspnpy"] = coo
    write_folder(f"{folder}/repeated.bspnpy", coo)
    code, lines, complaints = outcore("read", folder)
    for name, matrix in expected.items():
        yield name, lambda: assert_read(lines[name], matrix, matrix.nnz)
    yield "exit code", lambda: assert_equal((code, complaints), (0, ""))


# ---- binsparse to outcore

def save_binsparse(path, tensor, **options):
    """Descriptor and arrays just as binsparse makes them, in a folder."""
    arrays = {}
    tensor.serialize(NPZBinsparseContainer(arrays), **options)
    os.mkdir(path)
    with open(f"{path}/binsparse.json", "w") as file:
        file.write(arrays.pop("binsparse").item())
    for name, array in arrays.items():
        np.save(f"{path}/{name}.npy", array)


def check_matrices_from_binsparse(folder):
    expected = {}
    for kind in ("csr", "csc", "coo"):
        for dtype in TYPES:
            name = f"{kind}-{dtype}.bspnpy"
            expected[name] = scipy_matrix(dtype, kind)
            save_binsparse(f"{folder}/{name}", from_scipy(expected[name]))
    a = scipy_matrix("int8", "csr")
    a.data[:] = 1
    ones = np.broadcast_to(np.int8(1), a.data.shape)
    save_binsparse(f"{folder}/iso.bspnpy", bs.CSRMatrix(a.shape, a.nnz, pointers_to_1=a.indptr, indices_1=a.indices, values=ones))
    code, lines, complaints = outcore("read", folder)
    for name, matrix in expected.items():
        yield name, lambda: assert_read(lines[name], matrix, matrix.nnz)
    yield "iso.bspnpy", lambda: assert_read(lines["iso.bspnpy"], a, a.nnz, "pattern")
    yield "exit code", lambda: assert_equal((code, complaints), (0, ""))


# ---- there and back

def check_written_by_outcore_read_by_outcore(folder):
    code, lines, complaints = outcore("read", folder)
    for path, kind, dtype, _, shape in matrices(folder, TYPES):
        matrix = sp.coo_array(sample_matrix(dtype, shape))
        nnz = int(np.sum(np.arange(shape[0] * shape[1]) % 5 < 2))
        name = os.path.basename(path)
        yield name, lambda: assert_read(lines[name], matrix, nnz, dtype)
    yield "exit code", lambda: assert_equal((code, complaints), (0, ""))


# ---- what must be refused

def edit_text(path, old, new):
    with open(path) as file:
        text = file.read()
    assert old in text, f"{old} is not in {path}"
    with open(path, "w") as file:
        file.write(text.replace(old, new))


def edit_bytes(path, change):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    with open(path, "wb") as file:
        file.write(change(data))


def edit_array(path, change):
    np.save(path, change(np.load(path)))


def put(array, at, value):
    array[at] = value
    return array


def damages():
    """Name, format, type, the file that must be named, and the damage, done to a folder that was good."""
    J, P, I, V = "binsparse.json", "pointers_to_1.npy", "indices_1.npy", "values.npy"
    text = lambda old, new: lambda f: edit_text(f"{f}/{J}", old, new)
    array = lambda name, change: lambda f: edit_array(f"{f}/{name}", change)
    raw = lambda name, change: lambda f: edit_bytes(f"{f}/{name}", change)
    for name in (J, P, I, V):
        yield f"{name} is gone", "csr", "float64", name, lambda f: os.remove(f"{f}/{name}")
    for name in (P, I, V):
        yield f"{name} is cut", "csr", "float64", name, raw(name, lambda b: b[:-1])
        yield f"{name} has one element less", "csr", "float64", name, array(name, lambda a: a[:-1])
        yield f"{name} is empty", "csr", "float64", name, raw(name, lambda b: b[:0])
        yield f"{name} is not .npy", "csr", "float64", name, raw(name, lambda b: b"PK" + b)
        yield f"{name} is big-endian", "csr", "float64", name, array(name, lambda a: a.astype(a.dtype.newbyteorder(">")))
        yield f"{name} is of another type than said", "csr", "float64", name, array(name, lambda a: a.astype("float32" if a.dtype.kind == "f" else "uint32"))
        yield f"{name} is two-dimensional", "csr", "float64", name, array(name, lambda a: a.reshape(1, -1))
        yield f"{name} holds objects", "csr", "float64", name, lambda f: np.save(f"{f}/{name}", np.load(f"{f}/{name}").astype(object), allow_pickle=True)
    yield "complex pairs in columns", "csr", "complex128", V, array(V, lambda a: np.asfortranarray(a.reshape(-1, 2)))
    yield "half a complex value", "csr", "complex128", V, array(V, lambda a: a[:-1])
    yield "values neither 0 nor 1", "csr", "bool", V, array(V, lambda a: a.view("uint8") * 2)
    yield "an index of -1", "csr", "float64", I, array(I, lambda a: put(a, 3, -1))
    yield "an index too large", "csr", "float64", I, array(I, lambda a: put(a, 3, 7))
    yield "an index too large", "csc", "float64", I, array(I, lambda a: put(a, 3, 9))
    yield "an index too large", "coo", "float64", "indices_0.npy", array("indices_0.npy", lambda a: put(a, 3, 9))
    yield "pointers decrease", "csr", "float64", P, array(P, lambda a: put(a, 2, a[3] + 1))
    yield "a negative pointer", "csr", "float64", P, array(P, lambda a: put(a, 2, -1))
    yield "pointers start late", "csr", "float64", P, array(P, lambda a: a + 1)
    yield "pointers end early", "csr", "float64", P, array(P, lambda a: put(a, -1, a[-1] - 1))
    yield "not JSON", "csr", "float64", J, raw(J, lambda b: b[:-3])
    yield "no JSON object", "csr", "float64", J, raw(J, lambda b: b"[1, 2]")
    yield "a descriptor of 2 MB", "csr", "float64", J, raw(J, lambda b: b + b" " * 2_000_000)
    yield "a later version", "csr", "float64", J, text('"0.1"', '"1.0"')
    yield "an unknown format", "csr", "float64", J, text('"CSR"', '"CSX"')
    yield "another format", "csr", "float64", P, text('"CSR"', '"CSC"')
    yield "another shape", "csr", "float64", P, text("[9, 7]", "[8, 7]")
    yield "a negative shape", "csr", "float64", J, text("[9, 7]", "[9, -7]")
    yield "one dimension", "csr", "float64", J, text("[9, 7]", "[63]")
    yield "half a matrix", "csr", "float64", J, text('"shape"', '"structure": "symmetric_lower", "shape"')
    yield "other entries not zero", "csr", "float64", J, text('"shape"', '"fill": true, "shape"')
    yield "an unknown value type", "csr", "float64", J, text('"float64"', '"float128"')
    yield "more entries than said", "csr", "float64", V, text('values": 26', 'values": 25')


def check_damaged_matrices_are_refused(folder):
    for number, (name, kind, dtype, file, damage) in enumerate(damages()):
        def refused():
            place = f"{folder}/{number}"
            os.mkdir(place)
            write_folder(f"{place}/a.bspnpy", scipy_matrix(dtype, kind))
            assert_equal(outcore("read", place)[0], 0)
            damage(f"{place}/a.bspnpy")
            assert_refused(place, f"a.bspnpy/{file}")
        yield f"{kind}: {name}", refused


def assert_refused(folder, file):
    code, lines, complaints = outcore("read", folder)
    assert code == 1 and not lines, (code, lines)
    assert file in complaints, complaints
    assert "panicked" not in complaints, complaints


def check_damaged_arrays_are_refused(folder):
    a = np.arange(15.0).reshape(5, 3)
    header = lambda old, new: lambda path: edit_bytes(path, lambda b: b.replace(old, new.ljust(len(old)), 1))
    cases = {
        "cut": lambda path: edit_bytes(path, lambda b: b[:-1]),
        "cut in the header": lambda path: edit_bytes(path, lambda b: b[:40]),
        "empty": lambda path: edit_bytes(path, lambda b: b""),
        "magic": lambda path: edit_bytes(path, lambda b: put(b, 0, 0)),
        "version 9": lambda path: edit_bytes(path, lambda b: put(b, 6, 9)),
        "negative shape": header(b"(5, 3)", b"(-5,3)"),
        "larger shape": header(b"(5, 3)", b"(9, 3)"),
        "wrapping shape": header(b"(5, 3), }      ", b"(1<<62, 4), }"),
        "no order": header(b"fortran_order", b"fortran"),
        "float128": lambda path: np.save(path, a.astype("longdouble")),
        "text": lambda path: np.save(path, a.astype("U8")),
        "dates": lambda path: np.save(path, np.array(["2020-01-01"], "M8[D]")),
        "fields": lambda path: np.save(path, np.zeros(3, "f8,i4")),
        "objects": lambda path: np.save(path, a.astype(object), allow_pickle=True),
    }
    for name, damage in cases.items():
        def refused():
            place = f"{folder}/{name}"
            os.mkdir(place)
            np.save(f"{place}/a.npy", a)
            assert_equal(outcore("read", place)[0], 0)
            damage(f"{place}/a.npy")
            assert_refused(place, "a.npy")
        yield name, refused


def check_other_binsparse_is_refused(folder):
    a = scipy_matrix("float64", "csr")
    coo = a.tocoo()
    same = dict(pointers_to_1=a.indptr, indices_1=a.indices, values=a.data)
    tensors = {
        "fill": (bs.CSRMatrix(a.shape, a.nnz, True, 2.0, **same), {}),
        "custom": (bs.CSRMatrix(a.shape, a.nnz, **same), {"alias": False}),
        "COOC": (bs.COOCMatrix(a.shape, a.nnz, indices_0=coo.coords[1], indices_1=coo.coords[0], values=coo.data), {}),
        "DCSR": (bs.DCSRMatrix(a.shape, a.nnz, indices_0=np.arange(9), **same), {}),
        "DMATR": (bs.DMATRMatrix((2, 2), 4, values=np.ones(4)), {}),
    }
    for name, (tensor, options) in tensors.items():
        def refused():
            place = f"{folder}/{name}"
            os.mkdir(place)
            save_binsparse(f"{place}/a.bspnpy", tensor, **options)
            assert_refused(place, "a.bspnpy/binsparse.json")
        yield name, refused


# ---- archives of NumPy and SciPy

def convert(source, target, *flags):
    """Converts a file with the tool, which must succeed."""
    done = subprocess.run([TOOL, "convert", source, target, "--quiet", "--overwrite", *flags], capture_output=True, text=True)
    assert done.returncode == 0, (source, done.stderr)
    return target


def access(path):
    """Whether the tool maps a file or reads it."""
    done = subprocess.run([TOOL, "info", path, "--json", "--quiet"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["access"]


def assert_same_matrix(found, expected):
    """Compares two SciPy matrices, or two arrays."""
    dense = lambda a: a.toarray() if sp.issparse(a) else np.asarray(a)
    assert found.shape == expected.shape and found.dtype == expected.dtype, (found, expected)
    assert np.array_equal(dense(found), dense(expected)), (found, expected)


def check_archives_of_sparse_matrices(folder):
    for dtype in TYPES:
        for kind in ("csr", "csc", "coo"):
            for packed in (False, True):
                matrix = scipy_matrix(dtype, kind)
                path, back = f"{folder}/{kind}-{dtype}-{packed}.npz", f"{folder}/back.npz"
                sp.save_npz(path, matrix, compressed=packed)
                def there_and_back():
                    written = sp.load_npz(convert(path, back))
                    assert written.format == kind
                    assert_same_matrix(written, matrix)
                    assert access(back) == "memory-mapped"
                yield os.path.basename(path), there_and_back


def check_archives_that_become_csr(folder):
    a = scipy_matrix("float64", "csr", (8, 12))
    for packed in (False, True):
        for make in (lambda: sp.bsr_array(a, blocksize=(2, 3)), lambda: sp.dia_array(a), lambda: sp.bsr_matrix(a, blocksize=(4, 4))):
            matrix = make()
            path = f"{folder}/{matrix.format}-{packed}.npz"
            sp.save_npz(path, matrix, compressed=packed)
            def becomes_csr():
                written = sp.load_npz(convert(path, f"{folder}/back.npz"))
                assert written.format == "csr"
                assert_same_matrix(written, matrix)
            yield os.path.basename(path), becomes_csr


def check_archives_of_arrays(folder):
    for dtype in TYPES:
        for shape in ((5, 3), (0, 4)):
            for order in "CF":
                for save in (np.savez, np.savez_compressed):
                    a = np.asarray(sample(dtype, np.arange(int(np.prod(shape)))).reshape(shape), order=order)
                    path = f"{folder}/{dtype}-{shape[0]}-{order}-{save.__name__}.npz"
                    save(path, a)
                    def there_and_back():
                        with np.load(convert(path, f"{folder}/back.npz")) as written:
                            assert written.files == ["arr_0"]
                            assert_same_matrix(written["arr_0"], a)
                    yield os.path.basename(path), there_and_back
    np.savez(f"{folder}/two.npz", a=np.arange(6.0).reshape(2, 3), b=np.arange(4))
    def by_name():
        with np.load(convert(f"{folder}/two.npz", f"{folder}/back.npz", "--member", "a")) as written:
            assert_same_matrix(written["arr_0"], np.arange(6.0).reshape(2, 3))
    yield "one of two arrays", by_name


# ---- HDF5 of h5py and anndata

def read_with_tool(path, folder, *flags):
    """A dense or sparse matrix that the tool read, as NumPy or SciPy load it."""
    back = convert(path, f"{folder}/back.npz", *flags)
    with np.load(back) as written:
        return written["arr_0"] if "arr_0" in written.files else sp.load_npz(back)


def check_datasets_of_h5py(folder):
    storages = {"contiguous": {}, "chunked": {"chunks": (4, 2)}, "gzip": {"chunks": (3, 3), "compression": "gzip", "shuffle": True},
                "lzf": {"chunks": (10, 3), "compression": "lzf", "fletcher32": True}}
    for dtype in TYPES + ["float16", ">i4", ">f8"]:
        for name, storage in storages.items():
            a = sample(dtype, np.arange(30)).reshape(10, 3)
            path = f"{folder}/{dtype.replace('>', 'big-')}-{name}.h5"
            with h5py.File(path, "w") as file:
                file.create_dataset("x", data=a, **storage)
            expected = a.astype(a.dtype.newbyteorder("="))
            yield os.path.basename(path), lambda: assert_same_matrix(read_with_tool(path, folder), expected)
    with h5py.File(f"{folder}/latest.h5", "w", libver="latest") as file:
        file.create_dataset("x", data=np.arange(1000.0).reshape(100, 10), chunks=(10, 10), compression="gzip")
    def latest():
        done = subprocess.run([TOOL, "info", f"{folder}/latest.h5", "--quiet"], capture_output=True, text=True)
        if done.returncode != 0:
            assert "h5repack" in done.stderr and "panicked" not in done.stderr, done.stderr
    yield "libver latest is read, or refused with a remedy", latest


def check_matrices_of_10x(folder):
    features_by_cells = scipy_matrix("int32", "csc", (7, 9))
    with h5py.File(f"{folder}/filtered.h5", "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array([b"AAAC-1"] * 9)
        for name, array in {"data": features_by_cells.data, "indices": features_by_cells.indices.astype("int64"),
                            "indptr": features_by_cells.indptr.astype("int64")}.items():
            group.create_dataset(name, data=array, chunks=True, compression="gzip", shuffle=True)
        group["shape"] = np.array([7, 9], dtype="int32")
    yield "filtered.h5", lambda: assert_same_matrix(read_with_tool(f"{folder}/filtered.h5", folder), features_by_cells.T)


def check_matrices_of_anndata(folder):
    a = scipy_matrix("float32", "csr", (9, 7))
    layers = {"csr": a, "csc": a.tocsc(), "dense": a.toarray()}
    for packed in (None, "gzip"):
        for x in layers:
            data = anndata.AnnData(X=layers[x], layers=layers, obsp={"near": sp.csr_array(np.eye(9))})
            data.raw = data.copy()
            path = f"{folder}/{x}-{packed}.h5ad"
            data.write_h5ad(path, compression=packed)
            for member in [None, "raw/X", *(f"layers/{name}" for name in layers)]:
                flags = ["--member", member] if member else []
                yield f"{x}-{packed}.h5ad {member}", lambda: assert_same_matrix(read_with_tool(path, folder, *flags), a)
            yield f"{x}-{packed}.h5ad obsp/near", lambda: assert_same_matrix(read_with_tool(path, folder, "--member", "obsp/near"), sp.eye_array(9))


def check_components_of_anndata(folder):
    """The scores of cells along principal components, against NumPy's decomposition of what anndata reads.

    scanpy gives the same (`cli/tests/data`), and is left out here: it takes minutes to install.
    """
    random = np.random.default_rng(3)
    counts = random.poisson(random.gamma(0.5, 2.0, (3, 40))[random.integers(3, size=150)]).astype("float32")
    for x in (sp.csr_matrix(counts), sp.csc_matrix(counts), counts):
        for method in ("auto", "randomized"):
            kind = x.format if sp.issparse(x) else "dense"
            path = f"{folder}/{kind}-{method}.h5ad"
            anndata.AnnData(X=x).write_h5ad(path, compression="gzip")
            def scores():
                found = f"{path}.npy"
                flags = ["-k", "4", "--method", method] + ["--power", "100"] * (method == "randomized")
                done = subprocess.run([TOOL, "pca", path, found, "--quiet", *flags], capture_output=True, text=True)
                assert done.returncode == 0, done.stderr
                cells = anndata.read_h5ad(path).X
                cells = (cells.toarray() if sp.issparse(cells) else cells).astype("float64")
                u, s, v = np.linalg.svd(cells - cells.mean(axis=0), full_matrices=False)
                signs = np.sign(v[range(4), np.abs(v[:4]).argmax(axis=1)])
                expected = u[:, :4] * s[:4] * signs
                error = np.linalg.norm(np.load(found) - expected) / np.linalg.norm(expected)
                assert error < 1e-9, error
            yield os.path.basename(path), scores


def main():
    global BINARY, TOOL
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    BINARY, TOOL = map(os.path.abspath, sys.argv[1:])
    folder = tempfile.mkdtemp(prefix="interop-")
    passed = failed = 0
    try:
        written = f"{folder}/written"
        os.mkdir(written)
        assert_equal(outcore("write", written), (0, {}, ""))
        for name, check in [(name, check) for name, check in globals().items() if name.startswith("check_")]:
            place = written
            if "_by_" not in name:
                place = f"{folder}/{name}"
                os.mkdir(place)
            before = passed
            for case, test in check(place):
                try:
                    test()
                    passed += 1
                except Exception:
                    failed += 1
                    print(f"FAILED {name}: {case}\n{traceback.format_exc()}")
            print(f"{name.removeprefix('check_').replace('_', ' ')}: {passed - before}")
    finally:
        shutil.rmtree(folder)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
