//! Readers of files, fed with any bytes: by the mutations here, and by the fuzz targets.
//!
//! An error is a right answer. What a reader takes must be a matrix that can be used.

use std::fs;
use std::path::Path;

use outcore::io::{
    FileFormat, ReadOptions, TableOptions, edge_list::EdgeList, matrix_market, read_graph,
    read_graph_with, read_matrix_with,
};
use outcore::{Context, Coo, Csc, Csr, Dense, Descriptor, NpyHeader, Place, verify};

use crate::stores::Store;

/// The readers by name.
pub const READERS: [&str; 11] = [
    "npy",
    "descriptor",
    "mtx",
    "edges",
    "metis",
    "sums",
    "petsc",
    "harwell_boeing",
    "table",
    "npz",
    "hdf5",
];

/// The memory limit under which they read.
pub const LIMIT: u64 = 16 << 20;

/// What a reader is fed with in the beginning.
pub fn seeds(reader: &str) -> Vec<Vec<u8>> {
    let texts: &[&str] = match reader {
        "npy" => {
            return [
                npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }", 96),
                npy(2, "{'descr': '>f8', 'fortran_order': True, 'shape': (3, 4), }", 96),
                npy(3, "{'shape': (0, 4), 'descr': '<f8', 'fortran_order': False}", 0),
                npy(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (5,), }", 5),
            ]
            .into();
        }
        "petsc" => {
            let vector = [&[0, 0x12, 0x7b, 0x4e, 0, 0, 0, 2][..], &[0x40; 16]].concat();
            let mut matrix = [1_211_216i64, 2, 3, 3, 1, 2, 2, 0, 1].map(i64::to_be_bytes).concat();
            matrix.extend([0x3f; 24]);
            return vec![[&matrix[..], &vector].concat(), matrix, vector];
        }
        // Made by `seeds/make_seeds.py`.
        "npz" => {
            return vec![
                include_bytes!("seeds/csr.npz").to_vec(),
                include_bytes!("seeds/csc_deflated.npz").to_vec(),
                include_bytes!("seeds/bsr.npz").to_vec(),
                include_bytes!("seeds/dense.npz").to_vec(),
            ];
        }
        "hdf5" => {
            return vec![
                include_bytes!("seeds/sparse.h5").to_vec(),
                include_bytes!("seeds/dense.h5").to_vec(),
            ];
        }
        "metis" => &[
            "% words\n4 4\n2 3\n1 3\n1 2 4\n3\n",
            "3 2 111 2\n1 5 5 2 7\n1 5 5 1 7 3 1\n1 5 5 2 1\n",
            "5 1 1\n\n3 9\n2 9\n\n\n",
        ],
        "harwell_boeing" => &[
            "t\n 3 1 1 1\nrsa 3 3 3 0\n(4I2) (3I2) (3F4.1)\n 1 3 4 4\n 1 2 3\n 1.0 2.0 3.0\n",
            "t\n 3 1 1 2\ncua 2 2 2 0\n(3I2) (3I2) (1P,2E9.2)\n 1 2 3\n 1 2\n  1.0D+00 -2.0D+00\n  3.0D+00  4.0D+00\n",
            "t\n 3 1 2 0\npsa 5 5 4 0\n(6I3) (2I3)\n  1  2  3  4  5  5\n  1  2\n  3  5\n",
        ],
        "table" => &[
            "x,y\n1,2.5\n-3,4e1\n",
            "1;2\n3;NA\n\n5;6",
            "\"1\"\t2\r\n3\t4\r\n",
            "row,column,value\n0,1,2\n5,3,-1\n",
            "row column\n0 1\n5 3\n",
        ],
        "descriptor" => &[DESCRIPTOR],
        "sums" => &[SUMS],
        "mtx" => &[
            "%%MatrixMarket matrix coordinate real general\n% words\n3 3 4\n1 1 1.5\n2 3 -2e-3\n3 1 4\n3 3 .5\n",
            "%%MatrixMarket matrix coordinate integer symmetric\n3 3 3\n1 1 1\n2 1 2\n3 3 3\n",
            "%%MatrixMarket matrix coordinate pattern skew-symmetric\n4 4 2\n2 1\n4 3\n",
            "%%MatrixMarket matrix coordinate complex hermitian\n2 2 2\n1 1 1 0\n2 1 0.5 -1\n",
            "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n",
            "%%MatrixMarket matrix array real symmetric\n2 2\n1\n2\n3\n",
        ],
        _ => &["# words\n0 1\n1 2 0.5\n7 3\n", "% words\n10 20\n20 10\n\n5 5 1e9\n"],
    };
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

const DESCRIPTOR: &str = r#"{"binsparse": {"version": "0.1.0", "format": "CSR", "shape": [4, 5],
"number_of_stored_values": 6, "data_types": {"pointers_to_1": "int32", "indices_1": "int32", "values": "float64"}}}
"#;

const SUMS: &str = "{\"algorithm\":\"XXH3-64\",\"block_bytes\":4194304,\"blocks\":[\"000c5ee58a286795\"],\"bytes\":4192}\n";

