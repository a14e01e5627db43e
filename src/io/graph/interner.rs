//! Ids of vertices and the numbers given to them: a hash table in parts, filled by all threads.
//!
//! ```text
//! ids of a block  ->  sorted by part  ->  for each part: lock it, find or add its ids  ->  provisional numbers
//! all blocks done ->  sort what was added by where it first occurred, or by value      ->  final numbers
//! ```
//!
//! Which thread adds an id first is chance, so provisional numbers are; final ones depend on the ids alone. The hash
//! has a seed of this process, so that no file can make all ids collide.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::parallel;

/// Parts of the table: enough that threads seldom wait for each other.
const PARTS: usize = 64;
const PART_BITS: u32 = PARTS.trailing_zeros();

/// Ids of a part, so that a provisional number has 32 bits.
const MOST: usize = 1 << (32 - PART_BITS);

/// An id in a text: its hash, and where it lies.
#[derive(Clone, Copy)]
pub(super) struct IdField {
    hash: u64,
    pub(super) start: u32,
    len: u32,
}

/// Ids that are collected.
pub(super) struct Interner {
    parts: Vec<Mutex<InternerBin>>,
    seed: u64,
}

/// Ids with their final numbers.
pub(super) struct Interned {
    parts: Vec<InternerBin>,
    /// The final number of each id of each part.
    ranks: Vec<Vec<u32>>,
    /// The provisional number of each id, in their final order.
    order: Vec<u32>,
    seed: u64,
}

/// A part of the table: open addressing over the ids in one array of bytes.
#[derive(Default)]
struct InternerBin {
    /// The upper half of a hash, and one more than the number of an id; 0 if free. At most half of them are taken.
    slots: Vec<u64>,
    bytes: Vec<u8>,
    /// Where each id ends in the bytes.
    ends: Vec<usize>,
    /// The key of each id, by which the ids are ordered in the end: the least one with which it was added.
    keys: Vec<u64>,
}

/// What is wrong with an id, and which field it is.
pub(super) struct WrongId {
    pub(super) field: usize,
    pub(super) error: Error,
}

impl Interner {
    pub(super) fn new() -> Self {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        Interner { parts, seed: RandomState::new().hash_one(0) }
    }

    /// An id at a place in a text.
    pub(super) fn field(&self, id: &[u8], start: usize) -> IdField {
        IdField {
            hash: xxh3_64_with_seed(id, self.seed),
            start: start as u32,
            len: id.len() as u32,
        }
    }

    /// Appends the provisional numbers of the ids of `fields`, which lie in `text`, to `numbers`. `key` says by what an
    /// id at a place is ordered, and `check` is called once for each id that is new.
    pub(super) fn add(
        &self,
        fields: &[IdField],
        text: &[u8],
        key: &dyn Fn(usize) -> u64,
        check: &dyn Fn(&[u8]) -> Result<()>,
    ) -> std::result::Result<Vec<u32>, WrongId> {
        let (order, ends) = by_part(fields);
        let mut numbers = vec![0; fields.len()];
        let mut wrong: Option<WrongId> = None;
        // Blocks begin with different parts, so that threads meet less often.
        let first = fields.first().map_or(0, |field| field.hash as usize);
        for part in (0..PARTS).map(|k| (first + k) % PARTS) {
            let of_part = &order[if part == 0 { 0 } else { ends[part - 1] }..ends[part]];
            if of_part.is_empty() {
                continue;
            }
            let mut table = self.parts[part].lock().unwrap_or_else(PoisonError::into_inner);
            for &at in of_part {
                let field = fields[at as usize];
                let id = &text[field.start as usize..(field.start + field.len) as usize];
                match table.add(field.hash, id, key(at as usize), check) {
                    Ok(number) => numbers[at as usize] = number << PART_BITS | part as u32,
                    Err(error) if wrong.as_ref().is_none_or(|wrong| at < wrong.field as u32) => {
                        wrong = Some(WrongId { field: at as usize, error });
                    }
                    Err(_) => {}
                }
            }
        }
        wrong.map_or(Ok(numbers), Err)
    }

