"""P6 to P10: how late a warning is. Each function measures one round and returns numbers by name."""

import json
import os
import re
import socket
import time
import urllib.request

from aged import api
from load import SHAPE, lossless
from rig import ALARM_RATE, WORK, Proc, port

PACED = ["--tags", 10_000, "--alarm-rate", ALARM_RATE, "--warm", 1.5, "--grace", 4]


def percentiles(result):
    ms = lossless(result)["ws"]["latency_us"]
    return {p: ms[p] for p in ("p50", "p99", "max")}


def fdatasync(rig):
    """One record of 4 KiB into a file that was written before, as a commit does."""
    lines = rig.anchor("fsync", "--file", WORK / "fsync.bin", "--record", 4096, "--rounds", 300)
    return next(line["latency_us"] for line in lines if line["prealloc"] and line["group"] == 1)


def rested_fdatasync():
    """The same after 20 ms of rest, as between two commits of a quiet hall: a disk that sleeps takes longer, us."""
    took = []
    with open(WORK / "rested.bin", "w+b", buffering=0) as file:
        file.write(b"\1" * (1 << 20))
        os.fsync(file.fileno())
        for i in range(100):
            time.sleep(0.02)
            os.pwrite(file.fileno(), b"x" * 4096, i % 256 * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1e6)
    return sorted(took)[50]


