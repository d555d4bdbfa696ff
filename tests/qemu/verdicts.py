"""Verdicts over several records, or several boots, together: "" or a complaint."""
import base64
import errno
import itertools
import re
import statistics

from tools.rl.building import targets
from tools.rl.common import ROOT
from tools.rl.results.symbols import Symbolizer, numbers


def all_cores_busy(record):
    """A stats record in which each core has a few cases."""
    return record["type"] == "stats" and all(core["case"] >= 10 for core in record["cores"])


def every_core_fuzzed(outcomes):
    """The last statistics have cases on every core that booted, and their sum is the whole."""
    for outcome in outcomes:
        stats = outcome.of_type("stats")
        if not stats:
            return "no stats record"
        cores = stats[-1]["cores"]
        boot = outcome.of_type("boot")
        if boot and len(cores) != boot[0]["cores"]:
            return f"{boot[0]['cores']} cores booted, {len(cores)} in the statistics"
        idle = [core["core"] for core in cores if core["case"] == 0]
        if idle:
            return f"no case on cores {idle}"
        if sum(core["case"] for core in cores) != stats[-1]["case"]:
            return f"the cores' cases do not sum to {stats[-1]['case']}: {cores}"
    return ""


def steady_state(outcomes):
    """In most intervals between statistics of the last half: one exit a case, hardly a nested fault. Each exit has its
    reason. (A first input that needs much memory makes one interval an exception.)"""
    stats = outcomes[0].of_type("stats")
    last = stats[-1]
    steady = [record for record in stats if record["case"] >= last["case"] / 2]
    if len(steady) < 6:
        return f"{len(steady)} statistics from the last half"

    def counted(record, key):
        return sum(core[key] for core in record["cores"])

    def rate(key):
        return statistics.median((counted(after, key) - counted(before, key)) / (after["case"] - before["case"])
                                 for before, after in itertools.pairwise(steady) if after["case"] > before["case"])
    found = []
    if rate("exits") > 1.01:
        found.append(f"{rate('exits'):.4f} exits each case: {last['exits_by_reason']}")
    if rate("nested_faults") > 0.01:
        found.append(f"{rate('nested_faults'):.4f} nested faults each case")
    reasons = sum(last["exits_by_reason"].values()) - sum(steady[0]["exits_by_reason"].values())
    exits = counted(last, "exits") - counted(steady[0], "exits")
    if reasons != exits:
        found.append(f"{exits} exits, but {reasons} of them with a reason")
    return "; ".join(found)


def no_crash(outcomes):
    return "; ".join(f"{record['kind']} {record.get('text', '')}" for record in outcomes[0].of_type("crash"))


def only_cases_that_return(outcomes):
    last = outcomes[0].of_type("stats")[-1]
    return no_crash(outcomes) or (f"{last['timeouts']} timeouts" if last["timeouts"] else "")


def calls_refused_in_cases(outcomes):
    last = outcomes[0].of_type("stats")[-1]
    if last["refused_calls"] < last["case"]:
        return f"{last['refused_calls']} refused in {last['case']} cases"
    records = outcomes[0].of_type("refused")
    if not records or len(records) > 2 + last["case"].bit_length() or records[-1]["count"] != last["refused_calls"]:
        return f"of {last['refused_calls']} refused calls: {records}"
    if (records[0]["call"], records[0]["path"], records[0]["error"]) != ("mount", "/the/path", errno.ENOSYS):
        return f"another call than the target's: {records[0]}"
    return no_crash(outcomes)


def one_call_refused_at_the_start(outcomes):
    last = outcomes[0].of_type("stats")[-1]
    return f"{last['refused_calls']} refused" if last["refused_calls"] != 1 else no_crash(outcomes)


def no_crash_in_a_steady_state(outcomes):
    return no_crash(outcomes) or steady_state(outcomes)


def crashes_with_its_output(outcomes):
    """The crash came with the last bytes that the target printed in its case; nothing else of it was shown."""
    printed = [base64.b64decode(record["output"]) for record in outcomes[0].of_type("crash")]
    if printed != [b"one line of 1\n\033[2Jescape\n"]:
        return f"printed: {printed}"
    return "the output is on the console" if re.search("^target: ", outcomes[0].text, re.M) else steady_state(outcomes)


def ends_of_a_target(outcomes):
    """The target ended itself in some cases, which are findings, and nothing else was found."""
    kinds = {record["kind"] for record in outcomes[0].of_type("crash")}
    # rt_sigreturn goes wherever the frame that is none says.
    strange = kinds - {"exit", "abort", "deadlock", "wild-access", "null-dereference", "other-exception"}
    if strange or "exit" not in kinds:
        return f"found {sorted(kinds)}"
    return every_core_fuzzed(outcomes)