    /// Bytes of memory for the table and one more copy of the ids, and the number of ids.
    pub(super) fn size(&self) -> (u64, u64) {
        self.parts.iter().fold((0, 0), |(bytes, ids), part| {
            let part = part.lock().unwrap_or_else(PoisonError::into_inner);
            (bytes + part.memory() + part.bytes.len() as u64, ids + part.ends.len() as u64)
        })
    }

    /// Gives the ids their final numbers: in the order of their keys.
    pub(super) fn finish(self) -> Interned {
        let parts: Vec<InternerBin> = self
            .parts
            .into_iter()
            .map(|part| part.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect();
        let mut keyed: Vec<(u64, u32)> =
            Vec::with_capacity(parts.iter().map(|part| part.ends.len()).sum());
        for (p, part) in parts.iter().enumerate() {
            let number = |k: usize| (k as u32) << PART_BITS | p as u32;
            keyed.extend(part.keys.iter().enumerate().map(|(k, &key)| (key, number(k))));
        }
        parallel::sort(&mut keyed);
        let order: Vec<u32> = keyed.into_iter().map(|(_, number)| number).collect();
        let mut ranks: Vec<Vec<u32>> = parts.iter().map(|part| vec![0; part.ends.len()]).collect();
        for (rank, &number) in order.iter().enumerate() {
            let (part, at) = split(number);
            ranks[part][at] = rank as u32;
        }
        Interned { parts, ranks, order, seed: self.seed }
    }
}

/// The numbers of the fields sorted by part, and where each part ends.
fn by_part(fields: &[IdField]) -> (Vec<u32>, [usize; PARTS]) {
    let part = |field: &IdField| field.hash as usize % PARTS;
    let mut ends = [0; PARTS];
    for field in fields {
        ends[part(field)] += 1;
    }
    let mut sum = 0;
    for end in &mut ends {
        (*end, sum) = (sum, sum + *end);
    }
    let mut order = vec![0; fields.len()];
    for (at, field) in fields.iter().enumerate() {
        let end = &mut ends[part(field)];
        order[*end] = at as u32;
        *end += 1;
    }
    (order, ends)
}

/// The part of a provisional number, and the number of its id there.
fn split(number: u32) -> (usize, usize) {
    (number as usize % PARTS, (number >> PART_BITS) as usize)
}

impl Interned {
    /// Number of ids.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The final number of an id with a provisional number.
    #[inline]
    pub(super) fn of_provisional(&self, number: u32) -> u32 {
        let (part, at) = split(number);
        self.ranks[part][at]
    }

    /// The final number of an id, if it was added.
    #[inline]
    pub(super) fn find(&self, id: &[u8]) -> Option<u32> {
        let hash = xxh3_64_with_seed(id, self.seed);
        let part = hash as usize % PARTS;
        let at = self.parts[part].find(hash, id).ok()?;
        Some(self.ranks[part][at])
    }

    /// Calls `visit` with every id, in their final order.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&[u8])) {
        for &number in &self.order {
            let (part, at) = split(number);
            visit(self.parts[part].id(at));
        }
    }

    /// Bytes of all ids.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.len()).sum()
    }
}

impl InternerBin {
    fn memory(&self) -> u64 {
        (8 * (self.slots.capacity() + self.ends.capacity() + self.keys.capacity())
            + self.bytes.capacity()) as u64
    }

    fn id(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }

    /// The first slot for a hash: its upper bits.
    fn first_slot(&self, hash: u64) -> usize {
        let bits = self.slots.len().trailing_zeros();
        if bits == 0 { 0 } else { (hash >> (64 - bits)) as usize }
    }

