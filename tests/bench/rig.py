"""What the rows are measured with: the shared bench (meter, anchors, peers), the product, brokers. All on loopback.

Every process started here is ended here by its own pid.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sites

TOP = Path(__file__).resolve().parents[2]
WORK = Path(os.environ.get("FENGHUO_BENCH_WORK", TOP / "target" / "bench"))
SHARED = Path(os.environ.get("FENGHUO_BENCH", TOP.parent / "shared" / "bench"))
TOPIC = "fh/v1/e{ent}/t{tag}"
PAYLOAD = '{"ts":{ts},"v":{v}}'
# Chatter begins at three raises a minute: 1,000 alarm tags in turn at this rate stay below it.
ALARM_RATE = 40


def missing(what):
    sys.exit(f"the bench cannot run: {what}")


def port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Proc:
    """A process, its output in the log; ended when left."""

    def __init__(self, command, env=None):
        self.log = open(WORK / "log.txt", "a")
        command = [str(c) for c in command]
        self.process = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdout=self.log, stderr=self.log)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def start_reading(command):
    return subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def json_lines(text, command):
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    if not found:
        raise RuntimeError(f"no result of: {' '.join(str(c) for c in command)}")
    return found


def wait_for_port(number, limit_s=20):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", number)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"nothing listens on port {number}")


class Rig:
    """Paths of built things, and how to start them."""

    def __init__(self):
        WORK.mkdir(parents=True, exist_ok=True)
        self.bin = WORK / "anchors" / "release"
        self.source = WORK / "source"
        self.fenghuo = Path(os.environ.get("FENGHUO_BIN", target_dir() / "release" / "fenghuo"))

    def build(self):
        """Copies and builds the shared bench, installs Node-RED; says what is missing."""
        if not (SHARED / "Cargo.toml").exists():
            missing(f"{SHARED} is not the shared bench; set FENGHUO_BENCH to its folder")
        for tool in ("cargo", "npm", "node", "mosquitto", "strace"):
            if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
                missing(f"{tool} is not installed (tests/stages.sh setup installs mosquitto and strace)")
        if not self.fenghuo.exists():
            missing(f"{self.fenghuo} does not exist; cargo build --release -p fenghuo")
        copy(SHARED, self.source)
        build = ["cargo", "build", "--release", "--quiet", "--manifest-path", self.source / "Cargo.toml"]
        run(build, {"CARGO_TARGET_DIR": str(WORK / "anchors")}, "the shared bench does not build")
        if not (WORK / "node-red" / "node_modules" / "node-red").exists():
            (WORK / "node-red").mkdir(exist_ok=True)
            install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", WORK / "node-red", "node-red"]
            run(install, {}, "npm cannot install node-red")

    def meter(self, *options, env=None, limit_s=120):
        command = [self.bin / "meter", *options]
        result = subprocess.run(
            [str(c) for c in command], capture_output=True, text=True, timeout=limit_s, env={**os.environ, **(env or {})}
        )
        if not result.stdout.strip():
            raise RuntimeError(f"meter {' '.join(str(o) for o in options)}: {result.stderr[-400:]}")
        return json_lines(result.stdout, command)[0]

    def anchor(self, *options):
        command = [self.bin / "anchors", *options]
        result = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120)
        return json_lines(result.stdout, command)

    def mosquitto(self):
        number = port()
        file = WORK / "mosquitto.conf"
        # Windows and queues without a limit, or Mosquitto drops at QoS 1 what a slow subscriber has not taken.
        lines = ["allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 200", "set_tcp_nodelay true"]
        file.write_text(f"listener {number} 127.0.0.1\n" + "\n".join(lines) + "\nlog_type error\n")
        program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        broker = Proc([program, "-c", file])
        wait_for_port(number)
        broker.port = number
        return broker

    def rust_simple(self, mqtt_port, qos=0):
        ws = port()
        env = {"MQTT": f"127.0.0.1:{mqtt_port}", "WS": f"127.0.0.1:{ws}", "QOS": str(qos)}
        peer = Proc([self.bin / "rust-simple"], env)
        peer.ws = ["--ws", f"ws://127.0.0.1:{ws}/", "--id-key", '"v":']
        return peer

    def node_red(self, mqtt_port, qos=0):
        ws, folder = port(), Path(tempfile.mkdtemp(dir=WORK))
        peers = self.source / "peers" / "node-red"
        flow = (peers / "flow.json").read_text().replace("@MQTT_PORT@", str(mqtt_port)).replace("@QOS@", str(qos))
        (folder / "flow.json").write_text(flow)
        red = WORK / "node-red" / "node_modules" / "node-red" / "red.js"
        env = {"PORT": str(ws), "FLOW": str(folder / "flow.json")}
        memory = "--max-old-space-size=4096"
        peer = Proc(["node", memory, red, "-u", folder, "-s", peers / "settings.js", folder / "flow.json"], env)
        peer.ws = ["--ws", f"ws://127.0.0.1:{ws}/alarms", "--id-key", '"v":']
        wait_for_port(ws, 30)
        return peer

    def hall(self, tags, **options):
        return Hall(self, tags, **options)


def target_dir():
    return Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target"))


def run(command, env, problem):
    result = subprocess.run([str(c) for c in command], env={**os.environ, **env}, text=True, capture_output=True)
    if result.returncode != 0:
        missing(f"{problem}: {result.stderr[-800:]}")


def copy(source, to):
    """Copies what has changed, so that cargo builds only that."""
    for file in source.rglob("*"):
        place = file.relative_to(source)
        if not file.is_file() or {"target", "out", "node_modules"} & set(place.parts):
            continue
        wanted = file.read_bytes()
        if place.as_posix() == "meter/src/mqtt.rs":
            wanted = with_login(wanted.decode()).encode()
        if not (to / place).exists() or (to / place).read_bytes() != wanted:
            (to / place).parent.mkdir(parents=True, exist_ok=True)
            (to / place).write_bytes(wanted)


def with_login(text):
    """The meter knows no login; in our copy CONNECT carries the one of METER_LOGIN (user:password)."""
    flags, end = "v.extend_from_slice(&[4, 2]);", "put_str(&mut v, id.as_bytes());"
    if flags not in text or end not in text:
        missing("the meter's mqtt.rs has changed; with_login in tests/bench/rig.py must follow it")
    login = 'let login = std::env::var("METER_LOGIN").ok();\n    '
    text = text.replace(flags, login + "v.extend_from_slice(&[4, if login.is_some() { 0xc2 } else { 2 }]);", 1)
    put = "if let Some((u, p)) = login.as_deref().and_then(|l| l.split_once(':')) {\n        "
    put += "put_str(&mut v, u.as_bytes());\n        put_str(&mut v, p.as_bytes());\n    }"
    return text.replace(end, end + "\n    " + put, 1)


class Hall:
    """The product with everything on: rules, journal, historian; a new data folder unless one is given."""

    def __init__(self, rig, tags, broker=None, broker_qos=0, data=None, before=(), wait=True):
        folder = WORK / f"sites-{tags}"
        sites.write(folder, tags)
        self.own_data = data is None
        self.data = Path(data or tempfile.mkdtemp(prefix="data-", dir=WORK))
        config = self.data.with_suffix(".toml")
        text = f'sites_dir = "{folder}/sites"\nrules_dir = "{folder}/rules"\n'
        if broker:
            text += f'[[broker]]\nname = "far"\nhost = "127.0.0.1"\nport = {broker}\nfilters = ["fh/v1/#"]\nqos = {broker_qos}\n'
        config.write_text(text)
        self.mqtt_port, http = port(), port()
        access = self.data.with_suffix(".access.json")
        access.unlink(missing_ok=True)
        demo = ["demo", "--no-sim", "--http", f"127.0.0.1:{http}", "--mqtt", f"127.0.0.1:{self.mqtt_port}"]
        demo += ["--data", self.data, "--access-file", access, "--config", config]
        self.began = time.monotonic()
        self.proc = Proc([*before, rig.fenghuo, *demo], {"FENGHUO_LOG": "warn"})
        self.rig, self.http, self.access_file = rig, http, access
        self.mqtt = f"127.0.0.1:{self.mqtt_port}"
        self.url = f"ws://127.0.0.1:{http}/api/v1/stream"
        self.pid = self.proc.pid
        if wait:
            self.enter()
            self.pid = self.hall_pid(before)

    def enter(self):
        """Waits until it is open, and takes token and login."""
        access = self.wait_for(self.access_file)
        self.header = f"Authorization: Bearer {access['token']}"
        self.ws = ["--ws", self.url, "--ws-header", self.header, "--id-key", '"value":']
        self.login = {"METER_LOGIN": f"{access['mqtt']['username']}:{access['mqtt']['password']}"}

    def wait_for(self, access, limit_s=60):
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if self.proc.process.poll() is not None:
                raise RuntimeError(f"fenghuo ended with {self.proc.process.returncode}; see {WORK / 'log.txt'}")
            if access.exists():
                return json.loads(access.read_text())
            time.sleep(0.005)
        raise RuntimeError("fenghuo did not open in time")

    def hall_pid(self, before):
        """Its own pid, or that of the child of strace."""
        if not before:
            return self.proc.pid
        return int(Path(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children").read_text().split()[0])

    def meter(self, *options, limit_s=120):
        """The meter against the door of this hall."""
        shape = ["--topic", TOPIC, "--payload", PAYLOAD, "--tags-per-ent", sites.PER_ENTERPRISE, "--pid", f"sut={self.pid}"]
        return self.rig.meter("e2e", "--mqtt", self.mqtt, *shape, *options, env=self.login, limit_s=limit_s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid != self.proc.pid:
            subprocess.run(["kill", str(self.pid)], check=False)
            try:
                self.proc.process.wait(15)
            except subprocess.TimeoutExpired:
                pass
        self.proc.__exit__()
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)


def machine():
    """Cores, memory and kernel; no names, no paths."""
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1)) // 1024
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return {
        "cores": os.cpu_count(),
        "cpu": model.group(1) if model else "",
        "memory_mib": memory,
        "kernel": os.uname().release,
        "load": float(Path("/proc/loadavg").read_text().split()[0]),
    }
