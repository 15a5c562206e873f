"""The lesson's notebook: each cell runs after those before it, and the steps are those of the page's lesson."""

import json
from pathlib import Path

from charplay import lesson

FOLDER = Path(lesson.__file__).parent


def test_every_cell_runs_and_every_step_of_the_lesson_has_its_own(capsys):
    notebook = json.loads((FOLDER / "lesson.ipynb").read_text(encoding="utf-8"))
    steps = [step["title"] for step in json.loads((FOLDER / "lesson.json").read_text(encoding="utf-8"))["steps"]]
    shown, titles = {}, []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            titles += [line.split(". ", 1)[1] for line in source.splitlines() if line.startswith("## ")]
            continue
        exec(compile(source, f"cell {cell['id']}", "exec"), shown)
        assert capsys.readouterr().out, source
    assert titles == steps
    # The pads of a name change its answer, and each text is drawn at its own temperature.
    assert shown["result"]["country"] not in ("Nigeria", "none of these")
    assert shown["batch"]["lengths"] == [6, 5, 4, 3]
