//! Who may publish: devices from the settings, by password or by the name in their client certificate.

use std::collections::HashMap;
use std::sync::Arc;

use ingest::mqtt::{Allowed, Identity, Login, LoginError, Verify};
use parking_lot::Mutex;

use crate::secrets::device_fits;

/// A device and what it may do.
#[derive(Clone, Debug)]
pub struct Device {
    /// User name, or common name of its certificate.
    pub username: String,
    /// See `secrets::hash_device`; none: certificate only.
    pub password_hash: Option<String>,
    /// Enterprises it may publish for.
    pub enterprises: Allowed,
}

impl From<&config::Device> for Device {
    fn from(d: &config::Device) -> Self {
        let enterprises = d.enterprises.iter().map(|e| e.as_str().into()).collect();
        Self {
            username: d.username.clone(),
            password_hash: d.password_hash.clone(),
            enterprises: Allowed::These(enterprises),
        }
    }
}

/// Failed logins written into the audit chain per minute: an attacker must not be able to fill the disk. All are counted.
const AUDITED_PER_MINUTE: u32 = 30;
const MINUTE_US: i64 = 60_000_000;

/// A login check that has failed logins audited, with the name they gave and where they came from.
pub fn audited(verify: Verify, audit: impl Fn((String, String, String)) + Send + Sync + 'static) -> Verify {
    let window = Mutex::new((i64::MIN, 0_u32));
    Arc::new(move |login: &Login| {
        let answer = verify(login);
        let now = runtime::unix_now();
        let mut window = window.lock();
        if answer.is_ok() || (now < window.0 && window.1 >= AUDITED_PER_MINUTE) {
            return answer;
        }
        *window = if now < window.0 { (window.0, window.1 + 1) } else { (now + MINUTE_US, 1) };
        drop(window);
        let name: String = login.username.as_deref().unwrap_or_default().chars().take(64).collect();
        audit((name, "device_login_failed".into(), login.address.clone()));
        answer
    })
}

/// The door's login check over these devices.
pub fn verify(devices: Vec<Device>) -> Verify {
    let devices: HashMap<String, Device> = devices.into_iter().map(|d| (d.username.clone(), d)).collect();
    Arc::new(move |login: &Login| find(&devices, login).map(identity).ok_or(LoginError::Unknown))
}

fn find<'a>(devices: &'a HashMap<String, Device>, login: &Login) -> Option<&'a Device> {
    if let Some(device) = login.certificate.iter().find_map(|name| devices.get(name)) {
        return Some(device);
    }
    let device = devices.get(login.username.as_deref()?)?;
    let stored = device.password_hash.as_deref()?;
    device_fits(stored, login.password.as_deref()?).then_some(device)
}

fn identity(device: &Device) -> Identity {
    let outgoing = match &device.enterprises {
        Allowed::All => vec!["fenghuo/out/".to_owned()],
        Allowed::These(list) => list.iter().map(|e| format!("fenghuo/out/alarms/{e}/")).collect(),
    };
    Identity {
        device: device.username.as_str().into(),
        enterprises: device.enterprises.clone(),
        client_ids: Vec::new(),
        outgoing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::hash_device;

    #[test]
    fn passwords_and_certificates_name_the_device() {
        let device = |name: &str, hash| Device {
            username: name.into(),
            password_hash: hash,
            enterprises: Allowed::These(vec!["chem-01".into()]),
        };
        let check = verify(vec![device("gw-1", Some(hash_device("pw").unwrap())), device("gw-2", None)]);
        let login = |user: &str, password: &str, certificate: &str| Login {
            username: Some(user.into()),
            password: Some(password.into()),
            certificate: vec![certificate.into()],
            ..Login::default()
        };
        assert_eq!(&*check(&login("gw-1", "pw", "")).unwrap().device, "gw-1");
        assert_eq!(&*check(&login("", "", "gw-2")).unwrap().device, "gw-2");
        for refused in [login("gw-1", "no", ""), login("gw-2", "", ""), login("nobody", "pw", "nobody")] {
            assert_eq!(check(&refused).unwrap_err(), LoginError::Unknown);
        }
    }
}
