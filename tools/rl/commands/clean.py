"""`build.py clean`: removes build/, which can be made again; out/ holds findings and stays."""
import shutil

from tools.rl.common import BUILD


def main(_arguments):
    shutil.rmtree(BUILD, ignore_errors=True)
    return 0
