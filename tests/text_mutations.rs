//! Text readers under a few thousand mutations of good files: an answer or a typed error, in memory that the file
//! justifies.
//!
//! The mutations are the same every time. Longer runs: `OUTCORE_MUTATIONS=1000000`.

use std::path::Path;

use outcore::io::edge_list::EdgeList;
use outcore::io::matrix_market::{Number, Reader};
use outcore::io::{EdgeOptions, FileFormat, ReadOptions, Vertices, read_graph_with};
use outcore::{Context, Element, Error, ErrorKind, Place, Result};

const SEEDS: [&str; 14] = [
    "%%MatrixMarket matrix coordinate real general\n% c\n5 4 4\n1 1 1.5\n5 4 -2e3\n2 3 0\n2 3 nan\n",
    "%%MatrixMarket matrix coordinate integer skew-symmetric\r\n4 4 2\r\n3 1 2\r\n4 3 -9\r\n",
    "%%MatrixMarket matrix coordinate complex hermitian\n3 3 2\n1 1 3 0\n3 2 4 -0.0\n",
    "%%MatrixMarket matrix coordinate pattern symmetric\n6 6 3\n2 1\n5 4\n6 6\n",
    "%%MatrixMarket matrix array real general\n2 3\n1\n0\n-0.0\n2.25\n1e-9\n7\n",
    "%%MatrixMarket matrix array integer skew-symmetric\n3 3\n0\n1\n2\n0\n3\n0\n",
    "%%MatrixMarket matrix coordinate unsigned-integer general\n2 2 1\n1 2 18446744073709551615\n",
    "# a list\n0 1\n1\t2 0.5\n\n7 7 -1e3\r\n3 0",
    "0 1\n2000000 2\n4294967296 5\n",
    "% sym unweighted\n1 2\n2 3\n3 1\n",
    "from,to,weight\nann,bob,1\n\"cem, c\",ann,2.5\n",
    "// a\nx y {}\ny z {'weight': 2}\n",
    "% m\n4 4\n2 3\n1 3\n1 2 4\n3\n",
    "3 2 111 2\n1 5 5 2 7\n1 5 5 1 7 3 1\n1 5 5 2 1\n",
];

/// What mutations put in: what numbers, line ends and magic bytes are made of.
const PIECES: [&[u8]; 24] = [
    b"0",
    b"9",
    b"-",
    b"+",
    b".",
    b"e",
    b"\n",
    b"\r",
    b"\r\n",
    b" ",
    b"\t",
    b"%",
    b"#",
    b",",
    b"\0",
    b"\xff",
    b"9999999999",
    b"18446744073709551616",
    b"1e999",
    b"%%MatrixMarket",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"nan",
    b"array",
];

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }

    fn mutate(&mut self, text: &mut Vec<u8>) {
        let at = self.below(text.len() + 1);
        let piece = PIECES[self.below(PIECES.len())];
        match self.below(6) {
            0 => drop(text.splice(at..at, piece.iter().copied())),
            1 => {
                let end = text.len().min(at + 1 + self.below(8));
                drop(text.splice(at..end, piece.iter().copied()));
            }
            2 => text.truncate(at),
            3 => {
                let end = text.len().min(at + self.below(40));
                let copy = text[at..end].to_vec();
                let to = self.below(text.len() + 1);
                drop(text.splice(to..to, copy));
            }
            4 if at < text.len() => text[at] ^= 1 << self.below(8),
            5 if at < text.len() => drop(text.remove(at)),
            _ => {
                let other = SEEDS[self.below(SEEDS.len())].as_bytes();
                text.extend_from_slice(&other[self.below(other.len())..]);
            }
        }
    }
}

const LIMIT: u64 = 4 << 20;

/// An error must be of a kind that a file can be to blame for, and name the file.
fn check_error(error: &Error, text: &[u8]) {
    use ErrorKind::{Format, Index, Memory, Shape, Type, Unsupported, Value};
    let known = [Format, Index, Memory, Shape, Type, Unsupported, Value].contains(&error.kind());
    assert!(known, "{error:?} of {:?}", text.escape_ascii().to_string());
    assert!(error.to_string().len() < 800, "{error}");
}

/// What was read must be justified by the bytes there were: an entry takes two, and two of them by symmetry.
fn check_size(entries: usize, text: &[u8]) {
    assert!(entries <= 2 * text.len(), "{entries} of {:?}", text.escape_ascii().to_string());
}

fn read_matrix<T: Number + Element>(path: &Path, text: &[u8], ctx: &Context) -> Result<()> {
    let reader = Reader::open(path)?;
    let csr =
        reader.read_csr::<T, u32, u32>(Place::Memory, ctx).map(|csr| check_size(csr.nnz(), text));
    let csc =
        reader.read_csc::<T, u64, u32>(Place::Memory, ctx).map(|csc| check_size(csc.nnz(), text));
    let coo = reader.read_coo::<T, u64>(ctx).map(|coo| check_size(coo.nnz(), text));
    let dense = reader.read_dense::<T>(Place::Memory, ctx).map(|dense| {
        assert!(size_of_val(dense.as_slice()) as u64 <= LIMIT);
    });
    [csr, csc, coo, dense].into_iter().collect()
}

fn read_all(round: usize, path: &Path, text: &[u8], ctx: &Context) {
    let graph = |format, hypersparse| {
        let options = ReadOptions { format, hypersparse, ..ReadOptions::default() };
        let graph = read_graph_with::<u32, u32>(path, &options, Place::Memory, ctx)?.graph;
        assert!(graph.nrows() as u64 * 4 <= LIMIT);
        check_size(graph.nnz(), text);
        Ok(())
    };
    let compact = || {
        let edges = EdgeOptions { vertices: Vertices::Compact, ..EdgeOptions::default() };
        let options = ReadOptions { edges, ..ReadOptions::default() };
        let compact = read_graph_with::<u32, u32>(path, &options, Place::Memory, ctx)?;
        let ids = compact.vertices.unwrap();
        check_size(ids.len(), text);
        assert_eq!(compact.graph.nrows(), ids.len());
        assert!(ids.numbers().is_none_or(|ids| ids.is_sorted_by(|a, b| a < b)));
        assert!((0..ids.len()).all(|vertex| ids.vertex(&ids.id(vertex)) == Some(vertex)));
        Ok(())
    };
    let edges = || {
        let size = EdgeList::open(path)?.for_each(ctx, |_, _, _| Ok(()))?;
        check_size(size.edges as usize, text);
        Ok(())
    };
    let mut outcomes = vec![edges(), compact()];
    match round % 2 {
        0 => outcomes.extend([read_matrix::<f64>(path, text, ctx), graph(None, false)]),
        _ => outcomes.extend([
            read_matrix::<u64>(path, text, ctx),
            graph(Some(FileFormat::EdgeList), true),
            graph(Some(FileFormat::Metis), false),
            graph(Some(FileFormat::MatrixMarket), true),
        ]),
    }
    for error in outcomes.into_iter().filter_map(Result::err) {
        check_error(&error, text);
    }
}

#[test]
fn mutated_text_gives_an_answer_or_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.txt");
    let ctx = Context::new().threads(1).unwrap().memory_limit(LIMIT).scratch(folder.path());
    let rounds = std::env::var("OUTCORE_MUTATIONS").ok().and_then(|n| n.parse().ok());
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..rounds.unwrap_or(2000) {
        let mut text = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
        for _ in 0..random.below(4) {
            random.mutate(&mut text);
        }
        std::fs::write(&path, &text).unwrap();
        read_all(round, &path, &text, &ctx);
    }
}
