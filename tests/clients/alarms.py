"""A client in another language: prints the alarm frames of one tag, one JSON object a line, until it has enough.

usage: alarms.py URL TOKEN TAG COUNT        (needs the package websockets)
"""
import asyncio
import json
import sys

import websockets


async def main(url, token, tag, count):
    async with websockets.connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
        hello = json.loads(await socket.recv())
        assert hello["type"] == "hello" and hello["last_seq"] >= 0, hello
        while count > 0:
            frame = json.loads(await socket.recv())
            if frame["type"] == "alarm" and frame["tag"] == tag:
                print(json.dumps(frame), flush=True)
                count -= 1


asyncio.run(asyncio.wait_for(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])), 60))
