//! Text that is packed by gzip, and matrices in archives.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use outcore::io::edge_list::EdgeList;
use outcore::io::matrix_market::Reader;
use outcore::io::{ReadOptions, read_graph, read_matrix, read_matrix_with, write_matrix};
use outcore::{AnyMatrix, Context, Csr, ErrorKind, Order, Place, Result};
use tempfile::tempdir;

use crate::shared_data;

fn pack(path: &Path, text: &[u8]) {
    let mut encoder = GzEncoder::new(File::create(path).unwrap(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap();
}

/// A matrix of many lines, so that it takes more than one batch of blocks.
fn market(lines: usize) -> String {
    let mut text =
        format!("%%MatrixMarket matrix coordinate real general\n% a comment\n{lines} 7 {lines}\n");
    for i in 0..lines {
        text.push_str(&format!("{} {} {}.5\n", i + 1, i % 7 + 1, i % 1000));
    }
    text
}

fn csr(path: &Path, ctx: &Context) -> Csr<f64> {
    let a = read_matrix(path, Place::Memory, ctx).unwrap();
    Csr::try_from(a).unwrap()
}

#[test]
fn a_packed_file_is_the_file() {
    let folder = tempdir().unwrap();
    let (plain, packed) = (folder.path().join("a.mtx"), folder.path().join("a.mtx.gz"));
    for lines in [1, 1000, 600_000] {
        let text = market(lines);
        fs::write(&plain, &text).unwrap();
        pack(&packed, text.as_bytes());
        for threads in [1, 2] {
            let ctx = Context::new().threads(threads).unwrap();
            assert!(csr(&plain, &ctx) == csr(&packed, &ctx), "{lines}");
        }
    }
    // Several members one after the other are one text, as `cat` makes them.
    let text = market(5000);
    let (front, back) = text.split_at(40_001);
    pack(&plain, front.as_bytes());
    pack(&packed, back.as_bytes());
    let both = [fs::read(&plain).unwrap(), fs::read(&packed).unwrap()].concat();
    fs::write(&packed, both).unwrap();
    fs::write(&plain, &text).unwrap();
    assert!(csr(&plain, &Context::new()) == csr(&packed, &Context::new()));
}

#[test]
fn text_is_packed_where_its_name_says_so() {
    let folder = tempdir().unwrap();
    let ctx = Context::new().threads(2).unwrap();
    let a = AnyMatrix::from(Csr::<f64>::random((3000, 700), 0.02, 1, Place::Memory, &ctx).unwrap());
    let dense = AnyMatrix::try_from(
        a.slice(0..50, 0..40, Place::Memory, &ctx)
            .and_then(|part| part.to_dense(Order::C, Place::Memory, &ctx))
            .unwrap(),
    );
    let pattern = Csr::<f64>::poisson(&[90, 90], Place::Memory, &ctx).unwrap();
    let pattern = AnyMatrix::from(pattern).pattern().unwrap();
    let off = [pattern.tril(-1, Place::Memory, &ctx), pattern.triu(1, Place::Memory, &ctx)];
    let [lower, upper] = off.map(Result::unwrap);
    let graph = lower.add(&upper, Place::Memory, &ctx).unwrap();
    for (matrix, name) in [
        (&a, "a.mtx"),
        (&a, "a.csv"),
        (&dense.unwrap(), "d.tsv"),
        (&pattern, "p.mtx"),
        (&graph, "g.graph"),
    ] {
        let (plain, packed) = (folder.path().join(name), folder.path().join(format!("{name}.gz")));
        write_matrix(&plain, matrix, &ctx).unwrap();
        for ctx in [Context::new(), ctx.clone(), Context::new().memory_limit(4 << 20)] {
            write_matrix(&packed, matrix, &ctx).unwrap();
            let mut text = Vec::new();
            let file = File::open(&packed).unwrap();
            MultiGzDecoder::new(file).read_to_end(&mut text).unwrap();
            assert!(text == fs::read(&plain).unwrap(), "{name}");
        }
        assert!(fs::metadata(&packed).unwrap().len() < fs::metadata(&plain).unwrap().len());
        let read = |path| read_matrix(path, Place::Memory, &ctx).unwrap();
        assert_eq!(read(&plain).nnz(), read(&packed).nnz(), "{name}");
    }
    let error = write_matrix(folder.path().join("a.npz.gz"), &a, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn packed_edges_make_a_graph() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("edges.txt.gz");
    pack(&path, b"# from to\n0 2\n2 1\n");
    let graph: Csr<()> = read_graph(&path, Place::Memory, &Context::new()).unwrap();
    assert_eq!((graph.nrows(), graph.nnz()), (3, 2));
    pack(&path, b"");
    let size = EdgeList::open(&path).unwrap().for_each(&Context::new(), |_, _, _| Ok(())).unwrap();
    assert_eq!(size.edges, 0);
    let error = read_matrix(&path, Place::Memory, &Context::new()).unwrap_err();
    assert!(error.to_string().contains("the file is empty"), "{error}");
}

#[test]
fn the_window_keeps_to_the_limit_and_is_counted() {
    let folder = tempdir().unwrap();
    let (plain, path) = (folder.path().join("a.mtx"), folder.path().join("a.mtx.gz"));
    let text = market(400_000);
    fs::write(&plain, &text).unwrap();
    pack(&path, text.as_bytes());
    let free = Context::new().scratch(folder.path());
    let expected = csr(&plain, &free);
    for (limit, threads) in [(3 << 20, 1), (4 << 20, 2), (16 << 20, 4), (1 << 30, 2)] {
        let ctx = free.clone().memory_limit(limit).threads(threads).unwrap();
        let (a, report) = ctx.measure(|ctx| read_matrix(&path, Place::Scratch, ctx)).unwrap();
        assert!(Csr::try_from(a).unwrap() == expected);
        let (planned, actual) = (report.plan.cost.peak_memory, report.actual.peak_memory);
        assert!(actual <= planned && actual <= limit, "{report}");
    }
    // As many blocks as two threads read at a time, beside what the plain file takes.
    let ctx = free.memory_limit(1 << 30).threads(2).unwrap();
    let dense = |path: &Path| {
        let reader = Reader::open(path).unwrap();
        let read = |ctx: &Context| reader.read_dense::<f64>(Place::Scratch, ctx);
        let report = ctx.measure(read).unwrap().1;
        [report.plan.cost.peak_memory, report.actual.peak_memory]
    };
    for (with, without) in dense(&path).into_iter().zip(dense(&plain)) {
        assert!((1 << 20..4 << 20).contains(&(with - without)), "{with} {without}");
    }
}

#[test]
fn faults_have_their_line_and_damage_its_place() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.mtx.gz");
    let ctx = Context::new();
    pack(&path, b"%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n3 1 1\n");
    let error = read_matrix(&path, Place::Memory, &ctx).unwrap_err();
    assert!(
        error.to_string().contains("line 4") && error.to_string().contains("a.mtx.gz"),
        "{error}"
    );
    // More entries than the packed bytes could hold are refused before anything is reserved.
    pack(&path, b"%%MatrixMarket matrix coordinate real general\n9 9 4000000000\n1 1 1\n");
    assert_eq!(read_matrix(&path, Place::Memory, &ctx).unwrap_err().kind(), ErrorKind::Format);
    let text = market(100_000);
    pack(&path, text.as_bytes());
    let whole = fs::read(&path).unwrap();
    for cut in [3, 11, whole.len() / 2, whole.len() - 5] {
        fs::write(&path, &whole[..cut]).unwrap();
        let error = read_matrix(&path, Place::Memory, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Format, "{cut}: {error}");
    }
    let mut flipped = whole.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1; // the sum at the end
    fs::write(&path, &flipped).unwrap();
    let error = read_matrix(&path, Place::Memory, &ctx).unwrap_err().to_string();
    assert!(error.contains("damaged at byte") && error.contains("of the unpacked text"), "{error}");
    // What is packed is examined like what is not.
    pack(&path, b"\x89HDF\r\n\x1a\n\0\0");
    assert!(read_matrix(&path, Place::Memory, &ctx).unwrap_err().to_string().contains("HDF5"));
}

/// A tar archive of members that are ordinary files.
fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    archive_of(&members.iter().map(|&(name, text)| (b'0', name, text)).collect::<Vec<_>>())
}

/// A tar archive of members of these kinds.
fn archive_of(members: &[(u8, &str, &str)]) -> Vec<u8> {
    let mut all = Vec::new();
    for (kind, name, text) in members {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
        header[156] = *kind;
        header[257..262].copy_from_slice(b"ustar");
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|&b| u64::from(b)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        all.extend_from_slice(&header);
        all.extend_from_slice(text.as_bytes());
        all.resize(all.len().next_multiple_of(512), 0);
    }
    all.extend_from_slice(&[0; 1024]);
    all
}

#[test]
fn the_matrix_of_an_archive_is_read() {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("bus.tar.gz"), Context::new());
    let (text, rhs) = (market(3000), "%%MatrixMarket matrix array real general\n1 1\n7\n");
    pack(&path, &archive(&[("bus/bus_b.mtx", rhs), ("bus/bus.mtx", &text), ("bus/notes", "x")]));
    assert_eq!(csr(&path, &ctx).shape(), (3000, 7));
    // One matrix alone needs no such name; of two it is not guessed.
    pack(&path, &archive(&[("readme", "words"), ("other.mtx", &text)]));
    assert_eq!(csr(&path, &ctx).nnz(), 3000);
    for members in [&[("a.mtx", text.as_str()), ("b.mtx", rhs)][..], &[("notes", "words")]] {
        pack(&path, &archive(members));
        let error = read_matrix(&path, Place::Memory, &ctx).unwrap_err();
        assert!(error.to_string().contains("exactly one matrix"), "{error}");
    }
    // A header that says more than there is.
    let mut lying = archive(&[("a/a.mtx", &text)]);
    lying.truncate(20_000);
    pack(&path, &lying);
    assert_eq!(read_matrix(&path, Place::Memory, &ctx).unwrap_err().kind(), ErrorKind::Format);
}

