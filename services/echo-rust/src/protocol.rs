//! What a line asks for (protocol, "Signed response").

use crate::hex;

/// Bytes of a line, LF not counted.
pub const MAX_LINE: usize = 4096;

pub const NONCE: usize = 32;

pub const BAD_REQUEST: &[u8] = b"{\"error\":\"bad-request\"}\n";

/// Not of the protocol: for a connection over the limit.
pub const BUSY: &[u8] = b"{\"error\":\"busy\"}\n";

#[derive(Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// All zero when the client gave none.
    pub nonce: [u8; NONCE],
    pub request: &'a [u8],
}

/// `@<nonce, 64 hex> <request>` or, with zero nonce, any line not beginning with `@`. The request is
/// bytes: a CR belongs to it, and it need not be UTF-8. `line` is without its LF; `None` for a bad one.
pub fn parse_line(line: &[u8]) -> Option<Request<'_>> {
    if line.len() > MAX_LINE {
        return None;
    }
    let mut nonce = [0; NONCE];
    let Some(rest) = line.strip_prefix(b"@") else {
        return Some(Request { nonce, request: line });
    };
    let digits = rest.get(..2 * NONCE)?;
    let request = rest[2 * NONCE..].strip_prefix(b" ")?;
    hex::decode(digits, &mut nonce).then_some(Request { nonce, request })
}

/// Whether a service can have this name: `[a-z0-9][a-z0-9._-]{0,63}`.
pub fn is_service_name(name: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let other = |byte: u8| first(byte) || b"._-".contains(&byte);
    let bytes = name.as_bytes();
    bytes.len() <= 64
        && bytes.first().is_some_and(|&byte| first(byte))
        && bytes.iter().all(|&byte| other(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &[u8] = b"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn line(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn without_nonce_any_bytes() {
        for request in [&b"hello"[..], b"", b" @", b"\r", b"\xff\0\xc0", &[b'x'; MAX_LINE]] {
            let nonce = [0; NONCE];
            assert_eq!(parse_line(request), Some(Request { nonce, request }));
        }
    }

    #[test]
    fn with_nonce() {
        let nonce = core::array::from_fn(|i| i as u8);
        for request in [&b"hello"[..], b"", b" ", b"@", b"\xff\r", &[b'x'; MAX_LINE - 66]] {
            let text = line(&[b"@", DIGITS, b" ", request]);
            assert_eq!(parse_line(&text), Some(Request { nonce, request }));
        }
    }

    #[test]
    fn bad_lines() {
        let upper = DIGITS.to_ascii_uppercase();
        let long = vec![b'x'; MAX_LINE + 1];
        let long_request = vec![b'x'; MAX_LINE - 65];
        let bad: &[&[&[u8]]] = &[
            &[b"@"],
            &[b"@ hello"],
            &[b"@hello"],
            &[b"@", DIGITS],
            &[b"@", DIGITS, b"hello"],
            &[b"@", DIGITS, b"\thello"],
            &[b"@", DIGITS, b"0 hello"],
            &[b"@", &DIGITS[1..], b" hello"],
            &[b"@", &DIGITS[1..], b"  hello"],
            &[b"@", &upper, b" hello"],
            &[b"@ ", DIGITS, b" hello"],
            &[b"@0x", &DIGITS[2..], b" hello"],
            &[b"@", &DIGITS[..63], b"g hello"],
            &[b"@", &DIGITS[..63], b"\xe6 hello"],
            &[b"@@", &DIGITS[1..], b" hello"],
            &[b"@", DIGITS, b" ", &long_request],
            &[&long],
        ];
        for parts in bad {
            let text = line(parts);
            assert_eq!(parse_line(&text), None, "{:?}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn service_names() {
        let longest = "a".repeat(64);
        for name in ["a", "0", "echo-rust", "a._-0", &longest] {
            assert!(is_service_name(name), "{name}");
        }
        let too_long = "a".repeat(65);
        for name in ["", "Echo", "-a", ".a", "_a", "a b", "a\n", "é", "a/b", "a\"", &too_long] {
            assert!(!is_service_name(name), "{name}");
        }
    }
}
