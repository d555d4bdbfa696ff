"""`build.py build`: the whole tree through ninja, then the size ledger."""
from tools.rl.building import builder, watch
from tools.rl.common import folder_of


def build_and_tell(folder):
    graph = builder.build(quiet=False, folder=folder)
    builder.print_ledger(folder)
    if graph.image is None:
        print("no image: the tree has no " + " or ".join(
            name for name, there in (("stage0", graph.stages[0]), ("stage1", graph.stages[1]), ("stage2", graph.stage2),
                                     ("kernel", graph.kernel)) if there is None))
    return 0


def main(arguments):
    folder = folder_of(arguments)
    if getattr(arguments, "watch", False):
        return watch.main(lambda: build_and_tell(folder))
    return build_and_tell(folder)
