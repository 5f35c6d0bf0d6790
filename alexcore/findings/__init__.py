"""What can be wrong or worth knowing, one small class each: of a data set, of a run, of an experiment.

A finding is a fact: a stable code and values. Its sentence comes from `alexcore.words`, its page in docs/findings.md is
the docstring of its class.
"""