#[test]
fn long_names_in_archives_are_the_names_of_their_members() {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.tar.gz"), Context::new());
    let long = "a".repeat(150);
    let (name, text) = (format!("{long}/{long}.mtx"), market(30));
    let pax = format!("{} path={name}\n", name.len() + 10);
    let rhs = "%%MatrixMarket matrix array real general\n1 1\n7\n";
    for (kind, about) in [(b'L', format!("{name}\0")), (b'x', pax)] {
        pack(
            &path,
            &archive_of(&[
                (b'g', "pax_global_header", "20 comment=whatever\n"),
                (b'0', "a/other.mtx", rhs),
                (kind, "././@LongLink", &about),
                (b'0', &name[..100], &text),
            ]),
        );
        assert_eq!(csr(&path, &ctx).nnz(), 30);
        // Where no matrix is found, the members are listed, by their names alone.
        let other = about.replace(".mtx", ".txt");
        pack(
            &path,
            &archive_of(&[
                (b'K', "././@LongLink", "elsewhere"),
                (kind, "././@LongLink", &other),
                (b'0', &name[..100], "words"),
                (b'0', "notes", "words"),
            ]),
        );
        let error = read_matrix(&path, Place::Memory, &ctx).unwrap_err().to_string();
        assert!(!error.contains("LongLink"), "{error}");
        assert!(error.contains(&format!("{long}/{long}.txt, notes")), "{error}");
    }
}

