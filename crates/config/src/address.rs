//! Which addresses a camera may have: nothing on this machine, nothing of the network's own machinery, unless it is
//! listed (reliability: SSRF).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses, e.g. `192.168.7.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    address: IpAddr,
    prefix: u8,
}

impl Net {
    /// Reads `ADDRESS/PREFIX`, or an address alone.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().ok()?;
        let max = if address.is_ipv4() { 32 } else { 128 };
        let prefix = if prefix.is_empty() { max } else { prefix.parse().ok()? };
        (prefix <= max).then_some(Self { address, prefix })
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, bits: u32| (a ^ b).checked_shr(bits - u32::from(self.prefix)).unwrap_or(0) == 0;
        match (self.address, plain(address)) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), 128),
            _ => false,
        }
    }
}

/// An IPv4 address in the clothes of an IPv6 one is an IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// The rule that forbids an address; none: it may be used.
pub fn forbidden(address: IpAddr, listed: &[Net]) -> Option<&'static str> {
    if listed.iter().any(|net| net.contains(address)) {
        return None;
    }
    match plain(address) {
        IpAddr::V4(v4) => forbidden_v4(v4),
        IpAddr::V6(v6) => forbidden_v6(v6),
    }
}

fn forbidden_v4(a: Ipv4Addr) -> Option<&'static str> {
    let [first, second, ..] = a.octets();
    match () {
        () if a.is_loopback() => Some("loopback"),
        () if a.is_link_local() => Some("link-local"),
        () if first == 0 => Some("this-network"),
        () if a.is_multicast() => Some("multicast"),
        () if a.is_broadcast() || first >= 240 => Some("reserved"),
        // RFC 6598 carrier space; clouds keep their metadata service in it.
        () if first == 100 && (64..128).contains(&second) => Some("carrier-nat"),
        () => None,
    }
}

fn forbidden_v6(a: Ipv6Addr) -> Option<&'static str> {
    match () {
        () if a.is_loopback() => Some("loopback"),
        () if a.is_unspecified() => Some("this-network"),
        () if a.is_multicast() => Some("multicast"),
        () if a.is_unicast_link_local() => Some("link-local"),
        // NAT64 and 6to4 carry an IPv4 address that nobody checked.
        () if a.segments()[..2] == [0x64, 0xff9b] || a.segments()[0] == 0x2002 => Some("translated"),
        () if a.segments()[..2] == [0xfd00, 0xec2] => Some("metadata"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, listed: &[&str], rule: Option<&str>) {
        let nets: Vec<_> = listed.iter().map(|n| Net::parse(n).unwrap()).collect();
        assert_eq!(forbidden(address.parse().unwrap(), &nets), rule, "{address} {listed:?}");
    }

    #[test]
    fn what_a_camera_may_not_be() {
        check("192.168.7.20", &[], None);
        check("10.0.0.1", &[], None);
        check("127.0.0.1", &[], Some("loopback"));
        check("127.9.9.9", &[], Some("loopback"));
        check("::1", &[], Some("loopback"));
        check("::ffff:127.0.0.1", &[], Some("loopback"));
        check("169.254.169.254", &[], Some("link-local"));
        check("100.100.100.200", &[], Some("carrier-nat"));
        check("0.0.0.0", &[], Some("this-network"));
        check("::", &[], Some("this-network"));
        check("224.0.0.5", &[], Some("multicast"));
        check("255.255.255.255", &[], Some("reserved"));
        check("fe80::1", &[], Some("link-local"));
        check("64:ff9b::7f00:1", &[], Some("translated"));
        check("2002:7f00:1::", &[], Some("translated"));
        check("fd00:ec2::254", &[], Some("metadata"));
    }

    #[test]
    fn what_is_listed_may_be_used() {
        check("127.0.0.1", &["127.0.0.0/8"], None);
        check("::ffff:127.0.0.1", &["127.0.0.0/8"], None);
        check("127.0.0.2", &["127.0.0.1"], Some("loopback"));
        check("::1", &["::1/128"], None);
        check("8.8.8.8", &["0.0.0.0/0"], None);
        assert!(Net::parse("127.0.0.0/33").is_none() && Net::parse("camera").is_none());
    }
}
