//! Which addresses a request may go to at all, whoever named them.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Whether an address is this machine's, where plain http is allowed: `127.0.0.1`, `[::1]` or `localhost`, and no other name of it (contract,
/// Configuration).
pub fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(ip)) => ip == Ipv6Addr::LOCALHOST,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Judges an address that belongs to no declared root: https, or http on loopback, and nothing inside the network.
///
/// # Errors
/// What is wrong with it, to follow the name of what holds it.
pub fn judge(url: &Url) -> Result<(), &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name: what stands behind the @ would be asked, not what stands before it");
    }
    let inside = match url.host() {
        None => return Err("names no host"),
        Some(Host::Domain(_)) => false,
        Some(Host::Ipv4(ip)) => {
            let [first, second, ..] = ip.octets();
            let carrier = first == 100 && (64..128).contains(&second);
            first == 0 || carrier || ip.is_private() || ip.is_link_local() || ip.is_broadcast() || ip.is_multicast()
        }
        Some(Host::Ipv6(ip)) => {
            let first = ip.segments()[0];
            let local = first & 0xFE00 == 0xFC00 || first & 0xFFC0 == 0xFE80;
            local || ip.to_ipv4_mapped().is_some() || ip.is_unspecified() || ip.is_multicast()
        }
    };
    match url.scheme() {
        _ if inside => Err("names an address inside the network"),
        "https" => Ok(()),
        "http" if is_here(url) => Ok(()),
        "http" => Err("must be https: plain http is for 127.0.0.1, [::1] and localhost only"),
        _ => Err("must be https"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for (text, good) in [
            ("https://graph.microsoft.com/v1.0", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]:8080/", true),
            ("http://localhost:8080/", true),
            ("http://127.0.0.2:8080/", false),
            ("https://127.0.0.2:8080/", true),
            ("http://graph.microsoft.com/", false),
            ("https://graph.microsoft.com@evil.example/", false),
            ("http://169.254.169.254/latest", false),
            ("https://169.254.169.254/", false),
            ("https://10.0.0.1/", false),
            ("https://192.168.1.1/", false),
            ("https://172.16.0.1/", false),
            ("https://100.64.0.1/", false),
            ("https://0.0.0.0/", false),
            ("https://0x7f.1/", true),
            ("https://0xa9fea9fe/", false),
            ("https://2852039166/", false),
            ("https://[fd00:ec2::254]/", false),
            ("https://[fe80::1]/", false),
            ("https://[::ffff:10.0.0.1]/", false),
            ("ftp://127.0.0.1/", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(Url::parse(text).is_ok_and(|url| judge(&url).is_ok()), good, "{text}");
        }
    }
}
