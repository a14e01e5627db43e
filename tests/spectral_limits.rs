//! Singular values and principal components where it is hard: any size of numbers, numbers that are not finite, values
//! that hardly fall, vectors larger than the limit.

use ndarray::Array2;
use num_complex::Complex;
use num_traits::ToPrimitive;
use outcore::linalg::{LinearOperator, Multiplies, Scalar};
use outcore::spectral::{SvdOptions, SvdReason, pca, randomized_svd};
use outcore::{Context, Csr, Dense, ErrorKind, Location, Order, Place, verify};
use tempfile::tempdir;

use crate::numbers::noise;

/// diag(30, 29, …, 1) in 40 x 30, times a number.
fn diagonal<X: Scalar>(size: f64) -> Array2<X> {
    Array2::from_shape_fn((40, 30), |(i, j)| {
        X::from_f64(if i == j { (30 - i) as f64 * size } else { 0.0 })
    })
}

fn singular_values_of_any_size<X: Scalar + Multiplies<X>>(sizes: &[f64], off: f64) {
    let ctx = Context::new();
    for &size in sizes {
        let dense = Dense::from(diagonal::<X>(size));
        let sparse: Csr<X> = dense.to_csr(Place::Memory, &ctx).unwrap();
        let operators: [&dyn LinearOperator<X>; 2] = [&dense, &sparse];
        for a in operators {
            let options = SvdOptions { power_iterations: 12, ..Default::default() };
            let svd = randomized_svd::<X>(&a, 2, &options, Place::Memory, &ctx).unwrap();
            let values: Vec<f64> = svd.s.iter().map(|s| s.to_f64().unwrap() / size).collect();
            assert!((values[0] - 30.0).abs() < off && (values[1] - 29.0).abs() < off, "{values:?}");
            let length: f64 = svd
                .u
                .as_ndarray()
                .column(0)
                .iter()
                .map(|x| x.abs().to_f64().unwrap())
                .map(|x| x * x)
                .sum();
            assert!((length - 1.0).abs() < off);
        }
    }
}

#[test]
fn singular_values_of_numbers_of_any_size() {
    singular_values_of_any_size::<f32>(&[1.0, 1e-24, 1e-36, 1e19, 1e36], 1e-2);
    singular_values_of_any_size::<f64>(&[1.0, 1e-200, 1e-300, 1e160, 1e306], 1e-6);
    singular_values_of_any_size::<Complex<f64>>(&[1e-200, 1e160, 1e300], 1e-6);
    singular_values_of_any_size::<Complex<f32>>(&[1e-24, 1e19], 1e-2);
}

#[test]
fn sizes_that_are_powers_of_two_change_no_digit() {
    let ctx = Context::new();
    let a = Array2::from_shape_fn((60, 20), |(i, j)| noise(i * 20 + j));
    let find = |size: f64| {
        let a = Dense::from(a.mapv(|x| x * size));
        randomized_svd::<f64>(&a, 4, &SvdOptions::default(), Place::Memory, &ctx).unwrap()
    };
    let plain = find(1.0);
    for power in [-1000, -600, 600, 900] {
        let size = 2f64.powi(power);
        let found = find(size);
        assert_eq!(found.u.as_slice(), plain.u.as_slice(), "{power}");
        assert_eq!(found.s, plain.s.iter().map(|s| s * size).collect::<Vec<_>>());
    }
}

fn a_bad_number_is_named<X: Scalar + Multiplies<X>>(bad: X) {
    let ctx = Context::new();
    for place in [(0, 0), (17, 5), (39, 29)] {
        let mut numbers = diagonal::<X>(1.0);
        numbers[place] = bad;
        let dense = Dense::from(numbers);
        let sparse: Csr<X> = dense.to_csr(Place::Memory, &ctx).unwrap();
        let csc = sparse.to_csc(Place::Memory, &ctx).unwrap();
        let operators: [&dyn LinearOperator<X>; 3] = [&dense, &sparse, &csc];
        for a in operators {
            let error = randomized_svd::<X>(&a, 2, &SvdOptions::default(), Place::Memory, &ctx)
                .unwrap_err();
            let expected = format!("row {}, column {}", place.0, place.1);
            assert!(error.to_string().contains(&expected), "{error}");
            assert_eq!(error.kind(), ErrorKind::Value);
            assert_eq!(error.location(), Some(&Location::Row(place.0 as u64)));
        }
    }
}

