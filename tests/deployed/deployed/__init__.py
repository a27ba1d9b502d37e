"""The tests of the deployed stack, see tests/deployed/run."""
