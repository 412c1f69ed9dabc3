//! Standard base64 with padding (protocol, "Notation"), one way: an echo reads none.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Adds the text of `bytes` to `out`: 4 characters for each 3 bytes begun.
pub fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= group.len() { digit } else { b'=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn rfc_4648_section_10() {
        let vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, text) in vectors.iter().enumerate() {
            let mut out = Vec::new();
            encode(&b"foobar"[..length], &mut out);
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn every_digit() {
        let bytes: Vec<u8> = (0..16u8)
            .flat_map(|i| {
                let digits = [4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3];
                let bits = digits.iter().fold(0u32, |bits, digit| bits << 6 | u32::from(*digit));
                bits.to_be_bytes()[1..].to_vec()
            })
            .collect();
        let mut out = Vec::new();
        encode(&bytes, &mut out);
        assert_eq!(out, super::DIGITS);
    }
}
