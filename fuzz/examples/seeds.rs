//! Writes the first inputs of every target into `corpus`.

fn main() -> std::io::Result<()> {
    outcore_fuzz::write_seeds("corpus".as_ref())
}
