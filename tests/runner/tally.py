"""Counts tests and prints which failed, one line for each as it ends."""
import threading


class Tally:
    """Shared by the threads that run scenarios."""

    def __init__(self, chosen=""):
        self.chosen = chosen
        self.passed = 0
        self.failed = []
        self.lock = threading.Lock()

    def wants(self, name):
        return self.chosen.lower() in name.lower()

    def fits(self, names):
        return any(map(self.wants, names))

    def add(self, name, ok, details="", quiet=False):
        with self.lock:
            if ok:
                self.passed += 1
            else:
                self.failed.append(name)
            if not ok or not quiet:
                print(f"{'ok  ' if ok else 'FAIL'} {name}", flush=True)
            if not ok and details:
                print("".join(f"     {line}\n" for line in details.rstrip().splitlines()), end="", flush=True)

    def untried(self, name, why):
        """Neither passed nor failed, and printed so."""
        if self.wants(name):
            with self.lock:
                print(f"untried: {name}: {why}", flush=True)

    def summary(self):
        for name in self.failed:
            print(f"failed: {name}")
        print(f"{self.passed} passed, {len(self.failed)} failed", flush=True)
        return 1 if self.failed or not self.passed else 0
