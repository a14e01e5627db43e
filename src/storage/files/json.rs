//! JSON objects with sorted keys when written, and without duplicate keys when read: readers differ on which value
//! counts, so they are rejected.

use std::collections::HashSet;

use serde_json::Value;

/// The object with sorted keys. Without this, their order would depend on features of `serde_json` that any crate of
/// the program may enable, and so would the bytes of our files.
pub(crate) fn sorted(mut object: Value) -> Value {
    object.sort_all_objects();
    object
}

/// Parses JSON; fails with the line and the reason.
pub(crate) fn parse_json(text: &[u8]) -> Result<Value, (u64, String)> {
    let value = serde_json::from_slice(text).map_err(|e| (e.line() as u64, e.to_string()))?;
    match repeated_key(text) {
        Some((line, key)) => Err((line, format!("the key {key:?} twice in an object"))),
        None => Ok(value),
    }
}

/// The first key that occurs twice in an object of a valid text, and its line.
fn repeated_key(text: &[u8]) -> Option<(u64, String)> {
    // The keys of every object that is open; arrays are open as well, and have none.
    let mut open: Vec<HashSet<String>> = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\n' => line += 1,
            b'{' | b'[' => open.push(HashSet::new()),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let start = at - 1;
                while *text.get(at)? != b'"' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                let is_key =
                    text[at..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                if is_key {
                    // Different escapes of a key are the same key.
                    let key: String = serde_json::from_slice(&text[start..at]).ok()?;
                    if let Some(key) = open.last_mut()?.replace(key) {
                        return Some((line, key));
                    }
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_once_in_an_object() {
        let good =
            [r#"{"a": {"a": 1}, "b": [{"a": 2}, {"a": 3}], "c": "a"}"#, "[\"a\", \"a\"]", "7"];
        good.iter().for_each(|text| drop(parse_json(text.as_bytes()).unwrap()));
        let bad =
            [r#"{"a": 1, "a": 1}"#, r#"{"a": 1, "\u0061": 2}"#, "[{\"x\\\"\": 1,\n \"x\\\"\": 2}]"];
        let lines = bad.map(|text| parse_json(text.as_bytes()).unwrap_err().0);
        assert_eq!(lines, [1, 1, 2]);
        assert!(parse_json(b"{").is_err());
    }
}
