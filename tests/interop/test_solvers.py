"""The tool solves as SciPy does: the same number of iterations and the same norms of the residual, up to rounding.

    cargo build --release --package outcore-cli
    pip install -r tests/interop/requirements.txt
    python tests/interop/test_solvers.py target/release/outcore

The last line says how many solves agreed; the exit code is 1 if one did not.
"""

import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as la

# Norms agree to this part of themselves, and to this part of the first one.
RELATIVE, OF_THE_FIRST = 1e-5, 1e-10


def poisson(n):
    line = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n))
    return (sp.kron(line, sp.eye(n)) + sp.kron(sp.eye(n), line)).tocsr()


def convection(n):
    line = sp.diags([-1.4, 2.0, -0.6], [-1, 0, 1], shape=(n, n))
    return (sp.kron(line, sp.eye(n)) + sp.kron(sp.eye(n), line)).tocsr()


def tall(m, n):
    return sp.random(m, n, 0.05, random_state=3, format="csr") + sp.eye(m, n, format="csr")


def outcore(tool, folder, a, b, method, rtol, precond):
    """Solves with the tool: its answer with the history, and x."""
    sp.save_npz(f"{folder}/a.npz", a)
    np.save(f"{folder}/b.npy", b)
    command = [tool, "solve", f"{folder}/a.npz", f"{folder}/b.npy", f"{folder}/x.npy", "--method", method,
               "--rtol", str(rtol), "--precond", precond, "--json", "--overwrite"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise AssertionError(done.stderr)
    return json.loads(done.stdout), np.load(f"{folder}/x.npy").ravel()


def norms_of_iterates(solver, a, b, **options):
    """The norms of the residuals of the iterates that a solver passes to its callback."""
    norms = [np.linalg.norm(b)]
    x, info = solver(a, b, callback=lambda x: norms.append(np.linalg.norm(b - a @ x)), **options)
    return norms, x, info


def scipy_solve(a, b, method, rtol, precond):
    m = sp.diags(1 / a.diagonal()) if precond == "jacobi" else None
    if method in ("cg", "bicgstab"):
        return norms_of_iterates(getattr(la, method), a, b, rtol=rtol, M=m)
    if method == "minres":
        return norms_of_iterates(la.minres, a, b, rtol=rtol * 1e-3)
    if method == "gmres":
        norms = [np.linalg.norm(b)]
        x, info = la.gmres(a, b, rtol=rtol, restart=30, callback_type="pr_norm",
                           callback=lambda norm: norms.append(norm * np.linalg.norm(b)))
        return norms, x, info
    solver = {"lsqr": lambda k: la.lsqr(a, b, atol=0, btol=0, conlim=0, iter_lim=k)[3],
              "lsmr": lambda k: la.lsmr(a, b, atol=0, btol=0, conlim=0, maxiter=k)[3]}[method]
    return [np.linalg.norm(b)] + [solver(k) for k in range(1, 25)], None, 0


def agree(tool, folder, name, a, method, precond="none"):
    rtol = 1e-8
    b = a @ (np.sin(np.arange(a.shape[1])) + 0.3)
    if a.shape[0] != a.shape[1]:
        b += np.cos(np.arange(a.shape[0]))  # no solution
    found, x = outcore(tool, folder, a, b, method, rtol, precond)
    norms, wanted, info = scipy_solve(a, b, method, rtol, precond)
    ours = np.array(found["history"])
    assert found["converged"] and info == 0, found
    # SciPy's BiCGSTAB may end in the middle of an iteration, of which its callback then does not hear.
    most = {"cg": 0, "gmres": 0, "bicgstab": 1}.get(method)
    if most is not None:
        assert 0 <= found["iterations"] - (len(norms) - 1) <= most, (found["iterations"], len(norms) - 1)
    count = min(len(ours), len(norms))
    assert count > 10, count
    theirs = np.array(norms[:count])
    off = np.abs(ours[:count] - theirs) / (RELATIVE * theirs + OF_THE_FIRST * theirs[0])
    # Rounding errors grow from one iteration of BiCGSTAB to the next, and of MINRES on an indefinite matrix.
    compared = off[:count // 2] if method == "bicgstab" or name == "indefinite" else off
    assert compared.max() <= 1, (int(compared.argmax()), ours[compared.argmax()], theirs[compared.argmax()])
    if wanted is not None:
        assert np.linalg.norm(x - wanted) <= 1e-5 * np.linalg.norm(wanted)
    if a.shape[0] != a.shape[1]:
        assert np.linalg.norm(x - np.linalg.lstsq(a.toarray(), b, rcond=None)[0]) <= 1e-5 * np.linalg.norm(x)
    return f"{name} {method} {precond}: {found['iterations']} iterations, {count} norms"


CASES = [
    ("poisson", poisson(40), "cg"), ("poisson", poisson(40), "cg", "jacobi"), ("poisson", poisson(40), "minres"),
    ("poisson", poisson(24), "gmres"), ("poisson", poisson(24), "bicgstab"),
    ("indefinite", poisson(14) - 1.1 * sp.eye(196), "minres"),
    ("convection", convection(24), "gmres"), ("convection", convection(24), "bicgstab"),
    ("convection", convection(20), "lsqr"), ("convection", convection(20), "lsmr"),
    ("tall", tall(400, 120), "lsqr"), ("tall", tall(400, 120), "lsmr"),
]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    tool, failed = os.path.abspath(sys.argv[1]), 0
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="solvers-") as folder:
        for name, a, *how in CASES:
            try:
                print(agree(tool, folder, name, sp.csr_matrix(a), *how))
            except AssertionError as error:
                failed += 1
                print(f"FAILED {name} {' '.join(how)}: {error}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