def only_a_deadlock(outcomes):
    kinds = [record["kind"] for record in outcomes[0].of_type("crash")]
    return "" if kinds == ["deadlock"] else f"found {kinds}"


def found(**wanted):
    """Verdict: these findings and no others; of each type the kind, or function, of every record."""
    def verdict(outcomes):
        for name, values in wanted.items():
            key = "kind" if name == "crash" else "function"
            got = sorted(record[key].partition("+")[0] for record in outcomes[0].of_type(name))
            if got != sorted(values):
                return f"{name}: {got}"
        return ""
    return verdict


def long_records_are_whole(outcomes):
    """The crash of a long input, and long inputs of the corpus, came between what the target printed."""
    sizes = [record["size"] for record in outcomes[0].of_type("crash")]
    kept = [record["size"] for record in outcomes[0].of_type("corpus")]
    return "" if len(sizes) == 1 and sizes[0] >= 30000 and max(kept, default=0) >= 30000 else f"{sizes}, {kept}"


def slow_is_kept(outcomes):
    """The slow input is one of the corpus; the endless and the greedy one are what they are."""
    if not any(base64.b64decode(record["data"])[:2] == b"sl" for record in outcomes[0].of_type("corpus")):
        return "the slow input was not kept"
    if [base64.b64decode(record["output"]) for record in outcomes[0].of_type("timeout")] != [b"so far\n"]:
        return "the timeout came without what the target printed"
    return found(crash=[], timeout=["endless"], out_of_memory=["greedy"])(outcomes)


def has_schedule(seed):
    """The statistics name the seed of the threads' schedule, and no case went wrong."""
    def verdict(outcomes):
        last = outcomes[0].of_type("stats")[-1]
        return no_crash(outcomes) or ("" if last["threads"] == seed else f"schedule {last['threads']}")
    return verdict


def switches_by_request(outcomes):
    """Each switch of the thread that runs asks the hypervisor for another base of FS."""
    last = outcomes[0].of_type("stats")[-1]
    requests = last["exits_by_reason"]["request"]
    return only_cases_that_return(outcomes) or ("" if requests > 20 * last["case"] else f"{requests} requests")


def only_findings_that_repeat(outcomes):
    return only_cases_that_return(outcomes) or runs_repeat(outcomes)


def threads_repeat(outcomes):
    """No thread keeps the others from running; one that is alone and spins is a timeout; and all of it repeats."""
    timeouts = outcomes[0].of_type("timeout")
    if not timeouts or any(base64.b64decode(record["input"])[:1] != b"E" for record in timeouts):
        return f"{len(timeouts)} timeouts: {[record['input'] for record in timeouts]}"
    return no_crash(outcomes) or runs_repeat(outcomes)


def three_threads_wait(outcomes):
    """One kind of deadlock; its record has three stacks, each of which the symbols of the target explain."""
    crashes = outcomes[0].of_type("crash")
    if [crash["kind"] for crash in crashes] != ["deadlock"]:
        return f"found {[crash['kind'] for crash in crashes]}"
    threads = crashes[0]["threads"]
    if len({thread["id"] for thread in threads}) != 3 or any(len(thread["frames"]) < 2 for thread in threads):
        return f"threads {threads}"
    return "" if threads[0]["frames"][0] == crashes[0]["frames"][0] else "the last to wait is not first"


def two_crashes_by_recursion(outcomes):
    """Each defect is one crash, and its stack has one round of the recursion."""
    crashes = outcomes[0].of_type("crash")
    kinds = sorted(crash["kind"] for crash in crashes)
    if kinds != ["abort", "stack-overflow"] or outcomes[0].of_type("stats")[-1]["crashes"] != 2:
        return f"found {kinds}"
    rounds = {crash["kind"]: crash.get("recursion", []) for crash in crashes}
    return "" if any(one["length"] == 2 and one["repeats"] > 100 for one in rounds["stack-overflow"]) else f"{rounds}"


def a_thread_is_cheap(outcomes):
    """The case's own exit, and one each for the guard of the thread's stack and for the stack's end."""
    last = outcomes[0].of_type("stats")[-1]
    return no_crash(outcomes) or ("" if last["exits_per_case"] < 3.02 else f"{last['exits_per_case']} exits a case")


def cpuid_costs_no_exit(outcomes):
    """The runtime has its answers; the instruction in bytes, which it cannot replace, is counted by its reason."""
    last = outcomes[0].of_type("stats")[-1]
    reasons, cases = last["exits_by_reason"], last["case"]
    start = 128 + 192 + 384 + 10    # runtime, target, leaves without an answer, libgcc's constructor
    if not 0 < reasons["cpuid"] - start < cases / 2:
        return f"{reasons['cpuid']} CPUID exits in {cases} cases"
    return f"{last['crashes']} crashes" if last["crashes"] else ""


