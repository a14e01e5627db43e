"""Makes the archives and the HDF5 file that readers are fed with in the beginning: small, as NumPy, SciPy and h5py write them.

    pip install numpy scipy h5py
    python make_seeds.py
"""

import h5py
import numpy as np
import scipy.sparse as sp

a = sp.csr_array(([1.0, 2.0, 3.0, 4.0], ([0, 0, 2, 3], [0, 3, 1, 4])), shape=(4, 5))
sp.save_npz("csr.npz", a, compressed=False)
sp.save_npz("csc_deflated.npz", a.tocsc(), compressed=True)
sp.save_npz("bsr.npz", sp.bsr_array(a.toarray()[:, :4], blocksize=(2, 2)), compressed=True)
np.savez("dense.npz", np.arange(6.0).reshape(2, 3))

with h5py.File("sparse.h5", "w") as file:
    group = file.create_group("X")
    group.attrs["encoding-type"] = "csr_matrix"
    group.attrs["shape"] = np.array([4, 5])
    group["indptr"], group["indices"] = a.indptr, a.indices
    group.create_dataset("data", data=a.data, chunks=(3,), compression="gzip", shuffle=True)
with h5py.File("dense.h5", "w") as file:
    file["x"] = np.arange(6.0).reshape(2, 3)
