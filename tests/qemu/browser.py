"""A run's report in a real browser: curves have a size, folded crashes open, and the page fetches nothing."""
import json
import re
import subprocess
from pathlib import Path

PATIENCE = 120
BROWSER = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--virtual-time-budget=5000", "--dump-dom")
# Runs behind the report in a copy of it; what it finds is the text of an element of its own.
LOOK = """
<script>
const size = (e) => { const b = e.getBoundingClientRect(); return [b.width, b.height]; };
const crashes = [...document.querySelectorAll("details.crash")];
const folded = crashes.map(size);
crashes.forEach((e) => e.querySelector("summary").click());
const found = document.createElement("pre");
found.id = "found";
found.textContent = JSON.stringify({
  curves: [...document.querySelectorAll("polyline")].map((e) => [...size(e), e.points.numberOfItems]),
  folded, opened: crashes.map(size), chains: crashes.map((e) => e.querySelector("pre").innerText),
  marked: crashes.map((e) => [...e.querySelectorAll("mark")].map((line) => line.innerText)),
  rows: document.querySelectorAll("tr").length,
  fetched: performance.getEntriesByType("resource").length, wide: document.documentElement.scrollWidth,
});
document.body.append(found);
</script>
"""


def seen(report, folder):
    """What the browser found in the page, a dictionary."""
    copy = Path(folder) / "looked-at.html"
    copy.write_text(report.replace("</body>", LOOK + "</body>"))
    done = subprocess.run([*BROWSER, f"--user-data-dir={folder}/browser", copy.as_uri()], capture_output=True,
                          text=True, errors="replace", timeout=PATIENCE)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    if not found:
        raise OSError(f"the browser ended with status {done.returncode}: {done.stderr[-800:]}")
    return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
