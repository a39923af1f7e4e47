"""The arrows of the architecture: who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ensemble", "models_zoo")

# Rooms and single modules from the ground up; one may import from its own layer and from those
# before it.
LAYERS = (
    {"ensemble", "ensemble.errors", "ensemble.progress"},
    {"ensemble.memory", "ensemble.free_memory", "ensemble.byte_sizes"},
    {"ensemble.wording", "ensemble.fusion_space", "ensemble.cores", "ensemble.ranks"},
    {"ensemble.files", "ensemble.kernels", "ensemble.streaming"},
    {"ensemble.classes", "ensemble.bit_planes", "ensemble.journal"},
    {"ensemble.metrics", "ensemble.intervals", "ensemble.odds"},
    {"ensemble.runs", "ensemble.images"},
    {"ensemble.dice", "ensemble.maps", "ensemble.report"},
    {"ensemble.data"},
    {"ensemble.outputs", "ensemble.members"},
    {"ensemble.fusion"},
    {"ensemble.prediction_plan"},
    {"ensemble.predict", "ensemble.evaluate", "ensemble.vote", "ensemble.tuning"},
    {"ensemble.explore", "ensemble.compare", "ensemble.diagnosis", "ensemble.appraisal"},
    {"models_zoo", "models_zoo.team", "ensemble.free_memory", "models_zoo.checkpointing"},
    {"models_zoo.settings"},
    {"models_zoo.examples", "models_zoo.phantom"},
    {"models_zoo.training", "models_zoo.copies", "models_zoo.adopt"},
    {"models_zoo.jobs"},
    {"models_zoo.train_zoo"},
    {"models_zoo.demo"},
    {"ensemble.cli"},
)
HEAVY = ("torch", "numba", "lightning", "pandas", "cv2", "numpy", "albumentations", "pydantic")


def modules():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def layer(module):
    room = ".".join(module.split(".")[:2])
    for number, names in enumerate(LAYERS):
        if room in names:
            return number
    raise AssertionError(f"{module} stands in no layer: give it one in {__file__}")


def test_imports_point_down():
    upward = [
        f"{module} -> {imported}"
        for module, path in modules()
        for imported in imports(path)
        if imported.split(".")[0] in PACKAGES and layer(imported) > layer(module)
    ]
    assert upward == []


def test_kernels_import_numbers_only():
    for module, path in modules():
        if module.startswith("ensemble.kernels."):
            outside = {name for name in imports(path) if not name.startswith("ensemble.kernels")}
            allowed = {"numpy", "numba", "numpy.typing", "typing", "__future__", "collections.abc"}
            assert outside <= allowed, module


def test_only_the_command_line_knows_click():
    knowing = {m for m, path in modules() if "click" in {n.split(".")[0] for n in imports(path)}}
    assert knowing
    assert all(module.startswith("ensemble.cli") for module in knowing)


@pytest.mark.parametrize("heavy", HEAVY)
def test_the_command_line_starts_without_heavy_libraries(heavy):
    code = (
        "import sys, ensemble.cli.main as m\n"
        "[m.main.get_command(None, name) for name in m.COMMANDS]\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_top_level_holds_what_it_should():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    top = {line.split("/")[0] for line in listed.splitlines()}
    allowed = {"pyproject.toml", "README.md", "LICENSE", "ensemble", "models_zoo"}
    assert {name for name in top if not name.startswith(".")} <= allowed | {"scripts", "tests"}
