//! Client assertions: a JWT signed with a certificate's key instead of a client secret (RFC 7523; Entra certificate credentials).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;

/// Signs an assertion: RS256, `x5t` from the SHA-1 thumbprint, good for ten minutes.
///
/// # Errors
/// What is wrong with the thumbprint or the key, without showing the key.
pub fn sign(client_id: &str, thumbprint: &str, private_key: &str, audience: &str, now: Timestamp) -> Result<String, String> {
    let thumb =
        hex(thumbprint).filter(|bytes| bytes.len() == 20).ok_or("the certificate thumbprint must be 40 hexadecimal digits (SHA-1)")?;
    let key = key_pair(private_key)?;
    let header = json!({"alg": "RS256", "typ": "JWT", "x5t": URL_SAFE_NO_PAD.encode(thumb)});
    let expires = now + SignedDuration::from_secs(600);
    let claims = json!({"aud": audience, "iss": client_id, "sub": client_id, "jti": uuid::Uuid::new_v4().to_string(),
        "nbf": now.as_second(), "iat": now.as_second(), "exp": expires.as_second()});
    let body = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), body.as_bytes(), &mut signature).map_err(|_| "the private key cannot sign")?;
    Ok(format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn key_pair(pem: &str) -> Result<RsaKeyPair, String> {
    // A key pasted into one line keeps blanks or \n where its line ends were.
    let pem = pem.replace("\\n", "\n");
    let kind = if pem.contains("BEGIN RSA PRIVATE KEY") { "RSA PRIVATE KEY" } else { "PRIVATE KEY" };
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let inner = pem.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end)).map(|(inner, _)| inner);
    let inner = inner.ok_or("the private key is not PEM (-----BEGIN PRIVATE KEY-----)")?;
    let der = STANDARD.decode(inner.split_whitespace().collect::<String>()).map_err(|_| "the private key is not valid base64")?;
    let pair = if kind == "PRIVATE KEY" { RsaKeyPair::from_pkcs8(&der) } else { RsaKeyPair::from_der(&der) };
    pair.map_err(|error| format!("the private key is not an RSA key of 2048 bits or more ({error})"))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok().filter(|_| pair.len() == 2)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_are_encoded_as_entra_wants_them() {
        let bytes = hex("84E05C1D98BCE3A5421D225B140B36E86A3D5534").unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(bytes), "hOBcHZi846VCHSJbFAs26Go9VTQ");
        assert!(hex("84:E0 5c").is_some_and(|bytes| bytes == [0x84, 0xE0, 0x5C]));
    }

    #[test]
    fn a_bad_key_is_named_without_being_shown() {
        let error = sign("id", &"ab".repeat(20), "not a key canary", "aud", Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(error.contains("PEM") && !error.contains("canary"));
    }
}
