"""What trains and measures the arms of an experiment; everything here needs torch."""
