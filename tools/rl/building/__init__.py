"""What is built from what, by which tools."""
