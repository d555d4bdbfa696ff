"""The boot scenarios, row by row: which machine, which image, what is corrupted, what is expected."""
import json

from tests.qemu import (bochs, console, console_lines as lines, corrupt_images as corrupt, development, hardware,
                        injected_bugs, kexec, layout, maps, monitors, panics, reboot, sample_targets, screen,
                        thread_targets, verdicts, ways)
from tests.qemu.chains_expected import Error, Frame, Origin
from tests.runner.scenario import Scenario
from tools.rl.common import CRASHED, ROOT, SYSTEM_FAILED
from tools.rl.images import dictionary
from tools.rl.machines.qemu import Machine

FUZZED = (r"^\{'type': 'end', 'status': 'ok'",)


def _matrix(cpus, memory, cpu, random, machine, disk):
    """One machine of the matrix: it boots, fuzzes until every core has done something, and ends well."""
    model = cpu if random == "rdrand" else f"{cpu},-rdrand,-rdseed"
    return Scenario(f"matrix {cpus} cores, {memory}, {model}, {machine}, {disk}",
                    Machine(cpus=cpus, memory=memory, cpu=model, machine=machine, disk=disk),
                    options={"seed": 1}, timeout=180, must=FUZZED, stop_when=verdicts.all_cores_busy,
                    verdict=verdicts.every_core_fuzzed)


# Any two values of different columns meet in at least one row (tests/unit/runner/test_scenarios.py counts them).
MATRIX = [
    (1, "64M", "max", "rdrand", "pc", "ide"),
    (1, "512M", "max", "none", "q35", "ahci"),
    (1, "512M", "EPYC", "none", "q35", "virtio"),
    (1, "6G", "EPYC-Rome", "none", "pc", "usb"),
    (2, "64M", "EPYC", "none", "pc", "usb"),
    (2, "64M", "EPYC-Rome", "none", "pc", "ahci"),
    (2, "512M", "max", "rdrand", "q35", "virtio"),
    (2, "6G", "EPYC", "none", "q35", "ide"),
    (4, "64M", "EPYC-Rome", "none", "q35", "ide"),
    (4, "512M", "max", "none", "pc", "usb"),
    (4, "6G", "EPYC", "rdrand", "pc", "ahci"),
    (4, "6G", "max", "rdrand", "pc", "virtio"),
    (8, "64M", "EPYC-Rome", "none", "pc", "virtio"),
    (8, "512M", "EPYC", "rdrand", "pc", "ide"),
    (8, "512M", "EPYC-Rome", "rdrand", "q35", "usb"),
    (8, "6G", "max", "none", "pc", "ahci"),
]


def _refused(name, reason, options=None, machine=None, broken=None, **more):
    """A machine or an image that is refused: one clear reason and the fixed status, no hang, no reset."""
    return Scenario(f"refuses {name}", machine or Machine(cpus=1), options=options, corrupt=broken, timeout=60,
                    status=SYSTEM_FAILED, must=(reason,), must_not=(r"^\{'type': 'stats'",), **more)


def _bad_table(condition):
    """An ACPI table is refused because of this condition."""
    return Error("boot.bad_table", Origin("boot/formats/acpi.cpp", source=condition))


def _needs_the_test_kernel(option, value):
    """The product has no tests, benchmarks or injected bugs, and says which image has them."""
    error = Error("kernel.no_such_mode", Origin("kernel/mode.cpp", fields={"data": option}))
    return Scenario(f"the product refuses {option}=", Machine(cpus=1), options={option: value}, product=True,
                    status=SYSTEM_FAILED, must=(error, lines.ONLY_IN_TEST_KERNEL.text),
                    must_not=(r"^\{'type': '(stats|test|bench)'",))


def _scattered(boots, cpus, random, long=False):
    """Boots of one machine whose layouts must have nothing to do with each other."""
    cpu = "EPYC" if random == "RDRAND" else "EPYC,-rdrand,-rdseed"
    return Scenario(f"layouts of {boots} boots, {random}", Machine(cpus=cpus, cpu=cpu), boots=boots, timeout=120,
                    options={"seed": 1, "layout": 1, "cases": 1}, must=FUZZED, verdict=layout.boots_are_independent,
                    long=long)


