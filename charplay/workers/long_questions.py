"""The process for questions that may take seconds: `python -m charplay.workers.long_questions`.

It is that of `workers.inference` with a lower priority. In one process with the texts and letters they would share one
Python, and each of the short operations of a step would wait for its turn.
"""

from charplay.workers.inference import start
from charplay.workers.server import run_worker

NICENESS = 10  # how far texts, letters and quick questions go first

if __name__ == "__main__":
    run_worker(start, NICENESS)
