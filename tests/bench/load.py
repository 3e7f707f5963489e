"""P1 to P5 and P11: what a message costs. Each function measures one round and returns numbers by name."""

import re
import subprocess
import time

import sites
from rig import ALARM_RATE, PAYLOAD, TOP, TOPIC, json_lines, port, start_reading, wait_for_port

SHAPE = ["--topic", TOPIC, "--payload", PAYLOAD, "--tags-per-ent", sites.PER_ENTERPRISE]


def lossless(result):
    """A result that lost warnings is no result."""
    lost = result.get("ws", {}).get("lost", 0)
    if lost or result.get("died"):
        raise RuntimeError(f"{lost} warnings lost, {result.get('died')} connections died")
    return result


def backlog(rig, pid, at, ws, shape=()):
    """The meter as broker: the system takes as fast as it can. One raise in 20,000 readings keeps readings of one tag
    milliseconds apart."""
    options = ["--mode", "serve", "--mqtt", f"127.0.0.1:{at}", "--tags", 10_000, "--alarm-every", 20_000, "--secs", 4]
    options += ["--warm", 2, "--grace", 8, "--qos", 0, "--pid", f"sut={pid}", *ws, *shape]
    return lossless(rig.meter("e2e", *options))


def p1(rig):
    out = {}
    at = port()
    with rig.hall(10_000, broker=at) as hall:
        out["hall"] = backlog(rig, hall.pid, at, hall.ws, SHAPE)["sut"]["cpu_s_per_M"]
    with rig.rust_simple(at) as peer:
        out["rust_simple"] = backlog(rig, peer.pid, at, peer.ws)["sut"]["cpu_s_per_M"]
    with rig.node_red(at) as peer:
        out["node_red"] = backlog(rig, peer.pid, at, peer.ws)["sut"]["cpu_s_per_M"]
    return out


DISTRICT = ["--tags", 100_000, "--rate", 20_000, "--conns", 1_000, "--secs", 5, "--warm", 2]


def p2(rig):
    out = {}
    with rig.hall(100_000) as hall:
        out["hall"] = hall.meter(*DISTRICT)["sut"]["cpu_s_per_M"]
    at = port()
    drain = [rig.bin / "meter", "drain", "--mode", "listen", "--mqtt", f"127.0.0.1:{at}", "--work", "rule", "--secs", 9]
    with start_reading(drain) as raw:
        wait_for_port(at)
        rig.meter("e2e", "--mqtt", f"127.0.0.1:{at}", *SHAPE, *DISTRICT)
        out["raw"] = json_lines(raw.communicate()[0], drain)[0]["cpu_s_per_M"]
    with rig.mosquitto() as broker:
        mqtt = f"127.0.0.1:{broker.port}"
        drain = [rig.bin / "meter", "drain", "--mode", "sub", "--mqtt", mqtt, "--filter", "fh/v1/#", "--secs", 9]
        with start_reading(drain) as null:
            time.sleep(0.3)
            result = rig.meter("e2e", "--mqtt", mqtt, *SHAPE, *DISTRICT, "--pid", f"broker={broker.pid}")
            out["null"] = json_lines(null.communicate()[0], drain)[0]["cpu_s_per_M"]
            out["mosquitto"] = result["broker"]["cpu_s_per_M"]
    return out


SATURATED = ["--tags", 100_000, "--conns", 100, "--window", 1_000, "--secs", 4, "--warm", 3, "--grace", 8]


def p3(rig):
    """Also P5: the same at QoS 0."""
    out = {}
    for qos in (1, 0):
        with rig.hall(100_000) as hall:
            result = lossless(hall.meter(*SATURATED, "--qos", qos))
            out[f"rate_qos{qos}"] = result["rate_sent"]
            out[f"cpu_qos{qos}"] = result["sut"]["cpu_s_per_M"]
    return out


SUBSCRIBED = ["--tags", 10_000, "--rate", 10_000, "--secs", 5, "--warm", 2]


def p4(rig):
    out = {}
    with rig.mosquitto() as broker:
        with rig.hall(10_000, broker=broker.port) as hall:
            time.sleep(1)
            mqtt = ["--mqtt", f"127.0.0.1:{broker.port}"]
            options = [*mqtt, *SHAPE, *SUBSCRIBED, "--alarm-rate", ALARM_RATE, *hall.ws, "--pid", f"sut={hall.pid}"]
            out["hall"] = lossless(rig.meter("e2e", *options))["sut"]["cpu_s_per_M"]
        null = [rig.bin / "anchors", "rumqttc-null", *mqtt, "--filter", "fh/v1/#", "--secs", 60]
        with start_reading(null) as peer:
            time.sleep(0.5)
            result = rig.meter("e2e", *mqtt, *SHAPE, *SUBSCRIBED, "--pid", f"sut={peer.pid}")
            out["null"] = result["sut"]["cpu_s_per_M"]
            peer.terminate()
    return out


def p11(rig):
    with rig.hall(100_000) as hall:
        # Every tag about three times.
        result = hall.meter("--tags", 100_000, "--rate", 60_000, "--conns", 100, "--qos", 1, "--secs", 4, "--warm", 1)
        return {"rss": result["sut"]["rss_mb"], "peak": result["sut"]["hwm_mb"]}


def p12(rig):
    """The engine alone; its own bench prints the best of 20 rounds."""
    bench = ["cargo", "bench", "--quiet", "-p", "engine", "--bench", "step"]
    text = subprocess.run(bench, cwd=TOP, capture_output=True, text=True, check=True).stdout
    step = re.search(r"mean ([\d.]+) ns per reading with 4 limits", text)
    rule = re.search(r"rule[^\n]*?([\d.]+) ns", text)
    return {"step": float(step.group(1)), "rule": float(rule.group(1))}
