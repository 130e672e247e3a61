"""What is out of the ordinary, since when, and why. Pure: frames and arrays in, frames and arrays out.

There are two ways in: `shop.detect_shop` judges all daily series of a shop, `detect.detect` one series of any step.
Both go from what was expected and how far off each step is (`zscore`, `isolation_forest`, and `follow` for a shop or
`forecast_residual` for one series) to how rare that is (`calibration`), what the three say together (`judgement`,
`consensus`) and what alarms (`points`, `events`). A shop's alarms become notifications of causes (`grouping`).

Not here: which metrics are watched (the catalogue says), tables, files, clocks, and anything of the simulator.
"""
