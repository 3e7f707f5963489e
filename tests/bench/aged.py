"""P13: a hall that has run for long. Its data is made by running the product: readings in through the door, alarms
acknowledged through the API, until the journal has a million event rows and 10,000 alarms are open."""

import json
import shutil
import socket
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import sites
from rig import WORK, Hall

TAGS = 100_000
EVENTS = 1_000_000
OPEN = 10_000
# Alarms raised, returned and acknowledged together; the stream and the API hold more than that.
STEP = 10_000
HIGH, LOW, NORMAL = 85, -15, 20
WINDOW = 5_000


def api(hall, method, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{hall.http}{path}", method=method)
    request.add_header("Authorization", hall.header.split(": ", 1)[1])
    if body is not None:
        request.add_header("Content-Type", "application/json")
        request.data = json.dumps(body).encode()
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def text(value):
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def packet(first, body):
    out, length = bytearray([first]), len(body)
    while True:
        out.append(length % 128 | (128 if length > 127 else 0))
        length //= 128
        if not length:
            return bytes(out) + body


class Publisher:
    """QoS 1 over a plain socket; counts what is acknowledged."""

    def __init__(self, hall, name="aged"):
        user, password = hall.login["METER_LOGIN"].split(":", 1)
        self.socket = connect(hall.mqtt_port)
        self.socket.sendall(packet(0x10, text("MQTT") + bytes([4, 0xC2, 0, 60]) + text(name) + text(user) + text(password)))
        self.exactly(4)
        self.next_id = 0

    def exactly(self, count):
        got = 0
        while got < count:
            read = len(self.socket.recv(min(65536, count - got)))
            if read == 0:
                raise RuntimeError("the door closed")
            got += read

    def publish(self, tags, value):
        """One reading of each tag; returns when all are acknowledged."""
        payload = b'{"v":%d}' % value
        for at in range(0, len(tags), WINDOW):
            part = tags[at : at + WINDOW]
            self.socket.sendall(b"".join(self.message(tag, payload) for tag in part))
            self.exactly(4 * len(part))

    def message(self, tag, payload):
        self.next_id = self.next_id % 60_000 + 1
        topic = text(f"fh/v1/e{tag // sites.PER_ENTERPRISE}/t{tag}")
        return packet(0x32, topic + self.next_id.to_bytes(2, "big") + payload)


def connect(number, limit_s=60):
    end = time.monotonic() + limit_s
    while True:
        try:
            found = socket.create_connection(("127.0.0.1", number), timeout=60)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return found
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.002)


def acknowledge(hall, tags):
    """Side by side, so that commits are shared."""
    alarms = api(hall, "GET", f"/api/v1/alarms?state=open&limit={STEP}")["alarms"]
    batches = []
    for number in sorted({tag // sites.PER_ENTERPRISE for tag in tags}):
        of = [{"alarm_id": a["alarm_id"], "seq": a["seq"]} for a in alarms if a["enterprise"] == f"e{number}"]
        batches += [{"alarms": of[at : at + 100], "note": "bench"} for at in range(0, len(of), 100)]
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda batch: api(hall, "POST", "/api/v1/alarms/ack-batch", batch), batches))


def make(rig, folder):
    """Fills a new data folder; about two minutes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with Hall(rig, TAGS, data=folder) as hall:
        door, value = Publisher(hall), HIGH
        while True:
            for first in range(0, TAGS, STEP):
                tags = list(range(first, first + STEP))
                door.publish(tags, value)
                if api(hall, "GET", "/api/v1/status")["last_seq"] >= EVENTS:
                    return
                door.publish(tags, NORMAL)
                acknowledge(hall, tags)
            value = LOW if value == HIGH else HIGH


def folder(rig):
    found = WORK / "aged"
    if not (WORK / "aged.complete").exists():
        make(rig, found)
        (WORK / "aged.complete").write_text("")
    return found


def p13(rig):
    """From exec to the first acknowledged reading: it was decoded, judged and committed."""
    data = folder(rig)
    password = json.loads((data / "demo-secrets.json").read_text())["devices"]["demo"]
    hall = Hall(rig, TAGS, data=data, wait=False)
    hall.login = {"METER_LOGIN": f"demo:{password}"}
    try:
        Publisher(hall, "first").publish([TAGS - 1], NORMAL)
        took = time.monotonic() - hall.began
        hall.enter()
        alarms = api(hall, "GET", f"/api/v1/alarms?state=open&limit={OPEN}")["alarms"]
        return {"start": took, "open": len(alarms), "events": api(hall, "GET", "/api/v1/status")["last_seq"]}
    finally:
        hall.__exit__()
