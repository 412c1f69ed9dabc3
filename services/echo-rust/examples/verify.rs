//! For tests: reads lines `<x ‖ y, 128 hex> <hash, 64 hex> <r ‖ s, 128 hex>` on standard input, and
//! prints `ok` or `refused` for each. A high s is refused, and so is any other form.
#![forbid(unsafe_code)]

use std::io::{self, BufRead, Write};

use echo_rust::hex;
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::ecdsa::{Signature, VerifyingKey};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = if verifies(&line?) { "ok" } else { "refused" };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

fn verifies(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let [key, hash, signature] = words[..] else {
        return false;
    };
    read(key, hash, signature).is_some_and(|(key, hash, signature)| {
        signature.normalize_s().is_none() && key.verify_prehash(&hash, &signature).is_ok()
    })
}

fn read(key: &str, hash: &str, signature: &str) -> Option<(VerifyingKey, [u8; 32], Signature)> {
    // SEC 1, 2.3.3: an uncompressed point begins with 4.
    let mut point = [4; 65];
    let mut digest = [0; 32];
    let mut pair = [0; 64];
    let whole = hex::decode(key.as_bytes(), &mut point[1..])
        && hex::decode(hash.as_bytes(), &mut digest)
        && hex::decode(signature.as_bytes(), &mut pair);
    let key = VerifyingKey::from_sec1_bytes(&point).ok().filter(|_| whole)?;
    Some((key, digest, Signature::from_slice(&pair).ok()?))
}