LAYOUTS = [_scattered(10, 2, "RDRAND"), _scattered(10, 2, "no RDRAND"),
           _scattered(100, 4, "RDRAND", long=True), _scattered(100, 4, "no RDRAND", long=True)]

NO_SVM = Error("svm.not_supported", Origin("svm/enable.cpp", source="features.svm"))
NO_LONG_MODE = lines.stops("stage1", "no_long_mode")
NO_NESTED_PAGING = Error("svm.no_nested_paging")
REFUSALS = [
    _refused("a processor without SVM", NO_SVM, machine=Machine(cpus=1, cpu="EPYC,-svm")),
    _refused("a processor without nested paging", NO_NESTED_PAGING, machine=Machine(cpus=1, cpu="EPYC,-npt")),
    _refused("a processor without long mode", NO_LONG_MODE, machine=Machine(cpus=1, cpu="EPYC,-lm")),
    _refused("a 32-bit processor", NO_LONG_MODE, machine=Machine(cpus=1, cpu="pentium3")),
    _refused("16 MiB of memory", lines.stops("stage1", "no_room"), machine=Machine(cpus=1, memory="16M")),
    _refused("eight cores with 18 MiB", Error("boot.too_little_memory"), machine=Machine(cpus=8, memory="18M")),
    _refused("a flipped bit in stage1", lines.stops("stage0", "bad_sum"), broken=corrupt.flip("stage1")),
    _refused("a missing sector in stage1", lines.stops("stage0", "bad_sum"), broken=corrupt.blank("stage1")),
    _refused("a disk that ends before stage1", lines.stops("stage0", "read_failed"), broken=corrupt.cut("stage1")),
    _refused("a flipped bit in stage2", lines.stops("stage1", "bad_stage2"), broken=corrupt.flip("stage2")),
    _refused("a missing sector in stage2", lines.stops("stage1", "bad_stage2"), broken=corrupt.blank("stage2")),
    _refused("a stage2 of another build", lines.stops("stage1", "other_build"),
             broken=corrupt.stage2_of_another_build),
    _refused("a kernel of another build",
             Error("boot.bad_handoff", Origin("stage2/main.cpp", source="kernel.build_id")),
             broken=corrupt.kernel_of_another_build),
    _refused("a stage2 that raises an exception",
             ways.Raised("stage2", corrupt.PAGE_FAULT, corrupt.UNMAPPED),
             broken=corrupt.page_fault_in_stage2),
    *[_refused(f"an exception between stage2 and the kernel's table, {cpus} cores", machine=Machine(cpus=cpus),
               broken=corrupt.undefined_instruction("kernel_entry", corrupt.XOR_EBP_EBP),
               reason=lines.ON_THE_WAY.pattern(end=r"[0-9a-f]{16}$"))
      for cpus in (1, 8)],
    _refused("a disk that ends before stage2", lines.stops("stage1", "read_failed"), broken=corrupt.cut("stage2")),
    _refused("a flipped bit in the kernel", ways.damaged("kernel"), broken=corrupt.flip("kernel")),
    _refused("a missing sector in the kernel", ways.damaged("kernel"), broken=corrupt.blank("kernel")),
    _refused("a disk that ends before the kernel", lines.stops("stage1", "read_failed"), broken=corrupt.cut("kernel")),
    _refused("a flipped bit in the bundle", ways.damaged("bundle"), broken=corrupt.flip("bundle")),
    _refused("a missing sector in the bundle", ways.damaged("bundle"), broken=corrupt.blank("bundle")),
    _refused("a disk that ends before the bundle", lines.stops("stage1", "read_failed"), broken=corrupt.cut("bundle")),
    _refused("an ACPI table with a bad checksum", _bad_table("sums_to_zero"), machine=Machine(cpus=2),
             monitor=monitors.BAD_CHECKSUM),
    _refused("an ACPI table with a bad length", _bad_table("largest_table"), machine=Machine(cpus=2),
             monitor=monitors.BAD_LENGTH),
]


def _with_tokens(name, packed, **more):
    return Scenario(name, Machine(cpus=1), options={"seed": 1, "cases": 500}, target="injected_bugs",
                    entries=(("dict", packed),), **more)