    /// The number of an id, or the free slot where it belongs.
    fn find(&self, hash: u64, id: &[u8]) -> std::result::Result<usize, usize> {
        if self.slots.is_empty() {
            return Err(0);
        }
        let mut slot = self.first_slot(hash);
        loop {
            let taken = self.slots[slot];
            if taken == 0 {
                return Err(slot);
            }
            if taken >> 32 == hash >> 32 {
                let at = (taken as u32 - 1) as usize;
                if self.id(at) == id {
                    return Ok(at);
                }
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// The number of an id, which is added if it is new.
    fn add(
        &mut self,
        hash: u64,
        id: &[u8],
        key: u64,
        check: &dyn Fn(&[u8]) -> Result<()>,
    ) -> Result<u32> {
        let mut slot = match self.find(hash, id) {
            Ok(at) => {
                let least = &mut self.keys[at];
                *least = key.min(*least);
                return Ok(at as u32);
            }
            Err(slot) => slot,
        };
        check(id)?;
        let at = self.ends.len();
        if at == MOST {
            return Err(Error::new(ErrorKind::Unsupported, "too many distinct vertices")
                .expected(format!("at most about {} ids", PARTS * MOST)));
        }
        if 2 * at >= self.slots.len() {
            self.grow();
            slot = self.find(hash, id).unwrap_or_else(|slot| slot);
        }
        self.slots[slot] = hash >> 32 << 32 | (at as u64 + 1);
        self.bytes.extend_from_slice(id);
        self.ends.push(self.bytes.len());
        self.keys.push(key);
        Ok(at as u32)
    }

    /// Doubles the slots. A part has at most 2^27 of them, so that the upper half of a hash says where it belongs.
    fn grow(&mut self) {
        let slots = vec![0; (2 * self.slots.len()).max(16)];
        let old = std::mem::replace(&mut self.slots, slots);
        for taken in old.into_iter().filter(|&taken| taken != 0) {
            let mut slot = self.first_slot(taken);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = taken;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_keys_whatever_the_order_of_adding() {
        let ids: Vec<String> = (0..5000).map(|i| format!("v{}", i * 7919 % 2500)).collect();
        let text: String = ids.concat();
        let mut starts = vec![0];
        for id in &ids {
            starts.push(starts[starts.len() - 1] + id.len());
        }
        for reversed in [false, true] {
            let interner = Interner::new();
            let fields: Vec<IdField> = ids
                .iter()
                .zip(&starts)
                .map(|(id, &at)| interner.field(id.as_bytes(), at))
                .collect();
            let halves = [(0, &fields[..2600]), (2600, &fields[2600..])];
            let order = if reversed { [1, 0] } else { [0, 1] };
            let mut numbers = [Vec::new(), Vec::new()];
            for half in order {
                let (from, fields) = halves[half];
                let key = |at: usize| (from + at) as u64;
                let added = interner.add(fields, text.as_bytes(), &key, &|_| Ok(()));
                numbers[half] = added.unwrap_or_else(|wrong| panic!("{}", wrong.error));
            }
            let interned = interner.finish();
            assert_eq!(interned.len(), 2500);
            let mut seen = Vec::new();
            interned.for_each(|id| seen.push(String::from_utf8(id.to_vec()).unwrap()));
            assert_eq!(seen, ids[..2500], "in the order of their first place");
            for (id, number) in ids.iter().zip(numbers.concat()) {
                let rank = interned.of_provisional(number);
                assert_eq!(&seen[rank as usize], id);
                assert_eq!(interned.find(id.as_bytes()), Some(rank));
            }
            assert_eq!(interned.find(b"nobody"), None);
        }
    }

    #[test]
    fn wrong_ids_are_named_and_not_added() {
        let interner = Interner::new();
        let fields = [interner.field(b"a", 0), interner.field(b"b", 1), interner.field(b"a", 0)];
        let refuse = |id: &[u8]| match id {
            b"b" => Err(Error::new(ErrorKind::Format, "no b")),
            _ => Ok(()),
        };
        let wrong = interner.add(&fields, b"ab", &|at| at as u64, &refuse).err().unwrap();
        assert_eq!((wrong.field, wrong.error.to_string().as_str()), (1, "no b"));
        assert_eq!(interner.size().1, 1);
    }
}
