#!/bin/sh
# A tenant, a vendor, a credential, a database: the whole story with curl. Start the service first: make up
# It needs curl and python3 and takes the service's administrator file from the first argument, from
# TA_ADMINISTRATOR, or from the place where the service keeps it.
set -eu

if [ "$(id -u)" -eq 0 ]; then folder=/var/lib/tenant-api; else folder=${XDG_DATA_HOME:-$HOME/.local/share}/tenant-api; fi
administrator=${1:-${TA_ADMINISTRATOR:-$folder/administrator.json}}
tenant="Tour-$$"
body=$(mktemp) && headers=$(mktemp) && token_header=$(mktemp)
trap 'rm -f "$body" "$headers" "$token_header"' EXIT

# field NAME: a member of the JSON on standard input
field() { python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1]) or sys.exit(1))' "$1"; }

url=$(field url <"$administrator")
client_id=$(field client_id <"$administrator")

# call METHOD PATH [JSON]: prints the answer's body; what the service refuses ends the tour
call() {
    method=$1 path=$2
    printf '\n%s %s %s\n' "$method" "$path" "${3:-}" >&2
    set -- ${3:+--header "Content-Type: application/json" --data "$3"}
    status=$(curl --silent --show-error --request "$method" --header @"$token_header" --header "Tenant: $tenant" \
        "$@" --output "$body" --dump-header "$headers" --write-out '%{http_code}' "$url$path")
    printf '%s ' "$status" >&2
    shown=$(sed -E 's/"(secret|access_token|connectionString)":"([^"]{6})[^"]*"/"\1":"\2…"/g' "$body")
    printf '%s\n' "$shown" >&2
    [ "$status" -lt 400 ] || exit 1
    cat "$body"
}

# new_id: the last part of the address of what was just created
new_id() { tr -d '\r' <"$headers" | sed -n 's/^[Ll]ocation: .*\///p'; }

# finished JOB: waits for the end of a job
finished() {
    while :; do
        status=$(call GET "/v3/jobs/$1" 2>/dev/null | field status)
        case $status in
            Completed) printf 'Job %s: %s\n' "$1" "$status" >&2; return ;;
            Error | Cancelled) printf 'Job %s: %s\n' "$1" "$status" >&2; exit 1 ;;
        esac
        sleep 0.2
    done
}

# settled: waits until an identity provider that is not built in knows of the change; the built-in one knows at once
settled() {
    job=$(tr -d '\r' <"$headers" | sed -n 's/^[Oo]peration-[Ll]ocation: .*\///p')
    [ -z "$job" ] || finished "$job"
}

# The administrator's token. Its secret travels in a form on standard input, not in an argument.
field client_secret <"$administrator" | tr -d '\n' |
    curl --silent --show-error --fail --data grant_type=client_credentials --data-urlencode "client_id=$client_id" \
        --data-urlencode client_secret@- "$url/connect/token" |
    python3 -c 'import json, sys; print("Authorization: Bearer " + json.load(sys.stdin)["access_token"])' >"$token_header"

call POST /v3/tenants "{\"name\": \"$tenant\"}" >/dev/null

call POST /v3/vendors '{"company": "Acme Learning", "contactName": "Ada Lovelace",
    "contactEmailAddress": "ada@acme.example", "namespacePrefixes": "uri://ed-fi.org,uri://acme.example"}' >/dev/null
vendor=$(new_id)

application="\"applicationName\": \"Roster sync\", \"vendorId\": $vendor, \"claimSetName\": \"SISVendor\",
    \"educationOrganizationIds\": [255901]"
credential=$(call POST /v3/applications "{$application, \"dataStoreIds\": []}")
application_id=$(printf '%s' "$credential" | field id)

# A database of its own, copied from the template Sample. The answer names the job that makes it.
accepted=$(call POST /v3/dataStores/manage '{"name": "Tour 2026", "databaseTemplate": "Sample"}')
managed=$(printf '%s' "$accepted" | field id)
finished "$(printf '%s' "$accepted" | field jobId)"
data_store=$(call GET "/v3/dataStores/manage/$managed" | field dataStoreId)

call PUT "/v3/applications/$application_id" \
    "{\"id\": $application_id, $application, \"dataStoreIds\": [$data_store]}" >/dev/null
settled

# A token with the application's own credential, and the claims in it.
printf '\nPOST /connect/token with the credential of the application; its token says:\n' >&2
printf '%s' "$credential" | python3 -c '
import base64, json, sys, urllib.parse, urllib.request
credential = json.load(sys.stdin)
form = {"grant_type": "client_credentials", "client_id": credential["key"], "client_secret": credential["secret"]}
answer = urllib.request.urlopen(sys.argv[1] + "/connect/token", urllib.parse.urlencode(form).encode())
payload = json.load(answer)["access_token"].split(".")[1]
print(json.dumps(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))), indent=2))
' "$url"

call GET "/v3/dataStores/manage/$managed/health" >/dev/null

# What a data plane reads. The connection string is encrypted with the key that it shares with the service.
call GET "/v3/dataStores/$data_store" >/dev/null

call PUT "/v3/applications/$application_id" "{\"id\": $application_id, $application, \"dataStoreIds\": []}" >/dev/null
settled
finished "$(call DELETE "/v3/dataStores/manage/$managed" | field jobId)"
call GET "/v3/dataStores/manage/$managed" >/dev/null
printf '\nThe tour is over.\n'
