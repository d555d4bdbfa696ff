"""What compares texts with texts, for `build.py check`: each module has a check() that returns complaints."""
from tests.checks import (boot_expectations, bug_table, console_lines, error_codes, invalidations, layer_table,
                          quoted_chains)

MODULES = (boot_expectations, bug_table, console_lines, error_codes, invalidations, layer_table, quoted_chains)