def a_long_record_came_early(outcomes):
    """64 KiB of a corpus entry do not take the time of more than a thousand slow cases."""
    cases = outcomes[0].of_type("stats")[-1]["case"]
    return "" if cases < 1000 else f"it took {cases} cases"


TIMES = ("time_us", "cases_per_s", "tsc", "seconds", "time_share")


def without_times(record):
    return {key: value for key, value in record.items() if key not in TIMES}


def runs_repeat(outcomes):
    """Two runs with one core and one seed give the same findings, record by record, times apart."""
    kinds = ("corpus", "crash", "timeout", "end")
    first, second = ([without_times(r) for r in o.records if r["type"] in kinds] for o in outcomes)
    if not any(record["type"] == "corpus" for record in first):
        return "nothing was found that could be compared"
    for number, (a, b) in enumerate(zip(first, second)):
        if a != b:
            return f"record {number} differs: {a} and {b}"
    return "" if len(first) == len(second) else f"{len(first)} and {len(second)} records"


def same_hash_each_time(outcomes):
    hashes = {record["hash"] for outcome in outcomes for record in outcome.of_type("crash")}
    return "" if len(hashes) == 1 else f"hashes {sorted(hashes)}"


REPLAYS = r"replays of \d+ inputs"


def tests_ran(outcomes):
    return "" if outcomes[0].of_type("test") else "not one test was reported"


INJECTED = r"failures in .+: (\d+) points, (\d+) injected, (\d+) reported, (\d+) succeeded without$"


def _injected(outcome):
    """Of each scenario: points, failures injected, those reported as errors, those that the operation did without."""
    return [[int(number) for number in row] for row in re.findall(INJECTED, outcome.text, re.M)]


def failures_injected(scenarios, least):
    """At least so many failures were injected in one boot, most of them reported as errors."""
    def verdict(outcomes):
        rows = _injected(outcomes[0])
        _, injected, reported, without = (sum(column) for column in zip(*rows)) if rows else (0, 0, 0, 0)
        fine = (len(rows) == scenarios and injected >= least and reported + without == injected and
                reported > injected / 2)
        return "" if fine else f"points, injected, reported, succeeded without, of each scenario: {rows}"
    return verdict


def every_failure_injected(outcomes):
    """A failure was injected at every point."""
    rows = _injected(outcomes[0])
    left_out = [row for row in rows if row[0] != row[1]]
    return f"no failure was injected at some points: {left_out}" if left_out else failures_injected(2, 500)(outcomes)


OPERATIONS = r"operations on \d+ cores"
LONGEST_PAUSE = 2000            # microseconds of an emulator that counts one instruction as a nanosecond


def no_long_pause(outcomes):
    """Under instruction counting: no single allocation or free took more than two million instructions."""
    longest = re.search(r"longest (\d+) us", outcomes[0].text)
    if not longest or not outcomes[0].of_type("test"):
        return "no test printed its longest pause"
    return f"an operation took {longest[1]} us" if int(longest[1]) > LONGEST_PAUSE else ""


def some_ran_out_of_memory(outcomes):
    """Every core ran out of memory in a case, reported that at most once, and went on to run other cases."""
    cores = outcomes[0].of_type("stats")[-1]["cores"]
    stuck = [core["core"] for core in cores if not 0 < core["out_of_memory"] < core["case"]]
    reported = [record["core"] for record in outcomes[0].of_type("out_of_memory")]
    if stuck or sorted(reported) != sorted(set(reported)) or not reported:
        return f"no such case, or nothing else, on cores {stuck}; reported by {reported}: {cores}"
    return every_core_fuzzed(outcomes)


def finds(target, bugs):
    """Of each injected bug there is a crash of its kind in its function, or a timeout."""
    def verdict(outcomes):
        symbolizer = Symbolizer(ROOT / targets.elf(target))
        found = set()
        for crash in outcomes[0].of_type("crash"):
            frames = [f for f in symbolizer.frames(numbers(crash["frames"])) if not f.inlined]
            found.add((crash["kind"], frames[0].function))
        wanted = {(bug["kind"], bug["function"]) for bug in bugs if bug["outcome"] == "crash"}
        if wanted - found:
            return f"not found: {sorted(wanted - found)}"
        # Endless allocations use up the machine's memory before their edges.
        timeouts = sum(bug["outcome"] == "timeout" for bug in bugs)
        reported = len(outcomes[0].of_type("timeout")) + len(outcomes[0].of_type("out_of_memory"))
        return f"{reported} timeouts of {timeouts}" if reported < timeouts else ""
    return verdict
