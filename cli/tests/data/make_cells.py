"""Makes cells.h5ad, counts of genes in cells as anndata writes them, and cells.scanpy.npy, their principal components by scanpy.

    pip install scanpy==1.11.5
    python make_cells.py
"""

import anndata
import numpy as np
import scanpy
import scipy.sparse as sp

CELLS, GENES, KINDS = 200, 60, 4

random = np.random.default_rng(7)
profiles = random.gamma(0.4, 2.0, (KINDS, GENES))
kinds = random.integers(KINDS, size=CELLS)
counts = random.poisson(profiles[kinds] * random.gamma(4.0, 0.25, (CELLS, 1)))
cells = anndata.AnnData(X=sp.csr_matrix(counts, dtype="float32"))
scanpy.pp.normalize_total(cells, target_sum=100)
scanpy.pp.log1p(cells)
del cells.uns["log1p"]
cells.write_h5ad("cells.h5ad", compression="gzip")

scanpy.pp.pca(cells, n_comps=5, dtype="float64")
np.save("cells.scanpy.npy", np.ascontiguousarray(cells.obsm["X_pca"]))
x = cells.X.toarray().astype("float64")
u, s, v = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
print("shape", x.shape, "entries", cells.X.nnz, "variances", (s[:7] ** 2 / (CELLS - 1)).round(5))
scores = u[:, :5] * s[:5] * np.sign(v[range(5), np.abs(v[:5]).argmax(axis=1)])
found = cells.obsm["X_pca"]
print("scanpy and NumPy differ by", np.linalg.norm(found - scores) / np.linalg.norm(scores))
