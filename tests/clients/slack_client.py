"""Signs requests to Vouch with Slack's own library, soundly and otherwise.

    slack_client.py BASE_URL SIGNING_SECRET
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from slack_sdk.signature import Clock, SignatureVerifier

BASE, SECRET = sys.argv[1:]
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def send(path, body, at, secret=SECRET, sent=None):
    """The status and the body of the answer to a signed request."""
    signature = SignatureVerifier(secret).generate_signature(timestamp=str(at), body=body)
    headers = {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": signature}
    data = (body if sent is None else sent).encode()
    request = urllib.request.Request(BASE + path, data=data, headers=headers)
    try:
        with OPENER.open(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


now = int(Clock().now())
challenge = json.dumps({"type": "url_verification", "challenge": "grüße 👋", "token": "x"})
status, said = send("/slack/events", challenge, now)
assert (status, json.loads(said)) == (200, {"challenge": "grüße 👋"}), (status, said)
form = urllib.parse.urlencode({"ssl_check": "1", "text": "wie viele tage? ü"})
assert send("/slack/commands", form, now) == (200, "")
payload = urllib.parse.urlencode({"payload": json.dumps({"type": "view_closed"})})
assert send("/slack/interactivity", payload, now)[0] == 200

re_encoded = json.dumps(json.loads(challenge), ensure_ascii=False)
refused = [
    send("/slack/events", challenge, now, secret="forged"),
    send("/slack/events", challenge, now - 301),
    send("/slack/events", challenge, now + 330),
    send("/slack/events", challenge, now, sent=re_encoded),
    send("/slack/commands", form, now, sent=form.replace("%C3", "%c3")),
    send("/slack/commands", form, now, sent=form.replace("+", "%20")),
]
assert {status for status, _ in refused} == {401}, refused
assert len({said for _, said in refused}) == 1, refused
print("done")
