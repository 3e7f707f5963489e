//! `fenghuo demo`: everything embedded, on loopback, with simulated plants and staff.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use config::Source;
use ingest::mqtt::Allowed;
use sim::Script;

use crate::building::{Building, Plan};
use crate::cli::Demo;
use crate::devices::Device;
use crate::progress::Progress;
use crate::secrets::{DemoSecrets, hash_device, random_hex, write_private};
use crate::{cameras, check, exit, serve, users};

/// The device that may publish for every enterprise of the demo.
const DEVICE: &str = "demo";
/// Who the one-time link logs in.
const DUTY: &str = "duty";
/// Account of the simulated duty officer.
const SIM_DUTY: &str = "sim-duty";
/// Account of the simulated leader.
const SIM_LEADER: &str = "sim-leader";

/// Runs the demo.
///
/// # Errors
/// With an exit code, when it cannot start.
pub fn run(options: &Demo) -> anyhow::Result<()> {
    for address in [options.http, options.mqtt] {
        if !address.ip().is_loopback() {
            return Err(exit::with(
                78,
                format!("the demo listens only on loopback, not on {address}; use fenghuo serve"),
            ));
        }
    }
    std::fs::create_dir_all(&options.data)
        .map_err(|e| exit::with(74, format!("cannot make the data folder {}: {e}", options.data.display())))?;
    let progress = Progress::begin("reading the configuration / 读取配置")?;
    let (mut plan, secrets) = plan(options)?;
    let accounts = plan.loaded.settings.accounts.clone();
    let work = plan.loaded.work.clone();
    let runtime = serve::runtime()?;
    let simulation = runtime::Tasks::new();
    let eyes =
        if options.no_sim { None } else { simulated_cameras(&plan.loaded, &simulation, &options.data, &runtime)? };
    let url = |text: &config::CameraText| {
        use sim::cameras::Stream;
        let eyes = eyes.as_ref()?;
        Some((eyes.url(&text.id, Stream::Main), eyes.url(&text.id, Stream::Sub)))
    };
    plan.video = cameras::settings(&plan.loaded, &options.data, &url)?;
    progress.phase("opening the journal and replaying it / 打开日志并重放");
    let building = Building::open(plan, runtime.handle())?;
    progress.phase("writing the accounts / 写入账号");
    let hash = api::hash_password(&secrets.account_password).map_err(|e| exit::with(74, e))?;
    for account in &accounts {
        users::save(&building, account, &hash)?;
    }
    let actor = model::Actor { account: "machine".into(), name: "演示机器令牌".into() };
    building.sessions().add_machine(&secrets.token, actor, model::Role::ShiftLead);
    {
        let _entered = runtime.enter();
        let people = (&work, accounts.as_slice());
        sim_tasks(&simulation, (!options.no_sim).then_some(&building), &secrets, people)?;
    }
    drop(progress);
    let login_url = format!("http://{}/login?token={}", building.http, building.sessions().one_time_link(DUTY));
    if let Some(file) = &options.access_file {
        write_access(file, &building, (&secrets, &login_url), &options.data)?;
    }
    print(&building, &login_url, &secrets, &options.data);
    runtime.block_on(serve::until_told())?;
    runtime.block_on(simulation.stop(std::time::Duration::from_secs(2)));
    building.close(runtime.handle());
    Ok(())
}

fn plan(options: &Demo) -> anyhow::Result<(Plan, DemoSecrets)> {
    let file = options.config.clone();
    let source: crate::reload::ReadSource = match file {
        None => Arc::new(|| Ok(Source::demo())),
        Some(file) => Arc::new(move || Source::read(&file)),
    };
    let mut loaded = check::loaded(&source().map_err(|p| check::problems(&p))?)?;
    loaded.settings.http.listen = options.http;
    loaded.settings.mqtt.listen = options.mqtt;
    let mut names = vec![DEVICE.to_owned()];
    names.extend(loaded.sites.iter().map(|s| format!("gw-{}", s.enterprise.id)));
    let secrets = DemoSecrets::load(&options.data, &names)?;
    let mut devices: Vec<Device> = loaded.settings.devices.iter().map(Into::into).collect();
    for (username, password) in &secrets.devices {
        let enterprises = match username.strip_prefix("gw-") {
            Some(enterprise) => Allowed::These(vec![enterprise.into()]),
            None => Allowed::All,
        };
        let password_hash = Some(hash_device(password)?);
        devices.push(Device { username: username.clone(), password_hash, enterprises });
    }
    let video = video::Settings::default();
    Ok((Plan { loaded, source, data_dir: options.data.clone(), devices, video }, secrets))
}

/// Cameras of the demo that have no address of their own look at simulated places.
fn simulated_cameras(
    loaded: &config::Loaded,
    tasks: &runtime::Tasks,
    data: &Path,
    runtime: &tokio::runtime::Runtime,
) -> anyhow::Result<Option<sim::cameras::Handle>> {
    let all = loaded.sites.iter().flat_map(|s| &s.cameras).filter(|c| c.url.is_empty());
    let cameras: Vec<_> = all.filter_map(simulated_camera).collect();
    if cameras.is_empty() {
        return Ok(None);
    }
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let settings = sim::cameras::Settings::new(cameras, data.join("camera-clips"));
        Ok(Some(sim::cameras::serve(tasks, listener, settings).await?))
    })
}

