"""A stand-in for a machine at a serial line: what it says goes to `build.py console` through a socket."""
import socket
import subprocess
import sys
import threading

from tools.rl.common import ROOT

PATIENCE = 300


def console_hears(data, out):
    """(status, everything shown) of a console that saves what it hears in `out`."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def play():
            connection, _ = server.accept()
            with connection:
                connection.sendall(data)
        machine = threading.Thread(target=play)
        machine.start()
        argv = [sys.executable, str(ROOT / "build.py"), "console", f"127.0.0.1:{server.getsockname()[1]}", "--plain",
                "--out", str(out)]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PATIENCE)
        machine.join()
    return done.returncode, done.stdout.decode("utf-8")