fn npy(version: u8, text: &str, data: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    let before = if version == 1 { 10 } else { 12 };
    let length = (before + text.len() + 1).next_multiple_of(64) - before;
    match version {
        1 => bytes.extend((length as u16).to_le_bytes()),
        _ => bytes.extend((length as u32).to_le_bytes()),
    }
    bytes.extend(text.as_bytes());
    bytes.resize(before + length - 1, b' ');
    bytes.push(b'\n');
    bytes.extend((0..data).map(|i| i as u8));
    bytes
}

/// Makes in `folder` what must lie beside what a reader is fed with.
pub fn prepare(reader: &str, folder: &Path) -> outcore::Result<()> {
    match reader {
        "descriptor" => Store::Csr.write(folder).map(drop),
        "sums" => Store::Dense.write(folder).map(drop),
        _ => Ok(()),
    }
}

/// Feeds a reader with `bytes`, in a folder that was prepared for it. Panics where a reader does, or takes what is none.
pub fn feed(reader: &str, bytes: &[u8], folder: &Path) {
    let ctx = Context::new().memory_limit(LIMIT).scratch(folder);
    let path = folder.join(match reader {
        "npy" => "y.npy",
        "descriptor" => "x.bspnpy/binsparse.json",
        "mtx" => "y.mtx",
        "sums" => "x.npy.xxh3",
        "petsc" => "y.petsc",
        "metis" => "y.graph",
        "npz" => "y.npz",
        "hdf5" => "y.h5",
        "harwell_boeing" => "y.rb",
        "table" => "y.csv",
        _ => "y.txt",
    });
    fs::write(&path, bytes).expect("the folder takes files");
    match reader {
        "npy" => {
            let _ = NpyHeader::read(&path);
            if let Ok(a) = Dense::<f64>::open(&path) {
                assert_eq!(a.len(), a.nrows() * a.ncols());
                std::hint::black_box(a.as_slice().iter().sum::<f64>());
            }
            if let Ok(a) = Dense::<f64>::read(&path, Place::Memory, &ctx) {
                assert!(8 * a.len() as u64 <= LIMIT);
            }
        }
        "descriptor" => {
            let path = folder.join("x.bspnpy");
            let _ = Descriptor::read(&path);
            if let Ok(a) = Csr::<f64>::open(&path) {
                assert_eq!((a.nnz(), a.data().len()), (6, 6));
                let _ = a.check();
            }
            let _ = Csc::<f64>::open(&path).map(|a| a.check());
            let _ = Csr::<()>::open(&path).map(|a| a.check());
            let _ = Coo::<f64>::open(&path).map(|a| a.check());
            let _ = verify(&path, &ctx);
        }
        "sums" => drop(verify(folder.join("x.npy"), &ctx)),
        "petsc" | "harwell_boeing" | "table" => {
            let format = match reader {
                "petsc" => FileFormat::Petsc,
                "table" => FileFormat::Csv,
                _ => FileFormat::HarwellBoeing,
            };
            for missing in [None, Some(0.0)] {
                let table = TableOptions { missing, ..TableOptions::default() };
                let format = Some(format);
                let options = ReadOptions { format, table, ..ReadOptions::default() };
                if let Ok(read) = read_matrix_with(&path, &options, Place::Memory, &ctx) {
                    read.matrix.check().expect("what was read is a matrix");
                    assert!(read.matrix.nnz() <= 2 * bytes.len());
                }
            }
        }
        "metis" | "npz" | "hdf5" => {
            let format = match reader {
                "metis" => FileFormat::Metis,
                "npz" => FileFormat::Npz,
                _ => FileFormat::Hdf5,
            };
            let options = ReadOptions { format: Some(format), ..ReadOptions::default() };
            if let Ok(read) = read_matrix_with(&path, &options, Place::Memory, &ctx) {
                // What is wrong with the indices of a mapped matrix is an error where they are first used.
                let _ = read.matrix.check();
                // Packed, and never written, elements take less room in the file.
                assert!(read.matrix.nnz() as u64 <= LIMIT);
                assert!(reader != "metis" || read.matrix.nnz() <= bytes.len());
            }
            let graph = read_graph_with::<u32, u32>(&path, &options, Place::Memory, &ctx);
            if let Ok(read) = graph {
                assert!(read.graph.check().expect("what was read is a graph"));
            }
        }
        "mtx" => {
            let Ok(reader) = matrix_market::Reader::open(&path) else { return };
            if let Ok(a) = reader.read_csr::<f64, u32, u32>(Place::Memory, &ctx) {
                assert!(a.check().expect("what was read is a matrix"));
                assert_eq!(a.shape(), (reader.header().nrows, reader.header().ncols));
            }
            let _ = reader.read_dense::<f64>(Place::Memory, &ctx);
        }
        _ => {
            let list = EdgeList::open(&path);
            let size = list.and_then(|list| list.for_each(&ctx, |_, _, _| Ok(())));
            let graph: outcore::Result<Csr<()>> = read_graph(&path, Place::Memory, &ctx);
            if let (Ok(size), Ok(graph)) = (size, graph) {
                assert!(graph.check().expect("what was read is a graph"));
                assert!(graph.nnz() as u64 <= size.edges.max(1) * 2);
            }
        }
    }
}
