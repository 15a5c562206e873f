"""A worker program for tests of the client: it answers at once, and misbehaves on request."""

import json
import os
import sys
import time


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def finish(request_id: int, result: object) -> str:
    return json.dumps({"id": request_id, "is_done": True, "update": None, "result": result, "failure": None}) + "\n"


def main() -> None:
    cancelled = []
    for line in sys.stdin:
        request = json.loads(line)
        request_id, kind, arguments = request["id"], request["kind"], request["arguments"]
        if kind == "echo":
            write(finish(request_id, arguments))
        elif kind == "update":
            update = {"id": request_id, "is_done": False, "update": arguments, "result": None, "failure": None}
            write(json.dumps(update) + "\n")
        elif kind == "die in the middle of a line":
            write(finish(request_id, "x" * 1000)[:500])
            os._exit(1)
        elif kind == "write":
            write(arguments["text"] + "\n")
        elif kind == "stop reading":
            write(finish(request_id, None))
            time.sleep(3600)
        elif kind == "cancel":
            cancelled.append(request_id)
        elif kind == "list cancelled":
            write(finish(request_id, cancelled))


if __name__ == "__main__":
    main()
