# python3 verify-result.py <the address that the payer's browser came back to>
import hashlib, hmac, os, sys
from urllib.parse import parse_qsl, urlsplit


def verify_result(address, client_salt):
    """What the payer's browser brought back, or None when it was forged or altered."""
    result = dict(parse_qsl(urlsplit(address).query))
    message = ".".join(result.get(name, "") for name in ("timestamp", "transaction_id", "order_id", "status", "amount"))
    expected = hmac.new(client_salt.encode(), message.encode(), hashlib.sha256).hexdigest()
    # There are two while the salt is being changed.
    given = [result.get(name, "").encode() for name in ("signature", "next_signature")]
    return result if any(hmac.compare_digest(expected.encode(), each) for each in given) else None


result = verify_result(sys.argv[1], os.environ["CLIENT_SALT"])
print(f"{result['order_id']} is {result['status']}" if result else "not genuine")
