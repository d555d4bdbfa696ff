"""The parser of the machine's records: lines of JSON among the lines of text on the serial line."""
import json


def parse_record(line):
    """A record (dict) when the line is one, else the text."""
    text = line.decode(errors="replace")
    if text.startswith("{"):
        try:
            record = json.loads(text)
        except ValueError:
            return text
        if isinstance(record, dict) and "type" in record:
            return record
    return text
