"""`build.py build`: the whole tree through ninja, then the size ledger."""
from tools.rl.building import builder, watch
from tools.rl.common import OK, folder_of


def build_and_print_sizes(folder):
    builder.build(quiet=False, folder=folder)
    builder.print_ledger(folder)
    return OK


def main(arguments):
    folder = folder_of(arguments)
    if getattr(arguments, "watch", False):
        return watch.main(lambda: build_and_print_sizes(folder))
    return build_and_print_sizes(folder)
