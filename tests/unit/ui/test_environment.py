"""What Gradio is imported and started in."""

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from charplay.ui import environment

HIDDEN = {"http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks5://x:9"}
HIDDEN["GRADIO_SERVER_NAME"] = "::"


def test_no_proxy_and_no_servers_name_are_set_within_and_all_are_back_after_it(monkeypatch):
    for name, value in (HIDDEN | {"no_proxy": "example.org"}).items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with suppress(InterruptedError), environment.local_start():
        assert not set(HIDDEN) & set(os.environ)
        assert os.environ["NO_PROXY"] == "*"
        raise InterruptedError
    assert dict(os.environ) == before


def test_an_own_directory_for_uploads_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "a" / "uploads"))
    environment.ensure_upload_directory()
    assert os.environ["GRADIO_TEMP_DIR"] == str(tmp_path / "a" / "uploads")
    assert list((tmp_path / "a" / "uploads").iterdir()) == []


def test_a_directory_that_cannot_be_used_is_replaced_by_one_that_goes_at_exit(tmp_path):
    (tmp_path / "a file").touch()
    program = "import os; from charplay.ui import environment as e; e.ensure_upload_directory(); "
    program += "d = os.environ['GRADIO_TEMP_DIR']; open(d + '/x', 'w'); print(d)"
    variables = os.environ | {"GRADIO_TEMP_DIR": str(tmp_path / "a file" / "uploads"), "TMPDIR": str(tmp_path)}
    out = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True)
    own = Path(out.stdout.strip())
    assert own.parent == tmp_path
    assert not own.exists()
    assert str(own) in out.stderr


def test_another_users_directory_is_replaced(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1, raising=False)
    environment.ensure_upload_directory()
    assert os.environ["GRADIO_TEMP_DIR"] != str(tmp_path)


def test_no_directory_at_all_is_a_user_error(monkeypatch):
    def no_directory():
        raise FileNotFoundError(2, "No usable temporary directory")

    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", no_directory)
    with pytest.raises(ValueError, match="TMPDIR"):
        environment.ensure_upload_directory()
