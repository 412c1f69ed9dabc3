//! Reads the service's secret key, and refuses a file that others could have read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use k256::ecdsa::SigningKey;
use k256::elliptic_curve::zeroize::Zeroizing;

use crate::hex;

/// The message says what to do next, in one line, and never shows what the file holds.
#[derive(Debug, PartialEq, Eq)]
pub struct KeyFileError(pub String);

const DIGITS: usize = 64;

/// 64 lower-case hex digits, with or without a final LF: a secp256k1 secret key. The file is for its
/// owner alone (0600 or 0400), but one directly in `credentials` may have mode 0440: systemd keeps its
/// credentials for one user, and the mask of the access list that does it shows as the group's bit.
pub fn read_key_file(path: &Path, credentials: Option<&Path>) -> Result<SigningKey, KeyFileError> {
    let explain = |problem: String| KeyFileError(format!("key file {}{problem}", path.display()));
    let mut file = open(path).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string(),
        };
        explain(format!(" cannot be read: {why}; check path and permissions"))
    })?;
    let found = file.metadata().map_err(|error| explain(format!(" cannot be read: {error}")))?;
    if !found.is_file() {
        return Err(explain(": not a file; check the path".to_owned()));
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 && !(mode == 0o440 && is_credential(path, credentials)) {
        let message =
            format!(": others may use it (mode {mode:04o}), expected 0600 or 0400; chmod 600 it");
        return Err(explain(message));
    }
    read_key(&mut file)
        .map_err(|error| explain(format!(" cannot be read: {error}")))?
        .map_err(|problem| explain(format!(": {problem}")))
}

/// Opening a pipe would wait for its other end.
fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"))
}

/// By name: no `..` and no link leads out of the folder.
fn is_credential(path: &Path, credentials: Option<&Path>) -> bool {
    credentials.is_some_and(|folder| {
        let is_link = fs::symlink_metadata(path).map_or(true, |found| found.is_symlink());
        folder.is_absolute()
            && path.file_name().is_some()
            && path.parent() == Some(folder)
            && !is_link
    })
}

/// One byte more than the longest text of a key: a wrong path must not fill the memory.
const LONGEST: usize = DIGITS + 2;

fn read_key(file: &mut File) -> io::Result<Result<SigningKey, &'static str>> {
    let mut text = Zeroizing::new([0; LONGEST]);
    let mut length = 0;
    while length < LONGEST {
        match file.read(&mut text[length..])? {
            0 => break,
            count => length += count,
        }
    }
    Ok(parse_key(&text[..length]))
}

fn parse_key(text: &[u8]) -> Result<SigningKey, &'static str> {
    let mut key = Zeroizing::new([0; DIGITS / 2]);
    if !hex::decode(text.strip_suffix(b"\n").unwrap_or(text), &mut key[..]) {
        return Err("expected 64 lower-case hex digits; write 32 secret bytes in hex");
    }
    SigningKey::from_slice(&key[..])
        .map_err(|_| "not a secp256k1 secret key (0 < key < order); make another")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0000000000000000000000000000000000000000000000000000000000000001";
    const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    const LAST: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";

    #[test]
    fn keys() {
        for text in [ONE.to_owned(), format!("{ONE}\n"), LAST.to_owned()] {
            assert!(parse_key(text.as_bytes()).is_ok(), "{text:?}");
        }
        for text in ["0".repeat(64), ORDER.to_owned(), "f".repeat(64)] {
            let problem = parse_key(text.as_bytes()).err();
            assert!(problem.is_some_and(|text| text.starts_with("not a secp256k1")), "{text:?}");
        }
        let upper = LAST.to_uppercase();
        let more =
            [format!("{ONE}\n\n"), format!("{ONE}\r\n"), format!("0x{ONE}"), format!(" {ONE}")];
        for text in
            [&more[..], &[String::new(), "\n".to_owned(), ONE[1..].to_owned(), upper]].concat()
        {
            let problem = parse_key(text.as_bytes()).err();
            assert!(problem.is_some_and(|text| text.starts_with("expected 64")), "{text:?}");
        }
    }

    #[test]
    fn what_is_a_credential() {
        let folder = std::env::temp_dir().join(format!("echo-rust-{}", std::process::id()));
        fs::create_dir_all(folder.join("sub")).unwrap();
        for name in ["key", "sub/key"] {
            fs::write(folder.join(name), ONE).unwrap();
        }
        let _ = std::os::unix::fs::symlink(folder.join("sub/key"), folder.join("link"));
        let judge = |name: &str| is_credential(&folder.join(name), Some(&folder));
        let judged =
            [judge("key"), judge("./key"), judge("sub/key"), judge("link"), judge("missing")];
        let around = [judge("sub/../key"), is_credential(&folder.join("key"), None)];
        let relative = is_credential(Path::new("key"), Some(Path::new("")));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(judged, [true, true, false, false, false]);
        assert_eq!((around, relative), ([false, false], false));
    }
}