/// Reads a member of an archive.
fn member(path: &Path, name: &str) -> Result<AnyMatrix> {
    let options = ReadOptions { member: Some(name.to_owned()), ..ReadOptions::default() };
    read_matrix_with(path, &options, Place::Memory, &Context::new()).map(|read| read.matrix)
}

#[test]
fn a_member_of_an_archive_is_read_by_its_name() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("bus.tar.gz");
    let (text, rhs) = (market(3000), "%%MatrixMarket matrix array real general\n1 1\n7\n");
    let table = "1,2\n3,4\n5,6\n";
    let members = [("bus/bus.mtx", text.as_str()), ("./bus/bus_b.mtx", rhs), ("bus/t.csv", table)];
    pack(&path, &archive(&members));
    for name in ["bus_b", "bus_b.mtx", "bus/bus_b", "bus/bus_b.mtx", "./bus/bus_b.mtx"] {
        let b = member(&path, name).unwrap();
        assert_eq!((b.shape(), b.nnz()), ((1, 1), 1), "{name}");
    }
    assert_eq!(member(&path, "bus").unwrap().shape(), (3000, 7));
    for name in ["zz", "us_b", "bus/", "", "other/bus_b"] {
        let error = member(&path, name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Format, "{name}");
        let found = error.finding().unwrap();
        assert_eq!(found, "bus/bus.mtx, bus/bus_b.mtx, bus/t.csv", "{error}");
    }
    // Two folders have one.
    pack(&path, &archive(&[("a/x.mtx", rhs), ("b/x.mtx", &text)]));
    let error = member(&path, "x").unwrap_err().to_string();
    assert!(error.contains("a/x.mtx, b/x.mtx"), "{error}");
    assert_eq!(member(&path, "b/x").unwrap().nrows(), 3000);
    let error = read_matrix(&path, Place::Memory, &Context::new()).unwrap_err().to_string();
    assert!(error.contains("2 members that end in .mtx: a/x.mtx, b/x.mtx"), "{error}");
    // A list of names is not endless.
    let names: Vec<String> = (0..100).map(|k| format!("a/{k}.mtx")).collect();
    pack(&path, &archive(&names.iter().map(|name| (name.as_str(), rhs)).collect::<Vec<_>>()));
    let error = member(&path, "x").unwrap_err().to_string();
    assert!(error.contains("and 88 more") && error.len() < 400, "{error}");
}