DICTIONARIES = [
    _with_tokens("a dictionary of 5,000 tokens, some long",
                 dictionary.pack([b"%d" % n for n in range(4900)] + [b"%d" % n * 100 for n in range(100)]),
                 must=FUZZED),
    _with_tokens("a dictionary that the host did not pack", b'name="token"', status=SYSTEM_FAILED, must_not=(),
                 must=(Error("fuzz.bad_dictionary", Frame("kernel/campaign/campaign.cpp")),)),
]

# Memory of a node without cores goes to core 0's (docs/boot.md, "Shares").
NUMA = Machine(cpus=4, memory="768M", extra=[
    word for node, (cores, memory) in enumerate((("cpus=0-1,", 256), ("cpus=2-3,", 384), ("", 128)))
    for word in ("-object", f"memory-backend-ram,id=node{node},size={memory}M",
                 "-numa", f"node,nodeid={node},{cores}memdev=node{node}")])


def _far_tables(where, cpu, line, monitor):
    return Scenario(f"ACPI's tables lie {where}", Machine(cpu=cpu, memory="6G"), options={"seed": 1, "cases": 200},
                    monitor=monitor, must=(line, *FUZZED), verdict=verdicts.every_core_fuzzed)


# A target whose cases need no further memory: a machine takes a page of the kernel's heap for each twelve MiB of memory
# that its target uses for the first time, and what is mapped is compared with what was listed before the first case.
SMALL = {"elf": sample_targets.built(sample_targets.SMALLEST), "seeds": False, "entries": (("seed/one", b"x"),)}
WHOLES = [
    Scenario("the kernel's own tests on one core", Machine(cpus=1), options={"test": "*"}, timeout=180,
             verdict=verdicts.tests_ran),
    Scenario("the kernel's own tests on four cores", Machine(cpus=4), options={"test": "*"}, timeout=180,
             verdict=verdicts.tests_ran),
    injected_bugs.scenario(injected_bugs.IN_A_CAMPAIGN),
    Scenario("failures injected on the machine, some", Machine(cpus=1, memory="128M"), timeout=300,
             options={"test": "long_some_failures*"}, verdict=verdicts.failures_injected(3, 50),
             show=verdicts.INJECTED),
    Scenario("failures injected on the machine, all", Machine(cpus=1, memory="128M"), timeout=14400,
             options={"test": "long_all_failures*"}, elf=sample_targets.built(sample_targets.SMALLEST), seeds=False,
             entries=(("seed/one", b"x"),), verdict=verdicts.every_failure_injected, show=verdicts.INJECTED, long=True),
    # Each core is a thread of its own: the host schedules them, so the length of a pause means nothing.
    Scenario("20,000 allocations and frees on four cores at the same time", Machine(cpus=4),
             options={"test": "long_20_*"}, timeout=300, verdict=verdicts.tests_ran, show=verdicts.OPERATIONS),
    # One thread runs all cores in turn: a core that waits gives way at once, and a run repeats.
    Scenario("200,000 allocations and frees on four cores", Machine(cpus=4, icount=True),
             options={"test": "long_200*"}, timeout=300, verdict=verdicts.no_long_pause, show=verdicts.OPERATIONS),
    Scenario("ten million allocations and frees on four cores", Machine(cpus=4, icount=True),
             options={"test": "long_10*"}, timeout=7200, verdict=verdicts.no_long_pause, show=verdicts.OPERATIONS,
             long=True),
    Scenario("the plain image fuzzes without any host tool", Machine(), must=(r"'type': 'stats'",),
             enough=r"'type': 'stats'.*'corpus': [1-9]"),
    Scenario("live page tables, two boots", Machine(), options={"seed": 1, "layout": 1}, **SMALL,
             monitor=monitors.LiveTables.of(("smep", "smap")), boots=2, timeout=120,
             verdict=layout.every_page_is_owned),
    Scenario("live page tables where cores are listed that do not start",
             Machine(cpus=1, extra=["-smp", "1,maxcpus=8"]), options={"seed": 1, "layout": 1}, **SMALL,
             monitor=lambda: monitors.Both(monitors.ABSENT_CORES(), monitors.LiveTables(("smep", "smap"), 1)), boots=2,
             timeout=120, verdict=layout.every_page_is_owned),
    Scenario("live page tables of another processor", Machine(cpus=4, cpu="max"), options={"seed": 1, "layout": 1},
             **SMALL,
             monitor=monitors.LiveTables.of(("smep", "smap", "umip"), cores=4), boots=2, timeout=180,
             verdict=layout.every_page_is_owned),
    # One core and a seed: statistics come at fixed case numbers, one of them at the half.
    Scenario("a steady case is one exit and no nested fault", Machine(cpus=1), options={"cases": 20000, "seed": 1},
             timeout=300, must=FUZZED, verdict=verdicts.steady_state),
    Scenario("one core and one seed repeat", Machine(cpus=1), options={"cases": 5000, "seed": 7}, boots=2, timeout=120,
             must=FUZZED, verdict=verdicts.runs_repeat),
    Scenario("one core of 64 that are listed", Machine(cpus=1, memory="1G", extra=["-smp", "1,maxcpus=64"]),
             options={"seed": 1, "cases": 200}, timeout=120, monitor=monitors.ABSENT_CORES_IN_1_GIB, long=True,
             must=(lines.CORES.pattern(64), lines.CORE_DOES_NOT_START.pattern(63), *FUZZED)),
    Scenario("a core that is listed and does not start", Machine(cpus=1, extra=["-smp", "1,maxcpus=2"]),
             options={"seed": 1}, monitor=monitors.ABSENT_CORES, stop_when=verdicts.all_cores_busy,
             must=(lines.CORE_DOES_NOT_START.pattern(1), *FUZZED),
             verdict=verdicts.every_core_fuzzed),
    Scenario("more cores are listed than are served, the one that runs comes last",
             Machine(cpus=1, memory="2G", extra=["-smp", "1,maxcpus=255"]), options={"seed": 1, "cases": 200},
             timeout=120, long=True,    # stage2 waits for 63 cores that do not come
             monitor=monitors.CORE_BEHIND_MANY, verdict=verdicts.every_core_fuzzed,
             must=(lines.CORES.pattern(64, 191), *FUZZED)),
    _far_tables("above 4 GiB", "EPYC", lines.CORES.pattern(2), monitors.far_acpi()),
    _far_tables("above 4 GiB that cannot be mapped, an RSDT below", "EPYC,-pdpe1gb", lines.CORES.pattern(2),
                monitors.far_acpi()),
    _far_tables("above 4 GiB that cannot be mapped", "EPYC,-pdpe1gb",
                lines.TABLE_OUT_OF_REACH.pattern() + "\n" + lines.CORES.pattern(1),
                monitors.far_acpi(root_table=monitors.NEAR)),
    Scenario("two nodes with cores and memory, one with memory alone", NUMA, options={"seed": 1}, timeout=120,
             stop_when=verdicts.all_cores_busy, must=(lines.CORES.pattern(4, 0, "yes"), *FUZZED),
             verdict=verdicts.every_core_fuzzed),
    Scenario("the least memory", Machine(memory="18M"), options={"seed": 1}, timeout=180,
             must=FUZZED, stop_when=verdicts.all_cores_busy, verdict=verdicts.every_core_fuzzed),
]


