"""What is to be measured on a data set: one file for each task.

A measurement knows its protocol, its data and its settings before it is made, so that what was
recorded already is recognised.
"""
