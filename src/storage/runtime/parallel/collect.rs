//! Collecting the items of tasks in their order.
#![allow(unsafe_code)] // places and tasks taken once each

use crate::storage::runtime::parallel::sources::SliceMut;
use crate::storage::runtime::parallel::tasks::{First, FromTasks, IntoTasks, Tasks};
use crate::storage::runtime::parallel::work_stealing::spread;

/// As [`Tasks::collect`], into a vector with enough capacity.
pub(crate) fn collect_into_vec<A: Tasks>(tasks: A, made: &mut Vec<A::Item>)
where
    A::Item: Send,
{
    let count = tasks.count();
    made.clear();
    made.reserve_exact(count);
    let places = SliceMut::new(&mut made.spare_capacity_mut()[..count]);
    spread(count, tasks.grain(), &|run| {
        for at in run {
            // SAFETY: runs lie within the count and do not overlap.
            let (place, item) = unsafe { (places.take(at), tasks.take(at)) };
            place.write(item);
        }
    });
    // SAFETY: reached only when every run is done; together they wrote every element.
    unsafe { made.set_len(count) };
}

impl<T: Send> FromTasks<T> for Vec<T> {
    fn from_tasks(tasks: impl Tasks<Item = T>) -> Self {
        let mut made = Vec::new();
        collect_into_vec(tasks, &mut made);
        made
    }
}

/// Stops at the first task that fails; later ones may or may not run.
impl<T: Send, E: Send> FromTasks<Result<T, E>> for Result<Vec<T>, E> {
    fn from_tasks(tasks: impl Tasks<Item = Result<T, E>>) -> Self {
        let (first, grain) = (First::new(), tasks.grain());
        let made: Vec<Option<T>> = (0..tasks.count())
            .into_par_iter()
            .map(|at| {
                if first.is_found_before(at) {
                    return None;
                }
                // SAFETY: each number comes once, and is below the count.
                unsafe { tasks.take(at) }.map_err(|error| first.offer(at, error)).ok()
            })
            .with_grain(grain)
            .collect();
        if let Some(error) = first.into_inner() {
            return Err(error);
        }
        let mut all = Vec::with_capacity(made.len());
        // A plain loop: a flattening iterator compiles to much code for every type.
        for item in made {
            all.extend(item);
        }
        Ok(all)
    }
}

/// Stops at the first task that gives `None`.
impl<T: Send> FromTasks<Option<T>> for Option<Vec<T>> {
    fn from_tasks(tasks: impl Tasks<Item = Option<T>>) -> Self {
        tasks.map(|item| item.ok_or(())).collect::<Result<_, _>>().ok()
    }
}
