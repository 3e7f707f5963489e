//! Who may look: open, Basic (RFC 7617) or Digest with MD5 (RFC 2617), as cameras have it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::message::Request;

const REALM: &str = "Fenghuo simulated camera";

/// What a server asks of its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Nothing.
    Open,
    /// User and password in the clear.
    Basic {
        /// User.
        user: String,
        /// Password.
        password: String,
    },
    /// A hash over the password, a nonce of the connection, method and URL.
    Digest {
        /// User.
        user: String,
        /// Password.
        password: String,
    },
}

impl Login {
    /// The challenge of a 401; nothing when everybody may look.
    pub(super) fn challenge(&self, nonce: &str) -> Option<String> {
        match self {
            Self::Open => None,
            Self::Basic { .. } => Some(format!("Basic realm=\"{REALM}\"")),
            Self::Digest { .. } => Some(format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm=MD5")),
        }
    }

    /// Whether a request carries what was asked for.
    pub(super) fn allows(&self, request: &Request, nonce: &str) -> bool {
        let given = request.header("authorization").unwrap_or_default();
        match self {
            Self::Open => true,
            Self::Basic { user, password } => {
                given.strip_prefix("Basic ").is_some_and(|b| b == STANDARD.encode(format!("{user}:{password}")))
            }
            Self::Digest { user, password } => {
                given.strip_prefix("Digest ").is_some_and(|g| digest_is(g, request, (user, password), nonce))
            }
        }
    }
}

fn digest_is(given: &str, request: &Request, (user, password): (&str, &str), nonce: &str) -> bool {
    let field = |name: &str| {
        given
            .split(',')
            .filter_map(|p| p.trim().split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v.trim_matches('"'))
    };
    let (Some(uri), Some(response)) = (field("uri"), field("response")) else { return false };
    if field("username") != Some(user) || field("nonce") != Some(nonce) {
        return false;
    }
    let ha1 = md5_hex(&format!("{user}:{REALM}:{password}"));
    let ha2 = md5_hex(&format!("{}:{uri}", request.method));
    let want = match (field("qop"), field("nc"), field("cnonce")) {
        (Some(qop), Some(nc), Some(cnonce)) => md5_hex(&format!("{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}")),
        _ => md5_hex(&format!("{ha1}:{nonce}:{ha2}")),
    };
    response == want
}

/// MD5 as 32 lower-case digits.
pub(super) fn md5_hex(text: &str) -> String {
    use std::fmt::Write as _;
    Md5::digest(text).iter().fold(String::with_capacity(32), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::super::message::{Parsed, parse};
    use super::*;

    fn request(authorization: &str) -> Request {
        let text = format!("DESCRIBE rtsp://h/cam/a/main RTSP/1.0\r\nAuthorization: {authorization}\r\n\r\n");
        let Parsed::Request(request, _) = parse(text.as_bytes()) else { panic!("no request") };
        request
    }

    #[test]
    fn basic_wants_user_and_password() {
        let login = Login::Basic { user: "admin".into(), password: "12345".into() };
        assert!(login.allows(&request("Basic YWRtaW46MTIzNDU="), ""));
        assert!(!login.allows(&request("Basic YWRtaW46MTIzNDY="), ""));
        assert!(!login.allows(&request(""), ""));
    }

    #[test]
    fn digest_wants_the_nonce_of_this_connection() {
        let login = Login::Digest { user: "admin".into(), password: "12345".into() };
        let (ha1, ha2) = (md5_hex(&format!("admin:{REALM}:12345")), md5_hex("DESCRIBE:rtsp://h/cam/a/main"));
        let response = md5_hex(&format!("{ha1}:n1:{ha2}"));
        let given = |nonce: &str| {
            format!(
                "Digest username=\"admin\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"rtsp://h/cam/a/main\", response=\"{response}\""
            )
        };
        assert!(login.allows(&request(&given("n1")), "n1"));
        assert!(!login.allows(&request(&given("n1")), "n2"), "a nonce of another connection");
        assert!(!login.allows(&request(&given("n2")), "n2"), "a response to another nonce");
    }
}
