#!/usr/bin/env python3
"""Prints the messages of topics as lines "ID DATA", and goes on where it was when the connection breaks.

    [TICKGATE_TOKEN=…] python3 subscribe.py http://127.0.0.1:8080 'price.*' chat.1

The standard library is enough for an event stream; it has no WebSocket client. Status 1: the gateway refuses, and would do so again.
"""

import http.client
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

SILENCE = 75  # seconds; the gateway sends a heartbeat every 30, so a stream that is silent for longer is dead


class Refused(Exception):
    """The gateway would give the same answer again."""


class Subscriber:
    """Remembers, over connections, what is needed to come back."""

    def __init__(self, url, topics, token=None):
        self.url = url + "/sse?" + urllib.parse.urlencode([("topic", topic) for topic in topics])
        self.token = token
        self.last = None  # the id of the last whole message
        self.retry = 2.0  # seconds until the next try, as the gateway says

    def messages(self):
        """Yields (id, type, data) for ever."""
        failures = 0
        while True:
            wait = None
            try:
                with self.connect() as stream:
                    print("connected", file=sys.stderr)
                    failures = 0
                    yield from self.events(stream)
            except urllib.error.HTTPError as refusal:
                if refusal.code not in (408, 429) and refusal.code < 500:
                    raise Refused(f"{refusal.code} {refusal.read().decode()}") from None
                wait = float(refusal.headers.get("Retry-After") or 0) or None
                failures += 1
            except (OSError, http.client.HTTPException):  # nobody there, cut off, or silent
                failures += 1
            wait = wait or self.retry * 2 ** max(0, min(failures - 1, 5))
            print(f"disconnected, back in {wait:.1f} s", file=sys.stderr)
            time.sleep(wait)

    def connect(self):
        headers = {"Accept": "text/event-stream"}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        if self.last:
            headers["Last-Event-ID"] = self.last
        return urllib.request.urlopen(urllib.request.Request(self.url, headers=headers), timeout=SILENCE)

    def events(self, stream):
        """Takes the stream apart (WHATWG HTML §9.2.6); an event that was cut off is not one."""
        event_id, event_type, data = None, "message", []
        for line in stream:
            if not line.endswith(b"\n"):  # cut off
                return
            name, _, value = line.decode().rstrip("\r\n").partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                event_id = value
            elif name == "event":
                event_type = value
            elif name == "data":
                data.append(value)
            elif name == "retry":
                self.retry = int(value) / 1000
            elif not line.strip() and data:
                yield event_id, event_type, "\n".join(data)
                self.last = event_id or self.last  # behind yield: what was not taken comes again
                event_id, event_type, data = None, "message", []


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    subscriber = Subscriber(sys.argv[1], sys.argv[2:], os.environ.get("TICKGATE_TOKEN"))
    try:
        for event_id, event_type, data in subscriber.messages():
            if event_type == "gap":
                print("gap: messages are missing:", data, file=sys.stderr)
            else:
                print(event_id, data, flush=True)
    except Refused as why:
        sys.exit(f"given up: {why}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
