//! The external sort for whoever knows the types of entries when it is compiled.

use std::marker::PhantomData;
use std::ops::Range;

use crate::convert::compress;
use crate::convert::cost::plan_written;
use crate::convert::passes::AnySink;
use crate::convert::recompress::fault_of;
use crate::convert::record::Layout;
use crate::convert::sink::{AnyCooSink, AnyMatrixSink};
use crate::convert::sorter::AnySorter;
use crate::convert::sorting;
use crate::error::{Error, Result};
use crate::sparse::{
    AnyCompressed, AnyCoo, Axis, Compressed, CompressedWriter, Coo, CooWriter, Duplicates, Indices,
    Types,
};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::{Buffer, Context, Entry, Index, Place, Plan};

/// An [`AnySink`] of such entries.
pub(super) trait Sink<T, I> {
    /// As [`AnySink::lines`].
    fn lines(&mut self, lens: &[usize], indices: &[I], data: &[T], canonical: bool) -> Result<()>;

    /// As [`AnySink::part`].
    fn part(&mut self, indices: &[I], data: &[T], canonical: bool) -> Result<()>;

    /// As [`AnySink::end_line`].
    fn end_line(&mut self) -> Result<()>;

    /// As [`AnySink::position`].
    fn position(&self) -> fn((usize, usize)) -> (usize, usize);
}

/// Hands on what it is given to one that knows the types.
pub(super) struct Typed<'a, T, I>(pub(super) &'a mut dyn Sink<T, I>);

impl<T: Entry, I: Index> AnySink for Typed<'_, T, I> {
    fn lines(
        &mut self,
        lens: &[usize],
        indices: Indices<'_>,
        data: Raw<'_>,
        canonical: bool,
    ) -> Result<()> {
        with_values(data, |data| self.0.lines(lens, indices.typed(), data, canonical))
    }

    fn part(&mut self, indices: Indices<'_>, data: Raw<'_>, canonical: bool) -> Result<()> {
        with_values(data, |data| self.0.part(indices.typed(), data, canonical))
    }

    fn end_line(&mut self) -> Result<()> {
        self.0.end_line()
    }

    fn position(&self) -> fn((usize, usize)) -> (usize, usize) {
        self.0.position()
    }
}

/// Values as they are, or copied to where they can be values of `T`.
fn with_values<T: Entry, R>(data: Raw<'_>, work: impl FnOnce(&[T]) -> R) -> R {
    if let Some(values) = data.typed() {
        return work(values);
    }
    let mut values = vec![T::zeroed(); data.len()];
    RawMut::of(&mut values).copy_from(data);
    work(&values)
}

/// An [`AnySorter`] of such entries.
pub(super) struct Sorter<T, I> {
    any: AnySorter,
    types: PhantomData<(T, I)>,
}

impl<T: Entry, I: Index> Sorter<T, I> {
    const LAYOUT: Layout = Layout { values: T::ENTRY_DTYPE, indices: I::DTYPE };

    /// As [`AnySorter::new`].
    pub(super) fn new(lines: Range<usize>, expected: u64, ctx: &Context) -> Self {
        Sorter { any: AnySorter::new(Self::LAYOUT, lines, expected, ctx), types: PhantomData }
    }

    /// As [`AnySorter::plan`].
    pub(super) fn plan(plan: Plan, entries: u64, ctx: &Context) -> Plan {
        AnySorter::plan(plan, Self::LAYOUT, entries, ctx)
    }

    /// As [`AnySorter::extend`].
    pub(super) fn extend(&mut self, majors: &[I], minors: &[I], data: &[T]) -> Result<()> {
        self.any.extend((Indices::new(majors), Indices::new(minors), Raw::of(data)))
    }

    /// As [`AnySorter::settle`].
    pub(super) fn settle(
        self,
        sorting: Option<Duplicates>,
        sink: &mut dyn Sink<T, I>,
        ctx: &Context,
    ) -> Result<()> {
        self.any.settle(sorting, &mut Typed(sink), ctx)
    }
}

