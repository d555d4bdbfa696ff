"""What somebody may have meant who typed a word that is none of those there are."""
import difflib

CLOSE = 0.6                     # difflib's own: two letters of five may differ


def nearest(word, names):
    """Up to three of the names, the likeliest first, in any case of letters."""
    by_small = {name.lower(): name for name in sorted(names, reverse=True)}
    return [by_small[near] for near in difflib.get_close_matches(word.lower(), by_small, 3, CLOSE)]


def meant(word, names):
    """", did you mean NAME?", or nothing when no name is near."""
    near = nearest(word, names)
    return f", did you mean {' or '.join(near)}?" if near else ""
