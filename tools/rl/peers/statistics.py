"""Two samples compared as papers on fuzzing do it: the Mann-Whitney U test, and Vargha and Delaney's effect size."""
import itertools
import math
from statistics import NormalDist

MOST_EXACT = 200_000            # ways to divide the values: five seeds against five have 252


def ranks(values):
    """The rank of each value from 1; equal ones share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    for _, group in itertools.groupby(enumerate(order), key=lambda place: values[place[1]]):
        places = list(group)
        mean = sum(number + 1 for number, _ in places) / len(places)
        for _, index in places:
            found[index] = mean
    return found


def mann_whitney(ours, theirs):
    """Two-sided p: how probable such a difference is when both are of one distribution. Exact for small samples."""
    all_ranks, count = ranks([*ours, *theirs]), len(ours)
    expected = sum(all_ranks) * count / len(all_ranks)
    off = abs(sum(all_ranks[:count]) - expected)
    if math.comb(len(all_ranks), count) > MOST_EXACT:
        return _by_normal_distribution(all_ranks, count, off)
    sums = [sum(chosen) for chosen in itertools.combinations(all_ranks, count)]
    return sum(abs(one - expected) >= off - 1e-9 for one in sums) / len(sums)


def _by_normal_distribution(all_ranks, count, off):
    size = len(all_ranks)
    ties = sum(many ** 3 - many for many in (all_ranks.count(rank) for rank in set(all_ranks)))
    variance = count * (size - count) / 12 * (size + 1 - ties / (size * (size - 1)))
    return 1.0 if variance == 0 else min(1.0, 2 * (1 - NormalDist().cdf(max(0.0, off - 0.5) / math.sqrt(variance))))


def effect_size(ours, theirs):
    """A12: the probability that one of ours is larger than one of theirs; equal ones count half."""
    won = sum((a > b) + 0.5 * (a == b) for a in ours for b in theirs)
    return won / (len(ours) * len(theirs))
