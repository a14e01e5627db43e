"""Conjugate gradients on a stored matrix by SciPy, or by loops that numba compiles: what `passes --peer` runs.

    cg.py scipy|numba FOLDER RTOL memmap|memory

FOLDER has `a.bspnpy`, compressed rows of float64, and `b.npy`. Prints one JSON object: iterations, seconds of the solve and
the norm of the residual of the solution itself, relative to that of b. The stop test is that of SciPy, which is ours.
"""

import json
import sys
import time

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg


def by_scipy(a, b, rtol):
    iterations = 0

    def count(_):
        nonlocal iterations
        iterations += 1

    x, _ = scipy.sparse.linalg.cg(a, b, rtol=rtol, atol=0.0, maxiter=10 * len(b), callback=count)
    return x, iterations


def numba_loops():
    from numba import njit, prange

    @njit(parallel=True, fastmath=True)
    def multiply(indptr, indices, data, p, q):
        """q = A p, and the inner product of both."""
        total = 0.0
        for i in prange(len(q)):
            s = 0.0
            for k in range(indptr[i], indptr[i + 1]):
                s += data[k] * p[indices[k]]
            q[i] = s
            total += s * p[i]
        return total

    @njit(parallel=True, fastmath=True)
    def update(alpha, p, q, x, r):
        """x += alpha p, r -= alpha q, and the square of the norm of r."""
        total = 0.0
        for i in prange(len(x)):
            x[i] += alpha * p[i]
            r[i] -= alpha * q[i]
            total += r[i] * r[i]
        return total

    @njit(parallel=True, fastmath=True)
    def turn(beta, r, p):
        for i in prange(len(r)):
            p[i] = r[i] + beta * p[i]

    return multiply, update, turn


def by_numba(a, b, rtol, loops):
    multiply, update, turn = loops
    x, r, p, q = np.zeros_like(b), b.copy(), b.copy(), np.empty_like(b)
    rho = float(r @ r)
    tolerance = rtol * rho**0.5
    iterations = 0
    while rho**0.5 > tolerance and iterations < 10 * len(b):
        curvature = multiply(a.indptr, a.indices, a.data, p, q)
        after = update(rho / curvature, p, q, x, r)
        turn(after / rho, r, p)
        rho = after
        iterations += 1
    return x, iterations


def main():
    how, folder, rtol, place = sys.argv[1:5]
    rtol = float(rtol)
    mode = "r" if place == "memmap" else None

    def part(name):
        return np.load(f"{folder}/a.bspnpy/{name}.npy", mmap_mode=mode)

    b = np.load(f"{folder}/b.npy").reshape(-1)
    pointers, indices, values = part("pointers_to_1"), part("indices_1"), part("values")
    # Pointers of the type of the indices, so that SciPy copies neither.
    a = sp.csr_matrix(
        (values, indices.view(np.int32), np.asarray(pointers).astype(np.int32, copy=False)),
        shape=(len(b), len(b)),
        copy=False,
    )
    loops = None
    if how == "numba":
        loops = numba_loops()
        # Compiled for these very types, of which maps are others.
        multiply, update, turn = loops
        multiply(a.indptr, a.indices, a.data, b, np.empty(1))
        update(0.0, np.ones(1), np.ones(1), np.ones(1), np.ones(1))
        turn(0.0, np.ones(1), np.ones(1))
    start = time.perf_counter()
    x, iterations = by_numba(a, b, rtol, loops) if how == "numba" else by_scipy(a, b, rtol)
    seconds = time.perf_counter() - start
    residual = float(np.linalg.norm(b - a @ x) / np.linalg.norm(b))
    print(
        json.dumps(
            {
                "case": "",
                "method": how,
                "order": len(b),
                "file_bytes": values.nbytes + indices.nbytes + pointers.nbytes,
                "iterations": iterations,
                "products": iterations,
                "sweeps": iterations,
                "seconds": seconds,
                "residual": residual,
            }
        )
    )


main()
