"""Two ways to look into a running QEMU: its monitor (QMP over a socket) and its debug port (gdb's remote protocol)."""
import json
import socket
import time


def _connect(path, seconds=10):
    """QEMU makes its sockets a moment after it starts."""
    deadline = time.monotonic() + seconds
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
            connection.settimeout(60)
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Monitor:
    """The human monitor's commands through QMP."""

    def __init__(self, path):
        self.file = _connect(path).makefile("rw")
        json.loads(self.file.readline())
        self._ask("qmp_capabilities")

    @staticmethod
    def arguments(path):
        return ["-qmp", f"unix:{path},server=on,wait=off"]

    def _ask(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            line = self.file.readline()
            if not line:
                raise OSError("QEMU closed its monitor")
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise ValueError(answer["error"]["desc"])

    def human(self, line):
        return self._ask("human-monitor-command", **{"command-line": line})

    def pause(self):
        self._ask("stop")

    def resume(self):
        self._ask("cont")


class DebugPort:
    """As much of gdb's remote protocol as it takes to stop at an address and change memory there."""

    def __init__(self, path):
        self.socket = _connect(path)
        self.buffer = b""

    @staticmethod
    def arguments(path):
        return ["-chardev", f"socket,id=gdb,path={path},server=on,wait=off", "-gdb", "chardev:gdb", "-S"]

    def _read_until(self, end, extra=0):
        while True:
            at = self.buffer.find(end)
            if at >= 0 and len(self.buffer) >= at + len(end) + extra:
                cut = at + len(end) + extra
                found, self.buffer = self.buffer[:cut], self.buffer[cut:]
                return found
            chunk = self.socket.recv(1 << 16)
            if not chunk:
                raise OSError("QEMU closed its debug port")
            self.buffer += chunk

    def command(self, text):
        self._send(text)
        return self._answer()

    def _send(self, text):
        data = text.encode()
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xFF))

    def _answer(self):
        packet = self._read_until(b"#", extra=2)
        self.socket.sendall(b"+")
        return packet[packet.index(b"$") + 1:-3].decode()

    def physical(self):
        """Addresses are physical from now on, whatever the processor's tables say."""
        if self.command("Qqemu.PhyMemMode:1") != "OK":
            raise ValueError("QEMU gives no physical memory")

    def read(self, address, size):
        """Memory as the processor sees it: physical, as long as it does not page."""
        data = b""
        while len(data) < size:
            some = min(1024, size - len(data))
            data += bytes.fromhex(self.command(f"m{address + len(data):x},{some:x}"))
        return data

    def write(self, address, data):
        for at in range(0, len(data), 1024):
            part = data[at:at + 1024]
            answer = self.command(f"M{address + at:x},{len(part):x}:{part.hex()}")
            if answer != "OK":
                raise ValueError(f"QEMU refused to write memory: {answer}")

    def run_to(self, address):
        self.command(f"Z1,{address:x},1")
        self.command("c")
        self.command(f"z1,{address:x},1")

    def resume(self):
        self._send("c")

    def pause(self):
        self.socket.sendall(b"\x03")
        self._answer()          # why it stands

    def detach(self):
        self.command("D")
