"""What the bench reckons and what it refuses: a measurement that cannot fail would measure nothing."""
