//! Every task is done once, however the tasks are distributed.

use super::*;
use crate::storage::runtime::context::Context;
use crate::storage::runtime::threads;

#[test]
fn every_task_is_done_once_and_its_result_stands_in_its_place() {
    for threads in [1, 2, 3] {
        let ctx = Context::new().threads(threads).unwrap();
        for count in [0, 1, 2, 7, 1000] {
            let made: Vec<usize> =
                ctx.with_threads(|| (0..count).into_par_iter().map(|i| i * i).collect());
            assert_eq!(made, (0..count).map(|i| i * i).collect::<Vec<_>>());

            let mut numbers = vec![0; count];
            ctx.with_threads(|| {
                let runs = numbers.par_chunks_mut(3).enumerate().with_min_len(2);
                runs.for_each(|(at, run)| run.iter_mut().for_each(|x| *x += at));
            });
            assert!(numbers.iter().enumerate().all(|(i, &x)| x == i / 3));

            let owned: Vec<Box<usize>> = (0..count).map(Box::new).collect();
            let zipped = ctx.with_threads(|| {
                let both = owned.into_par_iter().zip(&numbers).with_max_len(1);
                both.map(|(a, b)| *a + *b).collect::<Vec<_>>()
            });
            assert_eq!(zipped, (0..count).map(|i| i + i / 3).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_first_find_and_the_first_failure_are_told() {
    let ctx = Context::new().threads(3).unwrap();
    ctx.with_threads(|| {
        let found = (0..1000).into_par_iter().find_map_first(|i| (i % 300 == 299).then_some(i));
        assert_eq!(found, Some(299));
        let none = (0..1000).into_par_iter().find_map_first(|_| None::<()>);
        assert_eq!(none, None);
        let all = (0..1000).into_par_iter().map(|i| if i < 400 { Ok(i) } else { Err(i) });
        assert_eq!(all.collect::<Result<Vec<_>, _>>(), Err(400));
        let failed =
            (0..1000).into_par_iter().try_for_each(|i| if i == 7 { Err(i) } else { Ok(()) });
        assert_eq!(failed, Err(7));
        assert!((0..9).into_par_iter().all(|i| i < 9));
        assert!(!(0..9).into_par_iter().all(|i| i < 8));
    });
}

#[test]
fn a_panic_comes_through_and_what_was_not_done_is_dropped() {
    use std::sync::Arc;
    let ctx = Context::new().threads(2).unwrap();
    let counted = Arc::new(());
    let tasks: Vec<_> = (0..100).map(|i| (i, Arc::clone(&counted))).collect();
    let work = || tasks.into_par_iter().for_each(|(i, _)| assert!(i != 50, "fifty"));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ctx.with_threads(work)));
    assert!(outcome.is_err());
    assert_eq!(Arc::strong_count(&counted), 1);
}

#[test]
fn loops_within_loops_use_the_threads_of_their_context() {
    let (two, three) = (Context::new().threads(2).unwrap(), Context::new().threads(3).unwrap());
    two.with_threads(|| {
        assert_eq!(threads::count(), 2);
        (0..8).into_par_iter().for_each(|_| {
            assert_eq!(threads::count(), 2);
            three.with_threads(|| {
                assert_eq!(threads::count(), 3);
                (0..4).into_par_iter().for_each(|_| assert_eq!(threads::count(), 3));
            });
            assert_eq!(threads::count(), 2);
        });
    });
}
