"""A client in the manner of the cookbook's Python one: `id` and `status`, digits-only event ids, `action_type`,
retries only where a POST has an Idempotency-Key, and webhooks checked against the raw body.

Every assertion is something that client relies on.
"""

import hashlib
import hmac
import http.server
import json
import os
import queue
import sys
import threading
import time
import urllib.error
import urllib.request

BASE = os.environ["COASTY_BASE_URL"].rstrip("/")
KEY = os.environ["COASTY_API_KEY"]
TEST_KEY = os.environ["COASTY_TEST_KEY"]
MACHINE = os.environ["COASTY_MACHINE_ID"]
TERMINAL = {"succeeded", "failed", "cancelled", "timed_out"}


class ApiError(Exception):
    def __init__(self, status, error, headers):
        super().__init__(f"{status} {error.get('code')}: {error.get('message')}")
        self.status, self.code, self.headers = status, error["code"], headers
        self.context = {name: value for name, value in error.items() if name not in ("code", "message", "type")}
        for name in ("message", "type", "request_id", "retryable", "retry_with_same_idempotency_key"):
            assert name in error, (name, error)
        assert headers["X-Coasty-Request-Id"] == error["request_id"], headers


def call(method, path, body=None, key=KEY, idempotency_key=None, raw=False):
    headers = {"X-API-Key": key, "Accept": "application/json"}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    for attempt in range(4):
        try:
            request = urllib.request.Request(BASE + path, data=data, headers=headers, method=method)
            with urllib.request.urlopen(request, timeout=60) as response:
                parsed = json.load(response)
                return (parsed, response.headers) if raw else parsed
        except urllib.error.HTTPError as refused:
            repeatable = method == "GET" or idempotency_key
            if refused.code in (429, 500, 503, 504) and repeatable and attempt < 3:
                time.sleep(float(refused.headers.get("Retry-After", "1")))
                continue
            raise ApiError(refused.code, json.load(refused)["error"], refused.headers) from None


def refused(status, code, *arguments, **keywords):
    try:
        answer = call(*arguments, **keywords)
    except ApiError as error:
        assert (error.status, error.code) == (status, code), error
        return error
    raise AssertionError(f"{arguments} should have been {status} {code}, was {answer}")


def events(run_id, cursor=0, cut_after=None):
    """Frames after the cursor, parsed line by line; `cut_after` leaves in the middle, as a lost connection does."""
    request = urllib.request.Request(
        f"{BASE}/runs/{run_id}/events",
        headers={"X-API-Key": KEY, "Accept": "text/event-stream", "Last-Event-ID": str(cursor)},
    )
    count = 0
    with urllib.request.urlopen(request, timeout=300) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        frame = {}
        for raw in stream:
            line = raw.decode().rstrip("\n")
            if line.startswith(":"):
                continue
            if line:
                name, value = line.split(": ", 1)
                frame[name] = value
                continue
            if not frame:
                continue
            assert list(frame) == ["id", "event", "data"], frame
            assert frame["id"].isdigit(), frame
            yield int(frame["id"]), frame["event"], json.loads(frame["data"])
            count += 1
            if cut_after == count:
                return
            frame = {}


def wait_for(run_id, *states):
    for _ in range(600):
        run = call("GET", f"/runs/{run_id}")
        if run["status"] in states:
            return run
        assert run["status"] not in TERMINAL, run
        time.sleep(0.05)
    raise AssertionError(f"{run_id} never was {states}: {run}")


