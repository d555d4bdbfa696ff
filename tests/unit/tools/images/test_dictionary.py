"""Dictionaries of AFL++ and libFuzzer, and lines that are neither's."""
import random
import unittest

from tools.rl.images import dictionary


def tokens(text):
    found, warnings = dictionary.parse(text)
    assert warnings == [], warnings
    return found


def why(line):
    found, warnings = dictionary.parse(b'"good"\n' + line + b'\n"also good"')
    assert found == [b"good", b"also good"], found
    assert [warning.line for warning in warnings] == [2], warnings
    return warnings[0].why


class Syntax(unittest.TestCase):
    def test_names_levels_numbers_blanks_and_comments(self):
        text = (b'# comment\n\n  \t\n"bare"\nname="a"\n  in = "b"\nlevel@2="c"\nlist[3]="d"\nwith-dash.dot ="e"\n'
                b'name"f"\n  # comment "x"\nbehind="g"  # comment\n')
        self.assertEqual(tokens(text), [b"bare", b"a", b"b", b"c", b"d", b"e", b"f", b"g"])

    def test_ends_of_lines_and_of_files(self):
        self.assertEqual(tokens(b'\xef\xbb\xbf"a"\r\n"b"\r\n\r\n"c"'), [b"a", b"b", b"c"])
        self.assertEqual(tokens(b""), [])
        self.assertEqual(tokens(b"\n\r\n"), [])
        self.assertEqual(tokens(b"\xef\xbb\xbf"), [])

    def test_escapes_give_any_byte(self):
        self.assertEqual(tokens(rb'"\x00\xfF\\\"\n\r\t=#"'), [b'\x00\xff\\"\n\r\t=#'])
        self.assertEqual(tokens(rb'"\0\012\377\18\a\b\e\f\v"'), [b"\x00\n\xff\x018\a\b\x1b\f\v"])

    def test_quotes_inside_need_no_backslash(self):
        self.assertEqual(tokens(b'"a"b"\nk="<x y="1">"\n"""\n'), [b'a"b', b'<x y="1">', b'"'])
        self.assertEqual(tokens(rb'"end\\"'), [b"end\\"])

    def test_bytes_that_are_not_printable_stand_for_themselves(self):
        self.assertEqual(tokens("k=\"\u00e4\u4e2d\"".encode()), ["\u00e4\u4e2d".encode()])

    def test_a_file_without_quotes_is_a_list_of_words(self):
        found, warnings = dictionary.parse(b"# words\n!=\nalias\r\n\nAND x\n")
        self.assertEqual(found, [b"!=", b"alias", b"AND x"])
        self.assertEqual(len(warnings), 1)


class BadLines(unittest.TestCase):
    def test_each_is_skipped_with_its_number(self):
        for line in (b"novalue", b'"open', b'"', b'k="', b"k='x'"):
            self.assertIn("quot", why(line), line)
        self.assertIn("empty", why(b'k=""'))
        for line in (rb'"\q"', rb'"\x1"', rb'"\xg0"', rb'"\8"', rb'"\400"'):
            self.assertIn("escape", why(line), line)
        self.assertIn("quote", why(rb'"end\"'))
        self.assertIn("bytes", why(b'"' + b"x" * (dictionary.LONGEST_TOKEN + 1) + b'"'))
        self.assertEqual(len(tokens(b'"' + b"x" * dictionary.LONGEST_TOKEN + b'"')[0]), dictionary.LONGEST_TOKEN)

    def test_warnings_name_file_and_line_and_end_at_a_number(self):
        said = []
        data = dictionary.prepared(b'"a"\n' + b"x\n" * 1000, "some.dict", said.append)
        self.assertEqual(data, b"\x01\x00a")
        self.assertEqual(len(said), dictionary.MOST_WARNINGS + 1)
        self.assertTrue(said[0].startswith("warning: some.dict:2: "), said[0])
        self.assertIn(str(1000 - dictionary.MOST_WARNINGS), said[-1])


class Packed(unittest.TestCase):
    def test_by_size_then_content_and_each_once(self):
        self.assertEqual(dictionary.pack([b"bb", b"a", b"ba", b"bb", b"z"]),
                         b"\1\0a\1\0z\2\0ba\2\0bb")

    def test_thousands_of_tokens(self):
        text = b"".join(b'k%d="token%d"\n' % (n, n) for n in range(20_000))
        self.assertEqual(len(tokens(text)), 20_000)

    def test_any_bytes_are_read(self):
        choices = [b'"', b"\\", b"=", b"\n", b"#", b"x", b"0", b"\xff", b"\0", b" ", b"k@1"]
        drawn = random.Random(1)
        for _ in range(5000):
            text = b"".join(drawn.choices(choices, k=drawn.randrange(20)))
            found, warnings = dictionary.parse(text)
            self.assertLessEqual(len(found), text.count(b"\n") + 1)
            self.assertTrue(all(0 < len(token) <= dictionary.LONGEST_TOKEN for token in found), text)
            self.assertTrue(all(1 <= warning.line <= text.count(b"\n") + 1 for warning in warnings), text)


if __name__ == "__main__":
    unittest.main()