/// An [`AnyMatrixSink`] of such entries.
pub(super) struct MatrixSink<T, I, P, A> {
    any: AnyMatrixSink,
    types: PhantomData<(T, I, P, A)>,
}

impl<T: Entry, I: Index, P: Index, A: Axis> MatrixSink<T, I, P, A> {
    pub(super) fn new(writer: CompressedWriter<T, I, P, A>) -> Self {
        let any = AnyMatrixSink::new(writer.into_any(), A::FORMAT);
        MatrixSink { any, types: PhantomData }
    }

    pub(super) fn finish(self) -> Result<Compressed<T, I, P, A>> {
        self.any.finish().map(AnyCompressed::into_typed)
    }
}

/// An [`AnyCooSink`] of such entries.
pub(super) struct CooSink<T, I> {
    any: AnyCooSink,
    types: PhantomData<(T, I)>,
}

impl<T: Entry, I: Index> CooSink<T, I> {
    pub(super) fn new(writer: CooWriter<T, I>) -> Self {
        CooSink { any: AnyCooSink::new(writer.into_any(), I::DTYPE), types: PhantomData }
    }

    pub(super) fn finish(self) -> Result<Coo<T, I>> {
        self.any.finish().map(AnyCoo::into_typed)
    }
}

/// Makes one that knows the types of one that does not.
macro_rules! typed_sinks {
    ($($sink:ident<$($parameter:ident),*>)*) => {$(
        impl<T: Entry, I: Index, $($parameter),*> Sink<T, I> for $sink<T, I, $($parameter),*> {
            fn lines(
                &mut self,
                lens: &[usize],
                indices: &[I],
                data: &[T],
                canonical: bool,
            ) -> Result<()> {
                self.any.lines(lens, Indices::new(indices), Raw::of(data), canonical)
            }

            fn part(&mut self, indices: &[I], data: &[T], canonical: bool) -> Result<()> {
                self.any.part(Indices::new(indices), Raw::of(data), canonical)
            }

            fn end_line(&mut self) -> Result<()> {
                self.any.end_line()
            }

            fn position(&self) -> fn((usize, usize)) -> (usize, usize) {
                self.any.position()
            }
        }
    )*};
}

typed_sinks! {
    MatrixSink<P, A>
    CooSink<>
}

/// As [`plan_written`].
pub(super) fn written<T: Entry, I: Index, P: Index, A: Axis>(
    plan: Plan,
    size: (usize, usize),
    place: &Place,
    ctx: &Context,
) -> Plan {
    plan_written(plan, Types::of::<T, I, P>(), size, place, ctx)
}

/// As [`sort_lines`](sorting::sort_lines).
pub(super) fn sort_lines<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    across: bool,
    sorting: Option<Duplicates>,
    sink: &mut dyn Sink<T, I>,
    ctx: &Context,
) -> Result<()> {
    sorting::sort_lines(&from.to_any(), across, sorting, &mut Typed(sink), ctx)
}

/// As [`sort_entries`](sorting::sort_entries).
pub(super) fn sort_entries<T: Entry, I: Index>(
    coo: &Coo<T, I>,
    (majors, minors): (&Buffer<I>, &Buffer<I>),
    extents: (usize, usize),
    duplicates: Duplicates,
    sink: &mut dyn Sink<T, I>,
    ctx: &Context,
) -> Result<()> {
    let arrays = (majors.raw(), minors.raw(), coo.data().raw());
    sorting::sort_entries(arrays, extents, duplicates, &mut Typed(sink), ctx)
}

/// What is wrong with a matrix that is no more what it was.
pub(super) fn fault<T: Entry, I: Index, P: Index, A: Axis>(from: &Compressed<T, I, P, A>) -> Error {
    fault_of(&from.to_any())
}

/// As [`fault_instead`](compress::fault_instead).
pub(super) fn coo_fault<T: Entry, I: Index>(coo: &Coo<T, I>, error: Error) -> Error {
    compress::fault_instead(&coo.to_any(), error)
}
