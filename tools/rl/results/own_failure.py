"""What to show when Raclette itself failed: its last chain, and where in the kernel its addresses are."""
from tools.rl.common import BUILD, kernel_elf
from tools.rl.results.symbols import kernel_places

LAST_LINES = 20


def about_our_failure(lines):
    """The console's lines from its last chain on: what there is to say when the machine failed."""
    chains = [number for number, line in enumerate(lines) if line.startswith("error ")]
    return lines[chains[-1]:] if chains else lines[-LAST_LINES:]


def places_in_kernel(lines, folder=BUILD):
    """Functions and lines for the backtrace among these lines."""
    return kernel_places("\n".join(lines), kernel_elf(folder))
