"""The results of a run: the output folder, the live view, the report, symbols."""
