//! Who may come in: cookie or bearer token, Origin, permission. One extractor, used by every route.

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use protocol::{Permission, Problem, allowed};

use crate::problem::Answer;
use crate::server::Api;
use crate::sessions::Grant;

/// Name of the session cookie.
pub const COOKIE: &str = "fenghuo_session";

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Caller(pub Grant);

impl Caller {
    /// Refuses what the role may not do.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub fn may(&self, permission: Permission) -> Result<(), Problem> {
        if allowed(self.0.role, permission) {
            return Ok(());
        }
        Err(Problem::new("FORBIDDEN", ""))
    }

    /// Refuses what the role may not read; tells the party that a field session is limited to.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub fn may_read(&self) -> Result<Option<&str>, Problem> {
        match &self.0.party {
            Some(party) => self.may(Permission::FieldRead).map(|()| Some(party.as_str())),
            None => self.may(Permission::SiteRead).map(|()| None),
        }
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Answer;
    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Answer> {
        if let Some(token) = bearer(&parts.headers) {
            return Ok(Self(api.sessions.machine(&api.records, token, runtime::unix_now()).await?));
        }
        // SameSite=Strict already keeps other sites' forms away; this also stops scripts of allowed siblings.
        if parts.method != Method::GET && !origin_allowed(api, &parts.headers, false) {
            return Err(Answer(Problem::new("ORIGIN_DENIED", "Origin")));
        }
        let token = cookie(&parts.headers).ok_or_else(|| Answer(Problem::new("LOGIN_REQUIRED", "")))?;
        let now = runtime::unix_now();
        Ok(Self(api.sessions.find(&api.records, token, now).await?))
    }
}

/// The bearer token, if any.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// The session cookie, if any.
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Whether the page that sent this may: the address it was loaded from, or one of the configured origins.
/// A host *name* must be configured, for a name can be made to point here by anyone (DNS rebinding); an address cannot.
/// `must`: a missing Origin is refused too (WebSocket, ASVS 5 V4.4.2).
pub fn origin_allowed(api: &Api, headers: &HeaderMap, must: bool) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return !must };
    let Ok(origin) = origin.to_str() else { return false };
    if api.settings.origins.iter().any(|o| o == origin) {
        return true;
    }
    let own = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    from.is_some() && from == own && from.is_some_and(is_address)
}

fn is_address(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

/// OWASP's minimum for argon2id: 19 MiB, 2 passes, 1 lane.
fn argon() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a password for an account; takes about 50 ms.
///
/// # Errors
/// When the system gives no random salt.
pub fn hash_password(password: &str) -> Result<String, String> {
    argon().hash_password(password.as_bytes()).map(|h| h.to_string()).map_err(|e| e.to_string())
}

/// Whether a password fits a stored hash; takes about 50 ms.
pub fn verify_password(password: &str, stored: &str) -> bool {
    argon2::PasswordHash::new(stored).is_ok_and(|h| argon().verify_password(password.as_bytes(), &h).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hash_password("正确的口令").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify_password("正确的口令", &hash));
        assert!(!verify_password("错误的口令", &hash));
        assert!(!verify_password("x", "not a hash"));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "theme=dark; fenghuo_session=abc; x=y".parse().unwrap());
        assert_eq!(cookie(&headers), Some("abc"));
    }
}
