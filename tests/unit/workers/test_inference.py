import io
import threading

from charplay.inference.classify import classify
from charplay.models.checkpoints import save
from charplay.workers import inference

ANSWERED_WITHIN = 20  # seconds, on a machine that is busy


def test_the_beginnings_of_a_name_go_through_the_network_in_one_run(classifier, tmp_path, monkeypatch):
    path, runs, answered = tmp_path / "names.safetensors", [], threading.Event()
    save(path, classifier)

    class Out(io.BytesIO):
        def flush(self):
            answered.set()

    def counted(checkpoint, names, prior):
        runs.append(list(names))
        return classify(checkpoint, names, prior)

    monkeypatch.setattr(inference, "classify", counted)
    beginnings = ["N", "Ng", "Ngu"]
    inference.InferenceWorker(Out()).handle(
        {"id": 1, "classify": {"checkpoint": str(path), "names": beginnings, "prior": "data"}},
    )
    assert answered.wait(ANSWERED_WITHIN)
    assert runs == [beginnings]
