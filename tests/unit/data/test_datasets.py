import shutil
import threading
from collections import Counter
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from charplay.data import datasets


def test_the_splits_have_the_sizes_of_the_protocol(data, speeches):
    train, test = datasets.load_names("train", data), datasets.load_names("test", data)
    assert (len(train), len(test)) == (13_374, 6_700)
    assert {country for _, country in train + test} == set(datasets.COUNTRIES)
    sizes = {name: len(datasets.join_speeches(speeches[name])) for name in ("train", "val", "test")}
    assert sizes == {"train": 1_003_696, "val": 87_208, "test": 86_677}
    assert sum(len(part) for part in speeches.values()) == 1_010


def test_no_held_out_speech_is_in_the_training_text(speeches):
    held_out = {speech.text for part in ("val", "test") for speech in speeches[part]}
    assert not held_out & {speech.text for part in ("train", "others") for speech in speeches[part]}


def test_holding_out_is_seeded_and_keeps_every_row_once(data):
    rows = datasets.load_names("train", data)
    rest, held_out = datasets.hold_out(rows, seed=1)
    assert len(held_out) == 1_337
    assert Counter(rest + held_out) == Counter(rows)
    assert datasets.hold_out(rows, seed=1) == (rest, held_out)
    assert datasets.hold_out(rows, seed=2)[1] != held_out


def test_fetch_downloads_all_files_and_keeps_intact_ones(data, tmp_path):
    target = tmp_path / "cache"
    paths = datasets.fetch(target, data)
    assert sorted(path.name for path in target.iterdir()) == sorted(file.name for file in datasets.FILES)
    modified = [path.stat().st_mtime_ns for path in paths]
    lines = []
    datasets.fetch(target, data, on_progress=lines.append)
    assert [path.stat().st_mtime_ns for path in paths] == modified
    assert [line.split(":")[0] for line in lines] == [file.name for file in datasets.FILES]


def test_a_broken_download_leaves_no_file_and_can_be_repeated(data, tmp_path):
    mirror, target = tmp_path / "mirror", tmp_path / "cache"
    shutil.copytree(data, mirror)
    whole = (mirror / "names_test.csv.gz").read_bytes()
    (mirror / "names_test.csv.gz").chmod(0o644)
    (mirror / "names_test.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(datasets.DataError, match=r"names_test\.csv\.gz"):
        datasets.fetch(target, mirror)
    assert [path.name for path in target.iterdir()] == ["names_train.csv.gz"]  # fetched before it
    (mirror / "names_test.csv.gz").write_bytes(whole)
    assert len(datasets.fetch(target, mirror)) == 3


class DropsFirstConnection(SimpleHTTPRequestHandler):
    """Serves files, but sends only half of the first one."""

    has_dropped = False

    def copyfile(self, source, outputfile):
        content = source.read()
        is_whole, type(self).has_dropped = self.has_dropped, True
        outputfile.write(content if is_whole else content[: len(content) // 2])

    def log_message(self, *_):
        """Silent."""


def test_a_dropped_connection_is_retried(data, tmp_path, monkeypatch):
    DropsFirstConnection.has_dropped = False
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(DropsFirstConnection, directory=str(data)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/names_test.csv.gz"
        monkeypatch.setattr(datasets, "FILES", (replace(datasets.NAMES_TEST, url=url),))
        lines = []
        datasets.fetch(tmp_path, on_progress=lines.append)
    finally:
        server.shutdown()
        server.server_close()
    assert any("attempt 1 of 3" in line for line in lines)
    assert [path.name for path in tmp_path.iterdir()] == ["names_test.csv.gz"]
    assert len(datasets.load_names("test", tmp_path)) == 6_700


def test_a_truncated_file_is_refused_and_fetched_again(data, tmp_path):
    (tmp_path / "presidential-speeches.tar.gz").write_bytes((data / "presidential-speeches.tar.gz").read_bytes()[:5000])
    with pytest.raises(datasets.DataError, match="not the expected file"):
        datasets.load_speeches(tmp_path)
    datasets.fetch(tmp_path, data)
    assert len(datasets.load_speeches(tmp_path)) == 1_010


def test_an_archive_is_intact_whatever_its_compression(data, tmp_path):
    import gzip

    tar = gzip.decompress((data / "presidential-speeches.tar.gz").read_bytes())
    (tmp_path / "presidential-speeches.tar.gz").write_bytes(gzip.compress(tar, compresslevel=1))
    assert datasets.SPEECHES.is_intact(tmp_path / "presidential-speeches.tar.gz")


def test_an_error_for_missing_data_names_the_command_that_fetches_it(tmp_path):
    with pytest.raises(datasets.DataError, match="python -m charplay data fetch"):
        datasets.load_names("train", tmp_path)


def test_the_data_directory_is_the_option_then_the_environment_then_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CHARPLAY_DATA", str(tmp_path / "environment"))
    assert datasets.data_directory(tmp_path / "option") == tmp_path / "option"
    assert datasets.data_directory() == tmp_path / "environment"
    monkeypatch.delenv("CHARPLAY_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert datasets.data_directory() == tmp_path / "charplay"
