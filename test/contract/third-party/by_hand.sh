# What people paste from a page of documentation: curl, sed and openssl, nothing that knows JSON.
set -euo pipefail
AUTH="Authorization: Bearer $COASTY_API_KEY"
HOST="${COASTY_BASE_URL%/v1}"
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }
status() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
is() { [ "$1" = "$2" ] || { echo "wanted $2, got $1 ($3)" >&2; exit 1; }; }

# No content type given: curl says application/x-www-form-urlencoded, people forget.
RUN=$(curl -sf "$COASTY_BASE_URL/runs" -H "$AUTH" -d "{\"machine_id\": \"$COASTY_MACHINE_ID\", \"task\": \"$1\"}")
ID=$(printf '%s' "$RUN" | field run_id)
curl -sfN "$COASTY_BASE_URL/runs/$ID/events" -H "$AUTH" | tail -n 4 | grep -q '"type":"done"\|event: done'
is "$(curl -sf "$COASTY_BASE_URL/runs/$ID" -H "$AUTH" | field status)" succeeded "the run"

# Cut off at the fourth frame; the rest, by its number, is exactly what was missing.
curl -sN "$COASTY_BASE_URL/runs/$ID/events" -H "$AUTH" > "$2/all"
head -n 16 "$2/all" > "$2/joined"
LAST=$(grep '^id: ' "$2/joined" | tail -n 1 | cut -d' ' -f2)
curl -sN "$COASTY_BASE_URL/runs/$ID/events?after=1" -H "$AUTH" -H "Last-Event-ID: $LAST" >> "$2/joined"
cmp "$2/all" "$2/joined"
is "$(curl -s "$COASTY_BASE_URL/runs/$ID/events?after=99999" -H "$AUTH" | wc -c)" 0 "nothing after the end"

is "$(status "$COASTY_BASE_URL/health")" 200 "health needs no key"
is "$(status "$COASTY_BASE_URL/runs")" 401 "runs need one"
is "$(status "$COASTY_BASE_URL/runs?api_key=$COASTY_API_KEY")" 401 "a key in the address is none"
is "$(status "$COASTY_BASE_URL/runs" -H 'X-API-Key;' -H "$AUTH")" 200 "a blank X-API-Key leaves it to Bearer"
is "$(status -X POST "$COASTY_BASE_URL/runs/$ID/cancel" -H "$AUTH")" 409 "cancel after the end"
is "$(status -X POST "$COASTY_BASE_URL/runs/run_nobody/cancel" -H "$AUTH")" 404 "cancel of nothing"
is "$(status "$COASTY_BASE_URL/runs" -H "$AUTH" -d '{"task": ')" 422 "half a body"
is "$(status "$HOST/openapi.json")" 200 "the description"
is "$(status --compressed "$HOST/docs")" 200 "the page"
echo "$ID"
