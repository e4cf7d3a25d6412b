# PORT=4100 python3 receive-webhooks.py
import base64, hashlib, hmac, json, os, time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))


def verify(headers, body):
    """The event, or None when these bytes were not signed by LightSpeedPay within the last five minutes."""
    event_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
        return None
    digest = hmac.new(KEY, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    # Several signatures, separated by spaces, while a secret is being changed.
    given = headers.get("webhook-signature", "").split(" ")
    is_genuine = any(hmac.compare_digest(expected.encode(), each.encode()) for each in given)
    return json.loads(body) if is_genuine else None


# In your shop: a unique column, written in the transaction that marks the order paid.
seen = set()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        event = verify(self.headers, self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if event and event["id"] not in seen:
            seen.add(event["id"])
            if event["type"] == "payment.paid":
                print(f"ship {event['data']['order_id']}: {event['data']['amount']} paise", flush=True)
        self.send_response(204 if event else 401)
        self.end_headers()


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
