"""What pyproject.toml cannot say: the wheel holds `checkpoints/` inside the package, as `charplay/checkpoints/`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["charplay*"]), "charplay.checkpoints"],
    package_dir={"charplay.checkpoints": "checkpoints"},
)