fn simulated_camera(text: &config::CameraText) -> Option<sim::cameras::Camera> {
    use sim::cameras::Place;
    let (place, night) = match text.simulated.as_deref()?.split_once('@') {
        Some((place, hour)) => (place, hour == "night"),
        None => (text.simulated.as_deref()?, false),
    };
    let place = match place {
        "tank_farm" => Place::TankFarm,
        "workshop" => Place::Workshop,
        "gate" => Place::Gate,
        _ => Place::Corridor,
    };
    let camera = sim::cameras::Camera::new(text.id.as_str(), place);
    Some(if night { camera.at_night() } else { camera })
}

/// Gateways of the plants and staff of the parties.
fn sim_tasks(
    tasks: &runtime::Tasks,
    building: Option<&Building>,
    secrets: &DemoSecrets,
    (work, accounts): (&config::Work, &[config::Account]),
) -> anyhow::Result<()> {
    let Some(building) = building else { return Ok(()) };
    let directory = building.directory.load();
    for enterprise in &directory.enterprises {
        let username = format!("gw-{}", enterprise.id);
        let Some(password) = secrets.devices.get(&username).cloned() else { continue };
        let door = sim::Door { address: building.mqtt, username, password };
        sim::start(tasks, door, &directory, &enterprise.id, &Script::demo())?;
    }
    if !work.simulated.is_empty() {
        sim::start_staff(tasks, posting(building, work, accounts)?)?;
    }
    Ok(())
}

/// The simulated staff get in as anybody else does: by tokens that end with this run, and by personal links.
fn posting(building: &Building, work: &config::Work, accounts: &[config::Account]) -> anyhow::Result<sim::Posting> {
    let token = |account: &str, name: String, role| -> anyhow::Result<String> {
        let token = random_hex::<32>()?;
        building.sessions().add_machine(&token, model::Actor { account: account.into(), name }, role);
        Ok(token)
    };
    let mains: BTreeSet<&String> = work.settings.roster.crews.iter().map(|c| &c.main).collect();
    let stands = accounts.iter().filter(|a| mains.contains(&a.account));
    let crew = stands.map(|a| Ok((a.account.clone(), token(&a.account, format!("{}（模拟）", a.name), a.role)?)));
    let parties = work.simulated.iter().map(|(party, temper)| (party.clone(), played(*temper))).collect();
    let enterprises = work.settings.parties.iter().filter(|p| &*p.kind == "enterprise");
    let called = enterprises.filter(|p| work.simulated.contains_key(&p.id));
    Ok(sim::Posting {
        address: building.http,
        token: token(SIM_DUTY, "值班员（模拟）".into(), model::Role::ShiftLead)?,
        account: SIM_DUTY.into(),
        leader: (SIM_LEADER.into(), token(SIM_LEADER, "带班领导（模拟）".into(), model::Role::Commander)?),
        crew: crew.collect::<anyhow::Result<_>>()?,
        utc_offset_s: work.settings.roster.utc_offset_s,
        roll_call: called.map(|p| p.id.clone()).collect(),
        parties,
    })
}

fn played(temper: config::Temper) -> sim::Temper {
    match temper {
        config::Temper::Prompt => sim::Temper::Prompt,
        config::Temper::Slow => sim::Temper::Slow,
        config::Temper::Refuses => sim::Temper::Refuses,
        config::Temper::Silent => sim::Temper::Silent,
    }
}

fn write_access(
    file: &Path,
    building: &Building,
    (secrets, login_url): (&DemoSecrets, &str),
    data: &Path,
) -> anyhow::Result<()> {
    let access = serde_json::json!({
        "console_url": format!("http://{}/", building.http),
        "login_url": login_url,
        "token": secrets.token,
        "mqtt": {
            "host": building.mqtt.ip().to_string(),
            "port": building.mqtt.port(),
            "username": DEVICE,
            "password": secrets.devices.get(DEVICE),
        },
        "data_dir": std::fs::canonicalize(data)?,
        "account": DUTY,
        "password": secrets.account_password,
    });
    write_private(file, &serde_json::to_vec_pretty(&access)?)
}

#[allow(clippy::print_stdout, reason = "what a person needs to get in")]
fn print(building: &Building, login_url: &str, secrets: &DemoSecrets, data: &Path) {
    println!("烽火 Fenghuo demo / 演示");
    println!("  console      http://{}/", building.http);
    println!("  one-time login / 一次性登录  {login_url}");
    println!("  accounts     duty lead commander admin wall, password {}", secrets.account_password);
    println!(
        "  MQTT door    {} user {DEVICE} password {}",
        building.mqtt,
        secrets.devices.get(DEVICE).map_or("", |p| p)
    );
    println!("  topic        fh/v1/chem-01/sphere-1.nh3.01   payload {{\"v\": 60}}");
    println!("  data folder  {}", data.display());
    println!("Ctrl-C stops it. / 按 Ctrl-C 停止。");
}