received = queue.Queue()


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.put((dict(self.headers), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def verified(secret, headers, body, now=None):
    pairs = [part.split("=", 1) for part in headers["Coasty-Signature"].split(",")]
    stamp = next(value for name, value in pairs if name == "t")
    expected = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    fresh = abs((time.time() if now is None else now) - int(stamp)) <= 300
    return fresh and any(name == "v1" and hmac.compare_digest(value, expected) for name, value in pairs)


# The two vectors every client carries: verification itself is right before it judges anybody.
for secret, stamp, body, digest in (
    ("whsec_test_secret_123", 1750000000, b'{"event":"run.succeeded","run_id":"run_123","status":"succeeded"}',
     "5f70978eab52dbf5838da76e5eb6c6c465560ce8e746ed8e6113c159d8bbb2d4"),
    ("whsec_other_secret_456", 1750000300, b'{"event":"run.awaiting_human","run_id":"run_456","reason":"captcha"}',
     "844504f42b7498094a83cedd7e050fc2f7fa32593b0814cc514c4be52a932e63"),
):
    assert verified(secret, {"Coasty-Signature": f"t={stamp},v1={digest}"}, body, now=stamp)
    assert not verified(secret, {"Coasty-Signature": f"t={stamp},v1={digest}"}, body + b" ", now=stamp)

receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
hook = f"http://127.0.0.1:{receiver.server_port}/hook"


def next_hook(secret):
    headers, body = received.get(timeout=30)
    assert verified(secret, headers, body), headers
    payload = json.loads(body)
    assert headers["Coasty-Event"] == payload["id"], (headers, payload)
    assert payload["event"] == payload["type"], payload
    assert payload["run"]["id"] == payload["run_id"] and payload["run"]["webhook_secret"] is None, payload
    assert payload["status"] == payload["state"] == payload["run"]["status"], payload
    return payload


# --- A task that needs a person: create (twice, as a retry does), pause, resume with a note, done -------------------
request = {
    "machine_id": MACHINE,
    "task": sys.argv[1],
    "metadata": {"order": "4711"},
    "webhook_url": hook,
    "llm": None,
    "budget_cents": None,
}
created, headers = call("POST", "/runs", request, idempotency_key="wf:order:a", raw=True)
assert created["object"] == "agent.run" and created["status"] == "queued", created
assert (created["id"], created["status"]) == (created["run_id"], created["state"]), created
assert created["cua_version"] == "v3" and created["max_steps"] == 50 and created["on_awaiting_human"] == "pause", created
assert headers["X-Coasty-Key-Kind"] == "live" and headers["Idempotency-Replayed"] == "false", headers
assert headers["X-Coasty-Request-Id"] == created["request_id"], headers
for name in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Limit"):
    assert headers[name].isdigit(), (name, headers)
secret = created["webhook_secret"]
assert len(secret) == len("whsec_") + 64, "the secret is there, once"
again, headers = call("POST", "/runs", request, idempotency_key="wf:order:a", raw=True)
assert again == created and headers["Idempotency-Replayed"] == "true", (again, headers)
assert headers["X-Coasty-Idempotent-Replay"] == "true" and headers["X-Credits-Charged"] == "0", headers
refused(422, "IDEMPOTENCY_KEY_REUSED", "POST", "/runs", {**request, "max_steps": 7}, idempotency_key="wf:order:a")
looked_up = call("GET", "/idempotency/wf:order:a")
assert looked_up["status"] == "completed" and looked_up["request_id"] == created["request_id"], looked_up

run_id = created["id"]
paused = wait_for(run_id, "awaiting_human")
assert paused["awaiting_human_reason"] and paused["awaiting_human_since"].endswith("Z"), paused
assert paused["webhook_secret"] is None and paused["metadata"] == {"order": "4711"}, paused
seen = []
for seq, kind, data in events(run_id):
    seen.append((seq, kind, data))
    if kind == "awaiting_human":
        assert data["reason"] == paused["awaiting_human_reason"], data
        break  # The stream stays open here; this client leaves and comes back by its cursor.
assert seen[0][1] == "status" and seen[0][2]["status"] == "queued", seen[0]
assert seen[-2][1] == "status" and seen[-2][2]["status"] == "awaiting_human", seen[-2]
assert next_hook(secret)["event"] == "run.awaiting_human"
refused(422, "VALIDATION_ERROR", "POST", f"/runs/{run_id}/resume", {"note": "x" * 2001})
resumed = call("POST", f"/runs/{run_id}/resume", {"note": sys.argv[2]})
assert resumed["status"] == "running" and resumed["awaiting_human_reason"] is None, resumed
while seen[-1][1] != "done":  # Cut after every third frame.
    before = len(seen)
    seen += events(run_id, cursor=seen[-1][0], cut_after=3)
    assert len(seen) > before, "a stream that ended without done"
assert [seq for seq, _, _ in seen] == list(range(1, len(seen) + 1)), "no gap, no repeat"
kinds = [kind for _, kind, _ in seen]
assert kinds.count("done") == 1 and kinds[-2] == "status", kinds
at = kinds.index("resumed")
assert seen[at][2]["note"] == sys.argv[2] and seen[at + 1][2]["status"] == "running", seen[at : at + 2]
for seq, kind, data in seen:
    assert (data["seq"], data["type"], data["run_id"]) == (seq, kind, run_id), data
    assert data["created_at"].endswith("Z"), data
calls = [data for _, kind, data in seen if kind == "tool_call"]
results = [data for _, kind, data in seen if kind == "tool_result"]
assert calls and all(data["action_type"] == data["tool"] and isinstance(data["params"], dict) for data in calls), calls
assert len(results) == len(calls) and all(isinstance(data["success"], bool) for data in results), results
done = seen[-1][2]
final = call("GET", f"/runs/{run_id}")
assert done["status"] == "succeeded" and done["result"]["passed"] is True and done["error"] is None, done
assert final["status"] == "succeeded" and final["result"] == done["result"], (final, done)
assert final["cost_cents"] == final["credits_charged"] == 5 * final["steps_completed"] > 0, final
bills = [data["cost_cents"] for _, kind, data in seen if kind == "billing"]
assert bills == sorted(bills) and bills[-1] == final["cost_cents"], bills
assert next_hook(secret)["event"] == "run.succeeded"
assert list(events(run_id, cursor=seen[-1][0])) == [], "nothing follows done"
refused(409, "RESUME_CONFLICT", "POST", f"/runs/{run_id}/resume", {})

# --- Cancel, without a body and with `{}`; a second time is a conflict ----------------------------------------------
second = call("POST", "/runs", {**request, "task": sys.argv[1]}, idempotency_key="wf:order:2")
wait_for(second["id"], "awaiting_human")
next_hook(second["webhook_secret"])
cancelled = call("POST", f"/runs/{second['id']}/cancel")
assert cancelled["status"] == "cancelled" and cancelled["finished_at"] and cancelled["result"] is None, cancelled
conflict = refused(409, "INVALID_STATE", "POST", f"/runs/{second['id']}/cancel", {})
assert conflict.context["current_state"] == "cancelled", conflict.context
assert conflict.context["allowed_from"] == ["queued", "running", "awaiting_human"], conflict.context
assert next_hook(second["webhook_secret"])["event"] == "run.cancelled"
assert [kind for _, kind, _ in events(second["id"])][-2:] == ["status", "done"]

# --- Policies that never pause --------------------------------------------------------------------------------------
for policy, status in (("fail", "failed"), ("cancel", "cancelled")):
    other = call("POST", "/runs", {"machine_id": MACHINE, "task": sys.argv[1], "on_awaiting_human": policy})
    ended = wait_for(other["id"], status)
    assert ended["error"]["code"] == "AWAITING_HUMAN", ended
    assert all(data.get("status") != "awaiting_human" for _, kind, data in events(other["id"]) if kind == "status")

# --- Lists ----------------------------------------------------------------------------------------------------------
page = call("GET", "/runs?limit=1&status=cancelled")
assert page["object"] == "list" and len(page["data"]) == 1 and page["has_more"] is True and page["request_id"], page
for limit in ("0", "201", "many", "1.5", "-1"):
    error = refused(400, "INVALID_LIMIT", "GET", f"/runs?limit={limit}")
    assert (error.context["min"], error.context["max"]) == (1, 200), error.context
error = refused(400, "INVALID_STATUS_FILTER", "GET", "/runs?status=sleeping")
assert "awaiting_human" in error.context["valid_options"], error.context

# --- Keys and modes: another mode's objects do not exist; a missing scope is said -----------------------------------
unauthorised = refused(401, "INVALID_API_KEY", "GET", "/runs", key="sk-coasty-live-" + "0" * 48)
assert unauthorised.headers["WWW-Authenticate"] == "Bearer", unauthorised.headers
refused(401, "INVALID_API_KEY", "GET", "/runs", key=f"Bearer {KEY}")
for method, path in (("GET", ""), ("GET", "/events"), ("GET", "/screenshots"), ("GET", "/log"), ("POST", "/cancel"), ("POST", "/resume")):
    refused(404, "RUN_NOT_FOUND", method, f"/runs/{run_id}{path}", key=TEST_KEY)
refused(404, "MACHINE_NOT_FOUND", "GET", f"/machines/{MACHINE}", key=TEST_KEY)
refused(404, "MACHINE_NOT_FOUND", "POST", "/runs", {"machine_id": MACHINE, "task": "x"}, key=TEST_KEY)
refused(404, "NOT_FOUND", "GET", "/idempotency/wf:order:a", key=TEST_KEY)
elsewhere = call("GET", "/runs", key=TEST_KEY)["data"]
assert all(one["machine_id"] != MACHINE for one in elsewhere), elsewhere
reader = call("POST", "/keys", {"name": "reader", "scopes": ["runs:read"]})
assert reader["key"].startswith("sk-coasty-live-") and len(reader["key"]) == len("sk-coasty-live-") + 48, reader["key_id"]
lacking = refused(403, "INSUFFICIENT_SCOPE", "POST", "/runs", request, key=reader["key"])
assert lacking.context["required_scope"] == "runs:write", lacking.context
assert lacking.context["current_scopes"] == ["runs:read"], lacking.context
assert call("GET", f"/runs/{run_id}", key=reader["key"])["status"] == "succeeded"
call("DELETE", f"/keys/{reader['key_id']}")
refused(401, "INVALID_API_KEY", "GET", "/runs", key=reader["key"])
assert call("GET", "/usage")["total_cost_cents"] >= final["cost_cents"]
print(f"{len(seen)} events, {final['steps_completed']} steps, {final['cost_cents']} cents")