# The kernel that is there decompresses itself, finds its devices, unpacks its files: half a minute on a busy host.
KEXEC = [ways.fuzzes("kexec, from Debian's kernel for clouds", "lkrn", Machine(disk="cd"), ways.BY_LINUX, timeout=180,
                     wrapped=kexec.cd, long=True)] if kexec.can_be_had() else []


CASES_FOR_A_BUG = 40            # each new crash is run again some times to make it smaller
EDGES_FOR_A_BUG = 5_000_000     # enough for a stack to overflow


def _bugs_found(target):
    """A seed for every bug in the target's bugs.json: one run in the machine finds them all."""
    bugs = json.loads((ROOT / "targets" / target / "bugs.json").read_text())
    seeds = tuple((f"seed/{bug['byte']:03}", bytes([bug["byte"]]) + b"0123456789") for bug in bugs)
    return Scenario(f"each bug of {target} is found in the machine", Machine(cpus=1), target=target, entries=seeds,
                    seeds=False, timeout=120, must=FUZZED,
                    options={"seed": 1, "cases": CASES_FOR_A_BUG * len(bugs), "edge_budget": EDGES_FOR_A_BUG},
                    verdict=verdicts.finds(target, bugs))


SPINNING_BUDGET = 2_000_000      # edges; a case whose threads take turns needs a tenth

