"""Sites for the bench: enterprises e0, e1, ... of 1,000 tags each, t0, t1, ..., four limits a tag.

The alarm values of the meter are 1,000,000 and up, so the limit `hh` lies above them: one raise is one frame.
Deadband and delays are those of the peers (limit 80, deadband 5, no delay); no span, or the values would be refused.
"""

from pathlib import Path

PER_ENTERPRISE = 1000
LIMITS = """description_zh = "台架测点"
description_en = "bench tag"
unit = "ppm"
class = "gas"
limits = { ll = -20, l = -10, h = 80, hh = 900000000 }
deadband = 5
"""


def tag_blocks(first):
    """The names t{first} to t{first + 999}, with as few blocks as `{n}` and `{nn}` allow."""
    if first == 0:
        yield 't0"\n'
        yield 't{n}"\nrepeat = 99\n'
    for hundred in range(first // 100 + (first == 0), first // 100 + 10):
        yield f't{hundred}00"\n'
        yield f't{hundred}{{nn}}"\nrepeat = 99\n'


def site(number):
    head = f'[enterprise]\nid = "e{number}"\nname_zh = "台架企业 {number}"\nname_en = "Bench firm {number}"\n'
    tags = (f'\n[[tag]]\ntag = "{name}{LIMITS}' for name in tag_blocks(number * PER_ENTERPRISE))
    return head + "".join(tags)


def write(folder, tags):
    """Writes the site files of `tags` tags into `folder`/sites, unless they are there."""
    folder = Path(folder)
    sites = folder / "sites"
    if (folder / "complete").exists():
        return
    sites.mkdir(parents=True, exist_ok=True)
    (folder / "rules").mkdir(exist_ok=True)
    for number in range(max(1, tags // PER_ENTERPRISE)):
        (sites / f"e{number}.toml").write_text(site(number))
    (folder / "complete").write_text("")
