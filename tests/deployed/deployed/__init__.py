"""The deployed proof: see tests/deployed/run."""
