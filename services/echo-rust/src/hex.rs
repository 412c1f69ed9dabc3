//! Lower-case hex without prefix (protocol, "Notation").

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Adds two digits for each byte to `out`.
pub fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Fills `out`, and says whether it could: `false` for another length than two digits a byte, and for
/// anything but lower-case digits.
pub fn decode(digits: &[u8], out: &mut [u8]) -> bool {
    if digits.len() != 2 * out.len() {
        return false;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks(2)) {
        match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) => *byte = high << 4 | low,
            _ => return false,
        }
    }
    true
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn round_trip_of_every_byte() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut digits = Vec::new();
        encode(&bytes, &mut digits);
        assert!(digits.starts_with(b"000102") && digits.ends_with(b"fdfeff"));
        let mut back = [0; 256];
        assert!(decode(&digits, &mut back));
        assert_eq!(back[..], bytes[..]);
    }

    #[test]
    fn refusals() {
        let mut out = [0; 2];
        assert!(decode(b"00af", &mut out));
        for wrong in [&b"00a"[..], b"00aff", b"00aF", b"00ag", b"00 f", b"", b"0x00", b"00a\xe6"] {
            assert!(!decode(wrong, &mut out), "{wrong:?}");
        }
    }
}
