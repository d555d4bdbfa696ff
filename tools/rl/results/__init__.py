"""What a run leaves: the output folder, the live view, the report, symbols."""
