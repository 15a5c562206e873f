"""Bodies that are too large are refused before the app reads them, whatever they are sent to."""

import http.client
import json
import secrets
from urllib.parse import urlsplit

import pytest

from charplay import limits
from charplay.ui.request_limits import MULTIPART_BYTES

JSON = {"Content-Type": "application/json"}
BODY = json.dumps({"data": ["x" * 10_000_000], "fn_index": 0, "session_hash": "large"}).encode()


def post(app_url, path, body, headers, **how):
    connection = http.client.HTTPConnection(urlsplit(app_url).netloc, timeout=30)
    try:
        connection.request("POST", path, body, headers, **how)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def chunks(body: bytes, size: int = 65_536):
    return (body[start : start + size] for start in range(0, len(body), size))


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/call/generate", "/nowhere"])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_large_body_gets_413_and_the_bound(app_url, path, is_chunked):
    how = {"encode_chunked": True} if is_chunked else {}
    headers = JSON | ({"Transfer-Encoding": "chunked"} if is_chunked else {})
    status, answer = post(app_url, path, chunks(BODY) if is_chunked else BODY, headers, **how)
    if path == "/nowhere" and is_chunked:  # nobody reads the body
        assert status in (404, 405, 413)
        return
    assert status == 413
    assert f"{limits.MAX_REQUEST_BYTES:,}" in json.loads(answer)["detail"]


def test_a_body_within_the_bound_reaches_the_queue(app_url):
    body = json.dumps({"data": ["x" * (limits.MAX_REQUEST_BYTES - 1_000), 0.8, 5, None, 0, 1]}).encode()
    status, answer = post(app_url, "/gradio_api/call/generate", body, JSON)
    assert status == 200
    assert "event_id" in json.loads(answer)


@pytest.mark.parametrize(("size", "is_taken"), [(2_000_000, True), (limits.MAX_USER_FILE_BYTES + 1_000_000, False)])
def test_an_upload_has_a_bound_of_its_own(app_url, size, is_taken):
    boundary = secrets.token_hex(8)
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
    body = head.encode() + b"x" * size + f"\r\n--{boundary}--\r\n".encode()
    assert len(body) - size < MULTIPART_BYTES
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    status, _ = post(app_url, "/gradio_api/upload", body, headers)
    assert status == (200 if is_taken else 413)
