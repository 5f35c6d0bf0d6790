"""What one learns from a model: evaluation and prediction."""
