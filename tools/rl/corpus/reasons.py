"""Why an input that crashed elsewhere does not crash here: what its runs show first, then what may be."""
import re

# What the kernel's case may differ in from a process under a sanitizer (docs/targets.md).
DIFFERENCES = ("it may need what an earlier input left behind in the process there: each case here starts afresh",
               "it may have been another build, or a check that is not made here (docs/targets.md, MSan, TSan)")
SIGNAL = re.compile(r"\bsig:(\d{2})\b")
KILLED = "09"                   # AFL++'s file name tells the signal; this one comes from a limit


def why(result, budget_text, usual):
    """Lines, the most certain first; none for an input that no fuzzer called a crash."""
    claimed, lines = result.input.claimed, []
    if result.other_fill:
        lines.append(f"it crashes when fresh memory holds other bytes (hash {result.other_fill}): it reads "
                     f"uninitialised memory")
    if result.leak:
        lines.append(f"it leaks (hash {result.leak}): `build.py replay --leaks` lists the blocks")
    if result.ending in ("timeout", "out_of_memory"):
        lines += [] if claimed in ("", result.ending) else [_by_another_limit(result, budget_text)]
    elif not lines and claimed:
        lines += _by_claim(claimed, result, budget_text)
    if usual and result.size > usual:
        lines.append(f"it has {result.size} bytes, and a run's inputs have at most {usual}: `run` would cut it")
    return lines


def _by_another_limit(result, budget_text):
    if result.ending == "timeout":
        return f"it spends all edges that it may ({budget_text}); --timeout allows more, and it may crash then"
    return "it runs out of memory before that; --memory gives the machine more, and it may crash then"


def _by_claim(claimed, result, budget_text):
    signal = SIGNAL.search(result.input.name)
    if claimed in ("timeout", "slow"):
        return [f"it ends after {result.edges:,} edges ({budget_text}); its limit there was one of time, perhaps on a "
                f"busy machine: --timeout sets another one"]
    if claimed == "out_of_memory" or signal and signal[1] == KILLED:
        return ["its limit there was lower (libFuzzer: -rss_limit_mb, -malloc_limit_mb; AFL++: -m); here a target may "
                "use a heap of 2 GiB"]
    if claimed == "leak":
        return ["nothing leaks here when it returns: it may have been a block of an earlier input there"]
    return list(DIFFERENCES)