TARGETS = [
    _bugs_found("injected_bugs"),
    _bugs_found("injected_bugs_cxx"),
    Scenario("a target in C++ with exceptions is fuzzed", Machine(), target="cxx_example",
             options={"seed": 1, "cases": 4000}, must=FUZZED, verdict=verdicts.every_core_fuzzed),
    Scenario("an unknown system call in a case ends nothing", Machine(cpus=1), options={"seed": 1, "cases": 3000},
             elf=sample_targets.built(sample_targets.UNKNOWN_CALL), must=FUZZED,
             verdict=verdicts.calls_refused_in_cases),
    Scenario("an unknown system call at the start ends nothing", Machine(cpus=1), options={"seed": 1, "cases": 3000},
             elf=sample_targets.built(sample_targets.UNKNOWN_CALL_AT_START), must=FUZZED,
             verdict=verdicts.one_call_refused_at_the_start),
    Scenario("files, pipes, signals and time cost no exit", Machine(cpus=1), options={"seed": 1, "cases": 20000},
             elf=sample_targets.built(sample_targets.FILES_AND_SIGNALS), must=FUZZED,
             verdict=verdicts.no_crash_in_a_steady_state),
    Scenario("the files that a target brings are there in each case", Machine(cpus=2), timeout=120,
             options={"seed": 1, "cases": 8000}, entries=(("files", sample_targets.BROUGHT),),
             elf=sample_targets.built(sample_targets.BROUGHT_FILES), must=FUZZED, verdict=verdicts.no_crash),
    _refused("files that are packed otherwise", Error("guest.bad_files"), options={"seed": 1},
             entries=(("files", sample_targets.BROUGHT[:36]),)),
    Scenario("what a target prints costs no exit and comes with a crash", Machine(cpus=1), seeds=False,
             options={"seed": 1, "cases": 20000}, entries=(("seed/crash", b"A"), ("seed/none", b"x")),
             elf=sample_targets.built(sample_targets.PRINTS), must=FUZZED,
             verdict=verdicts.crashes_with_its_output),
    Scenario("what a target prints is shown when asked for", Machine(cpus=1), seeds=False,
             options={"replay": 1, "target_output": 1}, entries=(("replay", b"A"),), status=CRASHED,
             elf=sample_targets.built(sample_targets.PRINTS),
             must=(r"^target: one line of 1$", r"^target: \\x1b\[2Jescape$")),
    Scenario("system calls with arguments of the input end nothing", Machine(cpus=2),
             options={"seed": 1, "cases": 8000}, entries=(("seed/any", bytes(range(56))),), seeds=False,
             elf=sample_targets.built(sample_targets.ANY_CALL), must=FUZZED, verdict=verdicts.no_crash),
    Scenario("every system call with values that none expects ends its case at most", Machine(cpus=2), timeout=240,
             options={"seed": 1, "cases": 12000, "edge_budget": 200_000}, seeds=False, must=FUZZED,
             entries=tuple((f"seed/{n:03}", bytes([n & 255, n >> 8, *(n * k * 7 % 251 for k in range(1, 7))]))
                           for n in range(512)),
             elf=sample_targets.built(sample_targets.EVERY_CALL), verdict=verdicts.ends_of_a_target),
    Scenario("threads take turns, and a deadlock is a finding", Machine(cpus=2), options={"seed": 1, "cases": 1500},
             entries=(("seed/turns", b"a"), ("seed/deadlock", b"D")), seeds=False,
             elf=sample_targets.built(sample_targets.THREADS), must=FUZZED, verdict=verdicts.only_a_deadlock),
    Scenario("much heap, a deep stack and a long seed are nothing special", Machine(cpus=1),
             options={"seed": 1, "cases": 300}, elf=sample_targets.built(sample_targets.LARGE), seeds=False,
             entries=(("seed/large", b"L"), ("seed/long", b"x" * 9999 + b"e" + b"x" * 500)), must=FUZZED,
             verdict=verdicts.found(crash=["abort"], timeout=[], out_of_memory=[])),
    Scenario("what a target prints breaks no record", Machine(cpus=2), timeout=180,
             options={"seed": 1, "cases": 600, "target_output": 1}, elf=sample_targets.built(sample_targets.LOUD),
             seeds=False, must=FUZZED, verdict=verdicts.long_records_are_whole,
             entries=tuple((f"seed/{letter}", letter.encode() * 40000) for letter in "axb")),
    Scenario("a slow case, an endless and a greedy one", Machine(cpus=1, memory="64M"), timeout=180,
             options={"seed": 1, "cases": 2500}, elf=sample_targets.built(sample_targets.OVERRUNS), seeds=False,
             entries=tuple((f"seed/{text}", text.encode()) for text in ("sx", "ex", "gx")), must=FUZZED,
             verdict=verdicts.slow_is_kept),
    Scenario("slow cases hold up neither a long record nor the host's quit", Machine(cpus=2),
             options={"seed": 1, "max_len": 48 << 10}, elf=sample_targets.built(sample_targets.SLOW), seeds=False,
             entries=(("seed/long", bytes(range(256)) * 192),), must=FUZZED,
             stop_when=lambda record: record["type"] == "corpus", verdict=verdicts.a_long_record_came_early),
    Scenario("the target's own mutator makes the inputs", Machine(cpus=2), options={"seed": 1, "cases": 6000},
             elf=sample_targets.built(sample_targets.CUSTOM_MUTATOR), seeds=False,
             entries=(("seed/plain", b"a"), ("seed/fails", b"!")),
             must=(r"heap-buffer-overflow in LLVMFuzzerCustomMutator", *FUZZED),
             verdict=verdicts.found(crash=["abort"])),
    Scenario("threads that wait without a system call lose their turn", Machine(cpus=1), boots=2, timeout=240,
             options={"seed": 1, "cases": 60, "edge_budget": SPINNING_BUDGET},
             entries=(("seed/spin", b"a"), ("seed/endless", b"E")), seeds=False,
             elf=sample_targets.built(thread_targets.SPINNING), must=FUZZED, verdict=verdicts.threads_repeat),
    Scenario("threads on a processor without FSGSBASE", Machine(cpus=1, cpu="EPYC,-fsgsbase"), timeout=240,
             options={"seed": 1, "cases": 60, "edge_budget": SPINNING_BUDGET}, entries=(("seed/spin", b"a"),),
             seeds=False, elf=sample_targets.built(thread_targets.SPINNING), must=FUZZED,
             verdict=verdicts.switches_by_request),
    Scenario("another seed of the schedule is another order of threads", Machine(cpus=1), timeout=240,
             options={"seed": 1, "cases": 60, "edge_budget": SPINNING_BUDGET, "threads": 77},
             entries=(("seed/spin", b"a"),), seeds=False, elf=sample_targets.built(thread_targets.SPINNING),
             must=FUZZED, verdict=verdicts.has_schedule(77)),
    Scenario("mappings without rights, as threads' stacks are made", Machine(cpus=1),
             options={"seed": 1, "cases": 300},
             elf=sample_targets.built(thread_targets.MAPPINGS), must=FUZZED, verdict=verdicts.no_crash),
    Scenario("one defect is one crash, however deep its recursion", Machine(cpus=1),
             options={"seed": 1, "cases": 1500},
             entries=tuple((f"seed/{kind}{size}", bytes((ord(kind), size)))
                           for kind in "RS" for size in (2, 3, 70, 255)),
             seeds=False, elf=sample_targets.built(sample_targets.RECURSION), timeout=120,
             must=FUZZED + (r"^    \.\.\. #0 to #1 again, \d+ times$",), verdict=verdicts.two_crashes_by_recursion),
    Scenario("a deadlock's report shows where each thread waits", Machine(cpus=1), options={"seed": 1, "cases": 300},
             entries=(("seed/deadlock", b"D"),), seeds=False, elf=sample_targets.built(thread_targets.LOCKED),
             must=FUZZED + tuple(fr"^    #\d+ 0x\w+ in {place}\+0x\w+$" for place in (
                 "LLVMFuzzerTestOneInput", "begin_left", "begin_right", "take_both")),
             verdict=verdicts.three_threads_wait),
    Scenario("a thread of the snapshot has its turn in every case", Machine(cpus=2), options={"seed": 1, "cases": 3000},
             elf=sample_targets.built(thread_targets.BACKGROUND), must=FUZZED, verdict=verdicts.only_cases_that_return),
    Scenario("what a waiting thread points to is no leak", Machine(cpus=1), options={"seed": 1, "cases": 100},
             elf=sample_targets.built(thread_targets.REACHED), must=FUZZED, verdict=verdicts.no_crash),
    Scenario("a thread costs three exits", Machine(cpus=1), options={"seed": 1, "cases": 20_000},
             elf=sample_targets.built(thread_targets.ONE_THREAD), must=FUZZED, verdict=verdicts.a_thread_is_cheap),
    Scenario("the C++ library's threads run, and repeat", Machine(cpus=1), boots=2, timeout=240,
             options={"seed": 1, "cases": 300},
             elf=sample_targets.built(thread_targets.STANDARD, "c++", "glibc", ("-std=c++17",)), seeds=False,
             entries=(("seed/any", b"abc"),), must=FUZZED, verdict=verdicts.only_findings_that_repeat),
    Scenario("CPUID in a case costs no exit", Machine(cpus=1), options={"seed": 1, "cases": 20_000}, timeout=120,
             elf=sample_targets.built(sample_targets.CPUID_IN_A_CASE), seeds=False, entries=(("seed/one", b"x"),),
             must=FUZZED, verdict=verdicts.cpuid_costs_no_exit),
    _refused("a target larger than its virtual machine", Error("guest.target_too_large"),
             options={"seed": 1}, elf=sample_targets.enlarged(sample_targets.built(sample_targets.touching(1)), 160)),
    Scenario("cases that want more memory than there is", Machine(memory="32M", cpus=4), timeout=120,
             entries=(("seed/greedy", b"m"), ("seed/modest", b"x")), seeds=False, options={"seed": 1},
             stop_when=verdicts.all_cores_busy, elf=sample_targets.built(sample_targets.GREEDY), must=FUZZED,
             verdict=verdicts.some_ran_out_of_memory),
    _refused("a target that wants more memory than there is", Error("mm.out_of_frames"), options={"seed": 1},
             machine=Machine(cpus=1, memory="64M"), elf=sample_targets.built(sample_targets.touching(100))),
]