#[test]
fn archives_that_were_not_made_for_matrices_are_refused() {
    let folder = tempdir().unwrap();
    let (path, text) = (folder.path().join("a.tar.gz"), market(30));
    for (kind, name, word) in [
        (b'0', "/etc/x.mtx", "leads out"),
        (b'0', "a/../../x.mtx", "leads out"),
        (b'1', "a/link.mtx", "link"),
        (b'2', "a/link.mtx", "link"),
        (b'0', "a/b.mtx", "two members"),
    ] {
        let members = [(b'0', "a/b.mtx", "x"), (kind, name, ""), (b'0', "a/a.mtx", text.as_str())];
        pack(&path, &archive_of(&members));
        for error in [
            read_matrix(&path, Place::Memory, &Context::new()).unwrap_err(),
            member(&path, "a/a.mtx").unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Format);
            assert!(error.to_string().contains(word), "{error}");
            assert_eq!(error.path(), Some(path.as_path()));
        }
    }
}

#[test]
fn packed_files_of_the_collection_are_read() {
    let Some(shared) = shared_data::folder() else { return };
    for (name, shape, nnz) in [
        ("matrices/1138_bus.tar.gz", (1138, 1138), 4054),
        ("matrices/well1033.tar.gz", (1033, 320), 4732),
    ] {
        let a = read_matrix(shared.join(name), Place::Memory, &Context::new()).unwrap();
        assert_eq!((a.shape(), a.nnz()), (shape, nnz), "{name}");
    }
    let path = shared.join("matrices/tenx3_matrix.mtx.gz");
    assert!(matches!(read_matrix(path, Place::Memory, &Context::new()), Ok(AnyMatrix::Csr(_))));
}
