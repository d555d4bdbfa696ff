"""Started by a real network: a tap device, Debian's dnsmasq, a web server. QEMU only carries the frames."""
import contextlib
import functools
import http.server
import itertools
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from tests.runner import scenario
from tests.runner.scenario import Scenario
from tools.rl.common import BUILD, OK
from tools.rl.machines.qemu import Machine, die_with_parent
from tools.rl.machines.session import Session

PATIENCE = 300                  # OVMF tries PXE for a minute and a half before it asks for a web server
CASES = 100


def can_be_had():
    """Making a tap device takes root and the kernel's driver."""
    return os.geteuid() == 0 and os.access("/dev/net/tun", os.R_OK | os.W_OK)


def _run(*words):
    subprocess.run(words, check=True, capture_output=True)


class Lan:
    """A tap device with our end's address on it; leaves nothing behind."""
    numbers = itertools.count()

    def __init__(self):
        number = next(self.numbers)
        self.tap = f"rl{os.getpid()}.{number}"
        network = f"10.73.{(os.getpid() * 8 + number) % 256}"
        self.address, self.leases = f"{network}.1", f"{network}.50,{network}.99,1h"

    def __enter__(self):
        _run("ip", "tuntap", "add", "dev", self.tap, "mode", "tap")
        try:
            _run("ip", "address", "add", f"{self.address}/24", "dev", self.tap)
            _run("ip", "link", "set", self.tap, "up")
        except subprocess.CalledProcessError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        _run("ip", "tuntap", "del", "dev", self.tap, "mode", "tap")

    def card(self):
        return ["-netdev", f"tap,id=net,ifname={self.tap},script=no,downscript=no",
                "-device", "virtio-net-pci,netdev=net,bootindex=0"]

    @contextlib.contextmanager
    def dnsmasq(self, *options):
        """Gives addresses on the tap alone, and what `options` say; its log is in the error when it fails."""
        with tempfile.TemporaryFile() as log:
            server = subprocess.Popen(
                ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", f"--interface={self.tap}",
                 "--bind-interfaces", f"--dhcp-range={self.leases}", "--no-ping", "--leasefile-ro", "--user=root",
                 "--pid-file=", *options], stdout=log, stderr=log, preexec_fn=die_with_parent)
            try:
                yield
            finally:
                ended = server.poll()
                server.kill()
                server.wait()
                if ended is not None:
                    log.seek(0)
                    raise OSError(f"dnsmasq ended with status {ended}: {log.read().decode(errors='replace')[-500:]}")

    @contextlib.contextmanager
    def web_server(self, folder):
        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer((self.address, 0), functools.partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


@contextlib.contextmanager
def served(name, way):
    """A folder with the image under this name, readable by a server of any user."""
    with tempfile.TemporaryDirectory(prefix="raclette-lan-") as folder:
        os.chmod(folder, 0o755)
        Path(folder, name).write_bytes(scenario.contents(Scenario("", Machine(), options={"seed": 1, "cases": CASES},
                                                                  way=way)))
        yield folder


def boots(lan, first_line, **machine):
    session = Session(b"", Machine(disk="none", extra=lan.card(), **machine), deadline=PATIENCE)
    events = [event for _, event in session.events() if event is not None]
    text = "\n".join(str(event) for event in events)
    ended = any(isinstance(event, dict) and event["type"] == "end" and event["status"] == "ok" for event in events)
    if session.status != OK or session.why or not ended or first_line not in text:
        raise OSError(f"status {session.status}, {session.why}, the last lines: {text[-1500:]}")


def a_real_dnsmasq_starts_us_by_pxe(_out):
    with Lan() as lan, served("raclette.lkrn", "lkrn") as folder:
        shutil.copy(BUILD / "raclette.pxe", folder)
        with lan.dnsmasq("--dhcp-boot=raclette.pxe", "--enable-tftp", f"--tftp-root={folder}"):
            boots(lan, "1 pxe\n")


def uefi_starts_us_from_a_web_server(_out):
    with Lan() as lan, served("BOOTX64.EFI", "efi") as folder, lan.web_server(folder) as port:
        with lan.dnsmasq("--dhcp-vendorclass=set:http,HTTPClient:Arch:00016", "--dhcp-ignore=tag:!http",
                         "--dhcp-option-force=tag:http,60,HTTPClient",
                         f"--dhcp-boot=tag:http,http://{lan.address}:{port}/BOOTX64.EFI"):
            boots(lan, "3 loader: started by UEFI", machine="q35", firmware="uefi")


TESTS = (a_real_dnsmasq_starts_us_by_pxe, uefi_starts_us_from_a_web_server)
