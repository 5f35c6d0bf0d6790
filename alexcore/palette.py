"""The colours of every chart, drawing and report. They lie here because a report is drawn without a dashboard.

Most are from Okabe and Ito (2008), whose palette is made for colour-blind readers, with the blue a little lighter. Its
yellow does not show on white and its black not on a dark page: no line has them.
"""

from __future__ import annotations

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#3A8FD0", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
GREY, VIOLET, YELLOW = "#999999", "#8C6BB1", "#F0E442"
# Of the line at 0, at chance, at a half: what one compares with, not what was measured.
GUIDE = "#888888"

TRAIN, VAL, REST = BLUE, VERMILION, GREEN
SPLITS = {"train": TRAIN, "val": VAL, "test": REST}
# Lines of which none is special, in this order; dashes or symbols have to tell them apart as well.
LINES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY, VIOLET)
# Of a heat map with white numbers in it: from nearly black to a blue that is dark enough.
CELLS = [[0.0, "#10202E"], [1.0, "#2878B8"]]
# Of a heat map without numbers: Nuñez, Anderton and Renslow (2018).
HEAT = "Cividis"
# Viridis without its ends, which vanish on a dark and on a light page: dark is low, light is high.
SHADES = ("#482878", "#3E4989", "#31688E", "#26828E", "#1F9E89", "#35B779", "#6DCD59", "#B4DE2C")
