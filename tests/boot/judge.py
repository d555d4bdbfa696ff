"""Verdicts over what several records, or several boots, say together: "" or a complaint."""


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
