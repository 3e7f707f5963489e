//! TLS with a client certificate: its name is the identity.

use std::sync::Arc;
use std::time::Duration;

use ingest::mqtt::{DoorSettings, server_config};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use runtime::Tasks;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::{Hall, pen, until};

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { pem, issuer: Issuer::new(params, key) }
}

fn certificate(authority: &Authority, common_name: &str, dns: &[&str]) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(dns.iter().map(|d| (*d).to_owned()).collect::<Vec<_>>()).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let cert = params.signed_by(&key, &authority.issuer).unwrap();
    (cert.pem(), key.serialize_pem())
}

fn client(authority: &Authority, own: Option<(String, String)>) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    Arc::new(match own {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_certificate_is_an_identity_and_is_optional() {
    let (hall, tasks, ca) = (Hall::new(), Tasks::new(), authority());
    let (cert, key) = certificate(&ca, "door", &["localhost"]);
    let config = server_config(cert.as_bytes(), key.as_bytes(), Some(ca.pem.as_bytes())).unwrap();
    let tls = Some(("127.0.0.1:0".parse().unwrap(), config));
    let door = hall.door(DoorSettings { tls, ..DoorSettings::default() }, &tasks).await;
    let own = |name: &str| certificate(&ca, name, &["device.example"]);
    for (certificate, code) in [(Some(own("device-a")), 0), (Some(own("stranger")), 4), (None, 0)] {
        let connector = tokio_rustls::TlsConnector::from(client(&ca, certificate));
        let tcp = tokio::net::TcpStream::connect(door.tls.unwrap()).await.unwrap();
        let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
        stream.write_all(&pen::connect(4, 2, "c", &[])).await.unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [0x20, 2, 0, code]);
        if code == 0 {
            stream.write_all(&pen::publish(4, 0x32, "fh/v1/plant-a/nh3-1", 9, r#"{"v":1}"#)).await.unwrap();
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, [0x40, 2, 0, 9]);
        }
    }
    until("two readings", || hall.readings.lock().len() == 2).await;
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

#[test]
fn the_names_of_a_certificate() {
    let (pem, _) = certificate(&authority(), "device-a", &["gw.plant-a", "gw2.plant-a"]);
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let names = ingest::mqtt::certificate_names(&der);
    for want in ["device-a", "gw.plant-a", "gw2.plant-a"] {
        assert!(names.iter().any(|n| n == want), "{want} in {names:?}");
    }
    for cut in 0..der.len() {
        ingest::mqtt::certificate_names(&der[..cut]);
    }
    assert!(ingest::mqtt::certificate_names(b"").is_empty());
}

#[test]
fn what_is_no_certificate_is_named() {
    let error = server_config(b"nonsense", b"nonsense", None).unwrap_err();
    assert!(error.to_string().contains("key") || error.to_string().contains("certificate"), "{error}");
}
