"""docs/architecture.md holds the table of layers that `build.py check` enforces."""
from tests.checks.pages import table_complaints
from tools.rl.building import layers
from tools.rl.common import ROOT

PAGE = ROOT / "docs/architecture.md"
COMMAND = "python3 -m tools.rl.building.layers"


def check():
    return table_complaints(PAGE, COMMAND, layers.table()) if PAGE.exists() else []
