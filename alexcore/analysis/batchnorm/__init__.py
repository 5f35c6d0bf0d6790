"""The BatchNorm experiment: what is measured inside a network, and what the numbers say. One file a question.

Probes take a network and pictures, return plain numbers that JSON can hold, and leave the network and every generator
as they were (`guard`). They know neither files nor runs.
"""
