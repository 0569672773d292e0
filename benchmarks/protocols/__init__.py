"""How a measurement is taken: what is asked, in which order, against what truth."""
