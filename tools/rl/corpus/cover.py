"""The set cover: few and small inputs that show every feature of all of them."""
import heapq
from collections import Counter


def cover(features, sizes):
    """Positions of inputs that together show every feature, in the order of their choice.

    `features`: the features of each input; `sizes`: its bytes. The greedy choice: next comes the input that adds most
    features, the smallest of several. Adding can only become less, so an input is counted again only when it is
    next by what it added once. At last what the later ones have made superfluous goes, the largest first.
    """
    queue = [(-len(found), sizes[n], n) for n, found in enumerate(features) if len(found)]
    heapq.heapify(queue)
    shown, chosen = set(), []
    while queue:
        was, size, n = heapq.heappop(queue)
        adds = sum(feature not in shown for feature in features[n])
        if adds == -was:
            shown.update(features[n])
            chosen.append(n)
        elif adds:
            heapq.heappush(queue, (-adds, size, n))
    return _without_superfluous(chosen, features, sizes)


def _without_superfluous(chosen, features, sizes):
    shown_by = Counter(feature for n in chosen for feature in features[n])
    kept = set(chosen)
    for n in sorted(chosen, key=lambda n: (-sizes[n], n)):
        if all(shown_by[feature] > 1 for feature in features[n]):
            shown_by.subtract(features[n])
            kept.remove(n)
    return [n for n in chosen if n in kept]
