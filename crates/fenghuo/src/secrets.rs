//! Random passwords and tokens, and what the demo remembers of them between starts.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// `N` random bytes as hexadecimal.
///
/// # Errors
/// When the system gives none.
pub fn random_hex<const N: usize>() -> anyhow::Result<String> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the system gives no random bytes: {e}"))?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// `sha256:SALT:HASH` of a device password. Device passwords are made by us with 128 random bits, so a slow hash would
/// add nothing but a minute of CPU when a thousand gateways reconnect.
///
/// # Errors
/// When the system gives no random salt.
pub fn hash_device(password: &str) -> anyhow::Result<String> {
    let salt = random_hex::<16>()?;
    Ok(format!("sha256:{salt}:{}", digest(&salt, password.as_bytes())))
}

/// Whether a device password fits its stored hash. Compared without an early end.
pub fn device_fits(stored: &str, password: &[u8]) -> bool {
    let Some((salt, hash)) = stored.strip_prefix("sha256:").and_then(|s| s.split_once(':')) else { return false };
    let found = digest(salt, password);
    found.len() == hash.len() && found.bytes().zip(hash.bytes()).fold(0, |d, (a, b)| d | (a ^ b)) == 0
}

fn digest(salt: &str, password: &[u8]) -> String {
    let mut sha = Sha256::new();
    sha.update(salt.as_bytes());
    sha.update(password);
    hex(&sha.finalize())
}

/// What the demo keeps, so that scripts and simulated gateways get in again after a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DemoSecrets {
    /// Machine token of the API.
    pub token: String,
    /// Password of every demo account.
    pub account_password: String,
    /// Device user name to password.
    pub devices: BTreeMap<String, String>,
}

impl DemoSecrets {
    /// Reads them from the data folder, or makes them.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn load(folder: &Path, devices: &[String]) -> anyhow::Result<Self> {
        let file = folder.join("demo-secrets.json");
        let mut secrets = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", file.display()))?,
            Err(_) => {
                Self { token: random_hex::<32>()?, account_password: random_hex::<6>()?, devices: BTreeMap::new() }
            }
        };
        for device in devices {
            if !secrets.devices.contains_key(device) {
                secrets.devices.insert(device.clone(), random_hex::<16>()?);
            }
        }
        write_private(&file, &serde_json::to_vec_pretty(&secrets)?)?;
        Ok(secrets)
    }
}

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// The operating system's.
pub fn write_private(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let temporary = file.with_extension("tmp");
    let mut options = std::fs::OpenOptions::new();
    let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    std::fs::rename(&temporary, file).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_password_fits_its_own_hash_only() {
        let stored = hash_device("secret").unwrap();
        assert!(device_fits(&stored, b"secret"));
        assert!(!device_fits(&stored, b"secreT"));
        assert!(!device_fits("sha256:nonsense", b"secret"));
        assert!(!device_fits("", b""));
    }
}
