import shutil
import threading
from collections import Counter
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from charplay.data import datasets


def test_the_splits_come_out_at_the_sizes_of_the_protocol(data, speeches):
    train, test = datasets.load_names("train", data), datasets.load_names("test", data)
    assert (len(train), len(test)) == (13_374, 6_700)
    assert {country for _, country in train + test} == set(datasets.COUNTRIES)
    sizes = {name: len(datasets.join_speeches(speeches[name])) for name in ("train", "val", "test")}
    assert sizes == {"train": 1_003_696, "val": 87_208, "test": 86_677}
    assert sum(len(part) for part in speeches.values()) == 1_010


def test_nothing_of_the_test_speeches_is_trained_on(speeches):
    held_out = {speech.text for part in ("val", "test") for speech in speeches[part]}
    assert not held_out & {speech.text for part in ("train", "others") for speech in speeches[part]}


def test_the_tenth_held_out_is_seeded_and_takes_every_row_once(data):
    rows = datasets.load_names("train", data)
    rest, held_out = datasets.hold_out(rows, seed=1)
    assert len(held_out) == 1_337
    assert Counter(rest + held_out) == Counter(rows)
    assert datasets.hold_out(rows, seed=1) == (rest, held_out)
    assert datasets.hold_out(rows, seed=2)[1] != held_out


def test_fetch_brings_verified_files_and_keeps_those_that_are_there(data, tmp_path):
    target = tmp_path / "cache"
    paths = datasets.fetch(target, data)
    assert sorted(path.name for path in target.iterdir()) == sorted(file.name for file in datasets.FILES)
    written = [path.stat().st_mtime_ns for path in paths]
    said = []
    datasets.fetch(target, data, on_progress=said.append)
    assert [path.stat().st_mtime_ns for path in paths] == written
    assert said == [f"{file.name}: already there, verified" for file in datasets.FILES]


def test_a_broken_download_leaves_nothing_and_the_next_one_mends_it(data, tmp_path):
    mirror, target = tmp_path / "mirror", tmp_path / "cache"
    shutil.copytree(data, mirror)
    whole = (mirror / "names_test.csv.gz").read_bytes()
    (mirror / "names_test.csv.gz").chmod(0o644)
    (mirror / "names_test.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(datasets.DataError, match=r"Could not fetch names_test\.csv\.gz"):
        datasets.fetch(target, mirror)
    assert [path.name for path in target.iterdir()] == ["names_train.csv.gz"]  # what came before stays
    (mirror / "names_test.csv.gz").write_bytes(whole)
    assert len(datasets.fetch(target, mirror)) == 3


class BreaksOffOnce(SimpleHTTPRequestHandler):
    """Serves files, but closes the first connection half way."""

    broken = False

    def copyfile(self, source, outputfile):
        content = source.read()
        whole, type(self).broken = self.broken, True
        outputfile.write(content if whole else content[: len(content) // 2])

    def log_message(self, *_):
        """Nothing is logged."""


def test_a_connection_that_breaks_off_half_way_is_tried_again(data, tmp_path, monkeypatch):
    BreaksOffOnce.broken = False
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(BreaksOffOnce, directory=str(data)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/names_test.csv.gz"
        monkeypatch.setattr(datasets, "FILES", (replace(datasets.NAMES_TEST, url=url),))
        said = []
        datasets.fetch(tmp_path, on_progress=said.append)
    finally:
        server.shutdown()
        server.server_close()
    assert any("attempt 1 of 3" in line for line in said)
    assert [path.name for path in tmp_path.iterdir()] == ["names_test.csv.gz"]
    assert len(datasets.load_names("test", tmp_path)) == 6_700


def test_a_half_file_under_the_final_name_is_fetched_again(data, tmp_path):
    (tmp_path / "presidential-speeches.tar.gz").write_bytes((data / "presidential-speeches.tar.gz").read_bytes()[:5000])
    with pytest.raises(datasets.DataError, match="not the expected file"):
        datasets.load_speeches(tmp_path)
    datasets.fetch(tmp_path, data)
    assert len(datasets.load_speeches(tmp_path)) == 1_010


def test_an_archive_compressed_otherwise_is_the_same_data(data, tmp_path):
    import gzip

    tar = gzip.decompress((data / "presidential-speeches.tar.gz").read_bytes())
    (tmp_path / "presidential-speeches.tar.gz").write_bytes(gzip.compress(tar, compresslevel=1))
    assert datasets.SPEECHES.is_intact(tmp_path / "presidential-speeches.tar.gz")


def test_missing_data_says_what_to_do(tmp_path):
    with pytest.raises(datasets.DataError, match="python -m charplay data fetch"):
        datasets.load_names("train", tmp_path)


def test_the_data_directory_is_the_option_then_the_environment_then_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CHARPLAY_DATA", str(tmp_path / "environment"))
    assert datasets.data_directory(tmp_path / "option") == tmp_path / "option"
    assert datasets.data_directory() == tmp_path / "environment"
    monkeypatch.delenv("CHARPLAY_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert datasets.data_directory() == tmp_path / "charplay"
