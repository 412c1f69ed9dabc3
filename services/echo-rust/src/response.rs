//! The signed answer to a request (protocol, "Signed response").

use k256::ecdsa::signature::hazmat::PrehashSigner;
use k256::ecdsa::{Error, Signature, SigningKey};
use k256::sha2::{Digest, Sha256};

use crate::protocol::{is_service_name, Request};
use crate::{base64, hex};

const RESPONSE_TAG: &[u8] = b"affidavit/response/v1\0";
const SERVICE_TAG: &[u8] = b"affidavit/service/v1\0";
const MESSAGE: usize = 158;

/// A service's name and key. The key is wiped from memory when this is dropped.
pub struct Signer {
    name: String,
    id: [u8; 32],
    key: SigningKey,
}

impl Signer {
    /// `None` for a name that no service can have.
    pub fn new(name: &str, key: SigningKey) -> Option<Signer> {
        is_service_name(name).then(|| Signer { name: name.to_owned(), id: service_id(name), key })
    }

    /// Adds the answer, LF included, to `out`: body = request, JSON in the order of the protocol, no
    /// spaces. RFC 6979, low s. `time`: Unix seconds, below 2^53. On an error `out` is as before.
    pub fn answer(&self, request: &Request<'_>, time: u64, out: &mut Vec<u8>) -> Result<(), Error> {
        let hash = Sha256::digest(message(&self.id, request, time));
        let signature: Signature = self.key.sign_prehash(&hash)?;
        out.extend_from_slice(b"{\"version\":1,\"service\":\"");
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(b"\",\"nonce\":\"");
        hex::encode(&request.nonce, out);
        out.extend_from_slice(format!("\",\"time\":{time},\"request\":\"").as_bytes());
        base64::encode(request.request, out);
        out.extend_from_slice(b"\",\"body\":\"");
        base64::encode(request.request, out);
        out.extend_from_slice(b"\",\"signature\":\"");
        hex::encode(&signature.to_bytes(), out);
        out.extend_from_slice(b"\"}\n");
        Ok(())
    }
}

/// service id = SHA-256(tag(service) ‖ name)
fn service_id(name: &str) -> [u8; 32] {
    Sha256::new_with_prefix(SERVICE_TAG).chain_update(name).finalize().into()
}

/// message = tag(response) ‖ service id ‖ nonce ‖ time ‖ SHA-256(request) ‖ SHA-256(body): always 158
/// bytes.
fn message(id: &[u8; 32], request: &Request<'_>, time: u64) -> [u8; MESSAGE] {
    let digest = Sha256::digest(request.request);
    let parts = [RESPONSE_TAG, id, &request.nonce, &time.to_be_bytes(), &digest, &digest];
    let mut message = [0; MESSAGE];
    let mut rest = &mut message[..];
    for part in parts {
        let (here, after) = rest.split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = after;
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use k256::ecdsa::signature::hazmat::PrehashVerifier;

    fn signer(name: &str) -> Signer {
        let mut key = [0; 32];
        key[31] = 1;
        Signer::new(name, SigningKey::from_slice(&key).unwrap()).unwrap()
    }

    fn text(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        hex::encode(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    const NONCE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn hello() -> Request<'static> {
        Request { nonce: core::array::from_fn(|i| i as u8), request: b"hello" }
    }

    #[test]
    fn test_vectors_of_the_protocol() {
        let id = service_id("echo-node");
        assert_eq!(text(&id), "2e94955919399143f5c0f1cdaf75f401cc58ee21c4a5b21ed68f06ec22f54100");
        let hash = Sha256::digest(message(&id, &hello(), 1_700_000_002));
        assert_eq!(text(&hash), "6c80c31871af7a4a3de2a2198dfe2dea9a71780e161180a1b357471d40b16e34");
        let mut out = b"before".to_vec();
        signer("echo-node").answer(&hello(), 1_700_000_002, &mut out).unwrap();
        let wanted = format!(
            "before{{\"version\":1,\"service\":\"echo-node\",\"nonce\":\"{NONCE}\",\"time\":1700000002,\
             \"request\":\"aGVsbG8=\",\"body\":\"aGVsbG8=\",\"signature\":\"\
             5c7743b586ad0bd470658e00b82e604a7daf5556092a42eae0fbee60b06659b5\
             1a5b83a099277a6f412c4e8d060f8ab439cc3a948959ed8f33accd35764a00a1\"}}\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }

    #[test]
    fn every_part_of_the_message_counts() {
        let id = service_id("echo-rust");
        let first = message(&id, &hello(), 1);
        assert_eq!(first, message(&id, &hello(), 1));
        assert_ne!(first, message(&service_id("echo"), &hello(), 1));
        assert_ne!(first, message(&id, &hello(), 2));
        assert_ne!(first, message(&id, &Request { nonce: [0; 32], ..hello() }, 1));
        assert_ne!(first, message(&id, &Request { request: b"hallo", ..hello() }, 1));
    }

    #[test]
    fn s_is_low_and_the_signature_verifies() {
        let signer = signer("echo-rust");
        for time in 0..64 {
            let mut out = Vec::new();
            signer.answer(&hello(), time, &mut out).unwrap();
            let digits = &out[out.len() - 3 - 128..out.len() - 3];
            let mut bytes = [0; 64];
            assert!(hex::decode(digits, &mut bytes));
            let signature = Signature::from_slice(&bytes).unwrap();
            assert!(signature.normalize_s().is_none());
            let verifies = |time| {
                let hash = Sha256::digest(message(&signer.id, &hello(), time));
                signer.key.verifying_key().verify_prehash(&hash, &signature).is_ok()
            };
            assert!(verifies(time));
            assert!(!verifies(time + 1));
        }
    }

    #[test]
    fn names() {
        let key = || SigningKey::from_slice(&[1; 32]).unwrap();
        assert!(Signer::new("echo-rust", key()).is_some());
        assert!(Signer::new("Echo", key()).is_none());
    }
}