#[test]
fn numbers_that_are_not_finite_are_named() {
    a_bad_number_is_named(f64::NAN);
    a_bad_number_is_named(f64::INFINITY);
    a_bad_number_is_named(f32::NEG_INFINITY);
    a_bad_number_is_named(Complex::new(0.0, f64::NAN));
    let ctx = Context::new();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for order in [Order::C, Order::Fortran] {
            let mut numbers = Array2::from_shape_fn((50, 6), |(i, j)| noise(i * 6 + j));
            numbers[[31, 4]] = bad;
            let a = match order {
                Order::C => Dense::from(numbers),
                Order::Fortran => Dense::from(numbers.t().to_owned()).transpose(),
            };
            let error = pca(&a, 2, Place::Memory, &ctx).unwrap_err();
            assert!(error.kind() == ErrorKind::Value, "{error}");
            assert!(error.to_string().contains("row 31, column 4"), "{error}");
        }
    }
    // Several of them: the first row.
    let mut numbers = diagonal::<f64>(1.0);
    (numbers[[7, 3]], numbers[[20, 11]]) = (f64::NAN, f64::INFINITY);
    let a = Dense::from(numbers);
    let error =
        randomized_svd::<f64>(&a, 2, &SvdOptions::default(), Place::Memory, &ctx).unwrap_err();
    assert!(error.to_string().contains("row 7"), "{error}");
}

#[test]
fn principal_components_of_numbers_of_any_size() {
    let ctx = Context::new();
    let numbers = Array2::from_shape_fn((200, 5), |(i, j)| {
        (if j == 2 { 3.0 } else { 1.0 }) * noise(i * 5 + j) + j as f64
    });
    let plain = pca(&Dense::from(numbers.clone()), 2, Place::Memory, &ctx).unwrap();
    for size in [1e-160, 1e-140, 1e140, 1e150] {
        let found = pca(&Dense::from(numbers.mapv(|x| x * size)), 2, Place::Memory, &ctx).unwrap();
        for (x, plain) in found.components.as_slice().iter().zip(plain.components.as_slice()) {
            assert!((x - plain).abs() < 1e-9, "{size}");
        }
        if size > 1e-150 {
            assert!((found.variances[0] / size / size / plain.variances[0] - 1.0).abs() < 1e-9);
            assert!((found.total_variance / size / size / plain.total_variance - 1.0).abs() < 1e-9);
        }
    }
    // Variances of single-precision numbers are in double precision.
    for size in [1e-40, 1e-25, 1e25, 1e37] {
        let a = Dense::from(numbers.mapv(|x| (x * size) as f32));
        let found = pca(&a, 2, Place::Memory, &ctx).unwrap();
        assert!(
            (found.variances[0] / size / size / plain.variances[0] - 1.0).abs() < 1e-3,
            "{size}"
        );
    }
}

/// A matrix with these singular values, times two reflections.
fn with_values(shape: (usize, usize), values: &[f64], seed: usize) -> Array2<f64> {
    let mut a = Array2::zeros(shape);
    values.iter().enumerate().for_each(|(i, &s)| a[[i, i]] = s);
    let reflect = |a: Array2<f64>, seed: usize| {
        let w = Array2::from_shape_fn((a.nrows(), 1), |(i, _)| noise(seed + i));
        let size = w.iter().map(|x| x * x).sum::<f64>();
        let part = w.t().dot(&a);
        &a - &(w.dot(&part) * (2.0 / size))
    };
    let a = reflect(a, seed * 10_000);
    reflect(a.t().to_owned(), seed * 10_000 + 5000).t().as_standard_layout().into_owned()
}

