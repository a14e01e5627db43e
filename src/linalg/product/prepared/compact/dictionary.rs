//! Values as numbers of a dictionary, where there are at most 256 different ones: one byte for each entry.

use crate::error::Result;
use crate::storage::RawBufferMut;
use crate::storage::raw::{Carrier, Raw, by_width};

/// Places of the table in which values are looked up: four times as many as it can hold.
const PLACES: usize = 1024;

/// The number of every value, and the values; `None` if there are more than 256, or if numbers take as many bytes.
///
/// Values are different if any bit is: products keep their bits.
pub(super) fn number(values: Raw<'_>) -> Result<Option<(Vec<u8>, RawBufferMut)>> {
    if values.width() < 2 || values.len() == 0 {
        return Ok(None);
    }
    let Some((codes, firsts)) = by_width!(values.width(), W => number_all(values.carriers::<W>()))
    else {
        return Ok(None);
    };
    let mut dictionary = RawBufferMut::fresh(values.dtype(), firsts.len())?;
    dictionary.as_mut().gather(&firsts, values);
    Ok(Some((codes, dictionary)))
}

/// The number of every value, and where each first occurs.
fn number_all<const W: usize>(values: &[Carrier<W>]) -> Option<(Vec<u8>, Vec<usize>)> {
    let (mut codes, mut firsts) = (Vec::new(), Vec::new());
    let mut places = [0u16; PLACES];
    for (at, value) in values.iter().enumerate() {
        let mut place = place_of(value.bytes());
        let code = loop {
            match places[place] {
                0 if firsts.len() == 256 => return None,
                0 => {
                    firsts.push(at);
                    places[place] = firsts.len() as u16;
                    break firsts.len() - 1;
                }
                code => {
                    let known: usize = firsts[code as usize - 1];
                    if values[known].bytes() == value.bytes() {
                        break code as usize - 1;
                    }
                    place = (place + 1) % PLACES;
                }
            }
        };
        if at == 0 {
            codes.reserve_exact(values.len());
        }
        codes.push(code as u8);
    }
    Some((codes, firsts))
}

/// Where to look for a value first.
fn place_of(bytes: &[u8]) -> usize {
    let mut hash = 0u64;
    for part in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 32;
    }
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_again_by_their_numbers() {
        let few: Vec<f64> =
            (0..5000).map(|i| [0.0, -0.0, f64::NAN][i % 3] + (i % 64) as f64).collect();
        let (codes, dictionary) = number(Raw::of(&few)).unwrap().unwrap();
        let values = dictionary.as_raw().typed::<f64>().unwrap();
        let same = |(code, value): (&u8, &f64)| values[*code as usize].to_bits() == value.to_bits();
        assert!(codes.len() == few.len() && codes.iter().zip(&few).all(same));
        let zeros = [0.0, -0.0];
        assert_eq!(number(Raw::of(&zeros)).unwrap().unwrap().0, [0, 1]);
        let all: Vec<f32> = (0..256).map(|i| i as f32).collect();
        assert_eq!(number(Raw::of(&all)).unwrap().unwrap().0[255], 255);
        let many: Vec<f32> = (0..257).map(|i| i as f32).collect();
        assert!(number(Raw::of(&many)).unwrap().is_none());
        assert!(number(Raw::of(&[true, false])).unwrap().is_none());
    }
}