def sync_in_run(hall):
    """What the disk took to sync the hall's own urgent commits of this run, us: from its histogram."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{hall.http}/metrics").read().decode()
    rows = re.findall(r'fenghuo_journal_sync_us_bucket\{le="([\d.]+)"\} (\d+)', text)
    total = int(re.search(r"fenghuo_journal_sync_us_count (\d+)", text)[1])
    return {p: next(float(le) for le, n in rows if int(n) >= share * total) for p, share in (("p50", 0.5), ("p99", 0.99))}


def floor(rig):
    """The whole job on one thread and bare sockets, nothing stored, nobody asked who he is: what the machine allows."""
    mqtt, ws = port(), port()
    with Proc([rig.bin / "anchors", "floor", "--mqtt", f"127.0.0.1:{mqtt}", "--ws", f"127.0.0.1:{ws}", "--qos", 0]):
        time.sleep(0.3)
        serve = ["--mode", "serve", "--mqtt", f"127.0.0.1:{mqtt}", "--ws", f"ws://127.0.0.1:{ws}/", "--id-key", '"v":']
        return percentiles(rig.meter("e2e", *serve, *PACED, "--rate", 10_000, "--secs", 6))


def p6(rig):
    """Over one connection, as the shared bench does; the fdatasync is that of the same run."""
    out = {"rested": rested_fdatasync(), "busy": fdatasync(rig)["p50"]}
    echo = rig.anchor("echo", "--rate", 1000, "--secs", 2)[0]["latency_us"]
    for qos in (0, 1):
        with rig.hall(10_000) as hall:
            got = percentiles(hall.meter(*PACED, "--rate", 10_000, "--secs", 6, "--qos", qos, *hall.ws))
            sync = sync_in_run(hall)
        for p in ("p50", "p99"):
            out[f"sync{p}_qos{qos}"] = sync[p]
            out[f"{p}_qos{qos}"] = got[p]
            out[f"net{p}_qos{qos}"] = max(0.0, got[p] - sync[p])
    bare = floor(rig)
    return out | {f"echo{p}": echo[p] for p in ("p50", "p99")} | {f"floor{p}": bare[p] for p in ("p50", "p99")}


def p7(rig):
    out = {}
    for rate in (10_000, 50_000):
        with rig.mosquitto() as broker:
            paced = ["--mqtt", f"127.0.0.1:{broker.port}", *PACED, "--rate", rate, "--secs", 4]
            with rig.hall(10_000, broker=broker.port) as hall:
                time.sleep(1)
                out[f"hall_{rate}"] = percentiles(rig.meter("e2e", *paced, *SHAPE, *hall.ws))["p99"]
            with rig.node_red(broker.port) as peer:
                # It listens before it has subscribed.
                time.sleep(4)
                result = rig.meter("e2e", *paced, *peer.ws)
                if not result["ws"]["latency_us"]:
                    raise RuntimeError("Node-RED told no warning")
                out[f"node_red_{rate}"] = result["ws"]["latency_us"]["p99"]
                out[f"node_red_lost_{rate}"] = result["ws"]["lost"]
    return out


# dd writes and syncs block after block on the same disk.
BUSY = ["sh", "-c", "while :; do dd if=/dev/zero of=\"$0\" bs=256k count=64 oflag=dsync conv=notrunc 2>/dev/null; done"]
# Every 40th fdatasync of a thread takes half a second longer, once the hall is open.
STOPPED = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync,fsync"]
STOPPED += ["-e", "inject=fdatasync:delay_enter=500000:when=60+40"]


def p8(rig):
    out = {}
    paced = [*PACED, "--rate", 10_000, "--secs", 6, "--conns", 10]
    with rig.hall(10_000) as hall, Proc([*BUSY, WORK / "busy.bin"]):
        out["busy"] = percentiles(hall.meter(*paced, *hall.ws))["max"] / 1000
    (WORK / "busy.bin").unlink(missing_ok=True)
    with rig.hall(10_000, before=STOPPED) as hall:
        out["stopped"] = percentiles(hall.meter(*paced, *hall.ws))["max"] / 1000
    return out


def p9(rig):
    """1,000 clients, ten frames every 100 ms: five raises and five returns, of 40 readings."""
    out = {}
    clients = ["--clients", 1_000, "--secs", 4, "--warm", 1.5]
    with rig.hall(10_000) as hall:
        bursts = ["--tags", 10_000, "--rate", 400, "--tick-us", 100_000, "--alarm-rate", 50, "--warm", 1, "--secs", 9]
        feed = [rig.bin / "meter", "e2e", "--mqtt", hall.mqtt, *SHAPE, *bursts]
        with Proc(feed, hall.login):
            drain = ["--ws", hall.url, "--ws-header", hall.header, "--pid", hall.pid]
            got = rig.meter("wsdrain", *drain, *clients)
        out["hall"], out["closed"] = got["server_cpu_us_per_frame"], got["closed"]
        out["hall_frames_per_s"] = got["rate"]
        size = frame_size(hall)
    for kind in ("tungstenite", "raw"):
        at = port()
        fan = ["--impl", kind, "--clients", 1_000, "--rate", 100, "--burst", 10, "--size", size, "--secs", 30]
        with Proc([rig.bin / "anchors", "fan", *fan, "--listen", f"127.0.0.1:{at}"]) as peer:
            # Not asked whether it listens: it would take the question for a client.
            time.sleep(0.5)
            drain = ["--ws", f"ws://127.0.0.1:{at}/", "--pid", peer.pid]
            out[kind] = rig.meter("wsdrain", *drain, *clients)["server_cpu_us_per_frame"]
    return out


def frame_size(hall):
    """Bytes of the last alarm frame, so that the peer sends as much."""
    alarms = api(hall, "GET", "/api/v1/alarms?state=open&limit=1")["alarms"]
    return len(json.dumps(alarms[0], ensure_ascii=False).encode()) + 200 if alarms else 900


class Stalled:
    """A client that opens the stream and never reads it."""

    def __init__(self, hall):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", hall.http))
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        head = f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{hall.http}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.socket.sendall(f"{head}{key}{hall.header}\r\n\r\n".encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def p10(rig):
    # 240 alarms: with thirty, the p99 is the one alarm that met a slow sync, with or without a stalled client.
    paced = ["--tags", 10_000, "--rate", 1_000, "--alarm-rate", 20, "--warm", 2, "--grace", 4, "--secs", 12]
    out = {}
    with rig.hall(10_000) as hall:
        out["alone"] = percentiles(hall.meter(*paced, "--ws-clients", 999, *hall.ws))["p99"]
    with rig.hall(10_000) as hall, Stalled(hall):
        out["stalled"] = percentiles(hall.meter(*paced, "--ws-clients", 999, *hall.ws))["p99"]
    return out
