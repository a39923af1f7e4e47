"""The arrows of the architecture: who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ensemble", "models_zoo")

# From the ground up; a module may import from its own layer and from those before it.
LAYERS = (
    {"ensemble.errors", "ensemble.progress", "ensemble.whole_file", "ensemble.memory", "ensemble"},
    {"ensemble.output_place"},
    {"ensemble.wording", "ensemble.fusion_space", "ensemble.cores", "ensemble.ranks"},
    {"ensemble.checksum", "ensemble.faults"},
    {"ensemble.classes", "ensemble.json_file", "ensemble.yaml_file", "ensemble.kernels"},
    {"ensemble.rle", "ensemble.rle_table", "ensemble.bit_planes", "ensemble.streaming"},
    {
        "ensemble.intervals",
        "ensemble.novelty",
        "ensemble.odds",
        "ensemble.predicted_dice",
        "ensemble.coco_rle",
        "ensemble.metrics",
    },
    {"ensemble.masks", "ensemble.dice", "ensemble.views", "ensemble.windows", "ensemble.pictures"},
    {"ensemble.picture_file"},
    {"ensemble.run_algebra", "ensemble.run_shapes"},
    {"ensemble.filters", "ensemble.map_sums", "ensemble.uncertainty"},
    {"ensemble.report"},
    {"ensemble.file_tree", "ensemble.tiff_bytes"},
    {"ensemble.image_bytes", "ensemble.image_header", "ensemble.images", "ensemble.samples"},
    {"ensemble.labels", "ensemble.journal", "ensemble.outputs"},
    {"ensemble.datasets", "ensemble.metadata", "ensemble.splits"},
    {"ensemble.joined_tables", "ensemble.paired_table"},
    {"ensemble.members"},
    {"ensemble.inference", "ensemble.soft_maps", "ensemble.weights"},
    {"ensemble.fusion", "ensemble.residency"},
    {"ensemble.ensembles"},
    {"ensemble.mask_stream"},
    {"ensemble.prediction_plan"},
    {
        "ensemble.predict",
        "ensemble.evaluate",
        "ensemble.tuning",
        "ensemble.vote",
        "ensemble.explore",
        "ensemble.compare",
        "ensemble.diagnosis",
        "ensemble.appraisal",
    },
    {"models_zoo"},
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
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name == "ensemble" and length < len(parts):
            break
        for number, names in enumerate(LAYERS):
            if name in names:
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
