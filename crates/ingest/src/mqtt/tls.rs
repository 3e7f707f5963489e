//! TLS: the server's settings, and the names in a client certificate that was verified.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM text cannot be read.
    #[error("{what} is not PEM")]
    Pem {
        /// Which text.
        what: &'static str,
        /// Cause.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate, key and authority do not fit together.
    #[error("certificate, key or client authority cannot be used")]
    Config(#[source] rustls::Error),
    /// The client authority cannot be used.
    #[error("client authority cannot be used")]
    Authority(#[source] rustls::server::VerifierBuilderError),
}

/// Server settings from PEM texts. With a client authority, client certificates are verified when shown, not demanded.
///
/// # Errors
/// `TlsError` names the text that is wrong.
pub fn server_config(cert: &[u8], key: &[u8], client_ca: Option<&[u8]>) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(cert, "certificate")?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|source| TlsError::Pem { what: "key", source })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Config)?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for ca in certificates(pem, "client authority")? {
                roots.add(ca).map_err(TlsError::Config)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.allow_unauthenticated().build().map_err(TlsError::Authority)?)
        }
    };
    builder.with_single_cert(chain, key).map(Arc::new).map_err(TlsError::Config)
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|source| TlsError::Pem { what, source })
}

/// Subject common name and DNS names of a certificate that rustls has verified. Total: what it cannot read it leaves out.
pub fn names(certificate: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let _ = walk_certificate(certificate, &mut found);
    found
}

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 29, 17];

/// RFC 5280, 4.1: SEQUENCE { SEQUENCE { [0] version, serial, algorithm, issuer, validity, subject, key, .. [3] extensions } }.
fn walk_certificate(der: &[u8], found: &mut Vec<String>) -> Option<()> {
    let (_, certificate, _) = element(der)?;
    let (_, mut fields, _) = element(certificate)?;
    if fields.first() == Some(&0xa0) {
        fields = element(fields)?.2;
    }
    for _ in 0..4 {
        fields = element(fields)?.2;
    }
    let (_, subject, rest) = element(fields)?;
    common_names(subject, found);
    let mut rest = rest;
    while let Some((tag, inside, after)) = element(rest) {
        if tag == 0xa3 {
            alternative_names(element(inside)?.1, found);
        }
        rest = after;
    }
    Some(())
}

fn common_names(mut subject: &[u8], found: &mut Vec<String>) {
    while let Some((_, set, after)) = element(subject) {
        if let Some((_, pair, _)) = element(set)
            && let Some((6, COMMON_NAME, value)) = element(pair)
            && let Some((_, text, _)) = element(value)
        {
            push(text, found);
        }
        subject = after;
    }
}

fn alternative_names(mut extensions: &[u8], found: &mut Vec<String>) {
    while let Some((_, extension, after)) = element(extensions) {
        if let Some((6, SUBJECT_ALT_NAME, mut value)) = element(extension) {
            if let Some((1, _, next)) = element(value) {
                value = next;
            }
            let list = element(value).and_then(|(_, octets, _)| element(octets)).map(|(_, list, _)| list);
            let mut list = list.unwrap_or_default();
            while let Some((tag, text, next)) = element(list) {
                if tag == 0x82 {
                    push(text, found);
                }
                list = next;
            }
        }
        extensions = after;
    }
}

fn push(text: &[u8], found: &mut Vec<String>) {
    if let Ok(text) = std::str::from_utf8(text)
        && found.len() < 32
    {
        found.push(text.to_owned());
    }
}

/// One DER element: tag, contents, what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)), rest)
        }
        _ => return None,
    };
    let (inside, after) = rest.split_at_checked(len)?;
    Some((tag, inside, after))
}
