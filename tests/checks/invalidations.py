"""The list of invalidations that mutation tests leave out one by one follows the sources."""
from tests.runner import mutation_testing

LEAST_SITES = 4                 # of each layer


def complaints_about(layer):
    found = 0
    for path in sorted((mutation_testing.ROOT / layer).glob("*.[hc]*")):
        file = f"{layer}/{path.name}"
        there = mutation_testing.sites(file, path.read_text())
        found += sum(there.values())
        left_out = mutation_testing.left_out(file)
        if left_out != there:
            yield f"{file}: mutations leave out {dict(left_out)}, the file has {dict(there)}"
    if found < LEAST_SITES:
        yield f"{layer}: only {found} invalidations were found"


def check():
    stale = [f"the list of mutations: {one}" for one in mutation_testing.stale()]
    return stale + [complaint for layer in mutation_testing.SITES for complaint in complaints_about(layer)]
