"""What is out of the ordinary, since when, and why. Pure: frames and arrays in, frames and arrays out.

Not here: which metrics are watched (the catalogue says), tables, files, clocks, and anything of the simulator.
"""
