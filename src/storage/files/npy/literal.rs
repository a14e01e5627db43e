//! The Python literals that a `.npy` header is made of: strings, integers, booleans, tuples, and one dictionary.
//!
//! Only what NumPy writes is accepted. A string is never a boolean and a number never a tuple: confusing them
//! would change the layout of an array.

/// The value of `descr`: a simple type, or a list of fields whose content does not matter here.
pub(super) enum Descr {
    Simple(String),
    Structured,
}

/// The three keys of a header.
pub(super) struct LiteralFields {
    pub(super) descr: Descr,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

/// A reader of the Python literals in a header. Errors are a clause and a byte offset in the text.
pub(super) struct Literal<'a> {
    text: &'a [u8],
    at: usize,
}

pub(super) type Parsed<T> = std::result::Result<T, (&'static str, usize)>;

impl<'a> Literal<'a> {
    /// Starts at the first byte of the text.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Literal { text, at: 0 }
    }

    /// The whole header: `{'descr': …, 'fortran_order': …, 'shape': …}`, each key once, in any order.
    pub(super) fn dictionary(mut self) -> Parsed<LiteralFields> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.token(b'{', "the header is not a dictionary")?;
        while !self.accept(b'}') {
            let at = self.at;
            let duplicate = match self.string()?.as_str() {
                "descr" => descr.replace(self.colon()?.descr()?).is_some(),
                "fortran_order" => fortran_order.replace(self.colon()?.boolean()?).is_some(),
                "shape" => shape.replace(self.colon()?.tuple()?).is_some(),
                _ => return Err(("unknown key in the header", at)),
            };
            if duplicate {
                return Err(("a key occurs twice in the header", at));
            }
            if !self.accept(b',') {
                self.token(b'}', "the dictionary in the header is not closed")?;
                break;
            }
        }
        self.blanks();
        if self.at < self.text.len() {
            return Err(("something follows the dictionary in the header", self.at));
        }
        Ok(LiteralFields {
            descr: descr.ok_or(("the header has no 'descr'", self.at))?,
            fortran_order: fortran_order.ok_or(("the header has no 'fortran_order'", self.at))?,
            shape: shape.ok_or(("the header has no 'shape'", self.at))?,
        })
    }

    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn accept(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn token(&mut self, byte: u8, otherwise: &'static str) -> Parsed<()> {
        if self.accept(byte) { Ok(()) } else { Err((otherwise, self.at)) }
    }

    fn colon(&mut self) -> Parsed<&mut Self> {
        self.token(b':', "a key in the header has no value")?;
        Ok(self)
    }

    fn string(&mut self) -> Parsed<String> {
        self.blanks();
        let start = self.at;
        let quote = match self.text.get(start) {
            Some(&quote @ (b'\'' | b'"')) => quote,
            _ => return Err(("expected a string in the header", start)),
        };
        let rest = &self.text[start + 1..];
        let length = rest
            .iter()
            .position(|&byte| byte == quote)
            .ok_or(("a string in the header is not closed", start))?;
        self.at = start + length + 2;
        match std::str::from_utf8(&rest[..length]) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(("a string in the header is not text", start)),
        }
    }

    fn descr(&mut self) -> Parsed<Descr> {
        if !self.accept(b'[') {
            return self.string().map(Descr::Simple);
        }
        let mut depth = 1;
        while depth > 0 {
            match self.text.get(self.at) {
                Some(b'[') => depth += 1,
                Some(b']') => depth -= 1,
                Some(_) => {}
                None => return Err(("a list in the header is not closed", self.at)),
            }
            self.at += 1;
        }
        Ok(Descr::Structured)
    }

    fn boolean(&mut self) -> Parsed<bool> {
        self.blanks();
        for (word, value) in [(&b"True"[..], true), (&b"False"[..], false)] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(("'fortran_order' must be True or False", self.at))
    }

    fn tuple(&mut self) -> Parsed<Vec<usize>> {
        const NO_TUPLE: &str = "'shape' must be a tuple of non-negative integers";
        self.token(b'(', NO_TUPLE)?;
        let mut shape = Vec::new();
        while !self.accept(b')') {
            shape.push(self.integer(NO_TUPLE)?);
            if !self.accept(b',') {
                self.token(b')', NO_TUPLE)?;
                // `(3)` is a number in parentheses, not a tuple.
                if shape.len() == 1 {
                    return Err((NO_TUPLE, self.at));
                }
                break;
            }
        }
        Ok(shape)
    }

    fn integer(&mut self, otherwise: &'static str) -> Parsed<usize> {
        self.blanks();
        let start = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        let digits = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        let value = digits.parse().map_err(|_| (otherwise, start))?;
        // Python 2 wrote long integers as `10L`.
        if self.text.get(self.at) == Some(&b'L') {
            self.at += 1;
        }
        Ok(value)
    }
}

/// A few bytes of the header at the error, printable.
pub(super) fn excerpt(text: &[u8], at: usize) -> String {
    let at = at.min(text.len());
    match &text[at..text.len().min(at + 24)] {
        [] => "the end of the header".to_owned(),
        bytes => format!("\"{}\"", bytes.escape_ascii()),
    }
}
