//! What programs get from `--json`.

use serde_json::json;

use crate::shell::Shell;

#[test]
fn the_first_rows_are_data() {
    let shell = Shell::new();
    let entries = "3 3 3\n1 1 7.5\n1 3 -2\n3 2 5\n";
    shell.write("a.mtx", &format!("%%MatrixMarket matrix coordinate real general\n{entries}"));
    let head = shell.json("head a.mtx");
    assert_eq!(head["rows"], json!([[[0, 7.5], [2, -2.0]], [], [[1, 5.0]]]));
    assert_eq!((&head["kind"], &head["type"]), (&json!("CSR"), &json!("float64")));
    assert_eq!(head["shape"], json!([3, 3]));
    shell.run("convert a.mtx a.npy --dtype float32");
    assert_eq!(shell.json("head a.npy --rows 1 --columns 2")["rows"], json!([[7.5, 0.0]]));
    shell.write("p.mtx", "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 2\n");
    assert_eq!(shell.json("head p.mtx")["rows"], json!([[1], []]));
    shell.write("c.mtx", "%%MatrixMarket matrix array complex general\n1 1\n1 -2\n");
    assert_eq!(shell.json("head c.mtx")["rows"], json!([[[1.0, -2.0]]]));
    shell.write("n.csv", "nan,0.1\n");
    assert_eq!(shell.json("head n.csv --missing nan")["rows"], json!([["NaN", 0.1]]));
}

#[test]
fn the_largest_components_are_data() {
    let shell = Shell::new();
    shell.write("g.txt", "ann bob\ncem dan\ndan eve\n");
    let found = shell.json("components g.txt");
    assert_eq!(found["top"], json!([["cem", 3], ["ann", 2]]));
    assert_eq!(shell.json("components g.txt --top 1")["top"], json!([["cem", 3]]));
    shell.write("n.txt", "0 1\n2 3\n");
    assert_eq!(shell.json("components n.txt")["top"], json!([[0, 2], [2, 2]]));
}
