"""A client in the manner of the order-triage one: the literal offline key on loopback, frames split at blank lines and
read with strict expressions, screenshots paged with their pixels until `has_more` is false.
"""

import base64
import hashlib
import json
import os
import re
import sys
import urllib.error
import urllib.request

BASE = os.environ["COASTY_BASE_URL"]
KEY = "sk-coasty-test-offline"


def call(path, body=None):
    request = urllib.request.Request(
        BASE + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    return urllib.request.urlopen(request, timeout=120)


# Its one way in: a task, which says what to do and leaves the machine to the server.
with call("/tasks", {"task": sys.argv[1], "machine": {"provider": "auto", "os_type": "linux"}}) as answer:
    run = json.load(answer)
    assert answer.headers["X-Coasty-Test-Mode"] == "true", answer.headers
    assert answer.headers["X-Coasty-Key-Kind"] == "test", answer.headers
    assert answer.headers["X-Credits-Charged"] == "0", answer.headers
assert run["machine_id"] is None and run["on_awaiting_human"] == "fail", run
assert run["machine"]["mode"] == "automatic" and run["machine"]["cleanup"] == "always", run

with call(f"/runs/{run['id']}/events") as stream:
    text = stream.read().decode()
steps = tools = 0
last = machine_id = None
for block in text.split("\n\n"):
    if not block or block.startswith(":"):
        continue
    event = re.search(r"^event: (.+)$", block, re.M)
    data = re.search(r"^data: (.+)$", block, re.M)
    assert event and data and block.count("\n") == 2, block
    payload = json.loads(data[1])
    if event[1] == "status" and payload.get("machine_id"):
        machine_id = payload["machine_id"]
        assert re.fullmatch(r"mch_test_[0-9a-f]{8,32}", machine_id), machine_id
    if event[1] == "step":
        assert payload["steps_completed"] == steps + 1, payload
        steps = payload["steps_completed"]
    if event[1] == "tool_call":
        assert isinstance(payload["tool"], str), payload
        tools += 1
    last = event[1], payload
with call(f"/runs/{run['id']}") as answer:
    run = json.load(answer)
assert run["machine_id"] == machine_id and run["machine"]["status"] == "released", run
assert last[0] == "done" and last[1]["status"] == "succeeded" and steps > 0 and tools > 0, last

after, frames, limit = None, [], 1
while True:
    cursor = "" if after is None else f"&after_index={after}"
    with call(f"/runs/{run['id']}/screenshots?include_image=true&limit={limit}{cursor}") as answer:
        assert answer.headers["Cache-Control"] == "no-store", answer.headers
        page = json.load(answer)
    assert page["object"] == "list" and len(page["data"]) <= limit, page.keys()
    frames += page["data"]
    if not page["has_more"]:
        break
    after = page["data"][-1]["index"]
    limit = 10
assert [frame["index"] for frame in frames] == list(range(len(frames))) and len(frames) > 1, len(frames)
for frame in frames:
    pixels = base64.b64decode(frame["image_b64"], validate=True)
    assert hashlib.sha256(pixels).hexdigest() == frame["sha256"] and len(pixels) == frame["size_bytes"], frame["index"]
    magic = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG"}[frame["mime_type"]]
    assert pixels.startswith(magic) and frame["width"] > 0 and frame["height"] > 0, frame["index"]
with call(f"/runs/{run['id']}/screenshots") as answer:
    bare = json.load(answer)["data"]
    assert len(bare) == len(frames) and all("image_b64" not in frame for frame in bare)

# The wait of a refusal is read from the body by this client: a machine of nobody's has none, and is a plain 404.
try:
    call("/runs", {"machine_id": "mch_test_00000000", "task": "x"})
    raise SystemExit("that machine does not exist")
except urllib.error.HTTPError as refusal:
    error = json.load(refusal)["error"]
    assert refusal.code == 404 and error["code"] == "MACHINE_NOT_FOUND" and "retry_after" not in error, error
print(f"{steps} steps, {len(frames)} frames")