#[test]
fn the_errors_of_values_are_known() {
    let ctx = Context::new();
    let (mut converged, mut missed, mut worst) = (0, 0, 0.0f64);
    for seed in 0..100 {
        let n = 60 + seed % 7;
        let fall = |i: usize| match seed % 5 {
            0 => 0.5f64.powi(i as i32),
            1 => 1.0 / (1.0 + i as f64),
            2 => 1.0 - 0.9 * i as f64 / n as f64,
            3 => 1.0 / (1.0 + i as f64).powi(2),
            _ => (-(i as f64) / 12.0).exp(),
        };
        let values: Vec<f64> = (0..n).map(fall).collect();
        let a = Dense::from(with_values((90, n), &values, seed + 1));
        let options = SvdOptions { seed: seed as u64, ..Default::default() };
        let svd = randomized_svd::<f64>(&a, 5, &options, Place::Memory, &ctx).unwrap();
        assert_eq!((svd.errors.len(), svd.passes), (svd.s.len(), 6));
        for (i, ((value, found), error)) in values.iter().zip(&svd.s).zip(&svd.errors).enumerate() {
            let off = (value - found).abs();
            worst = worst.max(off);
            if off > 3.0 * error + 1e-14 {
                missed += 1;
                eprintln!("{seed} {i}: off {off:e}, estimated {error:e}");
            }
        }
        let off = (0..svd.s.len()).map(|i| (values[i] - svd.s[i]).abs()).fold(0.0, f64::max);
        if svd.converged {
            converged += 1;
            assert!(off < 1e-6, "{seed}: {off}");
        } else {
            assert_eq!(svd.reason, SvdReason::StillRising);
        }
        let needed = SvdOptions { power_iterations: SvdOptions::AS_NEEDED, ..options };
        let svd = randomized_svd::<f64>(&a, 5, &needed, Place::Memory, &ctx).unwrap();
        let off = (0..svd.s.len()).map(|i| (values[i] - svd.s[i]).abs()).fold(0.0, f64::max);
        assert!(svd.converged && off < 1e-6, "{seed}: {off:e} after {} passes", svd.passes);
    }
    eprintln!("{converged} of 100 converged, {missed} of 500 errors missed, worst off {worst}");
    assert!(missed <= 10 && converged > 20 && converged < 90);
    let a = Dense::from(with_values((90, 60), &[1.0; 60], 3));
    let none = SvdOptions { power_iterations: 0, ..Default::default() };
    let svd = randomized_svd::<f64>(&a, 2, &none, Place::Memory, &ctx).unwrap();
    assert_eq!((svd.reason, svd.converged), (SvdReason::Unknown, false));
    assert!(svd.errors.iter().all(|error| error.is_infinite()));
}

#[test]
fn vectors_live_where_they_are_told() {
    let folder = tempdir().unwrap();
    let ctx = Context::new().threads(2).unwrap().scratch(folder.path());
    let a = Csr::<f64>::random((3000, 400), 0.02, 3, Place::Memory, &ctx).unwrap();
    let options = SvdOptions::default();
    let expected = randomized_svd::<f64>(&a, 6, &options, Place::Memory, &ctx).unwrap();
    for name in ["svd.npy", "other"] {
        let svd = randomized_svd::<f64>(&a, 6, &options, folder.path().join(name), &ctx).unwrap();
        assert_eq!(svd.s, expected.s);
        let stem = name.strip_suffix(".npy").unwrap_or(name);
        for (part, found, expected) in [("u", &svd.u, &expected.u), ("v", &svd.v, &expected.v)] {
            let path = folder.path().join(format!("{stem}.{part}.npy"));
            verify(&path, &ctx).unwrap();
            let stored = Dense::<f64>::open(&path).unwrap();
            assert_eq!(stored.as_slice(), expected.as_slice());
            assert_eq!(found.as_slice(), expected.as_slice());
        }
        let taken = randomized_svd::<f64>(&a, 6, &options, folder.path().join(name), &ctx);
        assert_eq!(taken.unwrap_err().kind(), ErrorKind::Exists);
        let place = Place::Replace(folder.path().join(name));
        randomized_svd::<f64>(&a, 6, &options, place, &ctx).unwrap();
    }
    let dense = Dense::from(Array2::from_shape_fn((100, 6), |(i, j)| noise(i * 6 + j)));
    let expected = pca(&dense, 3, Place::Memory, &ctx).unwrap();
    let path = folder.path().join("components.npy");
    pca(&dense, 3, &path, &ctx).unwrap();
    let stored = Dense::<f64>::open(&path).unwrap();
    assert_eq!((stored.shape(), stored.as_slice()), ((3, 6), expected.components.as_slice()));
}

