"""The parts of a run's report, each as HTML."""
