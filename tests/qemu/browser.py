"""A run's report in a real browser, in a narrow and in a wide window: nothing sticks out or is covered."""
import json
import re
import subprocess
from pathlib import Path

PATIENCE = 120
BROWSER = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--virtual-time-budget=20000", "--dump-dom")
DARK = "--blink-settings=preferredColorScheme=0"
WIDTHS = (400, 1280)
# The page in a frame of each width; what is found in them is the text of an element of its own.
LOOK = """<!DOCTYPE html><body>
<script type="application/json" id="page">%(page)s</script>
<script>
const size = (e) => { const b = e.getBoundingClientRect(); return [b.width, b.height]; };
const isShown = (e) => e.getClientRects().length > 0 && size(e)[0] > 0;
function scrolls(e) {
  for (; e; e = e.parentElement)
    if (["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX)) return true;
  return false;
}
function outside(page, width) {
  return [...page.body.querySelectorAll("*")].filter((e) => isShown(e) && !scrolls(e.parentElement) &&
    e.getBoundingClientRect().right > width + 1).map((e) => e.tagName + "." + e.getAttribute("class"));
}
function covered(page) {
  const found = [];
  for (const svg of [...page.querySelectorAll("svg")].filter(isShown)) {
    const boxes = [...svg.querySelectorAll("text")].map((e) => [e.getBoundingClientRect(), e.textContent]);
    boxes.forEach(([a, one], i) => boxes.slice(i + 1).forEach(([b, other]) => {
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
          Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2) found.push(one + " and " + other);
    }));
  }
  return found;
}
function colours(page) {
  const style = getComputedStyle(page.body);
  return [style.backgroundColor, style.color].map((c) => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0));
}
function look(frame) {
  const page = frame.contentDocument, width = frame.clientWidth, found = {width: width};
  const crashes = [...page.querySelectorAll("details.crash")];
  found.open_first = crashes.map((e) => e.open);
  crashes.forEach((e) => e.open = false);
  found.folded = crashes.map(size);
  crashes.forEach((e) => e.querySelector("summary").click());
  found.opened = crashes.map(size);
  page.querySelectorAll("details").forEach((e) => e.open = true);
  found.stacks = crashes.map((e) => [...e.querySelectorAll("pre.stack")].map((pre) => pre.innerText).join());
  found.commands = crashes.map((e) => e.querySelector(".again code").innerText);
  found.marked = crashes.map((e) => [...e.querySelectorAll("mark")].map((line) => line.innerText)[0]);
  const lines = () => [...page.querySelectorAll("polyline")].filter(isShown);
  found.curves = lines().map((e) => [...size(e), e.points.numberOfItems]);
  found.outside = outside(page, width);
  found.covered = covered(page);
  page.getElementById("to-log").click();
  found.curves_of_log_scale = lines().map((e) => [...size(e), e.points.numberOfItems]);
  found.covered_of_log_scale = covered(page);
  found.wide = page.documentElement.scrollWidth;
  found.rows = page.querySelectorAll("tr").length;
  found.hits = page.querySelectorAll("pre.source .hit").length;
  found.colours = colours(page);
  found.fetched = frame.contentWindow.performance.getEntriesByType("resource").length;
  return found;
}
const found = [];
for (const width of %(widths)s) {
  const frame = document.createElement("iframe");
  frame.style = `width: ${width}px; height: 2000px; border: 0; display: block`;
  frame.srcdoc = JSON.parse(document.getElementById("page").textContent);
  frame.onload = () => {
    found.push(look(frame));
    if (found.length < %(widths)s.length) return;
    const text = document.createElement("pre");
    text.id = "found";
    text.textContent = JSON.stringify(found);
    document.body.append(text);
  };
  document.body.append(frame);
}
</script></body>
"""


def seen(report, folder, *flags):
    """What the browser found in the page in windows of both widths, the narrow one first: dictionaries."""
    page = json.dumps(report).replace("</", "<\\/")
    copy = Path(folder) / "looked-at.html"
    copy.write_text(LOOK % {"page": page, "widths": json.dumps(WIDTHS)})
    done = subprocess.run([*BROWSER, *flags, f"--user-data-dir={folder}/browser", copy.as_uri()],
                          capture_output=True, text=True, errors="replace", timeout=PATIENCE)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    if not found:
        raise OSError(f"the browser ended with status {done.returncode}: {done.stderr[-800:]}")
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return sorted(json.loads(text), key=lambda one: one["width"])
