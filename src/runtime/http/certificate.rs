//! What is wrong with the certificate of who answers, in plain words.

use std::error::Error;
use std::io;

use rustls::CertificateError;

/// What is wrong with the certificate, where that is why no connection was made, and what to do.
pub(super) fn complaint(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(here) = cause {
        if let Some(rustls::Error::InvalidCertificate(reason)) = here.downcast_ref() {
            return Some(words(reason));
        }
        // An error of I/O does not give what it holds as its source.
        let held = here.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = held.map(|held| held as &(dyn Error + 'static)).or_else(|| here.source());
    }
    None
}

fn words(reason: &CertificateError) -> &'static str {
    match reason {
        CertificateError::UnknownIssuer => {
            "comes from an authority that is not trusted. If that is a private one of yours, name its file in ca_file; if not, somebody may be in between"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "is for another name. Check the address",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired. Check this machine's clock; if it is right, the vendor has to renew it"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "is not valid yet. Check this machine's clock",
        CertificateError::Revoked => "was revoked. Do not go on before the vendor has said why",
        _ => "is not one that can be trusted",
    }
}