#[test]
fn vectors_larger_than_the_limit_go_by_scratch_files() {
    let folder = tempdir().unwrap();
    let free = Context::new();
    let a = Csr::<f64>::random((120_000, 500), 0.001, 3, Place::Memory, &free).unwrap();
    let options = SvdOptions { oversampling: 4, power_iterations: 1, seed: 5 };
    let expected = randomized_svd::<f64>(&a, 12, &options, Place::Memory, &free).unwrap();
    // Of 16 vectors of 120,500 numbers, twice, 31 MB; the result alone has 12 MB.
    let tight = Context::new().memory_limit(8 << 20).threads(2).unwrap();
    let error = randomized_svd::<f64>(&a, 12, &options, Place::Memory, &tight).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Memory && error.to_string().contains("in a file"),
        "{error}"
    );
    let place = folder.path().join("svd");
    let (svd, report) =
        tight.measure(|ctx| randomized_svd::<f64>(&a, 12, &options, &place, ctx)).unwrap();
    assert!(report.actual.peak_memory <= 8 << 20, "{report}");
    assert!(report.plan.cost.passes >= svd.passes as u64 && svd.passes > 4, "{report}");
    assert_eq!(svd.s, expected.s);
    assert_eq!(svd.u.as_slice(), expected.u.as_slice());
    let hopeless = Context::new().memory_limit(1 << 20);
    let error = randomized_svd::<f64>(&a, 12, &options, folder.path().join("no"), &hopeless);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Memory);
}

#[test]
fn of_two_results_there_are_both_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = Context::new();
    let a = Csr::<f64>::random((30, 20), 0.3, 3, Place::Memory, &ctx).unwrap();
    let place = || Place::File(folder.path().join("s"));
    let svd = |place: Place, ctx: &Context| {
        randomized_svd::<f64>(&a, 2, &SvdOptions::default(), place, ctx).map(drop)
    };
    std::fs::write(folder.path().join("s.v.npy"), "mine").unwrap();
    assert_eq!(svd(place(), &ctx).unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(ctx.plan(|ctx| svd(place(), ctx)).unwrap_err().kind(), ErrorKind::Exists);
    let replace = Place::Replace(folder.path().join("s"));
    assert_eq!(svd(replace, &ctx).unwrap_err().kind(), ErrorKind::Exists);
    assert!(!folder.path().join("s.u.npy").exists());
    std::fs::remove_file(folder.path().join("s.v.npy")).unwrap();
    std::fs::write(folder.path().join("s"), "something else").unwrap();
    ctx.plan(|ctx| svd(place(), ctx)).unwrap();
    svd(place(), &ctx).unwrap();
    assert!(svd(Place::File("".into()), &ctx).is_err());
    // Nothing of something as long as can be.
    let wide = Dense::<f64>::from_parts((0, 1 << 40), Order::C, Vec::new().into()).unwrap();
    let none =
        randomized_svd::<f64>(&wide, 0, &SvdOptions::default(), Place::Memory, &ctx).unwrap();
    assert_eq!((none.s.len(), none.v.shape()), (0, (1 << 40, 0)));
}
