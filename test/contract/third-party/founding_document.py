"""The script of the article that defines /v1/runs, with urllib in place of httpx and nothing else changed.

It knows `run_id` and `state`, and takes every line that begins with "data: " for one JSON object.
"""

import json
import os
import sys
import urllib.request

API_KEY = os.getenv("COASTY_API_KEY")
BASE = os.getenv("COASTY_BASE_URL")


def create_run(machine_id, task, cua_version="v3", instructions=None, max_steps=50, deadline_seconds=600, webhook_url=None):
    payload = {
        "machine_id": machine_id,
        "task": task,
        "cua_version": cua_version,
        "max_steps": max_steps,
        "deadline_seconds": deadline_seconds,
    }
    if instructions:
        payload["instructions"] = instructions
    if webhook_url:
        payload["webhook_url"] = webhook_url
    request = urllib.request.Request(
        f"{BASE}/runs",
        data=json.dumps(payload).encode(),
        headers={"X-API-Key": API_KEY, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def stream_events(run_id):
    request = urllib.request.Request(f"{BASE}/runs/{run_id}/events", headers={"X-API-Key": API_KEY})
    with urllib.request.urlopen(request, timeout=300) as response:
        for line in response:
            line = line.decode().rstrip("\r\n")
            if line.startswith("data: "):
                yield json.loads(line[6:])


if __name__ == "__main__":
    run = create_run(machine_id=sys.argv[1], task=sys.argv[2], cua_version="v3", max_steps=100, deadline_seconds=600)
    print("run_id:", run["run_id"], "state:", run["state"])
    for event in stream_events(run["run_id"]):
        print(json.dumps(event))
