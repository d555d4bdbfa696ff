"""From the edges of inputs to lines: which instructions belong to a block, and how many inputs reach a line."""
import unittest

from tools.rl.corpus import reached_lines
from tools.rl.corpus.disassembly import Code, Lines
from tools.rl.results.symbols import Frame

# f: two blocks, 0x10 and 0x20. The first one has a slow path behind the second, which ends in a function that never
# returns; a budget's path behind that leaves the function.
TEXT = """
0000000000000010 <f>:
      10:      \tdecq\t5(%rip)            # 0x99 <hot>
      12:      \tjs\t0x40 <f+0x30>
      14:      \tjne\t0x30 <f+0x20>
      16:      \tjmp\t0x20 <f+0x10>
      18:      \tnop
      20:      \tcallq\t0x90 <g>
      25:      \tretq
      26:      \tint3
      30:      \tjl\t0x16 <f+0x6>
      32:      \tcallq\t0x80 <report>
      37:      \tcallq\t0x80 <report>
      40:      \tleaq\t-128(%rsp), %rsp
      44:      \tjmp\t0xa0 <limit>

0000000000000080 <report>:
      80:      \tint3

0000000000000090 <g>:
      90:      \tjmpq\t*%rax

00000000000000a0 <limit>:
      a0:      \tretq
"""
TABLE = """
debug_line[0x00000000]
Line table prologue:
        version: 5
include_directories[  0] = "/src"
include_directories[  1] = "/usr/include"
file_names[  0]:
           name: "a.c"
      dir_index: 0
   md5_checksum: 0
file_names[  1]:
           name: "b.h"
      dir_index: 1

Address            Line   Column File   ISA Discriminator Flags
------------------ ------ ------ ------ --- ------------- -------------
0x0000000000000010      1      5      0   0             0  is_stmt
0x0000000000000016      0      5      0   0             0  is_stmt
0x0000000000000020      7      0      1   0             0  is_stmt
0x0000000000000025      2      0      0   0             0  is_stmt
0x0000000000000030      1      0      0   0             0  is_stmt
0x0000000000000037      9      0      0   0             0  is_stmt
0x0000000000000040      0      0      0   0             0  is_stmt
0x0000000000000050      0      0      0   0             0  is_stmt end_sequence
"""
BEGINS = [0x10, 0x20]


class CodeTest(unittest.TestCase):
    def setUp(self):
        self.code = Code(TEXT.split("\n"), BEGINS)

    def test_a_block_is_what_is_reached_from_its_beginning_without_the_next_one(self):
        self.assertEqual(self.code.of_block(0x10, set(BEGINS)), [0x10, 0x12, 0x14, 0x16, 0x30, 0x32, 0x40, 0x44])

    def test_behind_a_call_that_returns_the_block_goes_on(self):
        self.assertEqual(self.code.of_block(0x20, set(BEGINS)), [0x20, 0x25])

    def test_stretches_of_a_block_have_their_sizes(self):
        self.assertEqual(self.code.runs([0x10, 0x12, 0x30, 0x32]), [(0x10, 4), (0x30, 7)])

    def test_a_block_that_is_not_in_the_code_has_no_instructions(self):
        self.assertEqual(self.code.of_block(0x1234, set(BEGINS)), [])

    def test_lines_that_are_none_are_passed_over(self):
        code = Code(["", "no disassembly", "  zz: ret", "10: nop", "0000 <f>:"], [0x10])
        self.assertEqual(code.of_block(0x10, {0x10}), [0x10])


class LinesTest(unittest.TestCase):
    def test_an_address_has_the_line_of_the_row_before_it(self):
        lines = Lines(TABLE.split("\n"))
        self.assertEqual([lines.of(at) for at in (0x10, 0x14, 0x20, 0x25, 0x26)],
                         [("/src/a.c", 1), ("/src/a.c", 1), ("/usr/include/b.h", 7), ("/src/a.c", 2), ("/src/a.c", 2)])

    def test_where_the_table_says_no_line_there_is_none(self):
        lines = Lines(TABLE.split("\n"))
        self.assertEqual([lines.of(at) for at in (0x0, 0x16, 0x44, 0x50, 0x1000)], [None] * 5)

    def test_a_table_of_nothing_has_no_lines(self):
        self.assertIsNone(Lines([]).of(5))
        self.assertIsNone(Lines(["0x0000000000000010      1      5      9   0             0  is_stmt"]).of(0x10))


class FilesTest(unittest.TestCase):
    def files(self, *features):
        places = [Frame(0x10, "f", "/src/a.c", 1, False), Frame(0x20, "f", "/usr/include/b.h", 7, False)]
        return reached_lines.files(BEGINS, reached_lines.reached(2, features), Code(TEXT.split("\n"), BEGINS),
                                   Lines(TABLE.split("\n")), places)

    def test_a_line_has_as_many_hits_as_inputs_reach_it(self):
        first, second = self.files([0], [1, 8], [7, 9])         # the classes of hit counts do not matter
        self.assertEqual((first.name, first.lines), ("/src/a.c", {1: 3, 2: 2}))
        self.assertEqual((second.name, second.lines), ("/usr/include/b.h", {7: 2}))
        self.assertEqual([(f.name, f.line, f.inputs) for f in first.functions], [("f", 1, 3)])

    def test_what_no_input_reaches_is_there_with_none(self):
        self.assertEqual(self.files([])[0].lines, {1: 0, 2: 0})

    def test_edges_that_the_target_has_not_are_passed_over(self):
        self.assertEqual(self.files([0, 4000])[0].lines, {1: 1, 2: 0})


if __name__ == "__main__":
    unittest.main()
