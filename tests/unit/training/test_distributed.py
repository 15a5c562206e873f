"""A process group trains the weights of one process with the same batches, up to rounding."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from charplay.models import checkpoints
from charplay.models.networks import MODELS
from charplay.training.distributed import ProcessGroup
from tests.unit.training.shared_run import recipe_of, train_shortly, training_set_of

ROOT = Path(__file__).resolve().parents[3]
TASKS = ("names", "speech")


def run_shared(processes: int, *arguments: str) -> subprocess.CompletedProcess:
    """`torchrun` on this machine, over Gloo."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return subprocess.run(
        [*torchrun, *arguments],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def trained_by_two(tmp_path_factory) -> Path:
    """The directory in which two processes have trained a model of each task."""
    directory = tmp_path_factory.mktemp("two")
    done = run_shared(2, "-m", "tests.unit.training.shared_run", str(directory), *TASKS)
    assert done.returncode == 0, done.stderr
    return directory


def test_only_rank_0_writes(trained_by_two):
    assert sorted(path.name for path in trained_by_two.iterdir()) == [f"{task}.safetensors" for task in TASKS]


@pytest.mark.parametrize("task", TASKS)
def test_two_processes_train_the_weights_of_one(trained_by_two, tmp_path, task):
    train_shortly(task, tmp_path / "one.safetensors")
    one, two = (
        checkpoints.load(path) for path in (tmp_path / "one.safetensors", trained_by_two / f"{task}.safetensors")
    )
    for (name, single), shared in zip(one.model.state_dict().items(), two.model.state_dict().values(), strict=True):
        torch.testing.assert_close(single, shared, atol=2e-3, rtol=0, msg=name)  # in half precision, after 18 steps
    for key in ("loss", "bits_per_character"):
        if key in one.results["validation"]:
            assert one.results["validation"][key] == pytest.approx(two.results["validation"][key], abs=1e-3)


@pytest.mark.parametrize("size", [2, 4, 8])
def test_the_shards_of_a_group_are_every_batch_without_overlap(size):
    recipe = recipe_of("speech")
    whole, *shards = (
        list(training_set_of("speech", recipe, group).task.batches(torch.Generator().manual_seed(1)))
        for group in (ProcessGroup(), *(ProcessGroup(rank, size) for rank in range(size)))
    )
    for batch, *parts in zip(whole, *shards, strict=True):
        assert sorted(torch.cat([inputs for inputs, _ in parts]).tolist()) == sorted(batch[0].tolist())


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_mean_gradient_of_a_group_is_that_of_the_whole_batch(size):
    recipe = recipe_of("names")
    torch.manual_seed(0)
    model = MODELS["names"][1](recipe.config)
    batches = training_set_of("names", recipe).task.batches(torch.Generator().manual_seed(1))
    smallest = min(batches, key=lambda batch: len(batch[1]))  # fewer names than the largest group has ranks
    assert len(smallest[1]) < 5

    def gradient(group: ProcessGroup) -> torch.Tensor:
        model.zero_grad()
        loss, units = training_set_of("names", recipe, group).task.loss(model, smallest, torch.device("cpu"))
        loss.backward()
        assert units == len(smallest[1]) / group.size
        return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])

    mean = torch.stack([gradient(ProcessGroup(rank, size)) for rank in range(size)]).mean(0)
    torch.testing.assert_close(mean, gradient(ProcessGroup()), atol=1e-6, rtol=1e-5)


def test_a_batch_size_that_is_no_multiple_of_the_group_is_refused():
    with pytest.raises(ValueError, match="multiple"):
        training_set_of("speech", recipe_of("speech"), ProcessGroup(0, 3))