def _replays(name, long=True, **target):
    """200,000 replays of seeds and their mutants: ending, edges, finding and digest are the same each time."""
    return Scenario(f"200,000 replays of {name} are the same", Machine(cpus=1), options={"test": "long_an_input*"},
                    timeout=7200, verdict=verdicts.tests_ran, show=verdicts.REPLAYS, long=long, **target)


REPLAYS = [
    _replays("stb_image"),
    _replays("a target in C++", target="cxx_example"),
    _replays("injected bugs", target="injected_bugs", seeds=False,
             entries=tuple((f"seed/{byte}", bytes([byte]) + b"0123456789") for byte in (0, 5, 9, 20, 30, 40, 50, 72))),
    _replays("threads", elf=sample_targets.built(sample_targets.THREADS), seeds=False,
             entries=(("seed/turns", b"abcdefgh"), ("seed/deadlock", b"D"))),
    _replays("files", elf=sample_targets.built(sample_targets.FILES_AND_SIGNALS), seeds=False,
             entries=(("seed/short", b"abcdefgh"), ("seed/long", bytes(range(200))))),
]

BUGS = [injected_bugs.scenario(bug) for bug in injected_bugs.BUGS] + panics.PANICS + panics.STUCK
CONSOLE = console.CONSOLE + console.TRACED + reboot.REBOOTS
MODES = [_needs_the_test_kernel(*mode) for mode in (("test", "*"), ("bench", "*"), ("inject", "null-read"))]
SCENARIOS = (WHOLES + hardware.HARDWARE + MODES + DICTIONARIES + LAYOUTS + ways.WAYS + KEXEC + maps.SCENARIOS +
             screen.SCREENS + CONSOLE + TARGETS + REPLAYS + BUGS + development.DEVELOPMENT + bochs.SECOND +
             [_matrix(*row) for row in MATRIX] + REFUSALS)
