#!/usr/bin/env bash
# bash payments.sh initiate <order_id> <paise>
# bash payments.sh status <transaction_id>
# bash payments.sh refund <transaction_id> <paise> <key of yours>
set -euo pipefail
: "${CHECKOUT_URL:?}" "${CLIENT_KEY:?}" "${CLIENT_SALT:?}"
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

call() { # call <method> <path with query> [json]
	local method=$1 path=$2 body=${3-} timestamp signature status=0
	timestamp=$(date +%s)
	signature=$(printf '%s' "$timestamp.$method.$path.$body" | openssl dgst -sha256 -hmac "$CLIENT_SALT" -r | cut -d' ' -f1)
	# Tries again on 429, 500 and 503, as Retry-After says; an order_id is charged once, a key refunded once.
	curl --silent --show-error --fail-with-body --retry 3 --max-time 15 --output "$answer" --request "$method" \
		--header "X-Client-Key: $CLIENT_KEY" --header "X-Timestamp: $timestamp" --header "X-Signature: $signature" \
		${body:+--header 'Content-Type: application/json' --data-binary "$body"} "$CHECKOUT_URL$path" || status=$?
	cat "$answer" && echo
	return "$status"
}

case ${1-} in
initiate) call POST /payment/initiate "$(printf '{"order_id":"%s","amount":%d,"currency":"INR"}' "$2" "$3")" ;;
status) call GET "/transaction/$2" ;;
refund) call POST /refund "$(printf '{"transaction_id":"%s","amount":%d,"idempotency_key":"%s"}' "$2" "$3" "$4")" ;;
*) sed -n '2,4s/^# //p' "$0" && exit 2 ;;
esac
