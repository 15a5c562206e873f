"""Which files can be read from the server and uploaded to it, over raw HTTP."""

import http.client
from urllib.parse import urlsplit

import pytest

from charplay import limits
from charplay.models import checkpoints

ROOT = checkpoints.SHIPPED_DIRECTORY.parent
SECRETS = [str(ROOT / "checkpoints" / "names.safetensors"), str(ROOT / "app.py"), "/etc/passwd"]
PATHS = (
    "/gradio_api/file={absolute}",
    "/file={absolute}",
    "/gradio_api/file={relative}",
    "/gradio_api/file=../../../../../../../..{absolute}",
    "/gradio_api/file=%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e{absolute}",
    "/static/../../../../../../../../../..{absolute}",
    "/assets/..%2f..%2f..%2f..%2f..%2f..%2f..%2f..{absolute}",
    "/gradio_api/file/{absolute}",
    "/gradio_api/stream/a/b/{absolute}",
    "/gradio_api/proxy=file://{absolute}",
    "/custom_component/x/server/../../{absolute}",
    "/theme.css/..%2f..%2f..{absolute}",
)


def send(app_url: str, method: str, path: str, body: bytes | None = None, headers=None) -> tuple[int, bytes]:
    """One request whose path is sent as given: `http.client` does not normalise it."""
    connection = http.client.HTTPConnection(urlsplit(app_url).netloc, timeout=20)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def upload(app_url: str, content: bytes, name: str = "a.txt") -> tuple[int, bytes]:
    """The response of /upload to a file."""
    head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    return send(app_url, "POST", "/gradio_api/upload", head + content + b"\r\n--x--\r\n", headers)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("path", PATHS)
def test_no_file_outside_the_apps_assets_can_be_read(app_url, path, secret):
    relative = secret.removeprefix(f"{ROOT}/")
    status, content = send(app_url, "GET", path.format(absolute=secret, relative=relative))
    assert status in (301, 307, 400, 403, 404, 405, 422), (status, content[:100])
    with open(secret, "rb") as file:
        assert file.read(40) not in content


def test_an_upload_beyond_the_cap_is_refused(app_url):
    assert upload(app_url, b"a" * (limits.MAX_USER_FILE_BYTES + 1))[0] == 413
    assert upload(app_url, b"a" * 1_000)[0] == 200
