# python3 payments.py initiate <order_id> <paise>
# python3 payments.py status <transaction_id>
# python3 payments.py refund <transaction_id> <paise> <key of yours>
import hashlib, hmac, json, os, sys, time, urllib.error, urllib.request

CHECKOUT_URL, CLIENT_KEY, CLIENT_SALT = (os.environ[name] for name in ("CHECKOUT_URL", "CLIENT_KEY", "CLIENT_SALT"))


def call(method, path, data=None):
    """`path` includes the query. Tries again, as Retry-After says: the same order_id is charged once, a key refunded once."""
    body = b"" if data is None else json.dumps(data).encode()
    for tries in range(1, 5):
        timestamp = str(int(time.time()))
        message = f"{timestamp}.{method}.{path}.".encode() + body
        headers = {
            "X-Client-Key": CLIENT_KEY,
            "X-Timestamp": timestamp,
            "X-Signature": hmac.new(CLIENT_SALT.encode(), message, hashlib.sha256).hexdigest(),
        }
        if body:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(CHECKOUT_URL + path, body or None, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=15) as response:
                return json.load(response)
        except urllib.error.HTTPError as refusal:
            if refusal.code in (429, 500, 503) and tries < 4:
                time.sleep(int(refusal.headers.get("Retry-After", tries)))
                continue
            error = json.load(refusal)["error"]
            sys.exit(f"{refusal.code} {error['code']} ({error['request_id']}): {error['message']}")


command, *args = sys.argv[1:]
if command == "initiate":
    answer = call("POST", "/payment/initiate", {"order_id": args[0], "amount": int(args[1]), "currency": "INR"})
elif command == "refund":
    data = {"transaction_id": args[0], "amount": int(args[1]), "idempotency_key": args[2]}
    answer = call("POST", "/refund", data)
else:
    answer = call("GET", f"/transaction/{args[0]}")
print(json.dumps(answer))
