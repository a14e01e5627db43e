use std::time::Instant;
use outcore::linalg::{Level, LinearOperator, Operator};
use outcore::{Context, Csr, Place, Result};

fn value(i: usize) -> f64 {
    let mut s = (i as u64).wrapping_mul(0x9e3779b97f4a7c15);
    s ^= s >> 29;
    s = s.wrapping_mul(0xbf58476d1ce4e5b9);
    s ^= s >> 32;
    (s >> 11) as f64 / (1u64 << 53) as f64 + 0.5
}

fn band(n: usize, random: bool, place: Place) -> Result<Csr<f64>> {
    let values: Vec<f64> =
        (0..n).map(|i| if random { value(i) } else { 1.0 / (1 + i % 7) as f64 }).collect();
    let bands: Vec<(isize, &[f64])> =
        (-16isize..=16).map(|offset| (offset, &values[offset.unsigned_abs()..])).collect();
    Csr::<f64>::diags((n, n), &bands, place, &Context::new())
}

fn plain(a: &Csr<f64>, x: &[f64], y: &mut [f64]) {
    for (y, row) in y.iter_mut().zip(a.rows()) {
        *y = row.indices.iter().zip(row.data).map(|(&j, &value)| value * x[j as usize]).sum();
    }
}

fn timed<R>(name: &str, work: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let made = work();
    println!("{name:40} {:8.3} s", start.elapsed().as_secs_f64());
    made
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().map(|a| &a[..]).collect();
    match &args[1..] {
        ["make", kind, bytes, path] => {
            let bytes: u64 = bytes.parse()?;
            match *kind {
                "band" | "bandfew" => {
                    let n = (bytes / (33 * 12 + 4)) as usize;
                    band(n, *kind == "band", Place::from(*path))?;
                }
                _ => {
                    let side = ((bytes / (7 * 12 + 4)) as f64).cbrt() as usize;
                    let ctx = Context::new();
                    let a = Csr::<f64>::poisson(&[side; 3], *path, &ctx)?;
                    if *kind == "poissonvar" {
                        let p = format!("{path}.var");
                        let i = std::sync::atomic::AtomicUsize::new(0);
                        a.map_values(p.as_str(), &ctx, |v: f64| v * value(i.fetch_add(1, std::sync::atomic::Ordering::Relaxed)))?;
                    }
                }
            }
        }
        ["plain", path] => {
            let a = Csr::<f64>::open(path)?;
            let (x, mut y) = (vec![1.0; a.ncols()], vec![0.0; a.nrows()]);
            for _ in 0..3 {
                timed("plain mapped loop", || plain(&a, &x, &mut y));
            }
        }
        ["file", path, limit] => {
            let limit: u64 = limit.parse()?;
            let a = Csr::<f64>::open(path)?;
            println!("bytes {} limit {limit} nrows {}", a.bytes(), a.nrows());
            let ctx = Context::new().memory_limit(limit);
            let n = a.nrows();
            let (x, mut y) = (vec![1.0; n], vec![0.0; n]);
            let op = timed("prepare", || Operator::with_vectors(&a, 16 * n as u64, &ctx))?;
            let mut before = 0;
            for _ in 0..4 {
                let plan = LinearOperator::<f64>::plan_block(&op, false, 1, &ctx)?.cost;
                timed("product", || op.apply(&x, &mut y, &ctx))?;
                let t = op.traffic();
                println!("   read {} planned {} waiting {:.2}", t.bytes_read - before, plan.bytes_read, t.seconds_waiting);
                before = t.bytes_read;
            }
            let mut z = vec![0.0; n];
            timed("normal", || op.apply_normal(1, &x, &mut z, &ctx))?;
            println!("   read {}", op.traffic().bytes_read - before);
            before = op.traffic().bytes_read;
            for levels in [8, 8, 16, 16] {
                let plan = LinearOperator::<f64>::plan_powers(&op, 1, levels, &ctx)?;
                println!("{plan}");
                timed(&format!("powers {levels}"), || {
                    op.apply_powers(1, levels, &mut [&mut y, &mut z], &|l: Level<'_, f64>| l.recur(0.1, 0.5, 0.1), &ctx)
                })?;
                println!("   read {}", op.traffic().bytes_read - before);
                before = op.traffic().bytes_read;
            }
        }
        ["memory"] => {
            let ctx = Context::new();
            let poisson = Csr::<f64>::poisson(&[120; 3], Place::Memory, &ctx)?;
            let i = std::sync::atomic::AtomicUsize::new(0);
            let var = poisson.map_values(Place::Memory, &ctx, |v: f64| v * value(i.fetch_add(1, std::sync::atomic::Ordering::Relaxed)))?;
            let band = band(1_000_000, true, Place::Memory)?;
            for (name, a) in [("poisson", &poisson), ("poisson var", &var), ("band", &band)] {
                for threads in [1, 2] {
                    let ctx = Context::new().threads(threads)?;
                    let op = Operator::new(a, &ctx)?;
                    let n = a.nrows();
                    let mut all = vec![vec![1.0; n]; 9];
                    let mut best = [f64::MAX; 3];
                    let mut time = |at: usize, work: &mut dyn FnMut() -> Result<()>| -> Result<()> {
                        let start = Instant::now();
                        work()?;
                        best[at] = best[at].min(start.elapsed().as_secs_f64());
                        Ok(())
                    };
                    let step = |l: Level<'_, f64>| l.recur(0.1, 0.5, 0.1);
                    for _ in 0..7 {
                        let mut v: Vec<&mut [f64]> = all.iter_mut().map(|v| &mut v[..]).collect();
                        time(0, &mut || {
                            for j in 0..8 {
                                let (a, b) = v.split_at_mut(j + 1);
                                op.apply(a[j], b[0], &ctx)?;
                            }
                            Ok(())
                        })?;
                        time(1, &mut || op.apply_powers(1, 8, &mut v, &step, &ctx))?;
                        time(2, &mut || op.apply_powers(1, 8, &mut v[..2], &step, &ctx))?;
                    }
                    println!("{name} {threads} threads: 8 products {:.4}, powers kept {:.4}, powers two buffers {:.4}", best[0], best[1], best[2]);
                    let (x, mut z) = (vec![1.0; n], vec![0.0; n]);
                    timed("normal", || op.apply_normal(1, &x, &mut z, &ctx))?;
                }
            }
        }
        _ => println!("?"),
    }
    Ok(())
}
