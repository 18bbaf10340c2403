#!/usr/bin/env python3
"""Publishes each line of standard input to a topic, once, and prints its id.

    [TICKGATE_KEY=…] python3 publish.py http://127.0.0.1:9090 price.ACME < lines

The URL is that of the private listener, the key one of --publish-keys or a token that grants publishing.
"""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid


def publish(url, topic, payload, key=None):
    """Returns the id of the stored message. Repeats what may succeed later, under the same message id, so that it is stored once."""
    headers = {"Nats-Msg-Id": str(uuid.uuid4())}
    if key:
        headers["Authorization"] = "Bearer " + key
    request = urllib.request.Request(f"{url}/v1/topics/{urllib.parse.quote(topic)}", payload, headers, method="POST")
    for failures in range(10):
        wait = min(0.5 * 2**failures, 10)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["id"]
        except urllib.error.HTTPError as refusal:
            if refusal.code not in (429, 503):
                raise SystemExit(f"given up: {refusal.code} {refusal.read().decode()}") from None
            wait = float(refusal.headers.get("Retry-After") or wait)
        except (OSError, http.client.HTTPException) as trouble:  # it may have been stored
            print(f"{trouble}: again in {wait} s", file=sys.stderr)
        time.sleep(wait)
    raise SystemExit("given up: ten tries")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    for line in sys.stdin.buffer:
        print(publish(sys.argv[1], sys.argv[2], line.rstrip(b"\n"), os.environ.get("TICKGATE_KEY")), flush=True)


if __name__ == "__main__":
    main()
